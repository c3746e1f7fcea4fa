import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publish } from "./kiosk.ts";
import { startLoad } from "./load.ts";
import { ask, checkOut, coldtivate, ensureBuilt, must, onHost, stagingHost } from "./world.ts";

/** Container ids of a service's slots. */
const slots = (service: string) =>
  onHost("staging", `docker ps -q --filter name=coldtivate-staging-${service}-blue --filter name=coldtivate-staging-${service}-green`);

const allContainers = () => onHost("staging", "docker ps --format '{{.ID}} {{.Names}}' | sort");

async function deploy(clone: string): Promise<{ exitCode: number; output: string }> {
  return coldtivate(["deploy", "staging"], { cwd: clone });
}

describe("services behind fronts", () => {
  let clone: string;
  let plain: string;

  beforeAll(async () => {
    await ensureBuilt("main");
    clone = await checkOut("main");
    plain = await readFile(join(clone, "coldtivate.yml"), "utf8");
    await appendFile(join(clone, "coldtivate.yml"), '\nfront: { image: "${FRONT_IMAGE:-haproxy:3.2-alpine}" }\n');
    const { exitCode, output } = await deploy(clone);
    expect(exitCode, output).toBe(0);
  });

  afterAll(async () => {
    const main = await checkOut("main");
    const { exitCode, output } = await deploy(main);
    expect(exitCode, output).toBe(0);
  });

  test("a release that replaces a service and the gateway fails no request, and touches nothing else", async () => {
    const before = { commit: await must("git", ["rev-parse", "HEAD"], { cwd: clone }), farmer: await slots("farmer_web") };
    await appendFile(join(clone, "Base-API/manage.py"), "# another version\n");
    await appendFile(join(clone, "Gateway/Caddyfile"), "# another version\n");
    const commit = await publish(clone, "feat: another version");
    const routes = ["base_api/version", "base_api/version", "base_api/version", "farmer_api/version", "base_api/slow?ms=1500", "version"];
    const load = startLoad(routes.map((route) => `http://${stagingHost()}/${route}`));
    const { exitCode, output } = await deploy(clone);
    const result = await load.stop();
    expect(exitCode, output).toBe(0);
    expect(result.failures).toEqual([]);
    expect(result.answered).toBeGreaterThan(100);
    expect(result.commits).toContain(commit);
    expect(await ask(stagingHost(), "base_api/version")).toMatchObject({ commit, slot: expect.stringMatching(/^(blue|green)$/) });
    expect(await slots("farmer_web")).toBe(before.farmer);
    expect((await slots("web")).split("\n")).toHaveLength(1);
  });

  test("a version that crashes leaves the old one serving, and fails no request", async () => {
    const serving = await ask(stagingHost(), "base_api/version");
    const before = await allContainers();
    const settings = join(clone, "Base-API/Dockerfile");
    const dockerfile = await readFile(settings, "utf8");
    await writeFile(settings, dockerfile.replace(/^CMD .*$/m, 'CMD ["sh", "-c", "echo no such module; exit 7"]'));
    await publish(clone, "feat: a version that crashes");
    const load = startLoad([`http://${stagingHost()}/base_api/version`, `http://${stagingHost()}/farmer_api/version`]);
    const { exitCode, output } = await deploy(clone);
    const result = await load.stop();
    expect(exitCode, output).toBe(4);
    expect(output).toContain("exited with 7");
    expect(output).toContain("no such module");
    expect(result.failures).toEqual([]);
    expect(await ask(stagingHost(), "base_api/version")).toEqual(serving);
    expect(await allContainers()).toBe(before);
    await writeFile(settings, dockerfile);
  });

  test("without fronts the same load sees requests fail, so that it would have seen them before", async () => {
    await writeFile(join(clone, "coldtivate.yml"), plain);
    await publish(clone, "feat: what was before the crash");
    const load = startLoad([`http://${stagingHost()}/base_api/version`, `http://${stagingHost()}/farmer_api/version`]);
    const { exitCode, output } = await deploy(clone);
    const result = await load.stop();
    expect(exitCode, output).toBe(0);
    expect(result.failures).not.toEqual([]);
    expect(await onHost("staging", "docker ps --format '{{.Names}}'")).not.toMatch(/-(blue|green)-/);
  });
});
