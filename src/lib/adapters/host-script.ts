import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TarEntry } from "./tar.ts";

/** The script that runs on the hosts. */
export const scriptName = "environment-deployment-management.sh";

/**
 * The script that runs on the hosts, with its parts beside it, as it is sent to them.
 *
 * @param root of an installed coldtivate
 */
export async function readHostScript(root: string): Promise<TarEntry[]> {
  const folder = scriptName.replace(/\.sh$/, "");
  const parts = (await readdir(join(root, "scripts", folder))).toSorted().map((part) => `${folder}/${part}`);
  const read = (path: string) => readFile(join(root, "scripts", path));
  return [
    { path: scriptName, content: await read(scriptName), mode: 0o700 },
    ...(await Promise.all(parts.map(async (path) => ({ path, content: await read(path) })))),
  ];
}

/**
 * Finds the script of an environment, and leaves its path in `s`: the copy of the release that somebody deploys right now,
 * which knows best how to speak of it, or the one beside the state. Where there is none, `s` does not exist.
 */
export function findScript(name: string): string {
  const state = `$HOME/.coldtivate/${name}`;
  return `s="${state}/releases/$(cut -f3 "${state}/running" 2>/dev/null)/${scriptName}"; [ -e "$s" ] || s="${state}/${scriptName}"`;
}
