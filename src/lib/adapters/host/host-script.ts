import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TarEntry } from "../tar.ts";

/** The script that runs on the hosts. */
export const scriptName = "environment-deployment-management.sh";

/**
 * The script that runs on the hosts, and its parts, as they are sent to them.
 *
 * @param root root folder of an installed coldtivate
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

let own: Promise<TarEntry[]> | undefined;

/** The script that belongs to this very code. The copy that a host keeps is run by people on the host, not by the CLI. */
export function ownScript(): Promise<TarEntry[]> {
  return (own ??= readHostScript(findRoot()));
}

function findRoot(): string {
  for (let at = import.meta.dirname; ; at = dirname(at)) {
    if (existsSync(join(at, "scripts", scriptName))) return at;
    if (at === dirname(at)) throw new Error(`${scriptName} is not beside ${import.meta.dirname}`);
  }
}
