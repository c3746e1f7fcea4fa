/** Well-formed inputs of each kind, which are spoilt. */

export const configuration = `project: shop
registry: { image: registry.example.com/group/backend, username: \${REGISTRY_USER:-me}, password: { env: TOKEN } }
build:
  cache: buildcache
  args: &args { PYTHON: 3.10, DEBUG: true }
  secrets: { npm: { env: TOKEN }, plain: text }
  platforms: [linux/amd64, linux/arm64]
images:
  web: { context: ./Web, args: *args, contexts: { base: docker-image://alpine:3, more: ./Worker }, services: [web] }
  worker: { context: Worker, dockerfile: Dockerfile }
services:
  web: { rollout: blue-green, port: "\${PORT:-80}", healthy_within: 60s, trusted_proxies: [10.0.0.0/8] }
  worker: { rollout: hold, ports: [8000, { port: 443, mode: tcp }], drain_signal: { file: /run/drain, wait: 6s }, data: [./up] }
compose_variables: [STAGE]
front: { image: "haproxy:lts", memory: 32m }
tasks:
  - { name: migrate, service: web, run: [manage, migrate], undo: [manage, back], timeout: 90s }
hooks: { host: { after_deploy: ./after } }
environments:
  staging: { branches: [main, "release/*"], host: a.example.com, user: deploy, dotenv: { file: dotenv }, compose: [compose.yaml] }
  production:
    tags: ["v*"]
    hosts: [one.example.com, { host: two.example.com, port: 2200, known_hosts: "two.example.com ssh-ed25519 AAAA" }]
    user: deploy
`;

export const configurationWords = `project registry image build args secrets images web context contexts services ports port tasks run hooks
environments staging branches tags hosts host user dotenv compose shop ./Web main a.example.com compose.yaml env
file TOKEN compose_variables drain_signal known_hosts`.split(/\s/);

export const compose = `x-common: &common
  restart: always
  env_file: [web.env, { path: more.env, required: false }]
include:
  - part/compose.yaml
  - { path: [other.yaml], project_directory: ., env_file: [web.env] }
services:
  web:
    <<: *common
    image: "\${CI_REGISTRY_IMAGE}/web:\${TAG:-latest}"
    extends: { file: base.yaml, service: web }
    environment: { A: "\${A:-\${B-c}}", PRICE: "$$5" }
    volumes: ["./up:/up", "data:/data"]
    label_file: labels
  worker:
    <<: [*common, { image: x }]
    depends_on: [web]
volumes: { data: {} }
`;

export const composeWords = `include path project_directory env_file services web image extends file service label_file compose.yaml
part/compose.yaml web.env ../x . required format raw x-a \${A} environment`.split(/\s/);

export const dotenv = `# settings
NAME=value
export QUOTED="a \\"b\\" \\n c" # comment
SINGLE='it is $5'
LONG="first
second"
EMPTY=
URL=postgres://u:p@db/x?y=1#z
`;

export const envFile = `A=1\nB="\${A}-\${C:-x}"\nC='$A'\nexport D: yes # no\n`;

export const knownHosts = `# hosts
one.example.com,10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmZ5bV8Zc0QyqVx0mS0q9dLYQ1zQyqVx0mS0q9dLYQ1
[two.example.com]:2200 ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY=
|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AAAAB3NzaC1yc2E=
@revoked * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmZ5bV8Zc0QyqVx0mS0q9dLYQ1zQyqVx0mS0q9dLYQ1
@cert-authority *.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmZ5bV8Zc0QyqVx0mS0q9dLYQ1zQyqVx0mS0q9dLYQ1
`;

export const dockerfile = `# syntax=docker/dockerfile:1
ARG BASE=alpine:3
FROM --platform=$BUILDPLATFORM \${BASE} AS build
COPY --from=base /a /b
RUN --mount=type=secret,id=npm <<EOF
echo hello
EOF
FROM scratch
COPY --from=build / /
`;

export const ignoreFile = "# not these\n**/node_modules\n!keep/**\n*.log\n/a/?b/[a-c]*\n";

export const manifest = JSON.stringify({
  schemaVersion: 2,
  config: { digest: `sha256:${"a".repeat(64)}`, size: 10 },
  layers: [{ digest: `sha256:${"b".repeat(64)}`, size: 20 }],
  manifests: [{ digest: `sha256:${"c".repeat(64)}`, platform: { os: "linux", architecture: "amd64" } }],
});

export const tags = JSON.stringify({ name: "a/b", tags: ["latest", "v1", "content-abc"] });

export const history = "1\t2026-11-30T10:00:00Z\t20261130t100000-ac3e50a9\tfinished\tme\tmain\n";

export const capacity = "memory\t1000\t500\ndisk\t/var/lib/docker\t1000\nused\tweb\t5\npublishes\t-\tweb\t0.0.0.0:80->80/tcp\n";

export const reference = "registry.example.com:5000/group/web:v1@sha256:abc";
