import { describe, expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import type { ImageFacts } from "../../../src/lib/services/image-facts.ts";
import type { MentionedPort } from "../../../src/lib/services/mentioned-ports.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { inferRollouts } from "../../../src/lib/fronts/rollout.ts";

const web: ComposeService = { healthcheck: { test: ["CMD", "curl", "http://localhost:8000/up"] } };

interface Case {
  service?: ComposeService;
  name?: string;
  config?: ServiceConfig;
  built?: boolean;
  others?: Record<string, ComposeService>;
  facts?: Partial<ImageFacts>;
  bases?: string[];
  mentions?: MentionedPort[];
  networks?: Record<string, unknown>;
}

function decide({ service = web, name = "web", config, built = true, others = {}, facts, bases = [], mentions = [], networks = {} }: Case) {
  const known = facts === undefined ? undefined : { ports: [], volumes: [], entrypoint: [], command: [], environment: {}, ...facts };
  const rollouts = inferRollouts({
    model: { services: { [name]: service, ...others }, networks },
    mentions,
    names: [name],
    config: config === undefined ? {} : { [name]: config },
    isBuilt: () => built,
    factsOf: (asked) => (asked === name ? known : undefined),
    basesOf: () => bases,
    isContent: ({ source, read_only: readOnly }) => source?.startsWith("/state/files/") === true && readOnly === true,
  });
  return rollouts.get(name)!;
}

function rolloutOf(given: Case) {
  const { rollout, reason } = decide(given);
  return `${rollout}: ${reason}`;
}

const volume = { type: "volume", source: "data", target: "/data" };
const bind = (source: string, more = {}) => ({ type: "bind", source, target: "/d", ...more });
const order = (written: string) => ({ deploy: { update_config: { order: written } } });

const caddy = { command: ["caddy", "run"], environment: { XDG_DATA_HOME: "/data", XDG_CONFIG_HOME: "/config" } };

const checked = "port 8000, from its health check";
const waits = `hold: ${checked}; requests wait, because`;
const ifTheyMay = "rollout: blue-green if they may";

describe("the project's own", () => {
  test.each<[string, Case, string]>([
    ["takes requests", {}, `blue-green: ${checked}`],
    ["takes requests, and is to have a front", { config: { rollout: "blue-green" } }, `blue-green: set in coldtivate.yml; ${checked}`],
    ["takes none", { service: { command: ["./tool"] } }, "recreate: no port is known"],
    ["writes to a volume", { service: { ...web, volumes: [volume] } }, `${waits} two would write to the volume data; ${ifTheyMay}`],
    ["may write there with another", { service: { ...web, volumes: [volume] }, config: { rollout: "blue-green" } }, "blue-green: set"],
    ["reads a volume", { service: { ...web, volumes: [{ ...volume, read_only: true }] } }, `blue-green: ${checked}`],
    [
      "is Caddy, which shares its folders",
      { service: { ...web, volumes: [volume, { ...bind("/srv/config"), target: "/config/" }] }, facts: caddy },
      `blue-green: ${checked}; Caddy shares /data and /config between two`,
    ],
    [
      "is Caddy with a folder of its own",
      { service: { ...web, volumes: [{ ...volume, target: "/root/.local/share/caddy" }] }, facts: { command: ["/usr/bin/caddy", "run"] } },
      "blue-green",
    ],
    [
      "is Caddy, and writes elsewhere, too",
      { service: { ...web, volumes: [volume, bind("/srv/logs")] }, facts: caddy },
      `${waits} two would write to /d; ${ifTheyMay}`,
    ],
    [
      "writes to a folder of the host",
      { service: { ...web, volumes: [bind("/srv/media")] } },
      `${waits} two would write to /d; ${ifTheyMay}`,
    ],
    ["writes to a folder of the commit", { service: { ...web, volumes: [bind("/state/files/1/x")] } }, `${waits} two would write to /d`],
    ["reads one", { service: { ...web, volumes: [bind("/state/files/1/x", { read_only: true })] } }, `blue-green: ${checked}`],
    ["speaks to the engine", { service: { ...web, volumes: [bind("/var/run/docker.sock")] } }, `blue-green: ${checked}`],
    ["reads the host's clock", { service: { ...web, volumes: [bind("/etc/localtime")] } }, `blue-green: ${checked}`],
    [
      "has a volume without a name",
      { service: { ...web, volumes: [{ type: "volume", target: "/d" }] } },
      `${waits} two would write to /d (a`,
    ],
    [
      "has a volume of its image",
      { facts: { volumes: ["/var/lib/app"] } },
      `${waits} two would write to /var/lib/app (a volume of its image)`,
    ],
    [
      "has memory in that place",
      { service: { ...web, tmpfs: ["/var/lib/app:size=1m"] }, facts: { volumes: ["/var/lib/app/"] } },
      `blue-green: ${checked}`,
    ],
    ["has volumes of another", { service: { ...web, volumes_from: ["files"] } }, `${waits} two would write to the volumes of files`],
    ["reads volumes of another", { service: { ...web, volumes_from: ["files:ro"] } }, `blue-green: ${checked}`],
    ["has a modem", { service: { ...web, devices: ["/dev/ttyUSB0:/dev/ttyUSB0"] } }, `${waits} two would write to /dev/ttyUSB0`],
    [
      "has a stick under a name of its own",
      { service: { ...web, devices: ["/dev/zigbee:/dev/ttyACM0"] } },
      `${waits} two would write to /dev/zigbee`,
    ],
    [
      "mounts its modem",
      { service: { ...web, volumes: [bind("/dev/serial/by-id/usb-1")] } },
      `${waits} two would write to /dev/serial/by-id/usb-1`,
    ],
    [
      "has graphics by any way to name them",
      { service: { ...web, devices: [{ source: "/dev/nvidia0", target: "/dev/nvidia0" }, "nvidia.com/gpu=all", "/dev/dri/renderD128"] } },
      `blue-green: ${checked}`,
    ],
    ["mounts shared memory", { service: { ...web, volumes: [bind("/dev/shm"), bind("/dev/dri")] } }, `blue-green: ${checked}`],
    ["has a device that all may share", { service: { ...web, devices: ["/dev/null:/dev/licence", "/dev/dri"] } }, `blue-green: ${checked}`],
    ["writes, and takes no requests", { service: { volumes: [volume] } }, "recreate: no port is known"],
    ["the host's network", { service: { ...web, network_mode: "host" } }, "recreate: network_mode host: no front possible"],
    ["UDP", { service: { ports: [{ target: 53, protocol: "udp" }] } }, "recreate: published UDP port 53: a front passes only TCP on"],
    ["SCTP", { service: { ports: [{ target: 132, protocol: "sctp" }] } }, "recreate: published SCTP port 132: a front passes only TCP on"],
    [
      "UDP for its neighbours",
      { service: { expose: ["8125/udp", "8126"] } },
      "recreate: exposed UDP port 8125: a front passes only TCP on",
    ],
    ["UDP by its image", { facts: { ports: [8126], otherPorts: ["8125/udp"] } }, "recreate: its image exposes UDP port 8125"],
    ["HTTP/3 by its image", { facts: { ports: [443], otherPorts: ["443/udp"] } }, "blue-green: ports 8000 and 443"],
    [
      "UDP, as others have it",
      { mentions: [{ from: "app", to: "web", name: "web", port: 514, isAddress: true, isOther: true }] },
      "recreate: app asks it at UDP port 514",
    ],
    [
      "names to answer",
      { service: { ...web, networks: { lan: { ipv4_address: "172.22.1.254" } } }, others: { app: { dns: ["172.22.1.254"] } } },
      "recreate: app asks it for names, over UDP",
    ],
    [
      "UDP, and is to have a front all the same",
      { service: { ...web, expose: ["8125/udp"] }, config: { rollout: "blue-green" } },
      "blue-green: set in coldtivate.yml",
    ],
    [
      "an address among other machines",
      { service: { ...web, networks: { lan: { ipv4_address: "192.168.1.9" } } }, networks: { lan: { driver: "macvlan" } } },
      "recreate: its network lan is that of other machines",
    ],
    [
      "the host's network by its name",
      { service: { ...web, networks: { own: null } }, networks: { own: { name: "host", external: true } } },
      "recreate: its network own is the host's own: no front possible",
    ],
    [
      "a sidecar in its network",
      { others: { side: { network_mode: "service:web" } } },
      "recreate: side shares its container: no front possible",
    ],
    [
      "a reader of its volumes",
      { others: { side: { volumes_from: ["web:ro"] } } },
      "recreate: side shares its container: no front possible",
    ],
    ["another's memory", { service: { ...web, ipc: "service:db" } }, "recreate: it shares the container of db: no front possible"],
    [
      "its own name as the address to listen at",
      { service: { command: ["gunicorn", "--bind", "web:8000", "app"] } },
      "recreate: its command listens at web, by which its front would be found",
    ],
    [
      "its host name as that",
      { service: { hostname: "shop", command: ["uvicorn", "app:app", "--host=shop"], expose: ["8000"] } },
      "recreate: its command listens at shop",
    ],
    ["a database by another's name", { service: { ...web, command: ["./app", "-h", "db"] } }, `blue-green: ${checked}`],
    ["set", { config: { rollout: "recreate" } }, "recreate: set in coldtivate.yml"],
    [
      "celery's beat, checked over HTTP",
      { service: { ...web, command: ["celery", "-A", "app", "worker", "-B"] } },
      "recreate: celery … -B: a singleton",
    ],
    ["a bot, checked over HTTP", { service: { ...web, command: ["python", "bot.py"] } }, "recreate: bot.py: a singleton"],
    ["a scheduler, checked over HTTP", { name: "scheduler" }, "recreate: a scheduler, by its name: a singleton"],
    [
      "a worker with a port for metrics",
      { service: { expose: ["9100"] }, name: "worker", facts: { ports: [9100], command: ["./run"] } },
      "recreate: a worker, by its name: a singleton",
    ],
    [
      "what may be a singleton by its name",
      { name: "payment-processor" },
      `${waits} it may be a processor, by its name, what works of its own accord; rollout: blue-green if two may run at once`,
    ],
    ["that, and two may run", { name: "listener", config: { rollout: "blue-green" } }, `blue-green: set in coldtivate.yml; ${checked}`],
    ["that, without a port", { name: "listener", service: { command: ["./run"] } }, "recreate: no port is known"],
    [
      "a bot that is published",
      { service: { ...web, ports: [{ target: 8000 }] }, name: "bot" },
      "hold: port 8000, published; requests wait",
    ],
    [
      "a singleton by its command that is published",
      { service: { ...web, ports: [{ target: 8000 }], command: ["celery", "-A", "app", "beat"] } },
      "recreate: celery … beat: a singleton",
    ],
    [
      "a singleton of which two may run",
      { service: { ...web, command: ["python", "bot.py"] }, config: { rollout: "blue-green" } },
      `blue-green: set in coldtivate.yml; ${checked}`,
    ],
    ["set against its name", { name: "scheduler", config: { rollout: "hold" } }, `hold: set in coldtivate.yml; ${checked}`],
    ["its image's port", { service: {}, facts: { ports: [5000] } }, "blue-green: port 5000, exposed by its image"],
    [
      "its image's port, which is for another command",
      { service: { command: ["./tool"] }, facts: { ports: [5000] } },
      "recreate: no port is known, but its image exposes 5000, for a command that it does not run: set services.web.port",
    ],
    [
      "one whom another asks",
      { service: { command: ["./tool"] }, others: { gate: { environment: { API: "http://web:9000/" } } } },
      "recreate: no port is known, but gate asks for it: set services.web.port to replace it without a gap",
    ],
    [
      "one whom another links to",
      { service: {}, others: { gate: { links: ["web:api"] } } },
      "recreate: no port is known, but gate asks for it",
    ],
    ["stop-first", { service: { ...web, ...order("stop-first") } }, `${waits} update_config.order is stop-first`],
    ["stop-first without a port", { service: order("stop-first") }, "recreate: update_config.order is stop-first"],
    ["start-first", { service: { ...web, ...order("start-first") } }, `blue-green: ${checked}`],
    [
      "start-first with a volume",
      { service: { ...web, volumes: [volume], ...order("start-first") } },
      `${waits} two would write to the volume data`,
    ],
  ])("%s", (_name, given, expected) => {
    expect(rolloutOf(given)).toContain(expected);
  });
});

describe("others' images", () => {
  test.each<[string, Case, string]>([
    ["speaks HTTP", { built: false }, `${waits} the project does not build its image; rollout: blue-green if two may run at once`],
    ["speaks HTTP, and writes", { built: false, service: { ...web, volumes: [volume] } }, `${waits} two would write to the volume data`],
    [
      "has a port",
      { built: false, service: { ports: [{ target: 80 }] } },
      "recreate: the project does not build its image; port 80, published: rollout: hold",
    ],
    ["is said to speak HTTP", { built: false, service: { ports: [{ target: 80 }] }, config: { mode: "http" } }, "hold: port 80, published"],
    ["has none", { built: false, service: {} }, "recreate: no port is known"],
    [
      "start-first",
      { built: false, service: { ports: [{ target: 80 }], ...order("start-first") } },
      "blue-green: port 80, published; update_config.order is start-first",
    ],
    ["start-first, and writes", { built: false, service: { ...web, volumes: [volume], ...order("start-first") } }, `${waits} two would`],
    [
      "start-first of a database",
      { built: false, service: { image: "postgres:15", ...order("start-first") } },
      "recreate: PostgreSQL, by its image: never two at once",
    ],
    ["set", { built: false, config: { rollout: "blue-green" } }, `blue-green: set in coldtivate.yml; ${checked}`],
  ])("%s", (_name, given, expected) => {
    expect(rolloutOf(given)).toContain(expected);
  });
});

test.each<[Case, string]>([
  [{ service: {}, config: { rollout: "blue-green" } }, "web cannot be rolled out blue-green: no port is known"],
  [
    { service: { ports: [{ target: 53, protocol: "udp" }] }, config: { rollout: "hold" } },
    "web cannot be rolled out hold: published UDP port 53: a front passes only TCP on",
  ],
])("what cannot be is refused, and why", (given, detail) => {
  expect(() => rolloutOf(given)).toThrow(expect.objectContaining({ code: "ROLLOUT_IMPOSSIBLE", details: [detail] }));
});

/** Programs of others, with what their images say: a port, a volume, a check by HTTP as their documentation has it. */
const programs: Record<string, { image: string; port: number; target: string; check?: string }> = {
  postgres: { image: "postgres:16", port: 5432, target: "/var/lib/postgresql/data" },
  timescaledb: { image: "timescale/timescaledb:latest-pg16", port: 5432, target: "/var/lib/postgresql/data" },
  mysql: { image: "mysql:8", port: 3306, target: "/var/lib/mysql" },
  mariadb: { image: "mariadb:11", port: 3306, target: "/var/lib/mysql" },
  mongo: { image: "mongo:7", port: 27_017, target: "/data/db" },
  redis: { image: "redis:7-alpine", port: 6379, target: "/data" },
  valkey: { image: "valkey/valkey:8", port: 6379, target: "/data" },
  rabbitmq: { image: "rabbitmq:3-management", port: 5672, target: "/var/lib/rabbitmq" },
  kafka: { image: "apache/kafka:4.0.0", port: 9092, target: "/var/lib/kafka/data" },
  clickhouse: { image: "clickhouse/clickhouse-server:24", port: 8123, target: "/var/lib/clickhouse" },
  minio: { image: "quay.io/minio/minio", port: 9000, target: "/data", check: "/minio/health/live" },
  elasticsearch: {
    image: "docker.elastic.co/elasticsearch/elasticsearch:8.14.0",
    port: 9200,
    target: "/usr/share/elasticsearch/data",
    check: "/_cluster/health",
  },
  opensearch: { image: "opensearchproject/opensearch:2", port: 9200, target: "/usr/share/opensearch/data", check: "/" },
  meilisearch: { image: "getmeili/meilisearch:v1.9", port: 7700, target: "/meili_data", check: "/health" },
  qdrant: { image: "qdrant/qdrant", port: 6333, target: "/qdrant/storage", check: "/readyz" },
  weaviate: { image: "semitechnologies/weaviate:1.26.1", port: 8080, target: "/var/lib/weaviate", check: "/v1/.well-known/ready" },
  influxdb: { image: "influxdb:2", port: 8086, target: "/var/lib/influxdb2", check: "/ping" },
  prometheus: { image: "prom/prometheus", port: 9090, target: "/prometheus", check: "/-/healthy" },
  grafana: { image: "grafana/grafana", port: 3000, target: "/var/lib/grafana", check: "/api/health" },
  etcd: { image: "quay.io/coreos/etcd:v3.5.15", port: 2379, target: "/etcd-data" },
  zookeeper: { image: "zookeeper:3.9", port: 2181, target: "/data" },
  nats: { image: "nats:2", port: 4222, target: "/data" },
  wordpress: { image: "wordpress:6", port: 80, target: "/var/www/html", check: "/" },
  nextcloud: { image: "nextcloud:29", port: 80, target: "/var/www/html", check: "/status.php" },
};

const mounts: Record<string, (target: string) => ComposeService> = {
  "a named volume": (target) => ({ volumes: [{ type: "volume", source: "data", target }] }),
  "an absolute bind": (target) => ({ volumes: [{ type: "bind", source: "/srv/data", target }] }),
  "a tracked folder": (target) => ({ volumes: [{ type: "bind", source: "/state/files/1/data", target }] }),
  "an anonymous volume": (target) => ({ volumes: [{ type: "volume", target }] }),
  nothing: () => ({}),
};
const shapes: Record<string, (port: number) => ComposeService> = {
  published: (port) => ({ ports: [{ target: port, published: String(port), host_ip: "127.0.0.1" }] }),
  exposed: (port) => ({ expose: [String(port)] }),
  neither: () => ({}),
};

/** Of these two instances at once do no harm to their state, and their requests can wait. */
const mayWait = new Set(["grafana", "wordpress", "nextcloud"]);

describe.each(Object.entries(programs))("%s", (name, { image, port, target, check }) => {
  const cases = Object.keys(mounts).flatMap((mount) => Object.keys(shapes).map((shape) => [mount, shape] as const));
  test.each(cases)("with %s, %s: never two at once", (mount, shape) => {
    const service: ComposeService = { image, ...mounts[mount]!(target), ...shapes[shape]!(port) };
    const facts = { ports: [port], volumes: mount === "nothing" || name === "redis" ? [target] : [] };
    for (const told of [facts, undefined]) {
      expect(decide({ name: "store", built: false, service, ...(told && { facts: told }) }).rollout).toBe("recreate");
    }
    if (check === undefined) return;
    const healthcheck = { test: ["CMD", "curl", "-f", `http://localhost:${port}${check}`] };
    const { rollout } = decide({ name: "store", built: false, service: { ...service, healthcheck }, facts });
    expect(rollout).toBe(mayWait.has(name) ? "hold" : "recreate");
  });
});
