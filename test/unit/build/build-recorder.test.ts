import { setTimeout as wait } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { openRegistry, type RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import { readRecordAt } from "../../../src/lib/builds/observe/look-up.ts";
import { openRecorder } from "../../../src/lib/builds/record/build-recorder.ts";
import { observeContent } from "../../../src/lib/builds/observe/observe-content.ts";
import { observeInputs } from "../../../src/lib/builds/observe/prepare-build.ts";
import type { Config, ImageConfig } from "../../../src/lib/config/schema/config.ts";
import { createRepository } from "../adapters/git-repository.ts";
import { startMemoryRegistry, type MemoryRegistry } from "../adapters/memory-registry.ts";

const names = ["web", "api", "db", "jobs"];
const images: ImageConfig[] = names.map((name) => ({ name, context: name, dockerfile: "Dockerfile", args: {}, secrets: {} }));

async function inBuild(work: (build: Awaited<ReturnType<typeof begin>>) => Promise<void>): Promise<void> {
  using repository = createRepository();
  await using server = await startMemoryRegistry();
  using registry = openRegistry({ host: server.host, insecure: true });
  await work(await begin(repository, server, registry));
}

async function begin(clone: ReturnType<typeof createRepository>, server: MemoryRegistry, registry: RegistryClient) {
  const commit = clone.commit(Object.fromEntries(names.map((name) => [`${name}/Dockerfile`, "FROM scratch\n"])));
  const config = { directory: clone.directory, build: { args: {}, platforms: [] } } as unknown as Config;
  const repository = await openRepository(clone.directory);
  const { contents } = await observeContent(config, images, await observeInputs(images, commit, repository), {
    digestOf: async () => undefined,
  });
  const changed = contents.map(({ name, tag = "", inputs = [] }) => ({ name, cause: { kind: "new" } as const, content: { tag, inputs } }));
  const registryImage = `${server.host}/shop`;
  const told: string[] = [];
  const recorder = openRecorder(config, images, {
    contents: { unchanged: [], changed },
    observed: { contents, bases: new Map() },
    repository,
    tools: {
      registryImage,
      registry,
      revision: { commit },
      reporter: { emit: (event) => void told.push(JSON.stringify(event)), close: async () => {} },
    },
    now: 1,
  });
  const recordOf = async (name: string) => {
    const tag = changed.find((image) => image.name === name)?.content.tag;
    return (await readRecordAt(`${registryImage}/${name}:${tag}`, registry))?.image.digest;
  };
  return {
    clone,
    recorder,
    recordOf,
    told,
    registryImage,
    digestOf: (name: string) => registry.digestOf(`${registryImage}/${name}`),
    push: (name: string, mark = "") => server.put(`shop/${name}`, commit.slice(0, 8), JSON.stringify({ layers: [], name, mark })),
  };
}

test("an image is noted once it is there, without those that are still built", async () => {
  await inBuild(async ({ recorder, push, recordOf, told }) => {
    const digest = push("web");
    recorder.add({ name: "web", digest });
    expect([...(await recorder.settle())]).toEqual([["web", digest]]);
    expect([await recordOf("web"), await recordOf("api")]).toEqual([digest, undefined]);
    expect(told).toEqual([]);
  });
});

test("one gets its other names first, as it is", async () => {
  await inBuild(async ({ recorder, push, digestOf, registryImage }) => {
    const digest = push("web");
    recorder.add({ name: "web", digest, laterTags: [`${registryImage}/web:main`, `${registryImage}/web:latest`] });
    expect([...(await recorder.settle()).keys()]).toEqual(["web"]);
    expect([await digestOf("web:main"), await digestOf("web:latest")]).toEqual([digest, digest]);
  });
});

test("a name that cannot be put leaves its image for the end, and takes nothing from the others", async () => {
  await inBuild(async ({ recorder, push, recordOf, registryImage }) => {
    const [web, api] = [push("web"), push("api")];
    recorder.add({ name: "web", digest: web, laterTags: [`${registryImage}/web:refused`] });
    recorder.add({ name: "api", digest: api, laterTags: [`${registryImage}/api:main`] });
    expect([...(await recorder.settle())]).toEqual([["api", api]]);
    // What it is made of is known all the same.
    expect([await recordOf("web"), await recordOf("api")]).toEqual([web, api]);
  });
});

test("an image that is sent once more is noted as what it is in the end", async () => {
  await inBuild(async ({ recorder, push, digestOf, registryImage }) => {
    const laterTags = [`${registryImage}/web:main`];
    recorder.add({ name: "web", digest: push("web"), laterTags });
    const digest = push("web", "again");
    recorder.add({ name: "web", digest, laterTags });
    expect([...(await recorder.settle())]).toEqual([["web", digest]]);
    expect(await digestOf("web:main")).toBe(digest);
  });
});

test("half of those that are left are noted at once, and what waits is noted in the end", async () => {
  await inBuild(async ({ recorder, push, recordOf }) => {
    const noted = async () => (await Promise.all(images.map(({ name }) => recordOf(name)))).filter(Boolean).length;
    for (const name of ["web", "api"]) recorder.add({ name, digest: push(name) });
    await vi.waitFor(async () => expect(await noted()).toBe(2));
    const db = { name: "db", digest: push("db") };
    recorder.add(db);
    await vi.waitFor(async () => expect(await noted()).toBe(3));
    expect([...(await recorder.settle()).keys()]).toEqual(["web", "api", "db"]);
  });
  await inBuild(async ({ recorder, push, recordOf }) => {
    recorder.add({ name: "web", digest: push("web") });
    await wait(200);
    expect(await recordOf("web")).toBeUndefined();
    await recorder.settle();
    expect(await recordOf("web")).toBeDefined();
  });
});

test("one that the registry does not have after all is left for the end", async () => {
  await inBuild(async ({ recorder, recordOf }) => {
    recorder.add({ name: "web", digest: `sha256:${"1f".repeat(32)}` });
    expect([...(await recorder.settle())]).toEqual([]);
    expect(await recordOf("web")).toBeUndefined();
  });
});

test("one whose files have changed meanwhile stands for nothing", async () => {
  await inBuild(async ({ clone, recorder, push, recordOf }) => {
    clone.write("web/new", "1");
    const api = push("api");
    recorder.add({ name: "web", digest: push("web") });
    recorder.add({ name: "api", digest: api });
    expect([...(await recorder.settle())]).toEqual([["api", api]]);
    expect([await recordOf("web"), await recordOf("api")]).toEqual([undefined, api]);
  });
});

test("the end records what is not recorded yet, but no content of files that have changed meanwhile", async () => {
  await inBuild(async ({ clone, recorder, push, recordOf, digestOf, registryImage, told }) => {
    const made = ["web", "api", "db"].map((name) => ({
      name,
      digest: push(name),
      laterTags: [`${registryImage}/${name}:main`],
      tags: [`${registryImage}/${name}:1`],
      milliseconds: 1,
      steps: 0,
      cachedSteps: 0,
      unchanged: false,
      dirty: false,
    }));
    const [web, api, db] = made.map(({ digest }) => digest);
    recorder.add({ name: "web", digest: web! });
    await recorder.settle();
    clone.write("db/new", "1");
    const recorded = await recorder.finish(made, "push", new AbortController().signal);
    expect(await Promise.all(["web", "api", "db"].map(recordOf))).toEqual([web, api, undefined]);
    // The one that was sent under its only name needs no other.
    expect(await Promise.all(["api:main", "db:main"].map(digestOf))).toEqual([api, db]);
    expect(recorded.map(({ name, content }) => [name, content?.startsWith("content-")])).toEqual([
      ["web", true],
      ["api", true],
      ["db", undefined],
    ]);
    expect(recorded[0]).not.toHaveProperty("laterTags");
    expect(told).toEqual([expect.stringContaining("db: its files changed while it was built")]);
  });
});
