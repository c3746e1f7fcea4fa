import { lstatSync, mkdirSync, statSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes Node.js cache the compiled form of everything that is loaded from now on, so that the next start need not compile it.
 * Node.js runs what it finds in the cache unchecked. So the folder must be one that only this user can write, never a shared one.
 * Without such a folder, every start compiles.
 * @returns the folder, or undefined if nothing is cached
 */
export function enableCompileCache(env: Environment = process.env): string | undefined {
  try {
    const folder = join(cacheHome(env), "coldtivate", "compiled");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isPrivate(folder)) return undefined;
    return module.enableCompileCache(folder).directory;
  } catch {
    return undefined;
  }
}

/** @throws if the home directory belongs to another user, as under sudo: a file of ours there would be in that user's way */
function cacheHome(env: Environment): string {
  const { XDG_CACHE_HOME: chosen } = env;
  if (chosen !== undefined && isAbsolute(chosen)) return chosen;
  const home = env.HOME || homedir();
  if (statSync(home).uid !== ownUser()) throw new Error(`${home} belongs to another user`);
  return join(home, ".cache");
}

function isPrivate(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return uid === ownUser() && (mode & 0o022) === 0;
}

/** On systems without user ids, the owner of files is 0. */
function ownUser(): number {
  return process.geteuid?.() ?? 0;
}
