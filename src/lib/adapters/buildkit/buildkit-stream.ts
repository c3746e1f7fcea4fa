import { StringDecoder } from "node:string_decoder";
import * as z from "zod";
import type { BuildStatus, SentManifest } from "../../images/build-status.ts";
import { parseJson } from "../../common/plain.ts";

const vertex = z.object({
  digest: z.string(),
  name: z.string().default(""),
  started: z.string().optional(),
  completed: z.string().optional(),
  cached: z.boolean().optional(),
  error: z.string().optional(),
});
const log = z.object({ vertex: z.string(), stream: z.number().optional(), data: z.string(), timestamp: z.string().optional() });
const status = z.object({ id: z.string(), completed: z.string().optional() });
const record = z.object({
  vertexes: z.array(vertex).nullish(),
  statuses: z.array(status).nullish(),
  logs: z.array(log).nullish(),
});

/** The beginning of a push's status (BuildKit's util/push). */
const sending = "pushing manifest for ";

/**
 * Reads the output of `docker buildx --progress rawjson`: JSON records, each spread over several lines (buildx 0.13) or on one
 * line (later versions), and plain text between them.
 * @returns a function that takes one line, and returns a record or a line of text once it is complete
 */
export function readBuildStream(): (line: string) => { status?: BuildStatus; text?: string } {
  let open: string[] | undefined;
  const decode = createDecoder();
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
      return parseRecord(text, decode);
    }
    return line.startsWith("{") ? parseRecord(line, decode) : { text: line };
  };
}

type Log = z.infer<typeof log>;

/**
 * Decodes a piece of output; undefined the second time, because a step that several images share appears in the stream of each.
 */
function createDecoder(): (log: Log) => string | undefined {
  const streams = new Map<string, { decoder: StringDecoder; seen: Set<string> }>();
  return ({ vertex: of, stream = 0, data, timestamp }) => {
    const key = `${of} ${stream}`;
    // A character may be split between two pieces.
    const { decoder, seen } = streams.get(key) ?? { decoder: new StringDecoder("utf8"), seen: new Set() };
    streams.set(key, { decoder, seen });
    const piece = `${timestamp} ${data.length}`;
    if (timestamp !== undefined && seen.has(piece)) return undefined;
    seen.add(piece);
    return decoder.write(Buffer.from(data, "base64"));
  };
}

/** Whether a record only says how many bytes were transferred. Most records do, and nothing in them matters here. */
function isAboutBytesAlone(text: string): boolean {
  const matters = ['"vertexes":', '"logs":', `"${sending}`];
  return /^\{\s*"statuses":/.test(text) && text.endsWith("}") && !matters.some((part) => text.includes(part));
}

function parseRecord(text: string, decode: (log: Log) => string | undefined): { status?: BuildStatus; text?: string } {
  if (isAboutBytesAlone(text)) return { status: { vertexes: [], logs: [] } };
  const parsed = record.safeParse(parseJson(text));
  if (!parsed.success) return { text };
  const logs = (parsed.data.logs ?? []).flatMap((each) => {
    const decoded = decode(each);
    return decoded === undefined ? [] : [{ vertex: each.vertex, text: decoded }];
  });
  const sent = (parsed.data.statuses ?? []).flatMap(readSent);
  return { status: { vertexes: parsed.data.vertexes ?? [], logs, ...(sent.length > 0 && { sent }) } };
}

function readSent({ id, completed }: z.infer<typeof status>): SentManifest[] {
  if (completed === undefined || !id.startsWith(sending)) return [];
  const [, reference, digest] = /^(\S+)@(sha256:[0-9a-f]{64})$/.exec(id.slice(sending.length)) ?? [];
  return reference === undefined || digest === undefined ? [] : [{ reference, digest }];
}
