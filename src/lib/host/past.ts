import * as z from "zod";
import { commitSchema, lineSchema, readAnswer, releaseSchema, unreadable } from "../common/host-answer.ts";

/** An earlier release that a host keeps. It has served, and could serve again. */
export interface PastRelease {
  id: string;
  /** 40 characters. */
  commit: string;
  /** The tag or branch that it was requested by. */
  ref?: string;
  /** Whether rollbacks past it are forbidden. */
  isIrreversible: boolean;
  /** The release that it repeats, if it was a rollback itself. */
  repeats?: string;
}

/** The earlier releases that a host keeps, and all files of one of them. */
export interface Past {
  /** The one that served last comes first. */
  releases: PastRelease[];
  /** Files of the requested release, by path in its folder; empty if the host does not keep it. */
  files: ReadonlyMap<string, string>;
}

const prefix = "kept/";

/** The files of a kept release. The last part of a path in `fronts/` names a service and a kind of configuration. */
const keptFile = /^(?:manifest\.json|compose\.json|plan\.full|hooks|fronts\/[A-Za-z0-9_][A-Za-z0-9_.-]*)$/;

/**
 * Refuses files that no release has, because their paths will be written into a release's folder.
 * @throws ColdtivateError HOST_ANSWER
 */
export function checkKept(host: string, files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if ([...files.keys()].every((path) => keptFile.test(path))) return files;
  throw unreadable(host, "it keeps files that are no part of a release");
}

/**
 * Reads the script's fields about the past; undefined if it was not asked.
 * @throws ColdtivateError HOST_ANSWER
 */
export function parsePast(host: string, fields: ReadonlyMap<string, string>): Past | undefined {
  const text = fields.get("past");
  if (text === undefined) return undefined;
  const files = [...fields]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, content]) => [name.slice(prefix.length), content] as const);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return { releases: lines.map((each) => parseRelease(host, each)), files: checkKept(host, new Map(files)) };
}

const releaseLine = z.object({
  id: releaseSchema,
  commit: commitSchema,
  ref: lineSchema,
  repeats: z.union([z.literal("-"), releaseSchema]),
});

function parseRelease(host: string, line: string): PastRelease {
  const [name, written, called = "-", irreversible = "-", repeated = "-"] = line.split("\t");
  const read = { id: name, commit: written, ref: called, repeats: repeated };
  const { id, commit, ref, repeats } = readAnswer(host, "its list of releases", releaseLine, read);
  return {
    id,
    commit,
    ...(ref === "-" ? {} : { ref }),
    isIrreversible: irreversible !== "-",
    ...(repeats === "-" ? {} : { repeats }),
  };
}
