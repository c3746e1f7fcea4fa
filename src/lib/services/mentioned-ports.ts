import { exposedPorts, isOtherPort } from "./image-facts.ts";
import { defaultContainerName, isActive, type ComposeModel, type ComposeService } from "../compose/model.ts";
import { isTcp } from "./ports.ts";
import type { KeptFile } from "../compose/sources.ts";

/** A port of a service that another service mentions: in its environment, its command, or a file that it mounts. */
export interface MentionedPort {
  /** The service that mentions it. */
  from: string;
  /** The service that the port belongs to. */
  to: string;
  /** The name that is used there: the service's name, an alias, a link, its container's name. */
  name: string;
  port: number;
  /** Whether it is written as an address, so that it certainly means this port. */
  isAddress: boolean;
  /** Whether the port uses another protocol than TCP. */
  isOther?: true;
}

export interface MentionInput {
  /** The model, with files at their places on the host. */
  model: ComposeModel;
  /** Name of the Compose project. */
  project: string;
  profiles: readonly string[];
  /** Files of the release that are mounted, by their paths below the state directory. */
  files: readonly KeptFile[];
  /** Absolute path, on the host. */
  stateDirectory: string;
}

/** Longer files are not considered to be configuration. */
const longestFile = 200_000;

/** Finds the ports of services that other services in the same network mention, as far as that is written down. */
export function findMentions(input: MentionInput): MentionedPort[] {
  const { services } = input.model;
  const names = Object.keys(services).filter((name) => isActive(services[name] ?? {}, input.profiles));
  const contents = new Map<string, string>();
  const found = new Map<string, MentionedPort>();
  for (const from of names) {
    const asking = services[from] ?? {};
    const known = namesFor(from, names, input);
    const add = (name: string, port: number, isAddress: boolean, isOther: boolean): void => {
      const to = known.get(name.toLowerCase());
      if (to === undefined || port < 1 || port > 65_535) return;
      const other = isOther || takesNoTcp(services[to] ?? {}, port);
      const key = `${from} ${to} ${name} ${port} ${other}`;
      const isMeant = isAddress || found.get(key)?.isAddress === true;
      found.set(key, { from, to, name, port, isAddress: isMeant, ...(other ? { isOther: true } : {}) });
    };
    for (const text of textsOf(asking, input, contents)) scan(text, add);
    for (const [name, port] of splitAddresses(asking.environment ?? {})) add(name, port, true, false);
  }
  return [...found.values()];
}

/** The ports of a service that others mention and that are not known otherwise, each with the services that mention it. */
export function furtherPorts(service: string, known: readonly number[], mentions: readonly MentionedPort[]): Map<number, string[]> {
  const further = mentions.filter(({ to, port, isOther }) => to === service && isOther !== true && !known.includes(port));
  const ports = Map.groupBy(further, ({ port }) => port);
  return new Map(
    [...ports].toSorted(([one], [other]) => one - other).map(([port, all]) => [port, [...new Set(all.map(({ from }) => from))]]),
  );
}

/** Whether two services share a network. */
export function isNear({ networks: one = {} }: ComposeService, { networks: other = {} }: ComposeService): boolean {
  return Object.keys(one).some((network) => network in other);
}

/** The names by which a service finds others, in lower case, and the services that they belong to. */
function namesFor(from: string, names: readonly string[], { model: { services }, project }: MentionInput): Map<string, string> {
  const asking = services[from] ?? {};
  const own = new Set(extraHosts(asking));
  const known = new Map<string, string>();
  for (const to of names) {
    const target = services[to] ?? {};
    if (to === from || !isNear(asking, target)) continue;
    const aliases = Object.entries(target.networks ?? {}).flatMap(([network, attachment]) =>
      network in (asking.networks ?? {}) ? (attachment?.aliases ?? []) : [],
    );
    for (const name of [to, target.container_name, defaultContainerName(project, to), ...aliases])
      if (name !== undefined && !own.has(name)) known.set(name.toLowerCase(), to);
  }
  for (const link of asking.links ?? []) {
    const [to = "", alias = to] = link.split(":", 2);
    if (names.includes(to)) known.set(alias.toLowerCase(), to);
  }
  return known;
}

