import { expect, test } from "vitest";
import type { RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import { resolveFacts, resolveThirdParty, type ResolvedTags } from "../../../src/lib/deploy/prepare/images/resolve-images.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { parseImageFacts } from "../../../src/lib/services/image-facts.ts";

const facts = parseImageFacts("{}")!;
const gone = () => Promise.reject(new ColdtivateError("gone", { code: "REGISTRY_UNREACHABLE", exit: "refused" }));

function registryThat(answer: (image: string) => Promise<string | undefined>) {
  const asked: string[] = [];
  const configurationOf = (image: string) => {
    asked.push(image);
    return answer(image);
  };
  return { asked, registry: { configurationOf } as unknown as RegistryClient };
}

test("images of which the release before knew are not asked for again, and each of the others once", async () => {
  const { asked, registry } = registryThat(() => Promise.resolve("{}"));
  const images = [{ image: "web@1", built: "web" }, { image: "db@1" }, { image: "web@1", built: "web" }];
  const found = await resolveFacts(images, new Map([["db@1", facts]]), registry);
  expect(asked).toEqual(["web@1"]);
  expect([...found.facts.keys()]).toEqual(["web@1", "db@1"]);
  expect(found.unknown).toEqual([]);
});

test("one that lies about an image does", async () => {
  const lie = new ColdtivateError("another one", { code: "REGISTRY_ANSWER_INVALID", exit: "refused" });
  const { registry } = registryThat(() => Promise.reject(lie));
  await expect(resolveFacts([{ image: "db@1" }], new Map(), registry)).rejects.toBe(lie);
});

test("a tag that moves while hosts are looked at means one image for all of them", async () => {
  let count = 0;
  const digestOf = () => Promise.resolve(`sha256:${String(++count).repeat(64)}`);
  const tags: ResolvedTags = new Map();
  const ask = () => resolveThirdParty(["postgres:15"], { digestOf } as unknown as RegistryClient, tags);
  const first = (await ask()).get("postgres:15")?.image;
  expect(first).toBe(`postgres@sha256:${"1".repeat(64)}`);
  expect((await ask()).get("postgres:15")?.image).toBe(first);
});

test("another's image that nobody tells about does not keep a release back, one of the project's own does", async () => {
  const { registry } = registryThat(gone);
  expect(await resolveFacts([{ image: "db@1" }], new Map(), registry)).toEqual({ facts: new Map(), unknown: ["db@1"] });
  await expect(resolveFacts([{ image: "web@1", built: "web" }], new Map(), registry)).rejects.toMatchObject({
    code: "REGISTRY_UNREACHABLE",
  });
});
