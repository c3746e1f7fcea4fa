import { execFileSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { createProject, failure, minimal, registry } from "./project.ts";

test("the least that is valid gets every default", async () => {
  await using project = await createProject(minimal);
  expect(await project.load()).toEqual({
    path: join(project.directory, "coldtivate.yml"),
    directory: project.directory,
    project: "shop",
    registry: { image: "registry.example.com/group/backend", host: "registry.example.com", insecure: false },
    build: { submodules: true, ssh: false, args: {}, secrets: {}, platforms: [] },
    content: {},
    images: { web: { name: "web", context: "Web", dockerfile: "Dockerfile", args: {}, secrets: {} } },
    services: {},
    composeVariables: [],
    front: { image: "haproxy:3.2-alpine" },
    tasks: [],
    irreversible: false,
    keepReleases: 5,
    hooks: { client: {}, host: {} },
    secretVariables: [],
    environments: {
      staging: {
        name: "staging",
        branches: ["main"],
        tags: [],
        confirm: false,
        hosts: [{ host: "staging.example.com", user: "deploy" }],
      },
    },
  });
});

test("every key is understood", async () => {
  await using project = await createProject(`project: shop
registry: { image: "localhost:5000/shop", username: me, password: { command: [printf, "s3cret\\n"] }, insecure: "\${INSECURE}" }
build:
  cache: buildcache
  submodules: false
  ssh: true
  ssh_key: \${KEY}
  args: { PYTHON: 3.10, DEBUG: true }
  secrets: { npm: { env: NPM_TOKEN }, pip: { file: pip.conf }, plain: text }
  platforms: [linux/amd64, linux/arm64]
images:
  web: { context: ./Web/, target: final, args: { A: b }, services: [web] }
  worker: { context: Worker, dockerfile: Dockerfile.worker, secrets: { extra: x } }
services:
  web: { rollout: blue-green, port: "\${PORT}", healthy_within: 500ms, drain: 1h, trusted_proxies: [10.0.0.0/8], request_timeout: 5m }
  worker:
    rollout: hold
    ports: [8000, { port: 443, mode: tcp, proxy_protocol: true }]
    mode: http
    proxy_protocol: false
    drain_signal: { file: /run/drain, wait: 6s }
    hold_limit: 90s
  db: { rollout: recreate, drain_signal: { command: [sh, -c, "leave now"] } }
compose_variables: [RELEASE_NAME, "\${NAMED}"]
front: { image: "haproxy:lts", memory: 32m }
tasks:
  - { name: migrate, service: web, run: [manage, migrate], undo: [manage, back], timeout: 90s }
  - { name: seed, service: web, run: [seed] }
environments:
  staging: { branches: [main, "release/*"], host: a.example.com, user: deploy, port: 2222, compose: [docker-compose.yml] }
  production:
    tags: ["v*"]
    confirm: true
    hosts:
      - one.example.com
      - { host: two.example.com, user: other, port: 2200, fingerprint: "SHA256:${"a".repeat(43)}", known_hosts: "two.example.com ssh-ed25519 AAAA" }
    user: deploy
    private_key: { file: key }
    dotenv: \${DOTENV}
`);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(project.directory, "key")]);
  await project.write("pip.conf", "[global]\n");
  const key = await readFile(join(project.directory, "key"), "utf8");
  const env = {
    ...process.env,
    INSECURE: "true",
    KEY: key,
    NPM_TOKEN: "npm-token",
    PORT: "8000",
    NAMED: "CI_RUNNER_TAGS",
    DOTENV: "A=1\nB=2\n",
  };
  const config = await project.load({ env, environment: "production", needs: ["build", "hosts", "dotenv"] });

  expect(config.registry).toMatchObject({
    image: "localhost:5000/shop",
    host: "localhost:5000",
    insecure: true,
    credentials: { username: "me" },
  });
  expect(config.registry.credentials?.password.reveal()).toBe("s3cret");
  expect(config.build).toMatchObject({
    cache: "buildcache",
    submodules: false,
    ssh: true,
    args: { PYTHON: "3.10", DEBUG: "true" },
    platforms: ["linux/amd64", "linux/arm64"],
  });
  expect(config.build.sshKey?.reveal()).toBe(key);
  expect(Object.entries(config.build.secrets).map(([id, secret]) => [id, secret.reveal()])).toEqual([
    ["npm", "npm-token"],
    ["pip", "[global]\n"],
    ["plain", "text"],
  ]);
  expect(config.images["web"]).toMatchObject({ context: "Web", target: "final", args: { A: "b" }, services: ["web"] });
  expect(config.images["worker"]).toMatchObject({ context: "Worker", dockerfile: "Dockerfile.worker" });
  expect(config.services).toEqual({
    web: {
      rollout: "blue-green",
      ports: [{ port: 8000 }],
      healthyWithin: 500,
      drain: 3_600_000,
      trustedProxies: ["10.0.0.0/8"],
      requestTimeout: 300_000,
    },
    worker: {
      rollout: "hold",
      ports: [{ port: 8000 }, { port: 443, mode: "tcp", proxyProtocol: true }],
      mode: "http",
      proxyProtocol: false,
      drainSignal: { signal: { file: "/run/drain" }, wait: 6000 },
      holdLimit: 90_000,
    },
    db: { rollout: "recreate", drainSignal: { signal: { command: ["sh", "-c", "leave now"] }, wait: 4000 } },
  });
  expect(config.composeVariables).toEqual(["RELEASE_NAME", "CI_RUNNER_TAGS"]);
  expect(config.front).toEqual({ image: "haproxy:lts", memory: "32m" });
  expect(config.tasks.map(({ name, timeout, undo }) => [name, timeout, undo])).toEqual([
    ["migrate", 90_000, ["manage", "back"]],
    ["seed", 600_000, undefined],
  ]);
  expect(config.environments["staging"]?.hosts).toEqual([{ host: "a.example.com", port: 2222, user: "deploy" }]);
  const { hosts = [], dotenv, dotenvSource } = config.environments["production"] ?? {};
  expect(hosts.map(({ host, port, user }) => [host, port, user])).toEqual([
    ["one.example.com", undefined, "deploy"],
    ["two.example.com", 2200, "other"],
  ]);
  expect(hosts.map(({ privateKey }) => privateKey?.reveal())).toEqual([key, key]);
  expect(hosts[1]).toMatchObject({ fingerprint: `SHA256:${"a".repeat(43)}`, knownHosts: "two.example.com ssh-ed25519 AAAA" });
  expect([dotenv?.reveal(), dotenvSource]).toEqual(["A=1\nB=2\n", "DOTENV"]);
});

