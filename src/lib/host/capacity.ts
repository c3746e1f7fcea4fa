import { plainWords, thingName } from "../common/host-answer.ts";
import { parsePublished, parseSocket, type HostPort } from "../compose/host-ports.ts";

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

/** Reads the `capacity` field of what a host answered; what makes no sense was not seen. */
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
