import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../src/lib/release/manifest.ts";
import { pinImages, repositoryOf } from "../../../src/lib/release/pins.ts";

const own = new Map([["registry.example:5000/shop/web", { image: "registry.example:5000/shop/web@sha256:aa", built: "web" }]]);

const digest = `sha256:${"1".repeat(64)}`;
const postgres = `postgres@${digest}`;

function current(services: Manifest["services"]): Manifest {
  return {
    version: 1,
    id: "r1",
    project: "shop",
    environment: "staging",
    commit: "c",
    createdAt: "",
    services,
    fronts: {},
    tasks: {},
    images: {},
  };
}

describe("pinImages", () => {
  test("the project's own images take the release's digest, whatever tag the Compose file writes", () => {
    const { pinned, open } = pinImages({ services: { web: { image: "registry.example:5000/shop/web:main" } } }, own, undefined, []);
    expect(pinned.get("registry.example:5000/shop/web:main")).toEqual({ image: "registry.example:5000/shop/web@sha256:aa", built: "web" });
    expect(open).toEqual([]);
  });

  test("another image keeps the digest that runs while its reference stays the same, and is asked for when it changes", () => {
    const before = current({ db: { definition: "d", reference: "postgres:15", image: postgres } });
    expect(pinImages({ services: { db: { image: "postgres:15" } } }, own, before, []).pinned.get("postgres:15")).toEqual({
      image: postgres,
    });
    expect(pinImages({ services: { db: { image: "postgres:16" } } }, own, before, []).open).toEqual(["postgres:16"]);
  });

  test.each([`evil.example/postgres@${digest}`, `other@${digest}`, "postgres:15", "postgres@sha256:15", `postgres@${digest} x`])(
    "a host that says that it runs %j for it is not believed",
    (image) => {
      const said = current({ db: { definition: "d", reference: "postgres:15", image } });
      expect(pinImages({ services: { db: { image: "postgres:15" } } }, own, said, [])).toEqual({
        pinned: new Map(),
        open: ["postgres:15"],
      });
    },
  );

  test("a digest that is written stays; an image that no active service runs is not asked for", () => {
    const { pinned, open } = pinImages(
      { services: { a: { image: "x@sha256:1" }, b: { image: "y:1", profiles: ["debug"] }, c: { image: "z:1", scale: 0 } } },
      own,
      undefined,
      [],
    );
    expect([...pinned.keys()]).toEqual(["x@sha256:1"]);
    expect(open).toEqual([]);
  });

  test("a service without an image is an error that names it", () => {
    expect(() => pinImages({ services: { web: {} } }, own, undefined, [])).toThrow(
      expect.objectContaining({ code: "IMAGE_MISSING_IN_COMPOSE" }),
    );
  });
});

test.each([
  ["postgres", "postgres"],
  ["postgres:15", "postgres"],
  ["registry.example:5000/a/b", "registry.example:5000/a/b"],
  ["registry.example:5000/a/b:1@sha256:00", "registry.example:5000/a/b"],
  ["index.docker.io/org/web:main", "org/web"],
  ["docker.io/library/postgres", "postgres"],
  ["docker.io/postgres:15", "postgres"],
])("the repository of %s is %s", (reference, repository) => {
  expect(repositoryOf(reference)).toBe(repository);
});
