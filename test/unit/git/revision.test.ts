import { expect, test } from "vitest";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { chooseRevision, describeCheckout } from "../../../src/lib/git/revision.ts";
import { createRepository } from "../adapters/git-repository.ts";

const staging = { name: "staging", branches: ["main"], tags: [] };
const production = { name: "production", branches: [], tags: ["v*"] };

/** main: one (v1.0.0) – two (v1.2.0, v1.2.1, nightly) – three; feature/x: one – aside. */
async function setUp() {
  const origin = createRepository();
  const one = origin.commit({ a: "1" });
  origin.git("tag", "-a", "v1.0.0", "-m", "1.0.0");
  origin.git("switch", "--quiet", "-c", "feature/x");
  const aside = origin.commit({ b: "1" });
  origin.git("switch", "--quiet", "main");
  const two = origin.commit({ a: "2" });
  for (const tag of ["v1.2.0", "v1.2.1", "nightly"]) origin.git("tag", tag);
  const three = origin.commit({ a: "3" });
  return { origin, repository: await openRepository(origin.directory), one, two, three, aside };
}

test("--tag comes before --ref, CI_COMMIT_TAG, CI_COMMIT_SHA and HEAD", async () => {
  const { origin, repository, one, two, three } = await setUp();
  using _ = origin;
  const ci = { tag: "v1.0.0", sha: three };
  expect(await chooseRevision({ tag: "v1.2.0", ref: "v1.0.0", ci }, production, repository)).toEqual({
    commit: two,
    ref: "v1.2.0",
    slug: "v1-2-0",
  });
  expect(await chooseRevision({ ref: "v1.2.1", ci }, production, repository)).toEqual({ commit: two, ref: "v1.2.1", slug: "v1-2-1" });
  expect(await chooseRevision({ ci }, production, repository)).toEqual({ commit: one, ref: "v1.0.0", slug: "v1-0-0" });
  expect(await chooseRevision({ ci: { sha: two, refName: "main", refSlug: "main" } }, staging, repository)).toEqual({
    commit: two,
    ref: "main",
    slug: "main",
  });
  expect(await chooseRevision({ ci: { tag: "", sha: "" } }, staging, repository)).toEqual({ commit: three, ref: "main", slug: "main" });
});

test("a branch environment takes what its branches hold, and neither tags nor other branches", async () => {
  const { origin, repository, one, aside } = await setUp();
  using _ = origin;
  expect(await chooseRevision({ ref: one.slice(0, 10) }, staging, repository)).toMatchObject({ commit: one, ref: "main" });
  await expect(chooseRevision({ tag: "v1.0.0" }, staging, repository)).rejects.toMatchObject({
    code: "REF_NOT_ALLOWED",
    exit: "refused",
    message: "staging takes commits of branch main only: --tag v1.0.0 is none",
  });
  await expect(chooseRevision({ ref: "feature/x" }, staging, repository)).rejects.toMatchObject({ code: "REF_NOT_ALLOWED" });
  expect(await chooseRevision({ ref: "feature/x" }, { ...staging, branches: ["main", "feature/*"] }, repository)).toEqual({
    commit: aside,
    ref: "feature/x",
    slug: "feature-x",
  });
});

test("a tag environment takes HEAD or a bare commit only if exactly one allowed tag points at it, and no branch", async () => {
  const { origin, repository, one, two } = await setUp();
  using _ = origin;
  await expect(chooseRevision({}, production, repository)).rejects.toMatchObject({ code: "REF_NOT_ALLOWED" });
  await expect(chooseRevision({ ref: "main" }, production, repository)).rejects.toThrow("production takes tag v* only: --ref main is none");
  origin.git("checkout", "--quiet", "--detach", two);
  await expect(chooseRevision({}, production, await openRepository(origin.directory))).rejects.toMatchObject({
    hint: "Say which tag: --tag v1.2.0 or --tag v1.2.1.",
  });
  origin.git("checkout", "--quiet", "--detach", one);
  expect(await chooseRevision({}, production, await openRepository(origin.directory))).toEqual({
    commit: one,
    ref: "v1.0.0",
    slug: "v1-0-0",
  });
  expect(await chooseRevision({ ref: one }, production, repository)).toMatchObject({ ref: "v1.0.0" });
  await expect(chooseRevision({ tag: "nightly" }, production, repository)).rejects.toMatchObject({ code: "REF_NOT_ALLOWED" });
});

test("an unknown tag or ref is a usage error that names it", async () => {
  const { origin, repository } = await setUp();
  using _ = origin;
  await expect(chooseRevision({ tag: "v9" }, production, repository)).rejects.toMatchObject({ code: "REF_UNKNOWN", exit: "usage" });
  await expect(chooseRevision({ tag: "main" }, production, repository)).rejects.toMatchObject({ code: "REF_UNKNOWN" });
  await expect(chooseRevision({ ref: "--force" }, staging, repository)).rejects.toThrow('there is no tag, branch or commit "--force"');
});

test("a build is named by CI's ref, then the branch, then the only tag at HEAD", async () => {
  const { origin, repository, one, two, three } = await setUp();
  using _ = origin;
  expect(await describeCheckout({}, repository)).toEqual({ commit: three, ref: "main", slug: "main" });
  expect(await describeCheckout({ ci: { sha: three, refName: "feature/x", refSlug: "feature-x" } }, repository)).toEqual({
    commit: three,
    ref: "feature/x",
    slug: "feature-x",
  });
  await expect(describeCheckout({ ci: { sha: one } }, repository)).rejects.toMatchObject({
    code: "COMMIT_NOT_CHECKED_OUT",
    exit: "refused",
  });
  origin.git("checkout", "--quiet", "--detach", one);
  expect(await describeCheckout({}, await openRepository(origin.directory))).toEqual({ commit: one, ref: "v1.0.0", slug: "v1-0-0" });
  origin.git("checkout", "--quiet", "--detach", two);
  expect(await describeCheckout({}, await openRepository(origin.directory))).toEqual({ commit: two });
});

test.each(["^main", "main..v1.0.0", "--all", "main:a", "", "a\nb", ":/", "@{-1}", "HEAD^{tree}"])(
  "%j names no commit, whatever Git makes of it",
  async (ref) => {
    const { origin, repository } = await setUp();
    using _ = origin;
    const asked = await repository.resolve(ref);
    expect(asked ?? "0".repeat(40)).toMatch(/^[0-9a-f]{40}$/);
  },
);
