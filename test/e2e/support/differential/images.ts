import type { ProbeImage } from "./probe-image.ts";

const byEntrypoint = (...command: string[]): ProbeImage => ({ entrypoint: ["docker-entrypoint.sh"], command });
const data = (...paths: string[]): ProbeImage => ({ volumes: paths, files: Object.fromEntries(paths.map((path) => [path, {}])) });
const postgres: ProbeImage = {
  ...byEntrypoint("postgres"),
  expose: [5432],
  volumes: ["/var/lib/postgresql/data"],
  environment: { PGDATA: "/var/lib/postgresql/data" },
  files: { "/var/lib/postgresql": {}, "/var/lib/postgresql/data": { mode: 0o1777 } },
  stopSignal: "SIGINT",
};
const redis: ProbeImage = { ...byEntrypoint("redis-server"), ...data("/data"), expose: [6379], workingDirectory: "/data" };
const mysql: ProbeImage = { ...byEntrypoint("mysqld"), ...data("/var/lib/mysql"), expose: [3306, 33060] };
const php = { uid: 33, gid: 33 };

/** What images of others say of themselves, by the last part of their repository, as far as it matters to anybody. */
const others: Readonly<Record<string, ProbeImage>> = {
  postgres,
  postgis: postgres,
  "pgvecto-rs": postgres,
  postgresql: { expose: [5432] },
  redis,
  valkey: redis,
  mysql,
  mariadb: mysql,
  mongo: { ...byEntrypoint("mongod"), ...data("/data/db", "/data/configdb"), expose: [27017] },
  "clickhouse-server": { expose: [8123, 9000, 9009], ...data("/var/lib/clickhouse") },
  "cp-kafka": { expose: [9092], ...data("/var/lib/kafka/data", "/etc/kafka/secrets") },
  elasticsearch: { expose: [9200, 9300], workingDirectory: "/usr/share/elasticsearch", user: "1000:0" },
  logstash: { expose: [5044, 9600] },
  kibana: { expose: [5601] },
  minio: { expose: [9000], hidden: [9001] },
  prometheus: { expose: [9090], user: "nobody", ...data("/prometheus") },
  "grafana-oss": { expose: [3000], user: "472", workingDirectory: "/usr/share/grafana" },
  cadvisor: { expose: [8080] },
  nginx: { ...byEntrypoint("nginx", "-g", "daemon off;"), expose: [80], stopSignal: "SIGQUIT" },
  traefik: { expose: [80] },
  "nginx-proxy": { expose: [80, 443], ...data("/etc/nginx/certs", "/etc/nginx/dhparam") },
  gitea: { expose: [22, 3000], ...data("/data") },
  nextcloud: {
    expose: [80],
    volumes: ["/var/www/html"],
    entrypoint: ["/entrypoint.sh"],
    command: ["apache2-foreground"],
    workingDirectory: "/var/www/html",
    files: { "/var/www": php, "/var/www/html": { ...php, mode: 0o750 }, "/var/www/html/index.php": { content: "<?php\n", ...php } },
    stopSignal: "SIGWINCH",
  },
  wordpress: {
    ...byEntrypoint("apache2-foreground"),
    expose: [80],
    volumes: ["/var/www/html"],
    workingDirectory: "/var/www/html",
    files: { "/var/www": {}, "/var/www/html": { ...php, mode: 0o1777 } },
    stopSignal: "SIGWINCH",
  },
  matomo: { expose: [9000], ...data("/var/www/html"), stopSignal: "SIGQUIT" },
  server: { expose: [80], ...data("/data"), environment: { ROCKET_PORT: "80" } },
  "immich-server": { expose: [2283], healthcheck: { Test: ["CMD", "/bin/true"], Interval: 1_000_000_000 } },
  "community-edition": { entrypoint: [], command: ["/bin/probe"], expose: [8000], user: "1000" },
  mastodon: { expose: [3000], user: "1000", workingDirectory: "/mastodon" },
  "mastodon-streaming": { expose: [4000], user: "1000" },
  "paperless-ngx": { expose: [8000], volumes: ["/usr/src/paperless/data", "/usr/src/paperless/media", "/usr/src/paperless/export"] },
  n8n: { expose: [5678], user: "node", workingDirectory: "/home/node" },
  ghost: { ...byEntrypoint("node", "current/index.js"), expose: [2368], ...data("/var/lib/ghost/content") },
  discourse: { expose: [3000] },
  airflow: { hidden: [8080], user: "50000" },
  kong: { expose: [8000, 8001, 8443] },
  studio: { expose: [3000] },
  "postgres-meta": { expose: [8080] },
  gluetun: { expose: [8000, 8388], hidden: [8080] },
  "eclipse-mosquitto": { expose: [1883], ...data("/mosquitto/data", "/mosquitto/log") },
  jellyfin: { expose: [8096], volumes: ["/config", "/cache"] },
  "uptime-kuma": { expose: [3001], volumes: ["/app/data"] },
  directus: { expose: [8055], user: "node", volumes: ["/directus/database", "/directus/uploads", "/directus/extensions"] },
  "rocket.chat": { expose: [3000] },
  tika: { expose: [9998] },
  sentry: { hidden: [9080] },
  gotenberg: { expose: [3000] },
};

/** Images that are made for the corpus: they have no entrypoint unless it is said. */
const own: Readonly<Record<string, ProbeImage>> = {
  service: { hidden: [8080] },
  web: { expose: [8080], hidden: [9000, 9001] },
  worker: {},
  files: { hidden: [8080] },
  "with-environment": { environment: { GREETING: "of the image", KEPT: "of the image" } },
  "with-entrypoint": { entrypoint: ["/bin/probe", "of-image"], command: ["default", "words"] },
  "with-user": { user: "node", workingDirectory: "/home/node" },
  "with-healthcheck": { healthcheck: { Test: ["CMD", "/bin/true"], Interval: 1_000_000_000 } },
  "with-volume": {
    volumes: ["/var/lib/app"],
    files: {
      "/var/lib/app": { uid: 1000, gid: 2000, mode: 0o770 },
      "/var/lib/app/first": { content: "of the image\n", uid: 1000, mode: 0o600 },
      "/opt/app": {},
      "/opt/app/program": { content: "#!/bin/sh\n", mode: 0o755 },
      "/etc/app/default.conf": { content: "a = b\n" },
    },
  },
};

export function probeFor(repository: string): ProbeImage {
  const name = repository.split("/").at(-1) ?? "";
  if (repository.startsWith("ghcr.io/example/")) return own[name] ?? {};
  return { entrypoint: ["/bin/probe"], ...others[name] };
}
