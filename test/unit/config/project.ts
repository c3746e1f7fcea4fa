import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import type { Config } from "../../../src/lib/config/schema/config.ts";
import { loadConfig, type LoadOptions } from "../../../src/lib/config/load.ts";

export interface Project extends AsyncDisposable {
  directory: string;
  write: (path: string, content: string) => Promise<void>;
  load: (options?: Partial<LoadOptions>) => Promise<Config>;
  /** The details of the error that loading ends with. */
  problems: (options?: Partial<LoadOptions>) => Promise<readonly string[]>;
}

const compose = "services:\n  web: { image: web }\n  worker: { image: web }\n  db: { image: postgres }\n";

/** A folder with two contexts, Compose files for staging and production, and the given coldtivate.yml. */
export async function createProject(config: string): Promise<Project> {
  const directory = await mkdtemp(join(tmpdir(), "coldtivate-config-"));
  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  };
  await write("coldtivate.yml", config);
  await write("Web/Dockerfile", "FROM scratch\n");
  await write("Worker/Dockerfile.worker", "FROM scratch\n");
  await write("docker-compose.yml", compose);
  await write("docker-compose.staging.yml", "services: { web: { environment: { A: b } } }\n");
  await write("docker-compose.production.yml", "services: { db: { scale: 0 } }\n");
  const load = (options: Partial<LoadOptions> = {}): Promise<Config> => loadConfig(undefined, { cwd: directory, env: {}, ...options });
  const problems = async (options: Partial<LoadOptions> = {}): Promise<readonly string[]> => (await failure(() => load(options))).details;
  return { directory, write, load, problems, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** The ColdtivateError that the work ends with. */
export async function failure(work: () => unknown): Promise<ColdtivateError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ColdtivateError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

export const registry = "registry: { image: registry.example.com/group/backend }";

/** The least that is valid. */
export const minimal = `project: shop
${registry}
images:
  web: { context: ./Web }
environments:
  staging: { branches: [main], host: staging.example.com, user: deploy }
`;
