import { expect, test } from "vitest";
import { allTags, pinnedImage, revisionTags, taggedImage } from "../../../src/lib/images/image-tags.ts";

const commit = "1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c";

test("an image has a name by its ref, and one by its commit", () => {
  const tags = revisionTags("r/shop", "web", { commit, slug: "main" });
  expect(tags).toEqual({ ref: "r/shop/web:main", commit: "r/shop/web:1f2e3d4c" });
  expect(allTags(tags)).toEqual(["r/shop/web:main", "r/shop/web:1f2e3d4c"]);
});

test("without a ref, or with one that is the commit's own tag, there is one name", () => {
  for (const revision of [{ commit }, { commit, slug: "1f2e3d4c" }]) {
    const tags = revisionTags("r/shop", "web", revision);
    expect(tags).toEqual({ commit: "r/shop/web:1f2e3d4c" });
    expect(allTags(tags)).toEqual(["r/shop/web:1f2e3d4c"]);
  }
});

test("an image can be named by any tag, and by its digest", () => {
  expect(taggedImage("r/shop", "web", "content-12")).toBe("r/shop/web:content-12");
  expect(pinnedImage("r/shop", "web", "sha256:12")).toBe("r/shop/web@sha256:12");
});
