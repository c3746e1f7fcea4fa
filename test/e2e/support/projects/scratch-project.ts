import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { onHost } from "../hosts.ts";
import { must } from "../run.ts";

/** Settings of coldtivate.yml beside those that every such project has. */
export interface ScratchConfig {
  registry: object;
  build?: object;
  content?: object;
  /** By name: the prefix of its host's variables. */
  environments?: Record<string, string>;
}

/** A project of one image that needs no base image, and whose container sleeps. */
export async function makeScratchProject(project: string, folder: string, config: ScratchConfig): Promise<string> {
  const clone = join(folder, project);
  const root = join(clone, "app", "root");
  const libraries = (await must("ldd", ["/bin/sleep"])).match(/\/\S+/g)!;
  for (const file of ["/bin/sleep", ...libraries]) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await copyFile(file, join(root, file));
  }
  await writeFile(join(clone, "app", "Dockerfile"), "FROM scratch\nCOPY root /\nARG COMMIT\nENV COMMIT=$COMMIT\n");
  const service = { image: "${CI_REGISTRY_IMAGE}/app", command: ["/bin/sleep", "infinity"], init: true };
  const healthcheck = { test: ["CMD", "/bin/sleep", "0"], start_period: "30s", start_interval: "500ms" };
  await writeFile(join(clone, "docker-compose.yml"), stringify({ services: { app: { ...service, healthcheck } } }));
  await configure(clone, project, config);
  await must("git", ["init", "--quiet", "--initial-branch", "main"], { cwd: clone });
  await must("git", ["config", "user.email", "test@example.com"], { cwd: clone });
  await must("git", ["config", "user.name", "Test"], { cwd: clone });
  return clone;
}

/** Writes its configuration anew. */
export async function configure(
  clone: string,
  project: string,
  { environments = { staging: "STAGING" }, ...rest }: ScratchConfig,
): Promise<void> {
  const described = Object.entries(environments).map(([name, prefix]) => [
    name,
    {
      branches: ["main"],
      host: `\${${prefix}_SSH_HOST}`,
      fingerprint: `\${${prefix}_SSH_FINGERPRINT}`,
      user: `\${${prefix}_SSH_USER}`,
      private_key: `\${${prefix}_SSH_PRIVATE_KEY}`,
      dotenv: "OPEN=yes",
      compose: ["docker-compose.yml"],
    },
  ]);
  const config = { project, images: { app: { context: "app" } }, environments: Object.fromEntries(described), ...rest };
  await writeFile(join(clone, "coldtivate.yml"), stringify(config));
}

/** Takes a project's environment off a host. */
export async function removeProject(host: "staging" | "production", name: string): Promise<void> {
  const label = `label=com.docker.compose.project=${name}`;
  await onHost(
    host,
    `docker ps -aq --filter ${label} | xargs -r docker rm -fv >&2
     docker network ls -q --filter ${label} | xargs -r docker network rm >&2
     rm -rf /home/deploy/.coldtivate/${name}`,
  );
}
