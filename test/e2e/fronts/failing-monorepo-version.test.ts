import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkOut, ensureBuilt, publish } from "../support/clones.ts";
import { expectRest } from "../support/host-state.ts";
import { ask, onHost, stagingHost } from "../support/hosts.ts";
import { gatewayLanes, shortRequests, startDistance } from "../support/load/gateway.ts";
import type { LatencyRelay } from "../support/load/latency-relay.ts";
import { startLoad } from "../support/load/load.ts";
import { checkOutWithoutTasks } from "../support/projects/monorepo-without-tasks.ts";
import { coldtivate } from "../support/run.ts";

const ports = { http: 80, https: 443 };
const project = "coldtivate-staging";

const containers = () => onHost("staging", "docker ps -a --no-trunc --format '{{.ID}} {{.Names}}' | sort");

describe("a version that does not come up leaves the old one serving, and fails no request", () => {
  let clone: string;
  let relay: LatencyRelay;
  let commit: string;
  let original: Record<"Dockerfile" | "base_api/app.py", string>;

  beforeAll(async () => {
    await ensureBuilt("main");
    clone = await checkOutWithoutTasks("web: { healthy_within: 6s }");
    commit = await publish(clone, "chore: be quick");
    const { exitCode, output } = await coldtivate(["deploy", "staging", "--ref", commit], { cwd: clone });
    expect(exitCode, output).toBe(0);
    const read = (path: string) => readFile(join(clone, "Base-API", path), "utf8");
    original = { Dockerfile: await read("Dockerfile"), "base_api/app.py": await read("base_api/app.py") };
    relay = await startDistance(ports);
  });

  afterAll(async () => {
    await relay?.stop();
    const { exitCode, output } = await coldtivate(["deploy", "staging", "--allow-older"], { cwd: await checkOut("main") });
    expect(exitCode, output).toBe(0);
  });

  test.each([
    ["crashes", "Dockerfile", /^CMD .*$/m, 'CMD ["sh", "-c", "echo no such module; exit 7"]', ["exited with 7", "no such module"]],
    ["answers 500 where its health is asked", "base_api/app.py", 'return "ok\\n"', 'return "no", 500', ["returned error: 500"]],
  ] as const)("one that %s", async (_what, path, from, to, reasons) => {
    const serving = await ask(stagingHost(), "base_api/version");
    const before = await containers();
    for (const [file, content] of Object.entries(original)) await writeFile(join(clone, "Base-API", file), content);
    const broken = original[path].replace(from, to);
    expect(broken).not.toBe(original[path]);
    await writeFile(join(clone, "Base-API", path), broken);
    await publish(clone, "feat: a version that does not come up");
    const load = await startLoad({ lanes: gatewayLanes(relay, ports, shortRequests), perSecond: 200 });
    const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone });
    const { failures, examples, answered } = await load.stop();
    console.info(`${answered} requests answered`);
    expect(exitCode, output).toBe(4);
    for (const reason of reasons) expect(output).toContain(reason);
    expect({ failures, examples }).toEqual({ failures: {}, examples: [] });
    expect(await ask(stagingHost(), "base_api/version")).toEqual(serving);
    expect(await containers()).toBe(before);
    await expectRest("staging", project);
  });
});
