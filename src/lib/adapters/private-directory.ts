import { rmSync } from "node:fs";
import { access, constants, lstat, mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that only this user can read, in memory where the machine allows; gone when it is disposed of, or with the process. */
export interface PrivateDirectory extends AsyncDisposable {
  path: string;
  /** Writes a file that only this user can read, and gives its path. */
  write: (name: string, content: string) => Promise<string>;
}

const prefix = "coldtivate-client";

/** What is to be removed when the process ends. */
const held = new Set<string>();

/** Makes the folder, and removes what a killed process left behind. */
export async function createPrivateDirectory(): Promise<PrivateDirectory> {
  const home = await memoryBacked();
  const space = await processSpace();
  await sweep(home, space);
  const path = await mkdtemp(join(home, `${prefix}-${space}-${process.pid}-`));
  if (held.size === 0) process.on("exit", removeHeld);
  held.add(path);
  return {
    path,
    async write(name, content) {
      const file = join(path, name);
      await writeFile(file, content, { mode: 0o600 });
      return file;
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      held.delete(path);
      if (held.size === 0) process.off("exit", removeHeld);
    },
  };
}

function removeHeld(): void {
  for (const path of held) rmSync(path, { recursive: true, force: true });
}

async function memoryBacked(): Promise<string> {
  const memory = "/dev/shm";
  return access(memory, constants.W_OK).then(
    () => memory,
    () => tmpdir(),
  );
}

/** Process ids mean something within their namespace only. */
async function processSpace(): Promise<string> {
  const link = await readlink("/proc/self/ns/pid").catch(() => "");
  return link.replace(/\D/g, "") || "0";
}

async function sweep(home: string, space: string): Promise<void> {
  const names = await readdir(home).catch(() => []);
  const abandoned = names.filter((name) => {
    const [, pid] = new RegExp(`^${prefix}-${space}-(\\d+)-`).exec(name) ?? [];
    return pid !== undefined && !isAlive(Number(pid));
  });
  for (const name of abandoned) {
    const path = join(home, name);
    const owner = await lstat(path).catch(() => undefined);
    if (owner?.uid === process.getuid?.()) await rm(path, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
