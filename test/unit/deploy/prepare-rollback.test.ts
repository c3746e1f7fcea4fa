import { describe, expect, test } from "vitest";
import type { RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { PreparePorts } from "../../../src/lib/deploy/prepare/intent.ts";
import { pulledImages } from "../../../src/lib/plan/steps/plan.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";
import { inFields } from "../hosts/host-answers.ts";
import { prepareOn } from "./prepare-on.ts";

const image = (letter: string) => `r.example/web@sha256:${letter.repeat(64)}`;
const [older, newer] = [image("a"), image("b")];

const commitOf = (id: string) => id.replace("r", "c").repeat(20);

function manifest(id: string, of: string): string {
  const service = { definition: `definition of ${id}`, reference: "r.example/web", image: of };
  const facts = { ports: [], volumes: [], entrypoint: [], command: ["web"], environment: {} };
  return JSON.stringify({
    version: 1,
    id,
    project: "shop",
    environment: "staging",
    commit: commitOf(id),
    createdAt: "2026-11-23T04:29:38Z",
    tasks: {},
    services: { web: service },
    images: { [of]: facts },
    places: {},
  });
}

/** A host that serves release r2, keeps r1, and has certain images. */
function host(...images: string[]): HostConnection {
  const fields = {
    protocol: "1",
    state: "/home/deploy/.coldtivate/shop-staging",
    directory: "/home/deploy/.coldtivate/incoming.x/compose",
    engine: "28.5.0",
    compose: "2.40.0",
    current: "r2",
    manifest: manifest("r2", newer),
    containers: `1\tshop-staging-web-1\tweb\t${newer}\tdefinition of r2\t/home/deploy/.coldtivate/shop-staging\trunning\t-\tFalse\n`,
    images: images.map((each) => `${each}\n`).join(""),
    past: `r2\t${commitOf("r2")}\tmain\t-\t-\nr1\t${commitOf("r1")}\tmain\t-\t-\n`,
    "kept/manifest.json": manifest("r1", older),
    "kept/compose.json": JSON.stringify({ name: "shop-staging", services: { web: { image: older } } }),
    "kept/hooks": "hooks/before_rollback\n",
    "kept/plan.full": "recreate\tweb\nhealthy\tweb\t60\t2\ncommit\n",
  };
  return fakeConnection("a", () => Promise.resolve({ code: 0, stdout: Buffer.from(inFields(fields)), stderr: "" }));
}

const prepare = (connection: HostConnection, registry: PreparePorts["registry"]) =>
  prepareOn([{ connection }], { action: "rollback" }, registry);

const rollBack = (connection: HostConnection, digestOf: (asked: string) => Promise<string | undefined>) =>
  prepare(connection, () =>
    Promise.resolve({
      client: { digestOf, layersOf: () => Promise.resolve(undefined) } as unknown as RegistryClient,
      named: new Set(["r.example/web"]),
    }),
  );

describe("a rollback whose images the host lost", () => {
  test("pulls them by digest where the registry has them, and says so", async () => {
    const { plan } = await rollBack(host(newer), (asked) => Promise.resolve(asked.split("@")[1]));
    expect(pulledImages(plan.hosts[0]!)).toEqual([older]);
    expect(plan.notes).toContain("a no longer has images of that release, and pulls them: r.example/web@sha256:aaaaaaaa");
  });

  test("is refused where the registry lost them, too", async () => {
    await expect(rollBack(host(newer), () => Promise.resolve(undefined))).rejects.toMatchObject({
      code: "IMAGES_GONE",
      exit: "refused",
      details: [`a: ${older}`],
      hint: expect.stringContaining("--allow-older") as string,
    });
  });

  test("is refused in the registry's words where it does not answer", async () => {
    const down = new ColdtivateError("r.example cannot be reached", { code: "REGISTRY_UNREACHABLE", exit: "refused" });
    await expect(rollBack(host(newer), () => Promise.reject(down))).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      details: [older],
    });
  });
});

test("a rollback whose images are there asks no registry", async () => {
  const { plan } = await rollBack(host(older, newer), () => Promise.reject(new Error("asked")));
  expect(plan.hosts[0]?.steps.map(({ verb }) => verb)).toContain("recreate");
  expect(plan.hosts[0]?.steps.map(({ verb }) => verb)).not.toContain("pull");
});

test("a rollback has the hooks of the release that it goes back to, which the host has", async () => {
  const { work } = await rollBack(host(older, newer), () => Promise.reject(new Error("asked")));
  const entries = new Map(work[0]?.entries.map(({ path, content }) => [path, content]));
  expect(entries.get("hooks.of")).toBe("r1\n");
  expect(entries.get("plan")).toMatch(/^hook\tbefore_rollback\t/m);
  expect(JSON.parse(String(entries.get("plan.json")))).toMatchObject({ again: "rollback", target: "r1" });
});

test("what a host lost of others it pulls itself, and nobody is asked about it", async () => {
  const connection = host(newer);
  const { work, plan } = await prepare(connection, () =>
    Promise.resolve({ client: { digestOf: () => Promise.reject(new Error("asked")) } as unknown as RegistryClient, named: new Set() }),
  );
  expect(pulledImages(plan.hosts[0]!)).toEqual([older]);
  expect(work[0]?.images).toEqual([]);
  expect(plan.notes).toContain("a pulls these without a login of yours: r.example/web@sha256:aaaaaaaa");
});
