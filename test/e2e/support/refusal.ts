import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { coldtivate, onHost, sandbox, type Ran, type RunOptions } from "./world.ts";

type Host = "staging" | "production";

const everything = [
  "docker ps -aq --no-trunc | sort | xargs -r docker inspect --format '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}'",
  "find /home/deploy/.coldtivate -type f -exec sha256sum {} + | sort",
  "ls -A /dev/shm",
].join("; ");

/** What a command that is refused leaves as it is: containers and when they started, the state directory, memory-backed files. */
export function hostContent(host: Host): Promise<string> {
  return onHost(host, everything);
}

/** The registry's tags of the project's images, by image. */
export async function registryTags(images: readonly string[]): Promise<Record<string, string[]>> {
  const entries = images.map(async (image) => {
    const { CI_REGISTRY, CI_REGISTRY_IMAGE = "", CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
    const repository = CI_REGISTRY_IMAGE.slice(CI_REGISTRY_IMAGE.indexOf("/") + 1);
    const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
    const response = await fetch(`http://${CI_REGISTRY}/v2/${repository}/${image}/tags/list`, { headers: { authorization } });
    const { tags } = response.ok ? ((await response.json()) as { tags: string[] | null }) : { tags: [] };
    return [image, (tags ?? []).toSorted()] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Rewrites a file of a clone. */
export async function edit(clone: string, file: string, change: (text: string) => string): Promise<void> {
  const path = join(clone, file);
  const before = await readFile(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`the change of ${file} changes nothing`);
  await writeFile(path, after);
}

/** What an error has to be and to say. */
interface Expected {
  exitCode: number;
  says: readonly (string | RegExp)[];
}

/** Runs the CLI, and expects one error on standard error: these words, this exit code, a hint, no stack. */
export async function expectRefusal(args: readonly string[], options: RunOptions, { exitCode, says }: Expected): Promise<Ran> {
  const ran = await coldtivate(args, options);
  expect(ran, ran.output).toMatchObject({ exitCode, stdout: "" });
  for (const words of says) {
    if (typeof words === "string") expect(ran.stderr).toContain(words);
    else expect(ran.stderr).toMatch(words);
  }
  expect(ran.stderr.match(/^✗ /gm), ran.stderr).toHaveLength(1);
  expect(ran.stderr.match(/^→ /gm), ran.stderr).toHaveLength(1);
  expect(ran.stderr).not.toMatch(/^ +at .*[:(]\d+/m);
  return ran;
}
