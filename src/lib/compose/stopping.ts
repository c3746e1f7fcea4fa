import * as z from "zod";
import { parseDuration } from "../common/duration.ts";
import type { ComposeService } from "./model.ts";

/** Parses a time as Compose writes it (`1m30s`), in whole seconds. Returns undefined if it is none. */
export function parseTime(written: unknown): number | undefined {
  const milliseconds = parseDuration(written);
  return milliseconds === undefined ? undefined : Math.ceil(milliseconds / 1000);
}

const hooksSchema = z.array(
  z.object({
    command: z.union([z.string(), z.array(z.string())]),
    user: z.string().optional(),
    privileged: z.boolean().optional(),
    working_dir: z.string().optional(),
    environment: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).nullable()).optional(),
  }),
);

/**
 * Commands that run in a service's container before it stops (`pre_stop`). Each one has the options of `docker exec`, then `--`,
 * then the command's words.
 */
export function farewellsOf(service: ComposeService): string[][] {
  const { data: hooks = [] } = hooksSchema.safeParse(service["pre_stop"]);
  return hooks.map(({ command, user, privileged, working_dir: folder, environment = {} }) => {
    const words = typeof command === "string" ? ["sh", "-c", command] : command;
    return [
      ...(user === undefined ? [] : ["--user", user]),
      ...(privileged === true ? ["--privileged"] : []),
      ...(folder === undefined ? [] : ["--workdir", folder]),
      ...Object.entries(environment).flatMap(([name, value]) => ["--env", value === null ? name : `${name}=${value}`]),
      "--",
      ...words,
    ].map((word) => word.replaceAll("$$", "$"));
  });
}

/**
 * The commands that run in containers before they stop, for the script. Each line holds one command: words as printf's %b reads
 * them, separated by tabs.
 */
export function farewellsText(services: Readonly<Record<string, ComposeService>>): string {
  return Object.entries(services)
    .flatMap(([name, service]) => farewellsOf(service).map((words) => `${[name, ...words.map(escape)].join("\t")}\n`))
    .join("");
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Escapes a word so that it fits into a line. An empty word becomes `\c`, which ends the output of %b before it begins. */
function escape(word: string): string {
  return word === "" ? "\\c" : word.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? character);
}

/** Docker's default is ten seconds until it kills a container. That is too short for a database that has to write its data. */
const timeToStop = "1m0s";

/** Gives a stateful service time to write its data before it is killed. */
export function withTimeToStop(service: ComposeService, rollout: { isStateful?: boolean | undefined } | undefined): ComposeService {
  if (rollout?.isStateful !== true || service["stop_grace_period"] !== undefined) return service;
  return { ...service, stop_grace_period: timeToStop };
}

/**
 * Removes the stop time that was added here, because a running service must not be replaced just for that. The script stops it
 * with the time that its release says.
 * @param written the service before any time was added
 */
export function withoutAddedTime(service: ComposeService, written: ComposeService | undefined): ComposeService {
  if (written?.["stop_grace_period"] !== undefined) return service;
  const { stop_grace_period: _added, ...rest } = service;
  return rest;
}
