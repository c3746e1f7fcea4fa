import { createComposeReader, defaultComposeFiles, readComposeFiles } from "./compose-files.ts";
import type { Config, EnvironmentConfig } from "../schema/config.ts";
import { textOf } from "../../common/file.ts";

/** What is no secret although a dotenv may hold it. */
export interface PublicWords {
  values: ReadonlySet<string>;
  /** Variables that are part of an image's name in the Compose files. */
  names: ReadonlySet<string>;
}

/**
 * Collects what stands in coldtivate.yml and the environment's Compose files, and what its hosts are called:
 * `DJANGO_ENV=production` in a dotenv must not blank out "production" in all output.
 */
export async function readPublicWords(config: Config, environment: EnvironmentConfig): Promise<PublicWords> {
  const { directory } = config;
  const listed = environment.compose ?? (await defaultComposeFiles(environment.name, directory, environment.dotenv?.reveal()));
  const compose = await readComposeFiles(listed, createComposeReader(directory));
  const files = [config.path, ...compose.files];
  const texts = files.map((file) => textOf(file) ?? "");
  const hosts = environment.hosts.flatMap(({ host, user = host }) => [host, user]);
  return {
    values: new Set([...texts.flatMap(words), ...hosts, config.registry.image, config.registry.host]),
    names: new Set(texts.flatMap(imageVariables)),
  };
}

/** Values as YAML separates them, and the parts of each, so that an image's name counts within its reference too. */
function words(text: string): string[] {
  const values = text.split(/[\s"',[\]{}]+/).map((value) => value.replace(/:$/, ""));
  return [...values, ...text.split(/[^\w.-]+/)].filter((word) => word !== "");
}

function imageVariables(text: string): string[] {
  const images = [...text.matchAll(/\bimage:(.*)$/gm)].map(([, image = ""]) => image);
  return images.flatMap((image) => [...image.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name));
}
