import { commandsOf, fillIn, runsWith } from "./command-words.ts";
import { checkOf } from "./health-check.ts";
import { exposedPorts, type ImageFacts } from "./image-facts.ts";
import type { ComposeService } from "../compose/model.ts";
import { isTcp } from "./ports.ts";
import { statefulPrograms, type StatefulProgram } from "./stateful-programs.ts";
import { isStarted, programName } from "./server-commands.ts";

export interface ServiceTraits {
  name: string;
  service: ComposeService;
  /** Whether the project builds its image. */
  isBuilt: boolean;
  facts?: ImageFacts | undefined;
  /** References of the images that its own image is built from. */
  bases?: readonly string[];
}

/** Service names that people give to databases and queues, whatever image they run. */
const names: Readonly<Record<string, string>> = {
  db: "a database",
  database: "a database",
  postgres: "PostgreSQL",
  postgresql: "PostgreSQL",
  pg: "PostgreSQL",
  mysql: "MySQL",
  mariadb: "MariaDB",
  mongo: "MongoDB",
  mongodb: "MongoDB",
  redis: "Redis",
  valkey: "Valkey",
  rabbitmq: "RabbitMQ",
  kafka: "Kafka",
  elasticsearch: "Elasticsearch",
  opensearch: "OpenSearch",
  clickhouse: "ClickHouse",
  etcd: "etcd",
  zookeeper: "ZooKeeper",
  timescale: "TimescaleDB",
  timescaledb: "TimescaleDB",
  pgsql: "PostgreSQL",
  mssql: "SQL Server",
  sqlserver: "SQL Server",
  cassandra: "Cassandra",
  scylla: "ScyllaDB",
  cockroach: "CockroachDB",
  cockroachdb: "CockroachDB",
  couchdb: "CouchDB",
  neo4j: "Neo4j",
  arangodb: "ArangoDB",
  memcached: "Memcached",
  keydb: "KeyDB",
  dragonfly: "Dragonfly",
  nats: "NATS",
  redpanda: "Redpanda",
  mosquitto: "Mosquitto",
  mqtt: "a broker",
  broker: "a broker",
  minio: "MinIO",
  influx: "InfluxDB",
  influxdb: "InfluxDB",
  prometheus: "Prometheus",
  loki: "Loki",
  meilisearch: "Meilisearch",
  typesense: "Typesense",
  solr: "Solr",
  qdrant: "Qdrant",
  weaviate: "Weaviate",
  milvus: "Milvus",
  openldap: "OpenLDAP",
  ldap: "a directory",
};

/** Words that may follow the name of a program: `postgres-primary`, `redis-cache`. */
const parts = new Set([
  "primary",
  "master",
  "main",
  "leader",
  "replica",
  "slave",
  "secondary",
  "standby",
  "node",
  "server",
  "cache",
  "queue",
  "store",
]);

/**
 * The program of a service that must never run twice on one state, and how it was recognised, in the user's words. Undefined for
 * any other service.
 */
export function findStateful(traits: ServiceTraits): string | undefined {
  const signs: [string, (program: StatefulProgram) => boolean][] = [
    ["its image", byImage(traits)],
    ["what its image is built from", byBase(traits)],
    ["its image's variables", byVariable(traits)],
    ["its command", byCommand(traits)],
    ["its health check", byCheck(traits)],
    ["its folder", byDirectory(traits)],
    ["its port", byPort(traits)],
  ];
  for (const [sign, isIt] of signs) {
    const found = statefulPrograms.find(isIt);
    if (found !== undefined) return `${found.name}, by ${sign}`;
  }
  const known = traits.isBuilt ? byName(traits.name) : undefined;
  return known === undefined ? undefined : `${known}, by its name`;
}

function byImage({ service: { image = "" }, isBuilt }: ServiceTraits) {
  // A project may give its own images any name.
  return (program: StatefulProgram) => !isBuilt && isImageOf(program, image);
}

function byBase({ bases = [] }: ServiceTraits) {
  return (program: StatefulProgram) => bases.some((base) => isImageOf(program, base));
}

/**
 * Checks the variables of the image. Variables of the Compose file are often given to all services, so they count only if they
 * name a folder.
 */
function byVariable({ facts, service }: ServiceTraits) {
  const folders = Object.entries(service.environment ?? {}).filter(([, value]) => value?.startsWith("/"));
  const set = new Set([...Object.keys(facts?.environment ?? {}), ...folders.map(([name]) => name)]);
  return ({ variables = [] }: StatefulProgram) => variables.some((name) => set.has(name));
}

