import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { must, time, type Timed } from "./machine.ts";
import { imageNames } from "./monorepo.ts";

/** Something that builds and pushes all images of a monorepo, with a layer cache in the registry. */
export interface Contestant {
  name: string;
  /** @param image what the images' names start with */
  build: (folder: string, image: string) => Promise<Timed>;
}

export interface ContestantOptions {
  /** An existing folder for the Docker client's configuration. */
  scratch: string;
  images: number;
}

/** A pipeline's jobs one after the other, one `docker buildx bake`, and coldtivate: with the same arguments, tags and caches. */
export async function openContestants({ scratch, images }: ContestantOptions): Promise<Contestant[]> {
  const names = imageNames(images);
  const env = { ...process.env, DOCKER_CONFIG: await logIn(join(scratch, "client")) };
  return [
    {
      name: "one by one",
      build: async (folder, image) => {
        const runs: Timed[] = [];
        for (const name of names) runs.push(await time("docker", await buildArguments(folder, image, name), { cwd: folder, env }));
        return {
          began: runs[0]?.began ?? Number.NaN,
          milliseconds: runs.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
          peak: Math.max(...runs.map(({ peak }) => peak)),
        };
      },
    },
    {
      name: "bake",
      build: async (folder, image) => {
        const file = join(scratch, "bake.json");
        await writeFile(file, JSON.stringify(await bakeFile(folder, image, names)));
        return time("docker", ["buildx", "bake", "--push", "--progress", "plain", "--file", file], { cwd: folder, env });
      },
    },
    { name: "coldtivate", build: (folder, image) => buildWithColdtivate(folder, image) },
  ];
}

/** Runs `coldtivate build --push`, without variables of a pipeline that this may run in. */
export function buildWithColdtivate(
  folder: string,
  image: string,
  options: { flags?: string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Timed> {
  const { flags = [], env: more = {} } = options;
  const { CI: _ci, CI_COMMIT_SHA: _commit, CI_COMMIT_TAG: _tag, CI_COMMIT_REF_NAME: _ref, CI_COMMIT_REF_SLUG: _slug, ...env } = process.env;
  return time("coldtivate", ["build", "--push", ...flags], { cwd: folder, env: { ...env, ...more, BENCH_IMAGE: image } });
}

/** Takes from the engine all that it has built or pulled: what a pipeline's next job finds. */
export async function forgetBuilds(): Promise<void> {
  if (!/\/\.sandbox\/|\/run\/coldtivate-/.test(process.env["DOCKER_HOST"] ?? ""))
    throw new Error("DOCKER_HOST is no sandbox's: nothing is removed from it");
  await must("docker", ["buildx", "prune", "--all", "--force"]);
  await must("docker", ["image", "prune", "--all", "--force"]);
  // It has told what it removes, and begins with it between one and two seconds later, on all processors for another one: nobody
  // is to be measured beside that.
  await wait(4000);
}

async function tagsOf(folder: string, image: string, name: string): Promise<string[]> {
  const commit = await must("git", ["rev-parse", "--short=8", "HEAD"], folder);
  return ["main", commit].map((tag) => `${image}/${name}:${tag}`);
}

function cacheOf(image: string, name: string): { from: string; to: string } {
  const cache = `type=registry,ref=${image}/${name}:buildcache`;
  return { from: cache, to: `${cache},mode=max,ignore-error=true` };
}

async function buildArguments(folder: string, image: string, name: string): Promise<string[]> {
  const { from, to } = cacheOf(image, name);
  const tags = (await tagsOf(folder, image, name)).flatMap((tag) => ["--tag", tag]);
  const base = `BASE=${process.env["BASE_IMAGE"]}`;
  const caches = ["--cache-from", from, "--cache-to", to];
  return ["buildx", "build", "--push", "--progress", "plain", "--provenance=false", "--build-arg", base, ...caches, ...tags, name];
}

async function bakeFile(folder: string, image: string, names: readonly string[]): Promise<object> {
  const targets = names.map(async (name) => {
    const { from, to } = cacheOf(image, name);
    const target = {
      context: name,
      tags: await tagsOf(folder, image, name),
      args: { BASE: process.env["BASE_IMAGE"] },
      "cache-from": [from],
      "cache-to": [to],
      attest: ["type=provenance,disabled=true"],
    };
    return [name, target] as const;
  });
  return { group: { default: { targets: names } }, target: Object.fromEntries(await Promise.all(targets)) };
}

async function logIn(folder: string): Promise<string> {
  const { CI_REGISTRY: registry = "", CI_REGISTRY_USER: user, CI_REGISTRY_PASSWORD: password } = process.env;
  const auth = Buffer.from(`${user}:${password}`).toString("base64");
  await mkdir(folder);
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths: { [registry]: { auth } } }), { mode: 0o600 });
  return folder;
}
