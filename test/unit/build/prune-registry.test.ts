import { afterEach, beforeEach, expect, test } from "vitest";
import { openRegistry, type RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import { digestOfBytes } from "../../../src/lib/adapters/registry/registry-http.ts";
import { observeTags, removeLeftovers } from "../../../src/lib/builds/prune/prune-registry.ts";
import { recordBuilds } from "../../../src/lib/builds/record/record-builds.ts";
import { formatRecord, recordTag } from "../../../src/lib/images/build-record.ts";
import { planPrune } from "../../../src/lib/images/prune-plan.ts";
import { startMemoryRegistry, type MemoryRegistry } from "../adapters/memory-registry.ts";

const now = Date.parse("2026-03-10T10:00:00Z");
const day = 86_400_000;
const indexType = "application/vnd.oci.image.index.v1+json";
const digestOf = (body: string) => digestOfBytes(Buffer.from(body));
const commitOf = (number: number) => `${number}`.padStart(2, "0").slice(-2).repeat(20);
const contentOf = (number: number) => `content-${commitOf(number)}`;

let server: MemoryRegistry;
let registry: RegistryClient;

beforeEach(async () => {
  server = await startMemoryRegistry();
  registry = openRegistry({ host: server.host, insecure: true });
});
afterEach(async () => {
  registry[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

/** An image as a build leaves it: under its commit's tag, with a content tag and a record. */
async function build(number: number, builtAt: number, ...refs: string[]): Promise<string> {
  const manifest = JSON.stringify({ layers: [], number });
  const digest = server.put("shop/web", commitOf(number).slice(0, 8), manifest);
  for (const ref of refs) server.put("shop/web", ref, manifest);
  const annotations = { "coldtivate.content": JSON.stringify({ tag: contentOf(number), built: builtAt }) };
  server.put("shop/web", contentOf(number), JSON.stringify({ manifests: [{ digest, mediaType: "x", size: 1 }], annotations }), indexType);
  const facts = { registryImage: `${server.host}/shop`, commit: commitOf(number), now: new Date(builtAt) };
  await recordBuilds([{ name: "web", digest }], facts, registry);
  return digest;
}

async function leftovers(...retained: string[]) {
  const repositories = await observeTags(["web"], `${server.host}/shop`, registry);
  return planPrune({ repositories, retained: new Set(retained), since: now - day });
}

test("what a branch, a host or the last day has built stays; all else is listed by every name", async () => {
  const old = now - 5 * day;
  const forgotten = await build(1, old);
  const retained = await build(2, old);
  await build(3, old, "main");
  await build(4, now - 1000);
  expect(await leftovers(retained)).toEqual([
    {
      name: "web",
      digest: forgotten,
      tags: [commitOf(1).slice(0, 8), `built-${commitOf(1)}`, contentOf(1)],
      indexes: [expect.stringMatching(/^sha256:/), expect.stringMatching(/^sha256:/)],
      builtAt: old,
    },
  ]);
});

test("an image that no build of ours has recorded is nobody's to remove", async () => {
  server.put("shop/web", "aaaaaaaa", '{"layers":[]}');
  server.put("shop/web", "buildcache", '{"layers":[1]}');
  expect(await leftovers()).toEqual([]);
});

test("the same content under a commit that stays is kept, with the record of the one that goes", async () => {
  const digest = await build(1, now - 5 * day, "v1-2-0");
  await recordBuilds([{ name: "web", digest }], { registryImage: `${server.host}/shop`, commit: commitOf(7), now: new Date(0) }, registry);
  expect(await leftovers()).toEqual([]);
});

test("removal takes every name of an image, and leaves the others alone", async () => {
  await build(1, now - 5 * day);
  await build(2, now - 5 * day, "main");
  const removed = await removeLeftovers(await leftovers(), `${server.host}/shop`, registry, new Set());
  expect(removed).toHaveLength(1);
  expect(Object.keys(server.tagsIn("shop/web")).toSorted()).toEqual(
    [commitOf(2).slice(0, 8), `built-${commitOf(2)}`, contentOf(2), "main"].toSorted(),
  );
  expect(await leftovers()).toEqual([]);
});

/** An image for two platforms, whose manifests have a digest each. */
async function buildIndex(number: number, manifests: readonly string[], ...refs: string[]): Promise<string> {
  const parts = manifests.map((body) => ({ digest: server.put("shop/web", `part-${body}`, body), mediaType: "x", size: 1 }));
  for (const { digest } of parts) server.untag("shop/web", digest);
  const index = JSON.stringify({ manifests: parts, number });
  const digest = server.put("shop/web", commitOf(number).slice(0, 8), index, indexType);
  for (const ref of refs) server.put("shop/web", ref, index, indexType);
  const facts = { registryImage: `${server.host}/shop`, commit: commitOf(number), now: new Date(now - 5 * day) };
  await recordBuilds([{ name: "web", digest }], facts, registry);
  return digest;
}

test("with an image for several platforms go its manifests, but for those of an image that stays", async () => {
  const retained = await buildIndex(1, ['{"layers":[1]}', '{"layers":[2]}']);
  await buildIndex(2, ['{"layers":[2]}', '{"layers":[3]}'], "main");
  await buildIndex(3, ['{"layers":[1]}', '{"layers":[3]}', '{"layers":[4]}']);
  const removed = await removeLeftovers(await leftovers(retained), `${server.host}/shop`, registry, new Set([retained]));
  expect(removed).toHaveLength(1);
  const left = await Promise.all(
    [1, 2, 3, 4].map((layer) => registry.manifestOf(`${server.host}/shop/web@${digestOf(`{"layers":[${layer}]}`)}`)),
  );
  expect(left.map((stored) => stored !== undefined)).toEqual([true, true, true, false]);
});

test("a branch or tag whose name looks like one of ours keeps its image", async () => {
  const old = now - 5 * day;
  for (const [number, ref] of ["deadbeef", contentOf(7), `built-${commitOf(8)}`, commitOf(4).slice(0, 8)].entries())
    await build(number, old, ref);
  expect(await leftovers()).toEqual([]);
});

test("a commit's tag keeps what it names unless that commit's record says so, too", async () => {
  await build(1, now - 5 * day);
  const other = await build(2, now - 5 * day);
  // Somebody else's, with the same eight digits.
  server.put("shop/web", commitOf(1).slice(0, 8), JSON.stringify({ layers: [], number: 2 }));
  expect((await leftovers()).map(({ digest }) => digest)).not.toContain(other);
});

/** Has something happen just before the registry does what it is asked for. */
function before(method: string, path: RegExp, happen: () => void): RegistryClient {
  const own = registry;
  return {
    ...own,
    async deleteManifest(reference) {
      if (method === "DELETE" && path.test(reference)) happen();
      await own.deleteManifest(reference);
    },
  };
}

test("a branch that moves to an image just when that is removed is told of", async () => {
  const old = now - 5 * day;
  const digest = await build(1, old);
  await build(2, old, "main");
  const found = await leftovers();
  const move = () => server.put("shop/web", "main", JSON.stringify({ layers: [], number: 1 }));
  const racing = before("DELETE", new RegExp(digest), move);
  await expect(removeLeftovers(found, `${server.host}/shop`, racing, new Set())).rejects.toMatchObject({
    code: "PRUNE_RACED",
    exit: "failed",
    details: ["web:main"],
  });
});

test("an image that is built again just when it is removed is told of", async () => {
  const digest = await build(1, now - 5 * day);
  const record = formatRecord({ commit: commitOf(9), builds: [{ digest, mediaType: "x/y", size: 1, createdAt: now.toString() }] });
  const racing = before("DELETE", new RegExp(digest), () => void server.put("shop/web", recordTag(commitOf(9)), record, indexType));
  await expect(removeLeftovers(await leftovers(), `${server.host}/shop`, racing, new Set())).rejects.toMatchObject({
    details: [`web:${recordTag(commitOf(9))}`],
  });
});

test("an image that a new index of ours names while others are removed stays", async () => {
  const digest = await build(1, now - 5 * day);
  const found = await leftovers();
  const facts = { registryImage: `${server.host}/shop`, commit: commitOf(9), now: new Date(now) };
  await recordBuilds([{ name: "web", digest }], facts, registry);
  expect(await removeLeftovers(found, `${server.host}/shop`, registry, new Set())).toEqual([]);
});

test("a list of tags that is suddenly empty removes nothing", async () => {
  await build(1, now - 5 * day);
  const found = await leftovers();
  const forgetful = { ...registry, tagsOf: () => Promise.resolve([]) };
  expect(await removeLeftovers(found, `${server.host}/shop`, forgetful, new Set())).toEqual([]);
  expect(server.tagsIn("shop/web")).toHaveProperty(commitOf(1).slice(0, 8));
});

test("a branch that the registry does not find for a moment still keeps its image", async () => {
  await build(1, now - 5 * day, "main");
  let misses = 1;
  const blinking: RegistryClient = {
    ...registry,
    digestOf: (reference) => (reference.endsWith(":main") && misses-- > 0 ? Promise.resolve(undefined) : registry.digestOf(reference)),
  };
  const repositories = await observeTags(["web"], `${server.host}/shop`, blinking);
  expect(planPrune({ repositories, retained: new Set(), since: now - day })).toEqual([]);
});

test("many images go a few at a time", async () => {
  for (let number = 1; number <= 40; number++) await build(number, now - 5 * day);
  expect(await removeLeftovers(await leftovers(), `${server.host}/shop`, registry, new Set())).toHaveLength(40);
  expect(server.tagsIn("shop/web")).toEqual({});
});

test("an image that somebody names while others are removed stays", async () => {
  const digest = await build(1, now - 5 * day);
  const found = await leftovers();
  server.put("shop/web", "feature", JSON.stringify({ layers: [], number: 1 }));
  expect(await removeLeftovers(found, `${server.host}/shop`, registry, new Set())).toEqual([]);
  expect(server.tagsIn("shop/web")).toMatchObject({ feature: digest });
});
