import { cp } from "node:fs/promises";
import { join } from "node:path";
import { edit, makeFolder, publish } from "../clones.ts";
import { ask, onHost, stagingHost } from "../hosts.ts";
import { startLoad, type Load } from "../load/load.ts";
import { top } from "../repository.ts";
import { must } from "../run.ts";

export const project = "every-step-staging";

/** The two that are released in turn. Neither is older than the other. */
export type Edition = "first" | "second";

export const other = (edition: Edition): Edition => (edition === "first" ? "second" : "first");

/** Services that take requests, and where. The shop also asks the gate, which has a front, too. */
const ports = { shop: 8135, till: 8136 };
const fronts = ["gate", "shop", "till"] as const;

export type Front = (typeof fronts)[number];

/** What each front may use, as `coldtivate.yml` says it. */
export type Memory = Record<Front, string>;

/** What a deploy and `coldtivate.yml` have unless somebody says otherwise. */
export const usualMemory: Memory = { gate: "32m", shop: "32m", till: "32m" };

/** Milliseconds that the gate's front waits for it, by edition. */
export const patience: Record<Edition, number> = { first: 300_000, second: 360_000 };

/** What coldtivate.yml has from its environment for an edition. */
export const variablesOf = (edition: Edition): Record<string, string> => ({ GATE_PATIENCE: `${patience[edition] / 60_000}m` });

/** A clone with a branch for each edition, whose images are in the registry. */
export async function makeEveryStepProject(): Promise<string> {
  await removeEveryStepProject();
  const clone = join(await makeFolder(), "every-step");
  await cp(join(top, "test/e2e/support/projects/every-step-project"), clone, { recursive: true });
  for (const image of ["web", "gate"])
    await cp(join(top, "test/e2e/support/projects/fronts-project/server.py"), join(clone, image, "server.py"));
  const git = (...args: string[]) => must("git", args, { cwd: clone });
  await git("init", "--quiet", "--initial-branch", "first");
  await git("config", "user.email", "test@example.com");
  await git("config", "user.name", "Test");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "feat: open");
  await git("branch", "second");
  for (const edition of ["first", "second"] as const) {
    await git("checkout", "--quiet", edition);
    const change = (text: string) => `${text.replaceAll(/first(?=[ :,]|$)/gm, edition)}# The ${edition} edition.\n`;
    await edit(clone, "docker-compose.yml", change);
    for (const file of ["web/edition.txt", "rota/monday.txt", "notes/monday.txt"]) await edit(clone, file, change);
    await publish(clone, `feat: the ${edition} edition`);
  }
  return clone;
}

/** What deploys an edition. The scheduler writes to content of the other one, which stays behind each time. */
export const deployArguments = (edition: Edition): string[] => ["deploy", "staging", "--ref", edition, "--leave-data"];

/** So that there is something to pull, where somebody brings credentials for that. */
export async function forgetImages(): Promise<void> {
  await onHost("staging", "docker image prune --all --force");
}

/** Gives the scheduler's container another name than its first one's, as after Compose counted on. */
export async function misname(): Promise<void> {
  await onHost("staging", `docker rename ${project}-scheduler-1 ${project}-scheduler-3 2>/dev/null || true`);
}

/** Takes the project off staging. */
export async function removeEveryStepProject(): Promise<void> {
  await onHost(
    "staging",
    `docker ps -aq --filter label=com.docker.compose.project=${project} | xargs -r docker rm -fv >&2
     docker network ls -q --filter label=com.docker.compose.project=${project} | xargs -r docker network rm >&2
     docker volume ls -q --filter label=com.docker.compose.project=${project} | xargs -r docker volume rm >&2
     rm -rf /home/deploy/.coldtivate/${project}`,
  );
}

/** Asks all services that take requests over and over, on connections that are kept alive. */
export function startEveryStepLoad(perSecond = 40): Promise<Load> {
  const lanes = Object.entries(ports).map(([name, port]) => ({
    name,
    origin: `http://${stagingHost()}:${port}`,
    protocol: "h1" as const,
    requests: ["GET /version", "POST /receipt", ...(name === "shop" ? ["GET /behind/version"] : [])],
  }));
  return startLoad({ lanes, perSecond });
}

/** Which edition answers at the shop, at the till and, through the shop, at the gate; undefined where none does. */
export async function answering(): Promise<unknown[]> {
  const routes = [`${ports.shop}/version`, `${ports.till}/version`, `${ports.shop}/behind/version`];
  return Promise.all(
    routes.map(async (route) => {
      const [port, ...path] = route.split("/");
      return (await ask(`${stagingHost()}:${port}`, path.join("/")))?.["commit"];
    }),
  );
}

/** The project's containers that go on running, a line each: service, edition, state, and memory where it is limited. */
export async function containers(): Promise<string[]> {
  const format = `{{index .Config.Labels "com.docker.compose.service"}} {{range .Config.Env}}{{if eq (slice . 0 3) "EDI"}}{{.}}{{end}}{{end}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{end}} {{with .HostConfig.Memory}}{{.}}{{end}}`;
  const listed = await onHost(
    "staging",
    `docker ps -aq --filter label=com.docker.compose.project=${project} | xargs -r docker inspect --format '${format}' | sort`,
  );
  const lines = listed.split("\n").map((line) => line.replaceAll(/ +/g, " ").trim());
  return lines.filter((line) => !line.startsWith("migrate "));
}

/** Containers of what runs to its end, a line each: edition, state and exit code. One that is undone leaves none. */
export async function migrations(): Promise<string[]> {
  const format = `{{range .Config.Env}}{{if eq (slice . 0 3) "EDI"}}{{.}}{{end}}{{end}} {{.State.Status}} {{.State.ExitCode}}`;
  const ids = `docker ps -aq --filter label=com.docker.compose.project=${project} --filter label=com.docker.compose.service=migrate`;
  return (await onHost("staging", `${ids} | xargs -r docker inspect --format '${format}'`)).split("\n").filter(Boolean);
}

/** The editions that ran to their end, in their order. */
export async function migrated(): Promise<string[]> {
  const folder = `$(docker volume inspect --format '{{.Mountpoint}}' ${project}_drawer)`;
  return (await onHost("staging", `cat "${folder}/migrations"`)).split("\n");
}

/** What the scheduler sees: its name; the content that it may write to, and what it wrote; and whom its link leads to. */
export async function schedulerSees(): Promise<string[]> {
  const seen = await onHost(
    "staging",
    `name=$(docker ps --filter label=com.docker.compose.project=${project} --filter label=com.docker.compose.service=scheduler --format '{{.Names}}')
     docker exec $name sh -c 'head -qn 1 /notes/monday.txt /rota/monday.txt /rota/seen'
     docker network inspect ${project}_default --format '{{range .Containers}}{{.IPv4Address}} {{.Name}}
{{end}}' | grep "^$(docker exec $name getent hosts door | cut -d ' ' -f 1)/" | cut -d ' ' -f 2`,
  );
  return seen.split("\n");
}

/** What containers() says of an edition that serves whole. */
export function wholeEdition(edition: Edition, slots: { shop: string; gate: string }, memory: Memory): string[] {
  const well = `EDITION=${edition} running healthy`;
  return [
    ...fronts.map((front) => `${front} running ${Number.parseInt(memory[front]) * 1024 * 1024}`),
    `gate-${slots.gate} EDITION=same running healthy`,
    `scheduler ${well}`,
    `shop-${slots.shop} ${well}`,
    `sign-${edition} ${well}`,
    `till-slot ${well}`,
  ].toSorted();
}
