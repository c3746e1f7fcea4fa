import { defaultContainerName, isActive, type ComposeModel, type ComposeService } from "../compose/model.ts";

/** What an engine has, of any project. */
export interface Elsewhere {
  /** Names and ids. */
  networks: ReadonlySet<string>;
  volumes: ReadonlySet<string>;
  /** State by name, and by id. */
  containers: ReadonlyMap<string, string>;
  /** Whether the host is in a swarm, so that networks may exist that only other hosts know yet. */
  isInSwarm: boolean;
}

export interface MissingThing {
  /** In the user's words. */
  what: string;
  /** The command that creates it on the host. */
  command: string;
}

/** The number of answers: networks, volumes, containers, and whether there is a swarm. */
const answers = 4;

/** Reads the field `elsewhere`; undefined if it was not asked for, or is incomplete. */
export function parseElsewhere(text: string): Elsewhere | undefined {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const of = (wanted: string) => lines.filter(([kind]) => kind === wanted);
  if (of("all").length < answers) return undefined;
  return {
    networks: new Set(of("network").flatMap(([, name = "", id = ""]) => [name, id])),
    volumes: new Set(of("volume").map(([, name = ""]) => name)),
    containers: new Map(
      of("container").flatMap(([, names = "", id = "", state = ""]) => [...names.split(","), id].map((name) => [name, state] as const)),
    ),
    isInSwarm: of("swarm").length > 0,
  };
}

/**
 * The external things that services of a model use and that a host does not have. No release creates them.
 *
 * @param profiles that are active
 * @param elsewhere absent if unknown; then nothing counts as missing
 */
export function missingElsewhere(
  host: string,
  model: ComposeModel,
  profiles: readonly string[],
  elsewhere: Elsewhere | undefined,
): MissingThing[] {
  if (elsewhere === undefined) return [];
  const services = Object.entries(model.services).filter(([, service]) => isActive(service, profiles));
  const own = new Set(services.flatMap(([name, { container_name: written }]) => [written ?? defaultContainerName(model.name ?? "", name)]));
  const users = (uses: (service: ComposeService) => readonly string[]) => {
    const found = services.flatMap(([name, service]) => uses(service).map((key) => [key, name] as const));
    return Map.groupBy(found, ([key]) => key);
  };
  const networks = [...users(({ networks: attached = {} }) => Object.keys(attached))].flatMap(([key, by]) => {
    const name = externalName(model.networks, key);
    if (name === undefined || elsewhere.networks.has(name) || elsewhere.isInSwarm) return [];
    return [thing(host, `network ${name}`, by, `docker network create ${name}`)];
  });
  const volumes = [...users(volumesOf)].flatMap(([key, by]) => {
    const name = externalName(model.volumes, key);
    if (name === undefined || elsewhere.volumes.has(name)) return [];
    return [thing(host, `volume ${name}`, by, `docker volume create ${name}`)];
  });
  const containers = [...users(containersOf)].flatMap(([name, by]) => {
    const state = own.has(name) ? "running" : stateOf(name, elsewhere);
    if (state === "running") return [];
    const command = state === undefined ? `docker run --name ${name} …` : `docker start ${name}`;
    return [thing(host, `container ${name}`, by, command, state === undefined ? "does not exist" : `is ${state}`)];
  });
  return [...networks, ...volumes, ...containers];
}

function thing(
  host: string,
  what: string,
  by: readonly (readonly [string, string])[],
  command: string,
  how = "does not exist",
): MissingThing {
  return { what: `${host}: ${what} ${how}; used by ${by.map(([, service]) => service).join(", ")}`, command };
}

/** The name of an external network or volume on the host; undefined if the release creates it itself. */
function externalName(all: Record<string, unknown> | undefined, key: string): string | undefined {
  const written = all?.[key];
  if (typeof written !== "object" || written === null || !("external" in written) || written.external === false) return undefined;
  return "name" in written && typeof written.name === "string" ? written.name : key;
}

function volumesOf({ volumes = [] }: ComposeService): string[] {
  return [...new Set(volumes.flatMap(({ type, source }) => (type === "volume" && source !== undefined ? [source] : [])))];
}

/** Containers whose network, processes, memory or volumes a service shares, by name. */
function containersOf({ network_mode: network, ipc, pid, volumes_from: from = [] }: ComposeService): string[] {
  const shared = [network, ipc, pid, ...from].flatMap((value) => (value?.startsWith("container:") ? [value.split(":")[1] ?? ""] : []));
  return [...new Set(shared)];
}

/** Compose files may also name a container by the beginning of its id. */
function stateOf(name: string, { containers }: Elsewhere): string | undefined {
  const found = containers.get(name);
  if (found !== undefined || !/^[0-9a-f]{4,64}$/.test(name)) return found;
  return [...containers].find(([id]) => id.length === 64 && id.startsWith(name))?.[1];
}
