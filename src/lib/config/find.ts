import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ColdtivateError } from "../errors.ts";
import { kindOf, systemCode } from "./file.ts";

export const configName = "coldtivate.yml";

/** The configuration file: the given one, or the nearest at or above the working directory. Throws CONFIG_MISSING. */
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
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, configName);
    if (kindOf(path) === "file") return path;
    if (folder === dirname(folder)) break;
  }
  throw new ColdtivateError(`There is no ${configName} in ${resolve(cwd)} or above it.`, {
    code: "CONFIG_MISSING",
    exit: "usage",
    hint: `Change to your project's folder or name the file with --config. To begin, write a ${configName}: docs/configuration.md has a short one to start from.`,
  });
}

/** The file's text. Throws CONFIG_UNREADABLE. */
export async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ColdtivateError(`Cannot read ${path}: ${systemCode(cause)}.`, {
      code: "CONFIG_UNREADABLE",
      exit: "usage",
      cause,
    });
  }
}
