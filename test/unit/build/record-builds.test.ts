import { afterEach, beforeEach, expect, test } from "vitest";
import { openRegistry, type RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import { recordBuilds } from "../../../src/lib/builds/record/record-builds.ts";
import { resolveOwnImages } from "../../../src/lib/deploy/prepare/images/resolve-images.ts";
import { formatRecord, parseRecord, recordTag } from "../../../src/lib/images/build-record.ts";
import { startMemoryRegistry, type MemoryRegistry } from "../adapters/memory-registry.ts";

const commit = "1234567890".repeat(4);
const tag = commit.slice(0, 8);
const now = new Date("2026-03-01T10:00:00Z");

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

/** As a push does it: an image under the commit's tag, and its record. */
async function build(content: string): Promise<string> {
  const digest = server.put("shop/web", tag, JSON.stringify({ layers: [], content }));
  expect(await recordBuilds([{ name: "web", digest }], { registryImage: `${server.host}/shop`, commit, now }, registry)).toEqual([]);
  return digest;
}

async function buildsIn(name: string): Promise<string[]> {
  const stored = await registry.manifestOf(`${server.host}/shop/web:${name}`);
  return parseRecord(stored?.bytes.toString() ?? "")?.builds.map(({ digest }) => digest) ?? [];
}

const resolve = () => resolveOwnImages({ registry: { image: `${server.host}/shop` }, images: { web: {} } }, commit, registry);

test("what was built is deployed", async () => {
  const digest = await build("one");
  const { images, notes } = await resolve();
  expect(images.get(`${server.host}/shop/web`)).toEqual({ image: `${server.host}/shop/web@${digest}`, built: "web" });
  expect(notes).toEqual([]);
});

test("what somebody else has put under the commit's tag is refused", async () => {
  const digest = await build("one");
  const other = server.put("shop/web", tag, '{"layers":[],"content":"another"}');
  await expect(resolve()).rejects.toMatchObject({
    code: "IMAGES_MOVED",
    exit: "refused",
    details: [`${server.host}/shop/web:${tag} is ${other}, built was ${digest}`],
  });
});

test.each([
  ["an image", JSON.stringify({ layers: [] })],
  ["another commit's", formatRecord({ commit: "f".repeat(40), builds: [] })],
  ["an empty one", formatRecord({ commit, builds: [] })],
])("a record that somebody has written over with %s is refused, and not taken for none", async (_what, body) => {
  await build("one");
  server.put("shop/web", recordTag(commit), body);
  await expect(resolve()).rejects.toMatchObject({
    code: "IMAGES_MOVED",
    details: [`${server.host}/shop/web:${recordTag(commit)} is no record of that commit: somebody has written over it`],
  });
});

test("an image without a record is deployed, and the plan says so", async () => {
  server.put("shop/web", tag, '{"layers":[]}');
  expect((await resolve()).notes).toEqual([`no record of what was built for ${tag}, so what its tag names is taken: web`]);
});

test("every build of a commit counts, whoever was last", async () => {
  const first = await build("one");
  const second = await build("two");
  expect(await buildsIn(recordTag(commit))).toEqual([first, second]);
  server.put("shop/web", tag, '{"layers":[],"content":"one"}');
  expect((await resolve()).images.size).toBe(1);
});

test("the same build again writes nothing", async () => {
  await build("one");
  server.requests.length = 0;
  await build("one");
  expect(server.requests.filter((request) => request.startsWith("PUT"))).toEqual([]);
});

test("a record that names a build which is gone makes room for the new one", async () => {
  await registry.deleteManifest(`${server.host}/shop/web@${await build("one")}`);
  const second = await build("two");
  expect(await buildsIn(recordTag(commit))).toEqual([second]);
});

test("a registry that takes no record is told of, and stops nobody", async () => {
  const [told] = await recordBuilds(
    [{ name: "web", digest: "", manifest: { digest: `sha256:${"0".repeat(64)}`, mediaType: "x/y", bytes: Buffer.from("{}") } }],
    { registryImage: `${server.host}/shop`, commit, now },
    registry,
  );
  expect(told).toMatch(/^web: the registry keeps no record of this build \(.*MANIFEST_BLOB_UNKNOWN/);
});
