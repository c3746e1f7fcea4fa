import { plainWords, thingName } from "../common/host-answer.ts";
import { parsePublished, parseSocket, type HostPort } from "../compose/host-ports.ts";

/** A host's free resources, and its listening ports. Values that could not be determined are absent. Numbers are in bytes. */
export interface HostCapacity {
  memory?: { total: number; available: number };
  /** The disk where the engine keeps images. */
  disk?: { path: string; free: number };
  /** By container of the project: its memory use, without caches. */
  used: Readonly<Record<string, number>>;
  /** All containers that publish ports, of any project. */
  published: { project: string; container: string; ports: HostPort[] }[];
  /** All listening sockets, including published ports. */
  sockets: HostPort[];
}

/** Reads the `capacity` field of a host's answer. Ignores values that make no sense. */
export function parseCapacity(text: string): HostCapacity {
  const facts = text.split("\n").map((line) => line.split("\t"));
  const of = (kind: string) => facts.filter(([word]) => word === kind);
  const memory = of("memory").flatMap(([, total, available]) => {
    const [all, free] = [bytesOf(total), bytesOf(available)];
    return all === undefined || free === undefined ? [] : [{ total: all, available: free }];
  })[0];
  const disk = of("disk").flatMap(([, path = "", free]) => {
    const bytes = bytesOf(free);
    return bytes === undefined ? [] : [{ path: plainWords(path), free: bytes }];
  })[0];
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(disk === undefined ? {} : { disk }),
    used: Object.fromEntries(
      of("used").flatMap(([, id = "", said]) => {
        const bytes = bytesOf(said);
        return bytes === undefined || !thingName.test(id) ? [] : [[id, bytes] as const];
      }),
    ),
    published: of("publishes").map(([, project = "", container = "", ports = ""]) => ({
      project: plainWords(project),
      container: plainWords(container),
      ports: parsePublished(ports),
    })),
    sockets: of("listens").flatMap(([, table = "", address = ""]) => parseSocket(table, address) ?? []),
  };
}

function bytesOf(text = ""): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
