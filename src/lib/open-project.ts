import { dirname } from "node:path";
import { openRepository, type Repository } from "./adapters/git.ts";
import type { Config } from "./config/config.ts";
import { findConfig } from "./config/find.ts";
import { loadConfig, type LoadOptions } from "./config/load.ts";
import { later } from "./later.ts";

export interface Project {
  config: Config;
  /** It is opened while the configuration is read, whose mistakes come first. */
  repository: Promise<Repository>;
}

/**
 * Reads the configuration, and opens the working tree that it lies in.
 * @throws what findConfig and loadConfig throw; `repository` rejects as openRepository does
 */
export async function openProject(file: string | undefined, options: LoadOptions): Promise<Project> {
  const path = await findConfig(file, options.cwd ?? process.cwd());
  const repository = later(openRepository(dirname(path)));
  return { config: await loadConfig(path, options), repository };
}
