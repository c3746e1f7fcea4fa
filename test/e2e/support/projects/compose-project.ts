import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { commitAll, makeFolder } from "../clones.ts";
import { onHost } from "../hosts.ts";
import { coldtivate, must, sandbox, type Ran } from "../run.ts";

export interface ProjectOptions {
  /** Name in coldtivate.yml; the Compose project is `NAME-staging`. */
  name: string;
  /** Files of the repository by path; coldtivate.yml is written from the other options unless it is among them. */
  files: Readonly<Record<string, string>>;
  /** Images of coldtivate.yml, by name: their context. */
  images?: Readonly<Record<string, string>>;
  /** More lines of coldtivate.yml, at its top level. */
  settings?: string;
  /** The dotenv; absent: the environment has none. */
  dotenv?: string;
  /** Compose files; absent: those that coldtivate finds by their names. */
  compose?: readonly string[];
}

/** A repository like those of other people, with its own project on staging. */
export interface Project {
  clone: string;
  /** Name of the Compose project on the host. */
  project: string;
  /** Absolute path of the state directory on the host. */
  state: string;
  /** Writes files, or removes those that are undefined, and commits; builds and pushes where there are images. */
  change: (files: Readonly<Record<string, string | undefined>>) => Promise<string>;
  /** Runs a command of coldtivate; takes any exit code. */
  run: (...args: string[]) => Promise<Ran>;
  /** Deploys to staging, which has to end with 0. */
  deploy: (...args: string[]) => Promise<Ran>;
  /** Runs the checkout's files on staging by plain `docker compose`, from `/opt/plain/NAME`, under the same project name. */
  plain: (...args: string[]) => Promise<string>;
  /** Takes containers, networks, volumes, the state and the plain checkout off staging. */
  remove: () => Promise<void>;
}

export async function makeProject(options: ProjectOptions): Promise<Project> {
  const { name, files, images = {} } = options;
  const clone = join(await makeFolder(), name);
  const project = `${name}-staging`;
  const state = `/home/deploy/.coldtivate/${project}`;
  const folder = `/opt/plain/${name}`;
  await mkdir(clone, { recursive: true });
  await must("git", ["init", "--quiet", "--initial-branch", "main"], { cwd: clone });
  await must("git", ["config", "user.email", "test@example.com"], { cwd: clone });
  await must("git", ["config", "user.name", "Test"], { cwd: clone });

  const run = (...args: string[]) => coldtivate(args, { cwd: clone });
  const change = async (changed: Readonly<Record<string, string | undefined>>): Promise<string> => {
    for (const [path, content] of Object.entries(changed)) {
      const file = join(clone, path);
      await mkdir(dirname(file), { recursive: true });
      if (content === undefined) await rm(file, { recursive: true, force: true });
      else await writeFile(file, content);
    }
    const commit = await commitAll(clone, `feat: ${Object.keys(changed).join(", ")}`);
    if (Object.keys(images).length > 0) {
      const { exitCode, output } = await run("build", "--push");
      expect(exitCode, output).toBe(0);
    }
    return commit;
  };
  const remove = async () => {
    const label = `label=com.docker.compose.project=${project}`;
    await onHost(
      "staging",
      `docker ps -aq --filter ${label} | xargs -r docker rm -fv >&2
       docker network ls -q --filter ${label} | xargs -r docker network rm >&2
       docker volume ls -q --filter ${label} | xargs -r docker volume rm >&2
       rm -rf ${state} ${folder}`,
    );
  };

  await remove();
  await change({ "coldtivate.yml": configuration(options), ...files });
  return {
    clone,
    project,
    state,
    change,
    run,
    async deploy(...args) {
      const ran = await run("deploy", "staging", ...args);
      expect(ran.exitCode, ran.output).toBe(0);
      return ran;
    },
    async plain(...args) {
      const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD, BASE_IMAGE } = sandbox();
      const commit = await must("git", ["rev-parse", "--short=8", "HEAD"], { cwd: clone });
      const archive = await must("bash", ["-c", "git archive HEAD | gzip | base64 -w0"], { cwd: clone });
      const dotenv = Buffer.from(options.dotenv ?? "").toString("base64");
      return onHost(
        "staging",
        `mkdir -p ${folder} && cd ${folder} && base64 -d <<<'${archive}' | tar -xz && base64 -d <<<'${dotenv}' >>.env
         docker --config ${folder}.docker login --username '${CI_REGISTRY_USER}' --password-stdin ${CI_REGISTRY} <<<'${CI_REGISTRY_PASSWORD}' >&2
         CI_REGISTRY=${CI_REGISTRY} CI_REGISTRY_IMAGE=${CI_REGISTRY}/test/${name} CI_COMMIT_REF_SLUG=${commit} BASE_IMAGE=${BASE_IMAGE} \
           docker --config ${folder}.docker compose --progress quiet -p ${project} ${args.join(" ")}`,
      );
    },
    remove,
  };
}

function configuration({ name, images = {}, settings = "", dotenv, compose }: ProjectOptions): string {
  const built = Object.entries(images).map(([image, context]) => `  ${image}: { context: ${context} }\n`);
  return `project: ${name}
registry:
  image: \${CI_REGISTRY}/test/${name}
  username: \${CI_REGISTRY_USER}
  password: \${CI_REGISTRY_PASSWORD}
  insecure: true
build:
  args: { BASE: "\${BASE_IMAGE}" }
images:${built.length === 0 ? " {}\n" : `\n${built.join("")}`}front: { image: "\${FRONT_IMAGE:-haproxy:3.2-alpine}" }
environments:
  staging:
    branches: [main]
    host: \${STAGING_SSH_HOST}
    fingerprint: \${STAGING_SSH_FINGERPRINT}
    user: \${STAGING_SSH_USER}
    private_key: \${STAGING_SSH_PRIVATE_KEY}
${dotenv === undefined ? "" : `    dotenv: ${JSON.stringify(dotenv)}\n`}${compose === undefined ? "" : `    compose: ${JSON.stringify(compose)}\n`}${settings}`;
}
