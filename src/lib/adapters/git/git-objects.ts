import { spawn } from "node:child_process";
import { once } from "node:events";
import { childEnvironment } from "../../secrets/child-environment.ts";
import { gitEnvironment, gitFlags, interrupted } from "./git-run.ts";

export interface GitObject {
  id: string;
  /** `blob`, `tree`, `commit` or `tag`. */
  type: string;
  /** Empty if the object is larger than was asked for. */
  content: Buffer;
  isTooLarge?: boolean;
}

/** Reads objects of one repository with one process. */
export interface GitObjects extends Disposable {
  /**
   * An object by its ID, or by a name without spaces or line breaks; undefined if the repository does not have it.
   * @param most maximum size in bytes; the content of a larger object is skipped
   */
  read(name: string, most?: number): Promise<GitObject | undefined>;
}

interface Question {
  most: number;
  resolve: (object: GitObject | undefined) => void;
  reject: (cause: unknown) => void;
}

const newline = 10;

/** @param where arguments that identify the repository, if the folder does not */
export function openObjects(directory: string, where: readonly string[] = []): GitObjects {
  const child = spawn("git", [...gitFlags, ...where, "cat-file", "--batch"], {
    cwd: directory,
    env: childEnvironment("git", gitEnvironment),
    stdio: ["pipe", "pipe", "ignore"],
  });
  const waiting: Question[] = [];
  let received: Buffer[] = [];
  let bytes = 0;
  /** The next answer has at least this many bytes. */
  let needed = 1;
  /** This many of the next bytes belong to an object that is skipped. */
  let unwanted = 0;
  let ended: unknown;

  const fail = (cause: unknown): void => {
    ended ??= cause;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  const answer = (): void => {
    while (bytes >= needed) {
      const all = received.length === 1 ? received[0]! : Buffer.concat(received);
      received = [all];
      const end = all.indexOf(newline);
      if (end === -1) return void (needed = bytes + 1);
      const [id = "", type = "", size = ""] = all.toString("utf8", 0, end).split(" ");
      const isThere = /^\d+$/.test(size);
      const most = waiting[0]?.most ?? Infinity;
      if (isThere && Number(size) > most) {
        received = [all.subarray(end + 1)];
        bytes -= end + 1;
        unwanted = Number(size) + 1;
        needed = 1;
        waiting.shift()?.resolve({ id, type, content: Buffer.alloc(0), isTooLarge: true });
        passOver();
        continue;
      }
      const next = end + 1 + (isThere ? Number(size) + 1 : 0);
      if (bytes < next) return void (needed = next);
      const content = all.subarray(end + 1, next - 1);
      received = [all.subarray(next)];
      bytes -= next;
      needed = 1;
      waiting.shift()?.resolve(isThere ? { id, type, content } : undefined);
    }
  };

  const passOver = (): void => {
    if (unwanted === 0) return;
    const all = Buffer.concat(received);
    const passed = Math.min(unwanted, all.length);
    unwanted -= passed;
    received = [all.subarray(passed)];
    bytes = all.length - passed;
  };

  child.stdout.on("data", (chunk: Buffer) => {
    received.push(chunk);
    bytes += chunk.length;
    passOver();
    answer();
  });
  child.stdin.on("error", fail);
  once(child, "close").then(() => fail(interrupted()), fail);

  return {
    read: (name, most = Infinity) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        waiting.push({ most, resolve, reject });
        child.stdin.write(`${name}\n`);
      }),
    [Symbol.dispose]: () => void child.stdin.end(),
  };
}
