import { z } from "zod";
import type { BuildStatus } from "../images/build-status.ts";

const vertex = z.object({
  digest: z.string(),
  name: z.string().default(""),
  started: z.string().optional(),
  completed: z.string().optional(),
  cached: z.boolean().optional(),
  error: z.string().optional(),
});
const log = z.object({ vertex: z.string(), data: z.string() });
const record = z.object({ vertexes: z.array(vertex).nullish(), logs: z.array(log).nullish() });

/**
 * Reads what `docker buildx --progress rawjson` writes: records of JSON, spread over lines (buildx 0.13) or one a line (later ones),
 * and plain text between them.
 * @returns a function that takes one line, and gives a record or a line of text once there is one
 */
export function readBuildStream(): (line: string) => { status?: BuildStatus; text?: string } {
  let open: string[] | undefined;
  return (line) => {
    if (open === undefined && line === "{") {
      open = [line];
      return {};
    }
    if (open !== undefined) {
      open.push(line);
      if (line !== "}") return {};
      const text = open.join("\n");
      open = undefined;
      return parseRecord(text);
    }
    return line.startsWith("{") ? parseRecord(line) : { text: line };
  };
}

function parseRecord(text: string): { status?: BuildStatus; text?: string } {
  const parsed = record.safeParse(parseJson(text));
  if (!parsed.success) return { text };
  const logs = (parsed.data.logs ?? []).map(({ vertex: of, data }) => ({ vertex: of, text: Buffer.from(data, "base64").toString() }));
  return { status: { vertexes: parsed.data.vertexes ?? [], logs } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