/** The names in a service's `extra_hosts`, which it resolves by itself. */
export function extraHosts({ extra_hosts: hosts }: ComposeService): string[] {
  if (Array.isArray(hosts)) return hosts.map((line) => line.split(/[:=]/, 1)[0] ?? "");
  return Object.keys(hosts ?? {});
}

/** All texts in a service's definition, and in the files of the release that it mounts. */
function textsOf(service: ComposeService, { model, files, stateDirectory }: MentionInput, contents: Map<string, string>): string[] {
  const { environment = {}, command, entrypoint, labels = {}, healthcheck } = service;
  const words = [
    ...Object.values(environment),
    ...(command ?? []),
    ...(entrypoint ?? []),
    ...Object.values(labels),
    ...(healthcheck?.test ?? []),
  ];
  const referred = (service.configs ?? []).map(({ source }) => model.configs?.[source]);
  const mounted = (service.volumes ?? []).filter(({ type }) => type === "bind").map(({ source }) => source);
  const paths = [...mounted, ...referred.map((source) => source?.file)].filter((path) => path?.startsWith(`${stateDirectory}/files/`));
  const kept = files.filter((file) => paths.some((path) => `${stateDirectory}/${file.path}/`.startsWith(`${path}/`)));
  return [
    ...words.filter((word) => word !== null),
    ...referred.flatMap((source) => source?.content ?? []),
    ...kept.map((file) => {
      const text = contents.get(file.path) ?? readText(file);
      contents.set(file.path, text);
      return text;
    }),
  ];
}

/** Returns an empty text for a file that is no text. */
function readText({ content }: KeptFile): string {
  if (content.length > longestFile || content.includes(0)) return "";
  return new TextDecoder().decode(content);
}

function scan(text: string, add: (name: string, port: number, isAddress: boolean, isOther: boolean) => void): void {
  for (const [, scheme = "", before = "", name = "", port, protocol = ""] of text.matchAll(
    /(?:(?<!\w)([a-z][a-z0-9+]{1,15})?(:\/\/(?:[^\s/@"']*@)?))?(?<![\w.-])([A-Za-z0-9][\w.-]*):(\d{2,5})(?:\/(udp|sctp)\b)?(?![\w.])/gi,
  ))
    add(name, Number(port), before !== "", (before === "" && protocol !== "") || /^(?:udp[46]?|sctp|statsd|quic|\w+\+udp)$/i.test(scheme));
  for (const [, tls, name = ""] of text.matchAll(/\bhttp(s?):\/\/(?:[^\s/@"']*@)?([A-Za-z0-9][\w.-]*)(?=[/?#"'\s;,)\]}]|$)/g))
    add(name, tls === "" ? 80 : 443, true, false);
}

/** Whether a service declares a port for other protocols only. */
function takesNoTcp({ expose = [], ports = [] }: ComposeService, port: number): boolean {
  const isPublished = (protocol: boolean) => ports.some((each) => each.target === port && isTcp(each) === protocol);
  const isOther = isPublished(false) || expose.some((each) => isOtherPort(each) && Number.parseInt(each, 10) === port);
  return isOther && !isPublished(true) && !exposedPorts(expose).includes(port);
}

/** Reads pairs such as `DB_HOST=db` and `DB_PORT=5432`. */
function splitAddresses(environment: Readonly<Record<string, string | null>>): [string, number][] {
  return Object.entries(environment).flatMap(([variable, value]): [string, number][] => {
    const [, prefix] = /^(.*?)_?(?:HOST|HOSTNAME|SERVER|ADDRESS|ADDR)$/i.exec(variable) ?? [];
    if (prefix === undefined || value === null) return [];
    const port = environment[`${prefix}_PORT`] ?? environment[`${prefix}PORT`];
    return port !== undefined && port !== null && /^\d{2,5}$/.test(port) ? [[value, Number(port)]] : [];
  });
}
