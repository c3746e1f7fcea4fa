import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describeContent, sourceOf, type ImageSource } from "../../../src/lib/content/content-digest.ts";
import { indexFiles, type TreeEntry } from "../../../src/lib/content/content-files.ts";

const hash = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const image = { name: "web", context: "Web", dockerfile: "../docker/web.Dockerfile", args: {}, secrets: {}, contexts: { lib: "./Lib" } };

interface World {
  source: ImageSource;
  entries: TreeEntry[];
  texts: [string, string][];
  bases: Record<string, string>;
}

const file = (path: string, content: string): TreeEntry => ({ path, mode: "100644", object: hash(content) });
const name = fc.stringMatching(/^[a-z]{1,6}$/);
const value = fc.stringMatching(/^[a-z0-9]{1,8}$/);

/** An image with two folders, a Dockerfile elsewhere, an ignore file, a submodule, arguments and a base image. */
const worlds = fc
  .record({
    files: fc.dictionary(name, value, { minKeys: 2, maxKeys: 6 }),
    args: fc.dictionary(
      name.map((each) => each.toUpperCase()),
      value,
      { minKeys: 1, maxKeys: 4 },
    ),
    library: value,
    base: value,
  })
  .map(({ files, args, library, base }): World => {
    const texts: [string, string][] = [
      ["docker/web.Dockerfile", `FROM debian:${base}\nCOPY --from=lib . .\n`],
      ["Web/.dockerignore", "*.md\nlogs\n!logs/keep\n"],
    ];
    return {
      source: sourceOf(image, { args, platforms: ["linux/amd64", "linux/arm64"] }, "linux/amd64"),
      entries: [
        ...Object.entries(files).map(([path, content]) => file(`Web/src/${path}`, content)),
        ...texts.map(([path, content]) => file(path, content)),
        file("Lib/code", library),
        file("Web/logs/old", "1"),
        file("Web/README.md", "2"),
        file("Other/file", "3"),
        { path: "Web/part", mode: "160000", object: hash(library) },
      ],
      texts,
      bases: { [`debian:${base}`]: `sha256:${hash(base)}` },
    };
  });

function tagOf({ source, entries, texts, bases }: World): string | undefined {
  const files = indexFiles({ entries, texts: new Map(texts), unseen: [], hidden: [], absent: [] }, ["Web", "Lib"]);
  return describeContent(source, files, new Map(Object.entries(bases)), hash).tag;
}

const changeFile = (path: string) => (world: World) => ({
  ...world,
  entries: world.entries.map((entry) => (entry.path === path ? { ...entry, object: hash(`${entry.object}!`) } : entry)),
});
const inSource = (change: (source: ImageSource) => Partial<ImageSource>) => (world: World) => ({
  ...world,
  source: { ...world.source, ...change(world.source) },
});
const firstFile = ({ entries }: World) => entries[0]!.path;

test.each<[string, (world: World) => World]>([
  ["a file's content", (world) => changeFile(firstFile(world))(world)],
  ["a file's mode", (world) => ({ ...world, entries: world.entries.map((each, at) => (at === 0 ? { ...each, mode: "100755" } : each)) })],
  [
    "a file's name",
    (world) => ({ ...world, entries: world.entries.map((each, at) => (at === 0 ? { ...each, path: `${each.path}-2` } : each)) }),
  ],
  ["a file that is new", (world) => ({ ...world, entries: [...world.entries, file("Web/zz", "new")] })],
  ["a file that is gone", (world) => ({ ...world, entries: world.entries.slice(1) })],
  ["a file that is let in again", (world) => ({ ...world, entries: [...world.entries, file("Web/logs/keep", "new")] })],
  ["a submodule's commit", changeFile("Web/part")],
  ["the Dockerfile, outside the context", changeFile("docker/web.Dockerfile")],
  ["the ignore file", changeFile("Web/.dockerignore")],
  ["an additional context", changeFile("Lib/code")],
  ["an argument", inSource(({ args }) => ({ args: Object.fromEntries(Object.entries(args).map(([key, each]) => [key, `${each}!`])) }))],
  ["an argument more", inSource(({ args }) => ({ args: { ...args, ANOTHER: "1" } }))],
  ["the target", inSource(() => ({ target: "run" }))],
  ["the platforms", inSource(() => ({ platforms: ["linux/amd64"] }))],
  ["the machine, where no platform is named", (world) => ({ ...world, source: { ...world.source, platforms: [] } })],
  ["the attestations", inSource(() => ({ attestations: "sbom true" }))],
  ["the base image", (world) => ({ ...world, bases: Object.fromEntries(Object.keys(world.bases).map((key) => [key, "sha256:other"])) })],
])("%s changes the content", (_what, change) => {
  fc.assert(
    fc.property(worlds, (world) => {
      expect(tagOf(world)).toMatch(/^content-[0-9a-f]{40}$/);
      expect(tagOf(change(world))).not.toBe(tagOf(world));
      expect(tagOf(change(world))).toBeDefined();
    }),
  );
});

test.each<[string, (world: World) => World]>([
  ["a file elsewhere", changeFile("Other/file")],
  ["an ignored file", changeFile("Web/README.md")],
  ["an ignored folder", changeFile("Web/logs/old")],
  ["an ignored file that is new", (world) => ({ ...world, entries: [...world.entries, file("Web/NEWS.md", "x")] })],
  ["the order of arguments", inSource(({ args }) => ({ args: Object.fromEntries(Object.entries(args).toReversed()) }))],
  ["the order of platforms", inSource(({ platforms }) => ({ platforms: platforms.toReversed() }))],
  ["the machine, where platforms are named", inSource(() => ({ platform: "linux/arm64" }))],
  ["the order of files", (world) => ({ ...world, entries: world.entries.toReversed() })],
  ["what is derived from the commit", inSource(({ args }) => ({ args: { ...args, COMMIT: "1", SOURCE_DATE_EPOCH: "2" } }))],
  ["the image's name", inSource(() => ({ name: "other" }))],
])("%s does not change the content", (_what, change) => {
  fc.assert(
    fc.property(worlds, (world) => {
      expect(tagOf(change(world))).toBe(tagOf(world));
    }),
  );
});

test.each<[string, (world: World) => World, RegExp]>([
  ["a base image that no registry knows", (world) => ({ ...world, bases: {} }), /does not say what debian:/],
  [
    "a context that somebody serves",
    inSource(() => ({ contexts: { lib: "https://example.org/lib.git#main" } })),
    /what the context lib holds/,
  ],
  [
    "a context that is a link",
    (world) => ({
      ...world,
      entries: [...world.entries.filter(({ path }) => !path.startsWith("Lib")), { ...file("Lib", "x"), mode: "120000" }],
    }),
    /Lib is no folder/,
  ],
  [
    "a context without files in Git",
    (world) => ({ ...world, entries: world.entries.filter(({ path }) => !path.startsWith("Lib")) }),
    /no file in Lib/,
  ],
  [
    "a Dockerfile that is not in Git",
    (world) => ({ ...world, entries: world.entries.filter(({ path }) => !path.startsWith("docker")) }),
    /not in Git/,
  ],
])("%s leaves the content unknown", (_what, change, reason) => {
  const [world] = fc.sample(worlds, { numRuns: 1, seed: 1 });
  const { source, entries, texts, bases } = change(world!);
  const files = indexFiles({ entries, texts: new Map(texts), unseen: [], hidden: [], absent: [] }, ["Web", "Lib"]);
  expect(describeContent(source, files, new Map(Object.entries(bases)), hash)).toEqual({
    name: "web",
    reason: expect.stringMatching(reason),
  });
});
