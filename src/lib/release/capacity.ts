import { parsePublished, parseSocket, type HostPort } from "./host-ports.ts";

/** What a host has to spare, and who listens where. What could not be seen there is absent; numbers are bytes. */
export interface HostCapacity {
  memory?: { total: number; available: number };
  /** Where the engine keeps images. */
  disk?: { path: string; free: number };
  /** By container of the project: its memory, caches left out. */
  used: Readonly<Record<string, number>>;
  /** Containers of anybody that publish ports. */
  published: { project: string; container: string; ports: HostPort[] }[];
  /** Whatever listens, published ports among it. */
  sockets: HostPort[];
}

/** Reads the `capacity` field of what a host answered. */
export function parseCapacity(text: string): HostCapacity {
  const facts = text.split("\n").map((line) => line.split("\t"));
  const of = (kind: string) => facts.filter(([word]) => word === kind);
  const memory = of("memory").map(([, total, available]) => ({ total: Number(total), available: Number(available) }))[0];
  const disk = of("disk").map(([, path = "", free]) => ({ path, free: Number(free) }))[0];
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(disk === undefined ? {} : { disk }),
    used: Object.fromEntries(of("used").map(([, id = "", bytes]) => [id, Number(bytes)])),
    published: of("publishes").map(([, project = "", container = "", ports = ""]) => ({
      project,
      container,
      ports: parsePublished(ports),
    })),
    sockets: of("listens").flatMap(([, table = "", address = ""]) => parseSocket(table, address) ?? []),
  };
}
