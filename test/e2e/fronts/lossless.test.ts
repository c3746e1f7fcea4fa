// The tests build on each other: each goes on from where the one before it came to.
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { checkOut, ensureBuilt, publish } from "../support/clones.ts";
import { ask, onHost, stagingHost } from "../support/hosts.ts";
import { gatewayLanes, shortRequests, startDistance } from "../support/load/gateway.ts";
import type { LatencyRelay } from "../support/load/latency-relay.ts";
import { startLoad, type LoadReport } from "../support/load/load.ts";
import { startWebsocketClient } from "../support/load/websocket-client.ts";
import { checkOutWithoutTasks } from "../support/projects/monorepo-without-tasks.ts";
import { preparePlainCompose } from "../support/projects/plain-compose.ts";
import { coldtivate, must } from "../support/run.ts";

const ports = { http: 80, https: 443 };

/** Requests a second over all clients. */
const pace = 200;

/** How long the twin's websockets may go on, in seconds: less than by default, so that this takes less. */
const drain = 10;

/** Every container of staging: its id by its name. */
async function containers(): Promise<Record<string, string>> {
  const lines = await onHost(
    "staging",
    "docker ps --no-trunc --filter label=com.docker.compose.project=coldtivate-staging --format '{{.Names}} {{.ID}}'",
  );
  return Object.fromEntries(lines.split("\n").map((line) => line.split(" ") as [string, string]));
}

/** What the containers that are gone, or have another id, were: a service, or a slot of one. */
function replaced(before: Record<string, string>, after: Record<string, string>): string[] {
  const gone = Object.keys(before).filter((name) => after[name] !== before[name]);
  return gone.map((name) => name.replace(/^coldtivate-staging-(.*)-1$/, "$1").replace(/-(blue|green)$/, " slot")).toSorted();
}

function expectNothingLost({ answered, failures, examples, refused, longest }: LoadReport, least: number): void {
  console.info(`${answered} requests answered, the slowest after ${longest} ms; ${refused} HTTP/2 streams refused and sent again`);
  expect({ failures, examples }).toEqual({ failures: {}, examples: [] });
  expect(answered).toBeGreaterThan(least);
}

