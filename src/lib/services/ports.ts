import type { PortMode, ServiceConfig } from "../config/schema/config.ts";
import { runsWith } from "./command-words.ts";
import { checkedPort, checkOf, ownNames } from "./health-check.ts";
import { routedPorts } from "../compose/discovery-labels.ts";
import { exposedPorts, isOtherPort, type ImageFacts } from "./image-facts.ts";
import type { ComposePort, ComposeService } from "../compose/model.ts";
import { portsOfCommand, type CommandPorts } from "./server-commands.ts";

/** A port on which a front listens. It passes traffic on to the same port of the slot. */
export interface FrontPort {
  port: number;
  /** `auto`: passes requests on if the new container answers one in HTTP, and connections otherwise. */
  mode: PortMode | "auto";
  /** Whether the slot learns the client's address by the PROXY protocol. */
  proxyProtocol: boolean;
}

export interface KnownPorts {
  /** The ports at which it certainly takes requests come first. */
  ports: FrontPort[];
  /** How they were found, in the user's words: `port 8000, from its health check`. */
  reason: string;
  /** What suggests a port that is not certain enough, in the user's words. */
  hint?: string;
}

/** Ports that never carry HTTP in their usual use, by IANA's registry and by their programs' documentation. */
const otherProtocols = new Set([
  // SSH, mail, DNS, directories, TLS
  22, 25, 53, 110, 143, 389, 443, 465, 587, 636, 853, 993, 995, 1025, 8443,
  // PostgreSQL, MySQL, SQL Server, Oracle, MongoDB, Cassandra, Neo4j, CockroachDB, ClickHouse, RethinkDB, FoundationDB, TiDB
  5432, 5433, 6432, 3306, 33_060, 1433, 1521, 27_017, 27_018, 27_019, 9042, 9142, 7687, 26_257, 9440, 28_015, 29_015,
  // Redis, Memcached, Aerospike, Elasticsearch between its nodes, etcd, ZooKeeper, Consul's and Nomad's RPC
  6379, 6380, 16_379, 26_379, 11_211, 9300, 2379, 2380, 2181, 2888, 3888, 8300, 8301, 8302,
  // RabbitMQ, MQTT, Kafka, NATS, Pulsar, ActiveMQ, NSQ, STOMP, Temporal, gRPC and OTLP over it, Jaeger, Fluentd, syslog, Graphite
  5671, 5672, 1883, 8883, 9092, 4222, 6222, 6650, 61_616, 61_613, 4150, 7233, 50_051, 4317, 14_250, 24_224, 514, 601, 2003,
]);

/**
 * The ports at which a service takes requests. Takes all that are configured, published, or exposed by the Compose file or the
 * image. If there are none, takes those that its health check asks or its command names.
 *
 * @param facts what its image says about itself, if known
 * @param name by which its health check may ask it
 */
export function findPorts(service: ComposeService, config: ServiceConfig = {}, facts?: ImageFacts, name = ""): KnownPorts {
  const { text, isImages, environment } = runsWith(service, facts);
  const checked = checkedPort(checkOf(service, isImages ? facts : undefined), environment, ownNames(name, service));
  const command = portsOfCommand(text, environment);
  const variable = Number(environment["PORT"]);
  const images = facts?.ports ?? [];
  const sources = [
    { from: "set in coldtivate.yml", found: (config.ports ?? []).map(({ port }) => port) },
    { from: "published", found: (service.ports ?? []).filter(isTcp).map(({ target }) => target) },
    { from: "exposed", found: exposedPorts(service.expose ?? []) },
    { from: "from its health check", found: checked === undefined ? [] : [checked.port] },
    { from: `from its command (${command?.program})`, found: command?.ports ?? [] },
    { from: "from its labels", found: routedPorts(service) },
    // A service that runs something else from an image may take no requests.
    { from: "from PORT", found: isImages && Number.isInteger(variable) && variable > 0 && variable < 65_536 ? [variable] : [] },
    { from: "exposed by its image", found: isImages || command !== undefined ? images : [] },
  ];
  const first = sources.find(({ found }) => found.length > 0);
  if (first === undefined) return { ports: [], reason: "no port is known", ...hintFor(images, environment["PORT"], command, text) };
  const declared = [...sources.slice(0, 3).flatMap(({ found }) => found), ...images].toSorted((a, b) => a - b);
  const own = [...new Set(first.found)].toSorted((a, b) => a - b);
  const numbers = [...new Set([...own, ...declared])];
  const ports = numbers.map((port): FrontPort => {
    const written = config.ports?.find((each) => each.port === port);
    return {
      port,
      mode: written?.mode ?? config.mode ?? modeOf(port, checked, command?.isOther === true && command.ports.includes(port)),
      proxyProtocol: written?.proxyProtocol ?? config.proxyProtocol ?? false,
    };
  });
  return { ports, reason: `port${numbers.length === 1 ? "" : "s"} ${listed(numbers)}, ${first.from}` };
}

