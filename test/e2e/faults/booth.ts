import { cp } from "node:fs/promises";
import { join } from "node:path";
import { edit } from "../refusal.ts";
import { startLoad, type Load } from "../load.ts";
import { publish } from "../kiosk.ts";
import { ask, makeFolder, must, onHost, stagingHost, top } from "../world.ts";

export const project = "booth-staging";

/** The two that are released in turn. Neither is older than the other. */
export type Edition = "first" | "second";

export const other = (edition: Edition): Edition => (edition === "first" ? "second" : "first");

/** Services that take requests, and where. */
const ports = { shop: 8135, till: 8136 };

/** A clone with a branch for each edition, whose images are in the registry. */
export async function makeBooth(): Promise<string> {
  await removeBooth();
  const clone = join(await makeFolder(), "booth");
  await cp(join(top, "test/e2e/faults/booth"), clone, { recursive: true });
  await cp(join(top, "test/e2e/shop/shop.py"), join(clone, "web/shop.py"));
  const git = (...args: string[]) => must("git", args, { cwd: clone });
  await git("init", "--quiet", "--initial-branch", "first");
  await git("config", "user.email", "test@example.com");
  await git("config", "user.name", "Test");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "feat: open");
  await git("branch", "second");
  for (const edition of ["first", "second"] as const) {
    await git("checkout", "--quiet", edition);
    const change = (text: string) => `${text.replaceAll(/first(?=[ :]|$)/gm, edition)}# The ${edition} edition.\n`;
    await edit(clone, "docker-compose.yml", change);
    await edit(clone, "web/edition.txt", change);
    await publish(clone, `feat: the ${edition} edition`);
  }
  return clone;
}

/** Takes the project off staging. */
export async function removeBooth(): Promise<void> {
  await onHost(
    "staging",
    `docker ps -aq --filter label=com.docker.compose.project=${project} | xargs -r docker rm -fv >&2
     docker network ls -q --filter label=com.docker.compose.project=${project} | xargs -r docker network rm >&2
     rm -rf /home/deploy/.coldtivate/${project}`,
  );
}

/** Asks both services over and over, on connections that are kept alive. */
export function loadBooth(perSecond = 60): Promise<Load> {
  const lanes = Object.entries(ports).map(([name, port]) => ({
    name,
    origin: `http://${stagingHost()}:${port}`,
    protocol: "h1" as const,
    requests: ["GET /version", "POST /receipt"],
  }));
  return startLoad({ lanes, perSecond });
}

/** Which edition answers at each service; undefined where none does. */
export async function answering(): Promise<unknown[]> {
  return Promise.all(Object.values(ports).map(async (port) => (await ask(`${stagingHost()}:${port}`, "version"))?.["commit"]));
}

/** The project's containers, a line each: service, edition, state. */
export async function containers(): Promise<string[]> {
  const format = `{{index .Config.Labels "com.docker.compose.service"}} {{range .Config.Env}}{{if eq (slice . 0 3) "EDI"}}{{.}}{{end}}{{end}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}`;
  const listed = await onHost(
    "staging",
    `docker ps -aq --filter label=com.docker.compose.project=${project} | xargs -r docker inspect --format '${format}' | sort`,
  );
  return listed.split("\n").map((line) => line.replaceAll(/ +/g, " ").trim());
}

/** What containers() says of an edition that serves whole. */
export function wholeEdition(edition: Edition, slot: string): string[] {
  const well = `EDITION=${edition} running healthy`;
  return [
    `scheduler ${well}`,
    "shop running",
    `shop-${slot} ${well}`,
    `sign-${edition} ${well}`,
    "till running",
    `till-slot ${well}`,
  ].toSorted();
}
