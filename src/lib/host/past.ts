import * as z from "zod";
import { commitSchema, lineSchema, readAnswer, releaseSchema, unreadable } from "../common/host-answer.ts";

/** A release of the past that a host keeps: it served once, and could again. */
export interface PastRelease {
  id: string;
  /** 40 characters. */
  commit: string;
  /** The tag or branch that it was asked for by. */
  ref?: string;
  /** Nobody goes back past it. */
  isIrreversible: boolean;
  /** The release that it repeats, where it went back itself. */
  repeats?: string;
}

/** What a host keeps of its past, and all of one release of it. */
export interface Past {
  /** Whatever served last comes first. */
  releases: PastRelease[];
  /** Files of the release that was asked for, by path in its folder; none where it is not kept. */
  files: ReadonlyMap<string, string>;
}

const prefix = "kept/";

/** What there is of a kept release; the rest of a path names a service, and what of it. */
const keptFile = /^(?:manifest\.json|compose\.json|plan\.whole|hooks|fronts\/[A-Za-z0-9_][A-Za-z0-9_.-]*)$/;

/**
 * Refuses files that no release has: their paths lead back into a release's folder.
 * @throws ColdtivateError HOST_ANSWER
 */
export function checkKept(host: string, files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if ([...files.keys()].every((path) => keptFile.test(path))) return files;
  throw unreadable(host, "it keeps files that are no part of a release");
}

/**
 * Reads the script's fields on the past; undefined where it was not asked.
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
