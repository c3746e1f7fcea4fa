import { describe, expect, test } from "vitest";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { pulledImages } from "../../../src/lib/plan/steps/plan.ts";
import { commitOf, frontImageOf, keptHost, type Kept } from "./kept-host.ts";
import { fakeRegistry, prepareOn } from "./prepare-on.ts";

/** A release whose service has a front. */
const fronted: Kept = { id: "r1", front: frontImageOf("a"), ref: "main" };

const digest = `sha256:${"b".repeat(64)}`;
const published = () => fakeRegistry((reference) => (reference === "haproxy:3.2" ? digest : undefined), ["docker.io/library/haproxy"]);

const update = (hosts: readonly ReturnType<typeof keptHost>[], services: readonly string[] = [], registry = published()) =>
  prepareOn(hosts, { action: "fronts", services }, registry.open);
const fleet = (...releases: Kept[]) => releases.map((release, index) => keptHost("ab"[index]!, { releases: [release] }));

/** What the first host would be sent, by path. */
const sentTo = ({ work }: Awaited<ReturnType<typeof update>>) =>
  new Map(work[0]?.entries.map(({ path, content }) => [path, String(content)]));

test("fronts get the newest image of the reference in coldtivate.yml, which the registry is asked for once", async () => {
  const registry = published();
  const { plan } = await update(fleet(fronted, fronted), [], registry);
  expect(registry.asked.filter((reference) => reference === "haproxy:3.2")).toHaveLength(1);
  expect(plan.release).toEqual({ id: "20261123t050000-11111111", commit: commitOf("1"), ref: "main" });
  for (const host of plan.hosts) {
    expect(pulledImages(host)).toEqual([frontImageOf("b")]);
    expect(host.services).toEqual([
      { service: "web", change: "update", reasons: ["front sha256:aaaaaaaa → sha256:bbbbbbbb", "without a gap"] },
    ]);
    expect(host.steps.map(({ verb }) => verb)).toContain("barrier");
  }
});

test("an update is a release of its own: the same commit under another name, with what serves and other fronts", async () => {
  const sent = sentTo(await update(fleet(fronted)));
  expect(JSON.parse(sent.get("manifest.json") ?? "")).toMatchObject({
    id: "20261123t050000-11111111",
    createdAt: "2026-11-23T05:00:00.000Z",
    commit: commitOf("1"),
    services: { web: { definition: "definition of r1" } },
    fronts: { web: { image: frontImageOf("b") } },
  });
  expect(JSON.parse(sent.get("plan.json") ?? "")).toMatchObject({ again: "fronts" });
});

test("fronts that are the newest already stay, and nothing is sent", async () => {
  const manifest = sentTo(await update(fleet(fronted))).get("manifest.json") ?? "";
  const updated: Kept = { ...fronted, id: "20261123t050000-11111111", front: frontImageOf("b"), manifest };
  const { plan, work } = await update(fleet(updated));
  expect(plan.hosts[0]?.steps).toEqual([]);
  expect(plan.hosts[0]?.services).toEqual([{ service: "web", change: "keep", reasons: [] }]);
  expect(work[0]?.entries).toEqual([]);
});

describe("fronts are not updated", () => {
  test("of a host on which nothing serves, or nothing that this version knows", async () => {
    const refusal = {
      code: "NO_FRONTS",
      exit: "refused",
      message: "a has no fronts",
      details: ["no release serves there that this version knows"],
    };
    await expect(update([keptHost("a", {})])).rejects.toMatchObject(refusal);
    await expect(update(fleet({ ...fronted, manifest: '{"version":2}' }))).rejects.toMatchObject(refusal);
  });

  test("of a release without any", async () => {
    await expect(update(fleet({ id: "r1" }))).rejects.toMatchObject({
      code: "NO_FRONTS",
      details: ["release r1 has no service with one"],
      hint: "A deploy makes the fronts that it needs: coldtivate deploy staging",
    });
  });

  test("of a service that has none, with the name that was perhaps meant", async () => {
    await expect(update(fleet(fronted), ["web", "wep"])).rejects.toMatchObject({
      code: "UNKNOWN_FRONT",
      exit: "usage",
      message: "there is no front of wep",
      details: [expect.stringMatching(/^wep.*web/)],
      hint: "These have fronts: web",
    });
  });

  test("where the hosts serve different releases, which would look alike afterwards", async () => {
    const hosts = fleet(fronted, { ...fronted, id: "r2" });
    await expect(update(hosts)).rejects.toMatchObject({
      code: "HOSTS_DIFFER",
      exit: "refused",
      details: ["a: serves r1", "b: serves r2"],
      hint: expect.stringContaining("coldtivate recover staging") as string,
    });
  });

  test("while somebody deploys to one of the hosts", async () => {
    const hosts = [keptHost("a", { releases: [fronted] }), keptHost("b", { releases: [fronted], running: "r9 by bob" })];
    await expect(update(hosts)).rejects.toMatchObject({ code: "DEPLOY_RUNNING", message: "another deploy runs on b" });
  });

  test("if the registry does not have their image", async () => {
    await expect(update(fleet(fronted), [], fakeRegistry())).rejects.toMatchObject({
      code: "IMAGES_NOT_IN_REGISTRY",
      exit: "refused",
      details: ["haproxy:3.2"],
    });
  });

  test("if the registry does not answer, in its words", async () => {
    const down = new ColdtivateError("docker.io cannot be reached", { code: "REGISTRY_UNREACHABLE", exit: "refused" });
    await expect(
      update(
        fleet(fronted),
        [],
        fakeRegistry(() => down),
      ),
    ).rejects.toBe(down);
  });

  test("if the host cannot show the release that serves", async () => {
    await expect(update([keptHost("a", { releases: [fronted], unreadable: "compose.json is gone\n" })])).rejects.toMatchObject({
      code: "RELEASE_INCOMPLETE",
      message: "a: the release that serves cannot be read",
      details: ["compose.json is gone"],
    });
  });
});
