import { cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { top } from "../repository.ts";
import { sandbox } from "../run.ts";

/** The Compose files that are compared: a folder each, with the files that they refer to. */
export const corpusFolder = join(top, "test/e2e/differential/corpus");

export async function corpusNames(): Promise<string[]> {
  return (await readdir(corpusFolder)).toSorted();
}

/** A reference whose repository is not a variable. */
const reference = /(?<![\w-])(image: )(["']?)([a-z0-9][^\s"'#,}$]*(?:\$\{[^}]*\})?)\2/g;

/** The images of others that a Compose file names: repositories in the sandbox's registry, with their tags. */
export function imagesIn(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, , , name = ""] of text.matchAll(reference)) {
    const { repository, tag } = split(name);
    found.set(repository, (found.get(repository) ?? new Set()).add(tag.replaceAll(/\$\{\w+:?-?([^}]*)\}/g, "$1")));
  }
  return found;
}

/** The same file with images of the sandbox's registry. */
export function withSandboxImages(text: string): string {
  const registry = sandbox()["CI_REGISTRY"] ?? "";
  return text.replaceAll(reference, (_whole, key: string, quote: string, name: string) => {
    const { repository, tag } = split(name);
    return `${key}${quote}${registry}/${repository}:${tag}${quote}`;
  });
}

/** `nginx:1.27` is `library/nginx` and `1.27`. */
function split(name: string): { repository: string; tag: string } {
  const [, path = name, tag = "latest"] = /^((?:[^:/]+(?::\d+)?\/)?[^:]*)(?::(.*))?$/.exec(name) ?? [];
  return { repository: path.includes("/") ? path.replace(/^docker\.io\//, "") : `library/${path}`, tag };
}

/** Every image of others that the corpus names. */
export async function corpusImages(): Promise<Map<string, Set<string>>> {
  const all = new Map<string, Set<string>>();
  for (const name of await corpusNames())
    for (const path of await composeFiles(join(corpusFolder, name)))
      for (const [repository, tags] of imagesIn(await readFile(path, "utf8")))
        all.set(repository, new Set([...(all.get(repository) ?? []), ...tags]));
  return all;
}

/** Puts a member of the corpus into a folder. Gives its dotenv, if it has one, which is no part of the repository. */
export async function unpack(name: string, folder: string): Promise<string | undefined> {
  await cp(join(corpusFolder, name), folder, { recursive: true, verbatimSymlinks: true });
  const dotenv = await readFile(join(folder, "dotenv"), "utf8").catch(() => undefined);
  await rm(join(folder, "dotenv"), { force: true });
  for (const path of await composeFiles(folder)) await writeFile(path, withSandboxImages(await readFile(path, "utf8")));
  return dotenv;
}

async function composeFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((path) => /(^|[/.-])(docker-)?compose[^/]*\.ya?ml$/.test(path)).map((path) => join(folder, path));
}
