import { createComposeReader, defaultComposeFiles, readComposeFiles } from "./compose-files.ts";
import type { Config, EnvironmentConfig } from "../schema/config.ts";
import { textOf } from "../../common/file.ts";

/** Words that are not secret although a dotenv may contain them. */
export interface PublicWords {
  values: ReadonlySet<string>;
  /** Variables that are part of an image's name in the Compose files. */
  names: ReadonlySet<string>;
}

/**
 * Collects the words in coldtivate.yml and in the environment's Compose files, and the names of its hosts:
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

/** Values as YAML separates them, and the parts of each, so that an image's name also counts within its reference. */
function words(text: string): string[] {
  const values = text.split(/[\s"',[\]{}]+/).map((value) => value.replace(/:$/, ""));
  return [...values, ...text.split(/[^\w.-]+/)].filter((word) => word !== "");
}

function imageVariables(text: string): string[] {
  const images = [...text.matchAll(/\bimage:(.*)$/gm)].map(([, image = ""]) => image);
  return images.flatMap((image) => [...image.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name));
}
