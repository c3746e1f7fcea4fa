import { beforeAll, describe, expect, test } from "vitest";
import { checkOut, ensureBuilt } from "../support/clones.ts";
import { hostContent } from "../support/host-state.ts";
import { ask, onHost, productionHost, stagingHost } from "../support/hosts.ts";
import { coldtivate, must } from "../support/run.ts";

const routes = {
  base_api: { service: "web", image: "base-api", context: "Base-API" },
  air_api: { service: "vcca_air_service", image: "app-impact-reporting", context: "App-Impact-Reporting" },
  farmer_api: { service: "farmer_web", image: "farmers-dashboard-backend", context: "Farmers-Dashboard-Backend" },
  impact_api: { service: "impact_dashboard_web", image: "impact-dashboard-backend", context: "Impact-Dashboard-Backend" },
  comsol_dt: { service: "comsol_dt_service", image: "comsol-dt", context: "Comsol-Digital-Twins" },
};

describe("from Git to two servers", () => {
  let clone: string;

  beforeAll(async () => {
    await ensureBuilt("v1.2.0");
    await ensureBuilt("main");
    clone = await checkOut("main");
    expect(await coldtivate(["deploy", "staging", "--allow-older"], { cwd: clone })).toMatchObject({ exitCode: 0 });
    expect(await coldtivate(["deploy", "production", "--tag", "v1.2.0", "--yes"], { cwd: clone })).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ["staging", stagingHost, "HEAD"],
    ["production", productionHost, "v1.2.0"],
  ] as const)("%s serves every service at the last commit that touched its context", async (_environment, host, release) => {
    for (const [route, { service, image, context }] of Object.entries(routes)) {
      const commit = await must("git", ["log", "-1", "--format=%H", release, "--", context], { cwd: clone });
      expect(await ask(host(), `${route}/version`)).toMatchObject({ service, image, commit });
    }
    expect((await ask(host(), "base_api/db"))?.["migrations"]).not.toEqual([]);
  });

  test.each(["staging", "production"] as const)("every image on %s is pinned by digest, and labelled with its commit", async (host) => {
    const listed = await onHost(host, "docker ps -q | xargs docker inspect --format '{{.Config.Image}}'");
    const images = listed.split("\n");
    expect(images.length).toBeGreaterThan(10);
    for (const image of images) expect(image).toMatch(/^\S+@sha256:[0-9a-f]{64}$/);
    const web = await onHost(host, "docker ps -q --filter name=-web-blue- --filter name=-web-green-");
    const label = await onHost(
      host,
      `docker image inspect $(docker inspect --format '{{.Image}}' ${web}) --format '{{index .Config.Labels "org.opencontainers.image.revision"}}'`,
    );
    expect(label).toMatch(/^[0-9a-f]{40}$/);
  });

  test("a deploy of what serves already does nothing, and says so", async () => {
    const before = await onHost("staging", "docker ps -q --no-trunc | sort");
    const again = await coldtivate(["deploy", "staging"], { cwd: clone });
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain("nothing to do");
    expect(await onHost("staging", "docker ps -q --no-trunc | sort")).toBe(before);
  });

  test("a dry run says what would change, and changes nothing", async () => {
    const before = await hostContent("production");
    const older = ["deploy", "production", "--tag", "v1.0.0", "--dry-run"];
    expect(await coldtivate(older, { cwd: clone })).toMatchObject({ exitCode: 3 });
    const { exitCode, stdout } = await coldtivate([...older, "--allow-older"], { cwd: clone });
    if (exitCode === 0) expect(stdout).toContain("~ web");
    expect(await hostContent("production")).toBe(before);
  });

  test("status names release, commit and every service", async () => {
    const { exitCode, stdout } = await coldtivate(["status", "production"], { cwd: clone });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("(v1.2.0)");
    for (const { service } of Object.values(routes)) expect(stdout).toMatch(new RegExp(`^${service} +(blue|green) +healthy`, "m"));

    const json = JSON.parse((await coldtivate(["status", "production", "--json"], { cwd: clone })).stdout) as {
      hosts: { release: { commit: string }; services: { state: string }[] }[];
    };
    expect(json.hosts[0]?.release.commit).toBe(await must("git", ["rev-parse", "v1.2.0^{commit}"], { cwd: clone }));
    expect(new Set(json.hosts[0]?.services.map(({ state }) => state))).toEqual(new Set(["running"]));
  });

  test("the script does its verbs by hand on the server, too", async () => {
    const script = "su deploy -c 'cd && ~/.coldtivate/coldtivate-staging/environment-deployment-management.sh";
    expect(await onHost("staging", `${script} status'`)).toContain("web");
    expect(await onHost("staging", `${script} compose ps --services'`)).toContain("gateway");
    expect(await onHost("staging", `${script} sh web cat /etc/debian_version' </dev/null`)).toMatch(/^\d+/);
  });
});
