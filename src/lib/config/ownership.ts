import { statSync } from "node:fs";
import { dirname } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { ColdtivateError } from "../errors.ts";
import { childEnvironment } from "../secrets/child-environment.ts";

/**
 * Refuses a file that another user owns or could replace, as Git refuses such a repository (safe.directory in git-config(1)):
 * through the programs that it names, that user could run anything as this one. Root's files count as this user's. Under sudo, so
 * do the files of the user who called it.
 *
 * @param file absolute path
 * @param top top of the repository that contains the file: Git's safe.directory may name it
 * @throws ColdtivateError CONFIG_UNTRUSTED
 */
export async function refuseForeignFile(file: string, top: string): Promise<void> {
  const self = process.geteuid?.();
  if (self === undefined) return;
  const { SUDO_UID: caller } = process.env;
  const mine = new Set([0, self, ...(self === 0 && caller ? [Number(caller)] : [])]);
  const foreign = [file, dirname(file)].find((path) => !mine.has(statSync(path).uid));
  if (foreign === undefined || (await isSafe(top))) return;
  throw new ColdtivateError(`${foreign} belongs to another user (${statSync(foreign).uid}), and what ${file} names would run as you`, {
    code: "CONFIG_UNTRUSTED",
    exit: "refused",
    hint: `If you trust it: git config --global --add safe.directory ${top}, or name the file with --config.`,
  });
}

/** Whether this user told Git to trust a repository, whoever owns it. Settings in the repository itself do not count. */
async function isSafe(top: string): Promise<boolean> {
  const named = await safeDirectories();
  // An empty entry cancels those before it.
  const counted = named.slice(named.lastIndexOf("") + 1);
  return counted.some((each) => each === "*" || each === top || (each.endsWith("/*") && top.startsWith(each.slice(0, -1))));
}

async function safeDirectories(): Promise<string[]> {
  try {
    const child = spawn("git", ["config", "--null", "--get-all", "safe.directory"], {
      cwd: "/",
      env: childEnvironment("git", { GIT_DIR: undefined }),
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [said] = await Promise.all([text(child.stdout), once(child, "close")]);
    return said.split("\0").slice(0, -1);
  } catch {
    return [];
  }
}
