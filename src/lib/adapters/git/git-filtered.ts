import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { isAbsolute, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { childEnvironment } from "../../secrets/child-environment.ts";
import { gitEnvironment } from "./git-run.ts";
import { fileOf, type RepositoryAt } from "./git-repository-at.ts";

/**
 * Content that is elsewhere (`lfs`), or that only some people can read (`encrypted`): the commit holds something in its place.
 */
export type FilterFault = "lfs" | "encrypted";

const largestPointer = 1024;
const lfsStart = "version https://git-lfs.github.com/spec/v1\n";
const cryptStart = "\0GITCRYPT\0";

/**
 * A file's content as a checkout has it. The content behind a Git LFS pointer, or behind git-crypt's encryption, is taken from
 * the clone. Any other content is as in the commit.
 *
 * @param path path in its repository
 */
export async function filtered(content: Buffer, repository: RepositoryAt, path: string): Promise<Buffer | FilterFault> {
  const pointer = parsePointer(content);
  if (pointer !== undefined) return (await readLfs(pointer, content, repository, path)) ?? "lfs";
  if (!startsWith(content, cryptStart)) return content;
  const { code, stdout } = await repository.ask(["cat-file", "--filters", `${repository.commit}:${path}`]);
  return code === 0 && !startsWith(stdout, cryptStart) ? stdout : "encrypted";
}

function startsWith(content: Buffer, text: string): boolean {
  return content.subarray(0, text.length).equals(Buffer.from(text));
}

interface Pointer {
  /** The SHA-256 of the content that it refers to. */
  id: string;
  /** The size of that content in bytes. */
  size: number;
}

function parsePointer(content: Buffer): Pointer | undefined {
  if (content.length > largestPointer || !startsWith(content, lfsStart)) return undefined;
  const text = content.toString();
  const [, id] = /^oid sha256:([0-9a-f]{64})$/m.exec(text) ?? [];
  const [, size] = /^size (\d{1,15})$/m.exec(text) ?? [];
  return id === undefined || size === undefined ? undefined : { id, size: Number(size) };
}

/** Looks in the storage of Git LFS, then at the file that is checked out. Then it asks Git LFS itself, if it is installed. */
async function readLfs({ id, size }: Pointer, pointer: Buffer, repository: RepositoryAt, path: string): Promise<Buffer | undefined> {
  const isIt = (content: Buffer | undefined) => content !== undefined && createHash("sha256").update(content).digest("hex") === id;
  const store = join(await storage(repository), "objects", id.slice(0, 2), id.slice(2, 4), id);
  const ways = [() => fileOf(store, size), () => fileOf(join(repository.worktree, path), size), () => smudge(pointer, repository, path)];
  for (const look of ways) {
    const content = await look();
    if (isIt(content)) return content;
  }
  return undefined;
}

async function storage(repository: RepositoryAt): Promise<string> {
  const [directory, { stdout }] = await Promise.all([repository.gitDirectory(), repository.ask(["config", "lfs.storage"])]);
  const own = stdout.toString().trim();
  return own === "" ? join(directory, "lfs") : isAbsolute(own) ? own : join(directory, own);
}

async function smudge(pointer: Buffer, { worktree }: RepositoryAt, path: string): Promise<Buffer | undefined> {
  try {
    // A clone may be configured to leave pointers as they are.
    const env = childEnvironment("git with a remote", { ...gitEnvironment, GIT_LFS_SKIP_SMUDGE: "0" });
    const child = spawn("git", ["lfs", "smudge", "--", path], { cwd: worktree, env, stdio: ["pipe", "pipe", "ignore"] });
    child.stdin.on("error", () => {});
    child.stdin.end(pointer);
    const [[code], stdout] = await Promise.all([once(child, "close"), buffer(child.stdout)]);
    return code === 0 ? stdout : undefined;
  } catch {
    return undefined;
  }
}
