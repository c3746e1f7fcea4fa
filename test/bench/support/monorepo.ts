import { createCipheriv } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "./machine.ts";

export interface MonorepoOptions {
  folder: string;
  /** How many images it has; each has a context of its own. */
  images: number;
  /** Bytes of each context that no compression makes smaller. */
  bytes: number;
  dockerfile: string;
  /** Configurations beside coldtivate.yml, named for how many of the images they have. */
  parts?: readonly number[];
}

/** Names of the first images, as in coldtivate.yml. */
export function imageNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `service-${String(index + 1).padStart(3, "0")}`);
}

/** Makes a Git repository of that many images, the same files each time. */
export async function makeMonorepo({ folder, images, bytes, dockerfile, parts = [] }: MonorepoOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  await must("git", ["init", "--quiet", "--initial-branch=main"], folder);
  for (const [index, name] of imageNames(images).entries()) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "data"), incompressible(index, bytes));
    await writeFile(join(folder, name, "Dockerfile"), dockerfile);
  }
  await writeFile(join(folder, "docker-compose.yml"), "services: {}\n");
  await writeFile(join(folder, "coldtivate.yml"), configuration(imageNames(images)));
  for (const count of parts) await writeFile(join(folder, `coldtivate-${count}.yml`), configuration(imageNames(count)));
  await commit(folder, "feat: begin");
}

/** Commits a change of one image's context. */
export async function changeOne(folder: string, mark: string): Promise<void> {
  const [name = ""] = imageNames(1);
  await writeFile(join(folder, name, "version"), `${mark}\n`);
  await commit(folder, `feat: ${mark}`);
}

/** Commits something that no image is made of. */
export async function changeNothing(folder: string, mark: string): Promise<void> {
  await writeFile(join(folder, "README.md"), `${mark}\n`);
  await commit(folder, `docs: ${mark}`);
}

async function commit(folder: string, message: string): Promise<void> {
  await must("git", ["add", "--all"], folder);
  await must("git", ["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "--quiet", "--message", message], folder);
}

function configuration(names: readonly string[]): string {
  const images = names.map((name) => `  ${name}: { context: ./${name} }`).join("\n");
  return `project: bench
registry: { image: "\${BENCH_IMAGE}", username: "\${CI_REGISTRY_USER}", password: "\${CI_REGISTRY_PASSWORD}", insecure: true }
build: { cache: buildcache, args: { BASE: "\${BASE_IMAGE}" } }
images:
${images}
environments:
  staging: { branches: [main], host: staging.example.org, user: deploy, compose: [docker-compose.yml] }
`;
}

function incompressible(seed: number, bytes: number): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16, seed % 251), Buffer.alloc(16, seed >> 8)).update(Buffer.alloc(bytes));
}