/** Chooses HTTP only if that is certain. */
function modeOf(port: number, checked: { port: number; protocol: string } | undefined, isOther: boolean): FrontPort["mode"] {
  if (checked?.port === port && checked.protocol !== "other") return checked.protocol === "http" ? "http" : "tcp";
  return isOther || otherProtocols.has(port) ? "tcp" : "auto";
}

function hintFor(
  images: readonly number[],
  variable: string | undefined,
  command: CommandPorts | undefined,
  text: string,
): Pick<KnownPorts, "hint"> {
  if (images.length > 0) return { hint: `its image exposes ${listed(images)}, for a command that it does not run` };
  if (variable !== undefined && /^\d{2,5}$/.test(variable)) return { hint: `PORT is ${variable}` };
  if (command?.isToldElsewhere === true) return { hint: `it runs ${command.program}, which a file may tell where it listens` };
  const told = command === undefined ? optionForPort.exec(text) : null;
  return told === null ? {} : { hint: `its command says ${told[0].trim()}` };
}

/** The options by which unknown programs are usually told where to listen. */
const optionForPort =
  /(?<=^|\s)--?(?:(?:http|web|server|api|app)[-_.]?)?(?:port|listen|addr|address|bind)[= ](?:[\w.*-]*:|\[[\da-f:]*\]:)?\d{2,5}(?=\s|$)/;

/** Whether a published port uses TCP, the only protocol that a front takes. */
export function isTcp({ protocol = "tcp" }: ComposePort): boolean {
  return protocol === "tcp";
}

/** Published ports of other protocols than TCP, as `53/udp`. A front cannot take them. */
export function otherPorts(service: ComposeService): string[] {
  return (service.ports ?? []).filter((port) => !isTcp(port)).map(({ target, protocol }) => `${target}/${protocol}`);
}

/**
 * Ports of other protocols than TCP that a service offers to other containers, as `53/udp`. A port of HTTP/3 does not count if the
 * same port is there over TCP: clients find HTTP/3 through an HTTP/2 answer, and can do without it.
 */
export function exposedOtherwise({ expose = [], ports = [] }: ComposeService, facts?: ImageFacts): string[] {
  const all = [...expose, ...(facts?.otherPorts ?? [])].filter(isOtherPort);
  const tcp = new Set([...exposedPorts(expose), ...ports.filter(isTcp).map(({ target }) => target), ...(facts?.ports ?? [])]);
  const isHttp3 = (port: string) => /^(?:80|443|8443)\/udp$/.test(port) && tcp.has(Number.parseInt(port, 10));
  return [...new Set(all)].filter((port) => !isHttp3(port));
}

/** Formats numbers as `80`, `80 and 443`, `8000–8009`. */
function listed(numbers: readonly number[]): string {
  const [first = 0, last = 0] = [numbers[0], numbers.at(-1)];
  if (numbers.length > 2 && last - first === numbers.length - 1) return `${first}–${last}`;
  return numbers.length < 2 ? String(first) : `${numbers.slice(0, -1).join(", ")} and ${last}`;
}
