import type { Attachment, Sight, View } from "./view.ts";

/** What a container sees, one line a fact, in words that are the same on any host. */
export type Facts = Record<string, string>;

/** By `service.number`; fronts are left out, and slots go by their service's name. */
export type ProjectFacts = Record<string, Facts>;

const service = "com.docker.compose.service";
const slot = /-(?:blue|green|slot)$/;

/** What a container in the host's own network has from the host. */
const hostsOwn = ["hostname", "hosts", "resolv"];

/** Turns a view into facts that can be compared with those of another host. */
export function factsOf(view: View, dependencies: Dependencies): ProjectFacts {
  const services = new Set(view.containers.map(({ inspect }) => inspect.Config.Labels[service] ?? ""));
  const ownerOf = (name: string) => (slot.test(name) && services.has(name.replace(slot, "")) ? name.replace(slot, "") : name);
  const isFront = ({ inspect }: Sight) =>
    [...services].some((name) => name !== inspect.Config.Labels[service] && ownerOf(name) === inspect.Config.Labels[service]);
  const labelled = view.containers.map((sight) => {
    const { Labels } = sight.inspect.Config;
    const owner = ownerOf(Labels[service] ?? sight.name);
    return { sight, owner, key: `${owner}.${Labels["com.docker.compose.container-number"] ?? "1"}`, isFront: isFront(sight) };
  });
  const owners = new Map<string, string>();
  const ids = new Map<string, string>();
  for (const { sight, owner, key } of labelled) {
    ids.set(sight.id, `<${key}>`).set(sight.id.slice(0, 12), `<${key}>`);
    for (const [network, attachment] of Object.entries(sight.inspect.NetworkSettings.Networks)) {
      for (const address of [attachment.IPAddress, attachment.GlobalIPv6Address]) if (address) owners.set(address, owner);
      if (attachment.Gateway) owners.set(attachment.Gateway, owners.get(attachment.Gateway) ?? `gateway of ${network}`);
    }
  }
  const known = [...ids].toSorted(([a], [b]) => b.length - a.length);
  const neutral = (text: string) => {
    let result = text;
    for (const [id, name] of known) result = result.replaceAll(id, name);
    return result.replaceAll(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, (address) => owners.get(address) ?? address);
  };
  const started = new Map(labelled.filter((each) => !each.isFront).map(({ key, sight }) => [key, sight]));
  const result: ProjectFacts = {};
  for (const { sight, key, owner, isFront: front } of labelled) {
    if (front) continue;
    const facts: Facts = {};
    const stand = labelled.find((each) => each.isFront && each.owner === owner)?.sight;
    for (const [path, value] of flatten(neutralView(sight, stand))) facts[neutral(path)] = neutral(value);
    for (const [name, found] of sight.inspect.HostConfig["NetworkMode"] === "host" ? [] : Object.entries(sight.network?.names ?? {}))
      facts[`names ${neutral(name)}`] = [...new Set(found.map((address) => owners.get(address) ?? address))].toSorted().join(" ");
    Object.assign(facts, orderOf(key, dependencies[owner] ?? {}, started));
    result[key] = facts;
  }
  return result;
}

/**
 * What of a container is the same on any host, if it is the same container.
 *
 * @param front what holds its published ports and its fixed addresses, if it has one
 */
