import * as z from "zod";
import { ColdtivateError } from "../errors.ts";
import { parseCapacity } from "./capacity.ts";
import { parseElsewhere } from "./elsewhere.ts";
import { isSlot, type Slot } from "../fronts/fronts.ts";
import {
  lineSchema,
  pathSchema,
  plainLines,
  plainWords,
  readAnswer,
  readJson,
  releaseSchema,
  thingSchema,
  unreadable,
} from "../common/host-answer.ts";
import type { HostState, ObservedContainer, ObservedMount, WrittenContent } from "./host-state.ts";
import { parseManifest } from "../release/manifest.ts";
import { mendModel } from "../compose/mend.ts";
import type { ComposeModel } from "../compose/model.ts";
import { modelSchema } from "./model-schema.ts";
import { parsePast } from "./past.ts";

const newline = 10;
/** A kept release has a field for each of its fronts. */
const mostFields = 10_000;

/**
 * The script's fields, each `name ⇥ bytes ⏎ content ⏎`, by name.
 * @throws ColdtivateError HOST_ANSWER
 */
export function parseFields(host: string, output: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  const decoder = new TextDecoder();
  for (let start = 0; start < output.length;) {
    const end = output.indexOf(newline, start);
    const [name, length] = decoder.decode(output.subarray(start, end === -1 ? output.length : Math.min(end, start + 4096))).split("\t");
    const next = end + 1 + Number(length);
    if (end === -1 || name === undefined || !/^\d{1,10}$/.test(length ?? "") || next > output.length || fields.size >= mostFields)
      throw unreadable(host, "it is cut short or mixed with other output");
    fields.set(name, decoder.decode(output.subarray(end + 1, next)));
    start = next + 1;
  }
  return fields;
}

const releaseOrNone = z.union([z.literal(""), releaseSchema]);

/**
 * Reads a host's answer to `observe`. If Compose refused to merge the files, throws an error that quotes it.
 * @throws ColdtivateError HOST_ANSWER, COMPOSE_REFUSED
 */
export function parseState(host: string, fields: ReadonlyMap<string, string>): HostState {
  const field = (name: string) => fields.get(name) ?? "";
  const read = <Type>(name: string, schema: z.ZodType<Type>) => readAnswer(host, `its field ${name}`, schema, field(name).trim());
  if (field("protocol").trim() !== "1")
    throw unreadable(host, `it speaks protocol ${JSON.stringify(plainWords(field("protocol")).slice(0, 20))}, not 1`);
  const sourceDirectory = read("directory", pathSchema);
  // People know these files by their paths in the repository.
  const complaints = plainLines(field("error").replaceAll(`${sourceDirectory}/`, "./"));
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
  const past = parsePast(host, fields);
  const elsewhere = parseElsewhere(field("elsewhere"));
  const images = fields.get("images");
  return {
    host,
    stateDirectory: read("state", pathSchema),
    sourceDirectory,
    engine: read("engine", lineSchema),
    compose: read("compose", lineSchema),
    current: read("current", releaseOrNone),
    ...(manifest === undefined ? {} : { manifest }),
    locked: plainWords(field("locked")),
    running: plainWords(field("running")),
    unsettled: readAnswer(host, "its field unsettled", z.array(releaseSchema), field("unsettled").split(/\s+/).filter(Boolean)),
    containers: textLines(field("containers")).map((line) => parseContainer(host, line)),
    fronts: parseFronts(host, field("fronts")),
    written: textLines(field("written")).map((line) => parseWritten(host, line)),
    ...(images === undefined ? {} : { images: textLines(images).filter((line) => /^\S+@sha256:[0-9a-f]{64}$/.test(line)) }),
    capacity: parseCapacity(field("capacity")),
    ...(past === undefined ? {} : { past }),
    ...(elsewhere === undefined ? {} : { elsewhere }),
    model: parseModel(host, field("model")),
    warnings: complaints,
  };
}

const containerSchema = z.object({
  id: thingSchema,
  name: thingSchema,
  service: z.union([z.literal(""), thingSchema]),
  image: lineSchema,
  definition: lineSchema,
  state: lineSchema,
  status: lineSchema,
  health: lineSchema,
  network: lineSchema,
  workingDirectory: lineSchema,
});

function parseContainer(host: string, line: string): ObservedContainer {
  const fields = line.split("\t");
  const [id = "", name = "", service = "", image = "", definition = "", state = "", status = "", health = "", oneOff = "", network = ""] =
    fields;
  const [written = "", ...rest] = fields.slice(13);
  const mounts = parseMounts(host, rest.join("\t"));
  const { workingDirectory, ...container } = readAnswer(host, "its list of containers", containerSchema, {
    id,
    name,
    service,
    image,
    definition,
    state,
    status,
    health: health === "-" ? "" : health,
    network,
    workingDirectory: written,
  });
  return {
    ...container,
    oneOff: oneOff === "True",
    ...(workingDirectory === "" ? {} : { workingDirectory }),
    ...(mounts === undefined ? {} : { mounts }),
  };
}

const mountsSchema = z.array(
  z.object({
    Type: lineSchema,
    Name: lineSchema.optional(),
    Source: lineSchema.default(""),
    Destination: lineSchema,
    RW: z.boolean().default(true),
  }),
);

/** Undefined if the engine's answer cannot be read. */
function parseMounts(host: string, text: string): ObservedMount[] | undefined {
  if (text === "") return undefined;
  try {
    return mountsSchema
      .parse(readJson(host, "its list of mounts", text) ?? [])
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

function parseWritten(host: string, line: string): WrittenContent {
  const [place, count, ...files] = line.split("\t");
  const schema = z.object({ place: pathSchema, count: z.coerce.number().int().min(0).max(1e12) });
  return { ...readAnswer(host, "what containers wrote", schema, { place, count }), files: files.map(plainWords) };
}

function parseFronts(host: string, text: string): Record<string, Slot> {
  const fronts = textLines(text).map((line) => line.split("\t"));
  return Object.fromEntries(
    fronts.flatMap(([service, slot]) => (isSlot(slot) ? [[readAnswer(host, "its list of fronts", thingSchema, service), slot]] : [])),
  );
}

/**
 * Reads a Compose model; without text, a model without services.
 * @throws ColdtivateError HOST_ANSWER
 */
export function parseModel(host: string, text: string): ComposeModel {
  if (text.trim() === "") return { services: {} };
  const what = "the model that its Docker Compose made";
  const model = readJson(host, what, text);
  readAnswer(host, what, modelSchema, model);
  if (!isModel(model)) throw unreadable(host, `${what} is none`);
  return mendModel(model);
}

/** The schema has looked at the rest. */
function isModel(value: unknown): value is ComposeModel {
  return typeof value === "object" && value !== null && "services" in value;
}

function textLines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}
