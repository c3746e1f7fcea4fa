import { exposedPorts, isOtherPort } from "./image-facts.ts";
import { defaultContainerName, isActive, type ComposeModel, type ComposeService } from "./model.ts";
import { isTcp } from "./ports.ts";
import type { KeptFile } from "./sources.ts";

/** A port of a service that another one speaks of: in its environment, its command, or a file that it mounts. */
export interface Mention {
  /** Who speaks of it. */
  from: string;
  /** Whose port it is. */
  to: string;
  /** How it is called there: the service's name, an alias, a link, its container's name. */
  name: string;
  port: number;
  /** Whether it is written as an address to ask, so that it is surely meant. */
  isAddress: boolean;
  /** Whether it is one of another protocol than TCP. */
  isOther?: true;
}

export interface MentionInput {
  /** With files where they lie on the host. */
  model: ComposeModel;
  /** Name of the Compose project. */
  project: string;
  profiles: readonly string[];
  /** Files of the release that are mounted, by their paths below the state directory. */
  files: readonly KeptFile[];
  /** Absolute path, on the host. */
  stateDirectory: string;
}

/** Longer files are no configuration. */
const longestFile = 200_000;

/** Every port that a service is asked at by another one that shares a network with it, as far as that is written anywhere. */
export function findMentions(input: MentionInput): Mention[] {
  const { services } = input.model;
  const names = Object.keys(services).filter((name) => isActive(services[name] ?? {}, input.profiles));
  const contents = new Map<string, string>();
  const found = new Map<string, Mention>();
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

/** Ports of a service that others are told to ask, beside those that are known anyway, and who is told so. */
export function furtherPorts(service: string, known: readonly number[], mentions: readonly Mention[]): Map<number, string[]> {
  const further = mentions.filter(({ to, port, isOther }) => to === service && isOther !== true && !known.includes(port));
  const ports = Map.groupBy(further, ({ port }) => port);
  return new Map(
    [...ports].toSorted(([one], [other]) => one - other).map(([port, all]) => [port, [...new Set(all.map(({ from }) => from))]]),
  );
}

/** Whether two services are in one network. */
export function isNear({ networks: one = {} }: ComposeService, { networks: other = {} }: ComposeService): boolean {
  return Object.keys(one).some((network) => network in other);
}

/** The names, in lower case, by which a service finds others, and whose they are. */
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

/** Names that a service resolves by itself. */
export function extraHosts({ extra_hosts: hosts }: ComposeService): string[] {
  if (Array.isArray(hosts)) return hosts.map((line) => line.split(/[:=]/, 1)[0] ?? "");
  return Object.keys(hosts ?? {});
}

/** All that is written of a service, and in what it mounts of the release. */
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

/** Empty for what is no text. */
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

/** Whether a service says of a port that it is one of another protocol, and nothing else. */
function takesNoTcp({ expose = [], ports = [] }: ComposeService, port: number): boolean {
  const isPublished = (protocol: boolean) => ports.some((each) => each.target === port && isTcp(each) === protocol);
  const isOther = isPublished(false) || expose.some((each) => isOtherPort(each) && Number.parseInt(each, 10) === port);
  return isOther && !isPublished(true) && !exposedPorts(expose).includes(port);
}

/** `DB_HOST=db` and `DB_PORT=5432`. */
function splitAddresses(environment: Readonly<Record<string, string | null>>): [string, number][] {
  return Object.entries(environment).flatMap(([variable, value]): [string, number][] => {
    const [, prefix] = /^(.*?)_?(?:HOST|HOSTNAME|SERVER|ADDRESS|ADDR)$/i.exec(variable) ?? [];
    if (prefix === undefined || value === null) return [];
    const port = environment[`${prefix}_PORT`] ?? environment[`${prefix}PORT`];
    return port !== undefined && port !== null && /^\d{2,5}$/.test(port) ? [[value, Number(port)]] : [];
  });
}
