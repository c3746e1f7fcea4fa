import { accessSync, constants, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A folder that only this user can read, in memory if the machine allows that. It is removed when it is disposed of, or when the
 * process ends.
 */
export interface PrivateDirectory extends AsyncDisposable {
  path: string;
  /** Writes a file that only this user can read, and returns its path. */
  write: (name: string, content: string) => Promise<string>;
}

const prefix = "coldtivate-client";

/** Folders to remove when the process ends. */
const held = new Set<string>();

/** Creates the folder, and removes what killed processes left behind. */
export function createPrivateDirectory(): PrivateDirectory {
  const home = memoryBacked();
  const space = processSpace();
  sweep(home, space);
  const path = mkdtempSync(join(home, `${prefix}-${space}-${process.pid}-`));
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

function memoryBacked(): string {
  const memory = "/dev/shm";
  const found = orUndefined(() => {
    accessSync(memory, constants.W_OK);
    return memory;
  });
  return found ?? tmpdir();
}

/** A process ID is meaningful only within its namespace. */
function processSpace(): string {
  const link = orUndefined(() => readlinkSync("/proc/self/ns/pid")) ?? "";
  return link.replace(/\D/g, "") || "0";
}

function sweep(home: string, space: string): void {
  const names = orUndefined(() => readdirSync(home)) ?? [];
  const abandoned = names.filter((name) => {
    const [, pid] = new RegExp(`^${prefix}-${space}-(\\d+)-`).exec(name) ?? [];
    return pid !== undefined && !isAlive(Number(pid));
  });
  for (const name of abandoned) {
    const path = join(home, name);
    const owner = orUndefined(() => lstatSync(path));
    if (owner?.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
  }
}

function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
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
