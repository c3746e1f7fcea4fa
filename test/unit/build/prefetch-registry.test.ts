import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { prefetchRegistry } from "../../../src/lib/builds/observe/prefetch-registry.ts";
import type { Config, ImageConfig } from "../../../src/lib/config/schema/config.ts";

const images: ImageConfig[] = ["web", "api", "jobs"].map((name) => ({
  name,
  context: name,
  dockerfile: "Dockerfile",
  args: {},
  secrets: {},
}));
const config = { directory: "/nowhere", registry: { image: "r/shop" }, build: { args: {}, platforms: [] } } as unknown as Config;

/** Asks a registry that has these tags, and notes what it is asked. */
function ask(there: readonly string[], { pushes = true, force = false } = {}) {
  const questions: string[] = [];
  const digestOf = async (reference: string) => {
    questions.push(reference);
    return there.includes(reference) ? `sha256:${reference}` : undefined;
  };
  const registry = { digestOf } as unknown as Parameters<typeof prefetchRegistry>[2]["registry"];
  return {
    questions,
    asked: prefetchRegistry(config, images, { revision: { commit: "1f".repeat(20), slug: "main" }, registry, pushes, force }),
  };
}

async function settle(): Promise<void> {
  for (let round = 0; round < 10; round++) await turn();
}

test("where the first image has a tag, all are asked for before anybody wants to know", async () => {
  const { questions, asked } = ask(["r/shop/web:main", "r/shop/api:1f1f1f1f"]);
  await settle();
  expect(questions).toHaveLength(6);
  expect(Object.fromEntries(await asked.presentOf!(["web", "api"]))).toEqual({
    "r/shop/web:main": "sha256:r/shop/web:main",
    "r/shop/api:1f1f1f1f": "sha256:r/shop/api:1f1f1f1f",
  });
  expect(questions).toHaveLength(6);
});

test("where it has none, only those are asked for that matter", async () => {
  const { questions, asked } = ask(["r/shop/jobs:main"]);
  await settle();
  expect(questions).toEqual(["r/shop/web:main", "r/shop/web:1f1f1f1f"]);
  expect([...(await asked.presentOf!(["jobs"])).keys()]).toEqual(["r/shop/jobs:main"]);
  expect(questions.slice(2)).toEqual(["r/shop/jobs:main", "r/shop/jobs:1f1f1f1f"]);
});

test("where all is built whatever the registry has, it is asked once, to hear whether it can be", async () => {
  const { questions, asked } = ask(["r/shop/web:main"], { force: true });
  await asked.presentOf!([]);
  expect(questions).toEqual(["r/shop/web:main", "r/shop/web:1f1f1f1f"]);
});

test("where nothing is pushed, nobody asks for tags", async () => {
  const { questions, asked } = ask([], { pushes: false });
  await settle();
  expect([questions, asked.presentOf]).toEqual([[], undefined]);
});
