import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { readComposeFile } from "./compose-files.ts";
import type { Config, EnvironmentConfig } from "./config.ts";

/**
 * Words that are no secret because they stand in coldtivate.yml or the environment's Compose files, or name its hosts:
 * `DJANGO_ENV=production` in a dotenv must not blank out "production" in all output.
 */
export async function readPublicWords(config: Config, environment: EnvironmentConfig): Promise<Set<string>> {
  const compose = await Promise.all(environment.compose.map((file) => readComposeFile(resolve(config.directory, file), config.directory)));
  const files = [config.path, ...new Set(compose.flatMap(({ files: read }) => [...read]))];
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  const named = environment.hosts.flatMap(({ host, user }) => [host, user]);
  return new Set([...texts.flatMap(words), ...named, config.registry.image, config.registry.host]);
}

/** Values as YAML separates them, and the parts of each, so that an image's name counts within its reference too. */
function words(text: string): string[] {
  const values = text.split(/[\s"',[\]{}]+/).map((value) => value.replace(/:$/, ""));
  return [...values, ...text.split(/[^\w.-]+/)].filter((word) => word !== "");
}