function byCommand({ service, facts }: ServiceTraits) {
  const words = new Set(
    commandsOf(runsWith(service, facts).text).flatMap((command) =>
      command.words.filter((_, index) => isStarted(command.words, index)).map(programName),
    ),
  );
  return ({ servers = [] }: StatefulProgram) => servers.some((server) => words.has(server));
}

function byCheck({ name, service, facts }: ServiceTraits) {
  const { environment } = runsWith(service, facts);
  const text = fillIn(checkOf(service, facts).slice(1).join(" "), environment);
  const commands = commandsOf(text)
    .filter(({ words }) => !asksAnother(words, [name, service.container_name ?? name, service.hostname ?? name]))
    .map(({ words }) => ` ${words.map(programName).join(" ")} `);
  return ({ checks = [] }: StatefulProgram) => checks.some((check) => commands.some((command) => command.includes(` ${check} `)));
}

/** Whether a check asks another container. Then it says nothing about this one. */
function asksAnother(words: readonly string[], own: readonly unknown[]): boolean {
  return words.some((word, index) => {
    const host = hostIn(word) ?? (hostOption.test(word) ? bareHost(words[index + 1] ?? "") : "");
    return host !== "" && !/^(?:localhost$|127\.|0\.0\.0\.0|\[?::1|\$|`|-)/.test(host) && !own.includes(host);
  });
}

const hostOption = /^(?:--host(?:name)?|-h|-H|--server|--bootstrap-server)$/;

/** The host that a single word names: in a URL, after `--host=`, in `-hdb`, in `db:5432/shop`. Undefined if it names none. */
function hostIn(word: string): string | undefined {
  const [, url] = /[a-z+]+:\/\/(.+)$/.exec(word) ?? [];
  if (url !== undefined) return bareHost(url);
  const [, written] = /^(?:--host(?:name)?=|-[hH]=?|--server=|--bootstrap-server=|--dbname=host=)([^=]+)$/.exec(word) ?? [];
  if (written !== undefined) return bareHost(written);
  return /^[A-Za-z][\w.-]*:\d{4,5}(?:\/.*)?$/.test(word) ? bareHost(word) : undefined;
}

function bareHost(address: string): string {
  return address
    .replace(/^[a-z+]+:\/\//, "")
    .replace(/^[^@/]*@/, "")
    .replace(/(?::\d+)?(?:[/?,].*)?$/, "");
}

function byDirectory({ service, facts }: ServiceTraits) {
  const mounted = (service.volumes ?? []).filter((mount) => mount.read_only !== true).map(({ target }) => target);
  const folders = [...mounted, ...(facts?.volumes ?? [])].map((folder) => `${folder.replace(/\/+$/, "")}/`);
  return ({ directories = [] }: StatefulProgram) => directories.some((own) => folders.some((folder) => folder.startsWith(`${own}/`)));
}

function byPort({ service, facts }: ServiceTraits) {
  const published = (service.ports ?? []).filter(isTcp).map(({ target }) => target);
  const numbers = new Set([...published, ...exposedPorts(service.expose ?? []), ...(facts?.ports ?? [])]);
  return ({ ports = [] }: StatefulProgram) => ports.some((port) => numbers.has(port));
}

function isImageOf({ images }: StatefulProgram, reference: string): boolean {
  const path = reference
    .replace(/@.*$/, "")
    .replace(/:[^/:]*$/, "")
    .toLowerCase()
    .split("/");
  const last = path.at(-1) ?? "";
  const two = path.slice(-2).join("/");
  return images.some((image) =>
    image.includes("/") ? image === two : image === last || `${image}-alpine` === last || `${image}-debian` === last,
  );
}

/** The program that a name stands for: `orders-db-2` is a `db`, and `redis-cache` is a Redis. */
function byName(name: string): string | undefined {
  const words = name
    .toLowerCase()
    .split(/[-_.]+/)
    .filter((word) => !/^\d*$/.test(word));
  while (words.length > 1 && parts.has(words.at(-1)?.replace(/\d+$/, "") ?? "")) words.pop();
  const last = words.at(-1) ?? "";
  return [last, last.replace(/\d+$/, "")]
    .map((word) => (Object.hasOwn(names, word) ? names[word] : undefined))
    .find((known) => known !== undefined);
}
