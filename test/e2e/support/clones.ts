import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, inject } from "vitest";
import { coldtivate, must } from "./run.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** An empty folder, removed after the file's last test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "coldtivate-test-"));
  folders.push(folder);
  return folder;
}

/** A fresh clone of the monorepo at a branch or tag, as a CI job gets it; removed after the file's last test. */
export async function checkOut(ref: string): Promise<string> {
  const clone = join(await makeFolder(), "monorepo");
  await must("git", ["-c", "advice.detachedHead=false", "clone", "--quiet", "--branch", ref, await remote(), clone]);
  await must("git", ["config", "user.email", "test@example.com"], { cwd: clone });
  await must("git", ["config", "user.name", "Test"], { cwd: clone });
  return clone;
}

/** The Git URL of the sandbox's monorepo. */
async function remote(): Promise<string> {
  const [a, b, c] = inject("net").split(".");
  return `git://${a}.${b}.${c}.1:9418/backend.git`;
}

/** Commits everything in a clone; the commit. */
export async function commitAll(clone: string, message: string): Promise<string> {
  await must("git", ["add", "--all"], { cwd: clone });
  await must("git", ["commit", "--quiet", "--message", message], { cwd: clone });
  return must("git", ["rev-parse", "HEAD"], { cwd: clone });
}

/** Rewrites a file of a clone. */
export async function edit(clone: string, file: string, change: (text: string) => string): Promise<void> {
  const path = join(clone, file);
  const before = await readFile(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`the change of ${file} changes nothing`);
  await writeFile(path, after);
}

/** Commits what was changed, and puts the commit's images into the registry. */
export async function publish(clone: string, message: string): Promise<string> {
  const commit = await commitAll(clone, message);
  const { exitCode, output } = await coldtivate(["build", "--push"], { cwd: clone });
  expect(exitCode, output).toBe(0);
  return commit;
}

const built = new Set<string>();

/** Builds and pushes a ref's images once for all tests of a file. */
export async function ensureBuilt(ref: string): Promise<void> {
  if (built.has(ref)) return;
  const clone = await checkOut(ref);
  const { exitCode, output } = await coldtivate(["build", "--push"], { cwd: clone });
  if (exitCode !== 0) throw new Error(`building ${ref} failed:\n${output}`);
  built.add(ref);
}
