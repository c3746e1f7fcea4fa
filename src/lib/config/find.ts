import { dirname, join, resolve } from "node:path";
import { ColdtivateError } from "../errors.ts";
import { kindOf, readBounded, systemCode } from "../common/file.ts";
import { refuseForeignFile } from "./ownership.ts";
import { topOf } from "./repository-top.ts";

export const configName = "coldtivate.yml";

/**
 * The configuration file: the given one, or the nearest at or above the working directory, but not above the repository. A file
 * that is found must be this user's own, because coldtivate runs what it names.
 * Throws CONFIG_MISSING, CONFIG_UNTRUSTED.
 */
export async function findConfig(file: string | undefined, cwd: string): Promise<string> {
  if (file !== undefined) {
    const path = resolve(cwd, file);
    if (kindOf(path) === "file") return path;
    throw new ColdtivateError(`There is no configuration file ${path}.`, {
      code: "CONFIG_MISSING",
      exit: "usage",
      hint: "Check --config, or COLDTIVATE_CONFIG.",
    });
  }
  const top = topOf(cwd);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, configName);
    if (kindOf(path) === "file") {
      await refuseForeignFile(path, top ?? folder);
      return path;
    }
    if (folder === top || folder === dirname(folder)) break;
  }
  const where = top === undefined || top === resolve(cwd) ? "" : `, up to the top of the repository, ${top}`;
  throw new ColdtivateError(`There is no ${configName} in ${resolve(cwd)} or above it${where}.`, {
    code: "CONFIG_MISSING",
    exit: "usage",
    hint: `Change to your project's folder or name the file with --config. To begin, write a ${configName}: docs/configuration.md has a short one to start from.`,
  });
}

/** The file's text. Throws CONFIG_UNREADABLE, FILE_TOO_LARGE. */
export async function readConfig(path: string, signal?: AbortSignal): Promise<string> {
  try {
    return (await readBounded(path, signal)).toString();
  } catch (cause) {
    if (cause instanceof ColdtivateError || signal?.aborted) throw cause;
    throw new ColdtivateError(`Cannot read ${path}: ${systemCode(cause)}.`, {
      code: "CONFIG_UNREADABLE",
      exit: "usage",
      cause,
    });
  }
}