test("the file is found upward from where one stands", async () => {
  await using project = await createProject(minimal);
  await mkdir(join(project.directory, "Web/src"));
  expect((await project.load({ cwd: join(project.directory, "Web/src") })).directory).toBe(project.directory);
});

test("no file anywhere says where it was looked for and how to begin", async () => {
  const error = await failure(async () =>
    (await import("../../../src/lib/config/load.ts")).loadConfig(undefined, { cwd: "/proc", env: {} }),
  );
  expect(error).toMatchObject({ code: "CONFIG_MISSING", exit: "usage", message: "There is no coldtivate.yml in /proc or above it." });
  expect(error.hint).toContain("--config");
});

test("an environment that is not there is answered with those that are", async () => {
  await using project = await createProject(minimal);
  const error = await failure(() => project.load({ environment: "stagin" }));
  expect(error).toMatchObject({ code: "UNKNOWN_ENVIRONMENT", exit: "usage", hint: "coldtivate.yml has: staging." });
  expect(error.message).toBe('There is no environment stagin (did you mean "staging"?).');
});

test("an optional value that is empty counts as absent", async () => {
  await using project = await createProject(`${minimal.replace("user: deploy", 'user: deploy, fingerprint: "${F:-}", private_key: ""')}
build: { ssh_key: "\${K:-}", ssh: "\${S:-}" }
services:
`);
  const config = await project.load({ environment: "staging", needs: ["build", "hosts"] });
  expect(config.environments["staging"]?.hosts).toEqual([{ host: "staging.example.com", user: "deploy" }]);
  expect(config.build).toMatchObject({ ssh: false });
  expect(config.services).toEqual({});
});

test("without a registry GitLab's variables count", async () => {
  await using project = await createProject(minimal.replace(registry, ""));
  const env = { CI_REGISTRY_IMAGE: "registry.example.com:5050/g/p", CI_REGISTRY_USER: "ci", CI_REGISTRY_PASSWORD: "job-token" };
  const { registry: found } = await project.load({ env });
  expect(found).toMatchObject({
    image: "registry.example.com:5050/g/p",
    host: "registry.example.com:5050",
    credentials: { username: "ci" },
  });
  expect((await project.load({ env: { CI_REGISTRY_IMAGE: "group/image" } })).registry).toEqual({
    image: "group/image",
    host: "docker.io",
    insecure: false,
  });
  // Docker Hub's other name is the same registry, with the same login.
  expect((await project.load({ env: { CI_REGISTRY_IMAGE: "index.docker.io/org" } })).registry).toMatchObject({ host: "docker.io" });
  expect(await project.problems()).toEqual(["coldtivate.yml:1:1  registry.image: the variable CI_REGISTRY_IMAGE is not set"]);
});

test("hosts on the way are written in several ways, and take the key of the host behind them", async () => {
  await using project = await createProject(
    minimal.replace(
      "user: deploy }",
      `user: deploy, private_key: { file: key }, ssh_config: trust, jump: [a.example.com, "ann@b.example.com:2222", "[2001:db8::1]:23", { host: d.example.com, port: 24, user: dan, private_key: { file: other }, known_hosts: "d ssh-ed25519 AAAA" }] }
  direct: { branches: [main], user: deploy, jump: none, hosts: [x, { host: y, jump: ann@b.example.com }] }
  none: { branches: [main], host: z, jump: "\${BASTION:-}" }`,
    ),
  );
  for (const name of ["key", "other"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(project.directory, name)]);
  const { environments } = await project.load({ environment: "staging", needs: ["hosts"] });
  const [host] = environments["staging"]!.hosts;
  const inherited = { privateKey: host!.privateKey, sshConfig: "trust" };
  expect(host?.sshConfig).toBe("trust");
  expect(host?.jump).toEqual([
    { host: "a.example.com", ...inherited },
    { host: "b.example.com", port: 2222, user: "ann", ...inherited },
    { host: "2001:db8::1", port: 23, ...inherited },
    {
      host: "d.example.com",
      port: 24,
      user: "dan",
      sshConfig: "trust",
      privateKey: expect.any(Secret) as Secret,
      knownHosts: "d ssh-ed25519 AAAA",
    },
  ]);
  expect(host!.jump![3]!.privateKey!.reveal()).not.toBe(host!.privateKey!.reveal());
  expect(environments["direct"]?.hosts.map(({ jump }) => jump)).toEqual([[], [{ host: "b.example.com", user: "ann" }]]);
  expect(environments["none"]?.hosts[0]).not.toHaveProperty("jump");
});
