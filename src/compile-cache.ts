import { lstatSync, mkdirSync, statSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Has Node.js keep the compiled form of what is loaded from now on, so that the next start need not compile it. Node.js
 * runs what it finds there as it is: the folder is one that this user alone can write, never a shared one. Where there
 * is none, every start compiles.
 * @returns the folder, or undefined where nothing is kept
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

/** @throws when the home is another user's, as under sudo: a file of ours in it would be in that user's way */
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

/** Where users have no number, files have 0. */
function ownUser(): number {
  return process.geteuid?.() ?? 0;
}
