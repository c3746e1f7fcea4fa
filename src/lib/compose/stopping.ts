import * as z from "zod";
import { parseDuration } from "../common/duration.ts";
import type { ComposeService } from "./model.ts";

/** Whole seconds of a time as Compose writes it (`1m30s`); undefined where it is none. */
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

/** Commands that run in a service's container before it stops (`pre_stop`): options of `docker exec`, `--`, and the command's words. */
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

/** What runs in containers before they stop, for the script: a line each, its words as printf's %b reads them, tabs between. */
export function farewellsText(services: Readonly<Record<string, ComposeService>>): string {
  return Object.entries(services)
    .flatMap(([name, service]) => farewellsOf(service).map((words) => `${[name, ...words.map(escape)].join("\t")}\n`))
    .join("");
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** A word that a line can hold; an empty one is what ends the output of %b before it began. */
function escape(word: string): string {
  return word === "" ? "\\c" : word.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? character);
}

/** Ten seconds are what Docker gives a container before it kills it: too little for a database that writes down what it has. */
const timeToStop = "1m0s";

/** A service that has time to write down what it has before it is killed. */
export function withTimeToStop(service: ComposeService, rollout: { isStateful?: boolean | undefined } | undefined): ComposeService {
  if (rollout?.isStateful !== true || service["stop_grace_period"] !== undefined) return service;
  return { ...service, stop_grace_period: timeToStop };
}

/**
 * A service without the time to stop that it was given here: what runs already is not replaced for that. The script stops
 * it with the time that its release says.
 * @param written the service before it was given any
 */
export function withoutAddedTime(service: ComposeService, written: ComposeService | undefined): ComposeService {
  if (written?.["stop_grace_period"] !== undefined) return service;
  const { stop_grace_period: _added, ...rest } = service;
  return rest;
}
