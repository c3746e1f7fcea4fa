import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onHost } from "../hosts.ts";
import { sandbox } from "../run.ts";

/** The example's services that take requests, on staging under `docker compose` alone, beside what coldtivate runs there. */
export interface PlainCompose {
  ports: { http: number; https: number };
  /** Runs the images that a commit's tags name. */
  up: (commit: string, ...options: string[]) => Promise<void>;
  remove: () => Promise<void>;
}

const folder = "/opt/plain";
const services = ["gateway", "web", "vcca_air_service", "farmer_web", "impact_dashboard_web", "comsol_dt_service"];

/** Logs in to the registry, and puts the monorepo's Compose file there, with other ports. */
export async function preparePlainCompose(clone: string): Promise<PlainCompose> {
  const { CI_REGISTRY, CI_REGISTRY_IMAGE, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD, STAGING_DOT_ENV } = sandbox();
  const written = await readFile(join(clone, "docker-compose.yml"), "utf8");
  const moved = written.replace('["80:80", "443:443"]', '["8080:80", "8443:443"]');
  if (moved === written) throw new Error("docker-compose.yml publishes other ports than 80 and 443");
  const put = (name: string, content: string) => `base64 -d >${folder}/${name} <<<'${Buffer.from(content).toString("base64")}'`;
  await onHost(
    "staging",
    `mkdir -p ${folder}
     ${put("docker-compose.yml", moved)}
     ${put("dotenv", await readFile(STAGING_DOT_ENV!, "utf8"))}
     docker --config ${folder}/docker login --username '${CI_REGISTRY_USER}' --password-stdin ${CI_REGISTRY} <<<'${CI_REGISTRY_PASSWORD}'`,
  );
  const compose = (commit: string, args: readonly string[]) =>
    onHost(
      "staging",
      `cd ${folder} && DOT_ENV_PATH=dotenv CI_REGISTRY_IMAGE=${CI_REGISTRY_IMAGE} CI_COMMIT_REF_SLUG=${commit.slice(0, 8)} \
       docker --config docker compose --progress quiet -p plain ${args.join(" ")}`,
    );
  return {
    ports: { http: 8080, https: 8443 },
    async up(commit, ...options) {
      await compose(commit, ["up", "--detach", "--no-deps", ...options, ...services]);
    },
    async remove() {
      await compose("", ["down", "--volumes", "--timeout", "1"]);
      await onHost("staging", `rm -rf ${folder}`);
    },
  };
}