function neutralView({ inspect, environment, network, id, name: _name, ...seen }: Sight, front: Sight | undefined): object {
  const { Config, HostConfig, Mounts, NetworkSettings, State, Path, Args, Image } = inspect;
  const { Labels, Image: _reference, Env, Hostname, ...config } = Config;
  const { Binds: _binds, Mounts: described, PortBindings: _ports, Ulimits, ...host } = HostConfig;
  const limits = Object.fromEntries((Ulimits ?? []).map(({ Name, Soft, Hard }) => [Name, `${Soft}:${Hard}`]));
  const own = HostConfig["NetworkMode"] === "host" ? hostsOwn : [];
  const rest = Object.fromEntries(Object.entries(seen).filter(([name]) => !own.includes(name)));
  const variables = (list: readonly string[]) => byName(list.filter((line) => own.length === 0 || !line.startsWith("HOSTNAME=")));
  const labels = Object.fromEntries(Object.entries(Labels).filter(([label]) => !/^(com\.docker\.compose|coldtivate)\./.test(label)));
  return {
    ...rest,
    environment: variables(environment ?? []),
    network: {
      ports: network?.ports,
      listening: own.length > 0 ? [] : network?.listening,
      sysctls: network?.sysctls,
      error: network?.error,
    },
    config: {
      ...config,
      Hostname: id.startsWith(Hostname) || own.length > 0 ? "<own>" : Hostname,
      Env: byName((Env as string[] | null) ?? []),
    },
    labels,
    host: { ...host, Ulimits: limits },
    published: (front ?? { inspect }).inspect.HostConfig.PortBindings,
    image: Image,
    runs: [Path, ...Args].join(" "),
    mounted: Object.fromEntries(
      Mounts.map(({ Source: _source, Destination, Name, ...mount }) => [
        Destination,
        { ...mount, ...(Name === undefined ? {} : { Name: /^[0-9a-f]{64}$/.test(Name) ? "<anonymous>" : Name }) },
      ]),
    ),
    options: Object.fromEntries((described ?? []).map(({ Source: _source, Target, ...mount }) => [String(Target), mount])),
    networks: Object.fromEntries(
      Object.entries(NetworkSettings.Networks).map(([name, attachment]) => [
        name,
        attached(attachment, front?.inspect.NetworkSettings.Networks[name]),
      ]),
    ),
    state: { status: State.Status, exit: State.Status === "exited" ? State.ExitCode : "-", health: State.Health?.Status },
  };
}

function attached({ DriverOpts, IPAMConfig, GwPriority }: Attachment, front: Attachment | undefined): object {
  return { in: "yes", options: DriverOpts ?? {}, addresses: front?.IPAMConfig ?? IPAMConfig ?? {}, priority: GwPriority };
}

/** Variables by name: their order is nobody's business. */
function byName(variables: readonly string[]): Record<string, string> {
  return Object.fromEntries(variables.map((line) => [line.split("=", 1)[0] ?? line, line.slice(line.indexOf("=") + 1)]));
}

/** `[a.b.0, value]` for every leaf; what is empty, null or missing is nothing. */
function* flatten(value: unknown, path = ""): Generator<[string, string]> {
  if (value === null || value === undefined || value === "") return;
  if (typeof value !== "object") {
    yield [path, typeof value === "string" ? value : JSON.stringify(value)];
    return;
  }
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) {
    const words = value.map(String);
    if (value.length > 0) yield [path, (path === "host ExtraHosts" ? words.toSorted() : words).join(" ⏎ ")];
    return;
  }
  for (const [name, item] of Object.entries(value)) yield* flatten(item, path === "" ? name : `${path} ${name}`);
}

/** By service: what it depends on, and until when it waits. */
export type Dependencies = Record<string, Record<string, string>>;

/** What services depend on, as Compose writes it on their containers. */
export function dependenciesOf({ containers }: View): Dependencies {
  return Object.fromEntries(
    containers.map(({ inspect: { Config } }) => {
      const label = Config.Labels["com.docker.compose.depends_on"] ?? "";
      const each = label.split(",").filter(Boolean);
      return [
        Config.Labels[service] ?? "",
        Object.fromEntries(each.map((dependency) => dependency.split(":").slice(0, 2) as [string, string])),
      ];
    }),
  );
}

/** Whether a container started after what it depends on was as it has to be. */
function orderOf(key: string, dependencies: Record<string, string>, all: ReadonlyMap<string, Sight>): Facts {
  const facts: Facts = {};
  const started = Date.parse(all.get(key)?.inspect.State.StartedAt ?? "");
  for (const [name, condition] of Object.entries(dependencies)) {
    const other = all.get(`${name}.1`)?.inspect.State;
    if (other === undefined) continue;
    const checks = other.Health?.Log ?? [];
    // The engine keeps the last five: the first may be gone.
    const healthy = checks.length < 5 ? checks.find(({ ExitCode }) => ExitCode === 0)?.End : other.StartedAt;
    const ready =
      condition === "service_completed_successfully" ? other.FinishedAt : condition === "service_healthy" ? healthy : other.StartedAt;
    facts[`order after ${name}`] = ready !== undefined && started >= Date.parse(ready) ? "yes" : "no";
  }
  return facts;
}