describe("no failed request", () => {
  let clone: string;
  let relay: LatencyRelay;
  /** Commits in the order of history, by what changed since the one before. */
  const commits = { main: "", web: "", gateway: "", all: "" };

  const deploy = async (commit: string) => {
    const { exitCode, output } = await coldtivate(["deploy", "staging", "--ref", commit, "--allow-older"], { cwd: clone });
    expect(exitCode, output).toBe(0);
    return output;
  };
  const load = () => startLoad({ lanes: gatewayLanes(relay, ports, shortRequests), perSecond: pace });
  const append = (paths: string[]) => Promise.all(paths.map((path) => appendFile(join(clone, path), "# another version\n")));

  beforeAll(async () => {
    await ensureBuilt("main");
    clone = await checkOutWithoutTasks(`comsol_dt_service: { drain: ${drain}s }`);
    commits.main = await must("git", ["rev-parse", "HEAD"], { cwd: clone });
    await deploy(commits.main);
    await append(["Base-API/manage.py"]);
    commits.web = await publish(clone, "feat: another API");
    await append(["Gateway/Caddyfile"]);
    commits.gateway = await publish(clone, "feat: another gateway");
    const apps = ["ML4-India", "ML4-Nigeria", "Impact-Dashboard-Backend", "Farmers-Dashboard-Backend", "Comsol-Digital-Twins"];
    await append(["Base-API/manage.py", "Gateway/Caddyfile", ...apps.map((app) => `${app}/app.py`)]);
    const submodule = await must("git", ["rev-parse", "v1.0.0:App-Impact-Reporting"], { cwd: clone });
    // It was brought without its past.
    await must("git", ["fetch", "--quiet", "origin", submodule], { cwd: join(clone, "App-Impact-Reporting") });
    await must("git", ["checkout", "--quiet", submodule], { cwd: join(clone, "App-Impact-Reporting") });
    commits.all = await publish(clone, "feat: another version of everything");
    relay = await startDistance(ports);
  });

  afterAll(async () => {
    await relay?.stop();
    const { exitCode, output } = await coldtivate(["deploy", "staging", "--allow-older"], { cwd: await checkOut("main") });
    expect(exitCode, output).toBe(0);
  });

  test("while one service is replaced, and nothing else is touched", async () => {
    const before = await containers();
    const running = await load();
    await deploy(commits.web);
    const report = await running.stop();
    expectNothingLost(report, pace);
    expect(report.commits["web"]).toEqual([expect.any(String), commits.web]);
    expect(replaced(before, await containers())).toEqual(["celery", "web slot"]);
  });

  test("while the gateway is replaced, and nothing else is touched", async () => {
    const before = await containers();
    const running = await load();
    await deploy(commits.gateway);
    expectNothingLost(await running.stop(), pace);
    expect(await ask(stagingHost(), "version")).toMatchObject({ commit: commits.gateway });
    expect(replaced(before, await containers())).toEqual(["gateway slot"]);
  });

  test("while everything is replaced: long requests end, websockets go on until the limit and come back at once", async () => {
    const before = await containers();
    const slow = startLoad({ lanes: gatewayLanes(relay, ports, ["GET /base_api/slow?ms=10000"]), perSecond: 100 });
    const running = await load();
    const clients = await Promise.all(
      [stagingHost(), `127.0.0.1:${relay.portOf(ports.http)}`].map((host) => startWebsocketClient(`ws://${host}/comsol_dt/live`)),
    );
    await deploy(commits.all);
    await Promise.all(clients.map((client) => client.end()));
    const report = await running.stop();
    const long = await (await slow).stop();
    expectNothingLost(report, pace);
    expectNothingLost(long, 5);
    for (const service of ["web", "vcca_air_service", "farmer_web", "impact_dashboard_web", "comsol_dt_service"]) {
      expect(report.commits[service]).toHaveLength(2);
    }
    const switched = await switchTime("comsol_dt_service");
    for (const { connections } of clients) {
      expect(connections).toMatchObject([
        { opened: true, cut: true, wrong: 0 },
        { opened: true, wrong: 0 },
      ]);
      expect(connections[0]!.last - switched).toBeGreaterThan((drain - 2) * 1000);
      expect(connections[1]!.answered).toBeGreaterThan(0);
    }
    const gone = replaced(before, await containers());
    expect(gone).toContain("gateway slot");
    // Neither fronts nor what the project does not build.
    expect(gone.filter((name) => !name.endsWith(" slot"))).toEqual(["celery", "farmer_scheduler", "impact_dashboard_scheduler"]);
  });

  test("while ten releases follow each other, older ones among them", async () => {
    const { main, web, gateway, all } = commits;
    const running = await load();
    for (const commit of [gateway, web, main, web, main, gateway, web, gateway, main, all]) await deploy(commit);
    const report = await running.stop();
    expectNothingLost(report, 5 * pace);
    expect(report.commits["web"]).toHaveLength(3);
  }, 1_200_000);

  test("with docker compose alone the same load sees requests fail, so that it would have seen them before", async () => {
    const plain = await preparePlainCompose(clone);
    onTestFinished(plain.remove);
    await plain.up(commits.gateway, "--wait");
    const distance = await startDistance(plain.ports);
    onTestFinished(distance.stop);
    const running = await startLoad({ lanes: gatewayLanes(distance, plain.ports, shortRequests), perSecond: pace });
    expect((await running.look()).failures).toEqual({});
    await plain.up(commits.all, "--wait");
    const { answered, failures } = await running.stop();
    console.info(`docker compose alone: ${answered} requests answered, not`, failures);
    expect(failures["status 502"]).toBeGreaterThan(0);
    expect(failures["ECONNRESET"]).toBeGreaterThan(0);
  });
});

/** When staging's last release switched a service, in milliseconds since the epoch. */
async function switchTime(service: string): Promise<number> {
  const folder = "/home/deploy/.coldtivate/coldtivate-staging/current";
  const step = `$(grep -nP '^switch\\t${service}$' ${folder}/plan | cut -d: -f1)`;
  return Number(await onHost("staging", `awk -F'\\t' -v step=${step} '$2 == step && $3 == "done" { print $1 }' ${folder}/journal`)) / 1000;
}
