import type { NumberedStep } from "../content/dockerfile.ts";

/** A progress message of BuildKit. */
export interface BuildStatus {
  vertexes: Vertex[];
  logs: BuildLog[];
  /** Names whose manifests were sent. Whether the registry accepted them can only be seen there. */
  sent?: SentManifest[];
}

export interface SentManifest {
  /** With its tag. */
  reference: string;
  digest: string;
}

/** A piece of a step's output. */
export interface BuildLog {
  vertex: string;
  text: string;
}

/** A node of the build: a step of a Dockerfile, a load, an export. */
export interface Vertex {
  digest: string;
  name: string;
  started?: string | undefined;
  completed?: string | undefined;
  cached?: boolean | undefined;
  error?: string | undefined;
}

/** What a vertex's name tells: which target it belongs to, and what it does. */
export interface BuildStep {
  /** The bake target. Undefined if only one is built, or if the vertex belongs to all. */
  target?: string;
  /** `2/4 RUN make`, `load build context`, `exporting to image`. */
  title: string;
  /** Set for an instruction of a Dockerfile. */
  place?: NumberedStep;
  kind: "step" | "base" | "cache-import" | "cache-export" | "export" | "push" | "other";
}

/**
 * Reads a vertex's name: `[web builder 2/4] RUN make`, `[web internal] load build context`, `[web] exporting to image`,
 * and the same without the target where only one is built.
 */
export function readStep(name: string, single: boolean): BuildStep {
  const [, inside = "", text = name] = /^\[([^\]]*)\] (.*)$/s.exec(name) ?? [];
  const words = inside.split(" ").filter(Boolean);
  const target = single ? undefined : words.shift();
  const place = words.filter((word) => word !== "internal" && !/^stage-\d+$/.test(word)).join(" ");
  const title = `${place} ${text}`
    .trim()
    .replace(/\s+/g, " ")
    .replace(/^pushing \S*:(\S+) with docker$/, "pushing $1")
    .replace(/@sha256:[0-9a-f]{64}/, "");
  const at = placeOf(words, text);
  return { ...(target !== undefined && { target }), title, ...(at && { place: at }), kind: kindOf(words, text) };
}

/** Reads `linux/amd64 builder 2/4`. Platform and stage are only there if there are several. */
function placeOf(words: readonly string[], text: string): BuildStep["place"] {
  const [, number, total] = /^(\d+)\/(\d+)$/.exec(words.at(-1) ?? "") ?? [];
  if (number === undefined) return undefined;
  const stage = words.slice(0, -1).findLast((word) => !word.includes("/"));
  return { ...(stage !== undefined && { stage }), number: Number(number), total: Number(total), text: text.trim().replace(/\s+/g, " ") };
}

function kindOf(words: readonly string[], text: string): BuildStep["kind"] {
  if (/^\d+\/\d+$/.test(words.at(-1) ?? "")) return text.startsWith("FROM ") ? "base" : "step";
  if (text.startsWith("importing cache")) return "cache-import";
  if (text.startsWith("exporting cache")) return "cache-export";
  if (text.startsWith("exporting to")) return "export";
  if (text.startsWith("pushing ")) return "push";
  return "other";
}
