import * as z from "zod";
import { ColdtivateError } from "../errors.ts";
import { parseCapacity } from "./capacity.ts";
import { parseElsewhere } from "./elsewhere.ts";
import { isSlot, type Slot } from "./fronts.ts";
import type { HostState, ObservedContainer, ObservedMount, WrittenContent } from "./host-state.ts";
import { parseManifest } from "./manifest.ts";
import { mendModel } from "./mend.ts";
import type { ComposeModel } from "./model.ts";
import { parsePast } from "./past.ts";

const newline = 10;

/** The script's fields, each `name ⇥ bytes ⏎ content ⏎`, by name. */
export function parseFields(output: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  const decoder = new TextDecoder();
  for (let start = 0; start < output.length;) {
    const end = output.indexOf(newline, start);
    const [name, length] = decoder.decode(output.subarray(start, end === -1 ? output.length : end)).split("\t");
    if (end === -1 || name === undefined || !/^\d+$/.test(length ?? ""))
      throw unreadable("its answer is cut short or mixed with other output");
    const next = end + 1 + Number(length);
    fields.set(name, decoder.decode(output.subarray(end + 1, next)));
    start = next + 1;
  }
  return fields;
}

/** What a host answered to `observe`. Compose's refusal to merge the files is an error that quotes it. */
export function parseState(host: string, fields: ReadonlyMap<string, string>): HostState {
  const field = (name: string) => fields.get(name) ?? "";
  if (field("protocol").trim() !== "1") throw unreadable(`${host} speaks protocol "${field("protocol").trim()}", not 1`);
  // People know these files by their paths in the repository.
  const complaints = textLines(field("error").replaceAll(`${field("directory").trim()}/`, "./"));
  if (field("model").trim() === "" && complaints.length > 0) {
    throw new ColdtivateError(`${host}: Docker Compose does not accept the Compose files`, {
      code: "COMPOSE_REFUSED",
      exit: "usage",
      details: complaints,
      hint: complaints.some((line) => /env file .* not found/.test(line))
        ? "Commit that file, mark it `required: false`, or have the environment's dotenv stand in for it: env_file: ${DOT_ENV_PATH}."
        : "Correct the Compose files or the dotenv, commit, and run the same command again.",
    });
  }
  const manifest = parseManifest(field("manifest"));
  const past = parsePast(fields);
  const elsewhere = parseElsewhere(field("elsewhere"));
  return {
    host,
    stateDirectory: field("state").trim(),
    sourceDirectory: field("directory").trim(),
    engine: field("engine").trim(),
    compose: field("compose").trim(),
    current: field("current").trim(),
    ...(manifest === undefined ? {} : { manifest }),
    locked: field("locked").trim(),
    running: field("running").trim(),
    unsettled: field("unsettled").split(/\s+/).filter(Boolean),
    containers: textLines(field("containers")).map(parseContainer),
    fronts: parseFronts(field("fronts")),
    written: textLines(field("written")).map(parseWritten),
    images: textLines(field("images")),
    capacity: parseCapacity(field("capacity")),
    ...(past === undefined ? {} : { past }),
    ...(elsewhere === undefined ? {} : { elsewhere }),
    model: parseModel(field("model")),
    warnings: complaints,
  };
}

function parseContainer(line: string): ObservedContainer {
  const fields = line.split("\t");
  const [id = "", name = "", service = "", image = "", definition = "", state = "", status = "", health = "", oneOff = "", network = ""] =
    fields;
  const [workingDirectory = "", ...rest] = fields.slice(13);
  const mounts = parseMounts(rest.join("\t"));
  return {
    id,
    name,
    service,
    image,
    definition,
    state,
    status,
    health: health === "-" ? "" : health,
    oneOff: oneOff === "True",
    network,
    ...(workingDirectory === "" ? {} : { workingDirectory }),
    ...(mounts === undefined ? {} : { mounts }),
  };
}

const mountsSchema = z.array(
  z.object({
    Type: z.string(),
    Name: z.string().optional(),
    Source: z.string().default(""),
    Destination: z.string(),
    RW: z.boolean().default(true),
  }),
);

/** Undefined where the engine said nothing that can be read. */
function parseMounts(text: string): ObservedMount[] | undefined {
  if (text === "") return undefined;
  try {
    return mountsSchema
      .parse(JSON.parse(text) ?? [])
      .map(({ Type: type, Name: name, Source: source, Destination: target, RW: writable }) => ({
        type,
        source,
        target,
        writable,
        ...(name === undefined || name === "" ? {} : { name }),
      }));
  } catch {
    return undefined;
  }
}

function parseWritten(line: string): WrittenContent {
  const [place = "", count, ...files] = line.split("\t");
  return { place, count: Number(count), files };
}

function parseFronts(text: string): Record<string, Slot> {
  const fronts = textLines(text).map((line) => line.split("\t"));
  return Object.fromEntries(fronts.flatMap(([service = "", slot]) => (isSlot(slot) ? [[service, slot]] : [])));
}

/** A Compose model; one without services where there is no text. */
export function parseModel(text: string): ComposeModel {
  if (text.trim() === "") return { services: {} };
  const model: unknown = JSON.parse(text);
  if (!isModel(model)) throw unreadable("what `docker compose config` gave is no Compose model");
  return mendModel(model);
}

/** Compose wrote it: that it has services is all that can be in doubt. */
function isModel(value: unknown): value is ComposeModel {
  return (
    typeof value === "object" && value !== null && "services" in value && typeof value.services === "object" && value.services !== null
  );
}

function textLines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

function unreadable(reason: string): ColdtivateError {
  return new ColdtivateError(`the host's answer cannot be read: ${reason}`, {
    code: "HOST_ANSWER",
    exit: "refused",
    hint: "Run the same command again. A wrapper around docker or bash on the host that prints something of its own can be the cause.",
  });
}
