import { appendFileSync, chmodSync, mkdirSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { observeContent } from "../../../src/lib/builds/observe/observe-content.ts";
import { observeInputs } from "../../../src/lib/builds/observe/prepare-build.ts";
import { findChangedDuringBuild } from "../../../src/lib/builds/observe/changed-during-build.ts";
import type { Config, ImageConfig } from "../../../src/lib/config/schema/config.ts";
import type { Content } from "../../../src/lib/content/content-digest.ts";
import { cloneRepository, createRepository } from "../adapters/git-repository.ts";

type Settings = Partial<Config["build"]> & { images?: Record<string, Partial<ImageConfig>>; bases?: Record<string, string> };

const plain = { args: {}, secrets: {} };
const web: ImageConfig = { ...plain, name: "web", context: "Web", dockerfile: "../docker/web.Dockerfile", contexts: { lib: "./Lib" } };
const api: ImageConfig = { ...plain, name: "api", context: "Api", dockerfile: "Dockerfile", args: { LEVEL: "1", COLOUR: "red" } };
const part: ImageConfig = { ...plain, name: "part", context: "Api/part/code", dockerfile: "Dockerfile" };
const bases = { "debian:12": `sha256:${"1".repeat(64)}`, "alpine:3": `sha256:${"2".repeat(64)}` };

/** What each image is made of, of a clone as it lies there. */
async function observe(directory: string, settings: Settings = {}): Promise<Record<string, Content>> {
  const { images: own = {}, bases: known = bases, ...build } = settings;
  const images = [web, api, part].map((image) => ({ ...image, ...own[image.name] }));
  const config = { directory, build: { args: {}, platforms: [], ...build } } as unknown as Config;
  const repository = await openRepository(directory);
  const { tree } = await observeInputs(images, (await repository.head())!, repository);
  const digests: Record<string, string> = known;
  const { contents } = await observeContent(config, images, { tree }, { digestOf: async (reference) => digests[reference] });
  return Object.fromEntries(contents.map((content) => [content.name, content]));
}

async function tagsOf(directory: string, settings?: Settings): Promise<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(await observe(directory, settings)).map(([name, { tag }]) => [name, tag]));
}

const files = {
  "Web/app": "1",
  "Web/run.sh": "echo",
  "Web/notes.md": "left out by the Dockerfile's own ignore file",
  "Web/.dockerignore": "app\n",
  "docker/web.Dockerfile": "FROM debian:12\nCOPY --from=lib . /lib\nCOPY . .\n",
  "docker/web.Dockerfile.dockerignore": "*.md\n",
  "Lib/code": "1",
  "Api/Dockerfile": "FROM debian:12 AS build\nFROM alpine:3 AS run\nCOPY . .\n",
  "Api/.dockerignore": "tmp\npart/docs\n",
  "Api/main": "1",
  ".gitignore": "*.log\nbuild\n",
  "Other/file": "1",
};

let origin: ReturnType<typeof createRepository>;
let nested: ReturnType<typeof createRepository>;
let first: Record<string, string | undefined>;

beforeAll(async () => {
  nested = createRepository();
  nested.commit({ "code/Dockerfile": "FROM alpine:3\nCOPY . .\n", "code/main": "1", "docs/a": "1", ".gitignore": "*.tmp\n" });
  origin = createRepository();
  origin.commit(files);
  symlinkSync("app", join(origin.directory, "Web/link"));
  origin.git("submodule", "add", "--quiet", nested.directory, "Api/part");
  origin.commit({});
  first = await tagsOf(origin.directory);
});
afterAll(() => [origin, nested].forEach((each) => each[Symbol.dispose]()));

test("every image's content is known", () => {
  const tag = expect.stringMatching(/^content-[0-9a-f]{40}$/);
  expect(first).toEqual({ web: tag, api: tag, part: tag });
});

/** A clone of its own, submodule included, in which something is done. */
async function inClone<T>(work: (clone: ReturnType<typeof cloneRepository>) => T | Promise<T>, ...args: string[]): Promise<T> {
  using clone = cloneRepository(origin.directory, ...(args.length === 0 ? ["--recurse-submodules"] : args));
  clone.git("config", "user.email", "test@example.com");
  clone.git("config", "user.name", "Test");
  return await work(clone);
}

type Clone = { directory: string; git: (...words: string[]) => string };
const commitAll = ({ git }: Clone) => {
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "--message", "change");
};
const write = ({ directory }: Clone, path: string, content: string) => writeFileSync(join(directory, path), content);

test.each<[string, (clone: Clone) => void]>([
  ["another clone", () => {}],
  ["a commit of nothing", commitAll],
  [
    "a commit elsewhere",
    (clone) => {
      write(clone, "Other/file", "2");
      commitAll(clone);
    },
  ],
  [
    "a commit of what is left out",
    (clone) => {
      write(clone, "Web/notes.md", "2");
      mkdirSync(join(clone.directory, "Api/tmp"));
      write(clone, "Api/tmp/file", "2");
      commitAll(clone);
    },
  ],
  [
    "an ignore file that does not count",
    (clone) => {
      // The Dockerfile has its own; the file itself is part of the context, unless that leaves it out.
      write(clone, "docker/other.Dockerfile.dockerignore", "x");
      commitAll(clone);
    },
  ],
  ["other file times", ({ directory }) => Object.keys(files).forEach((path) => utimesSync(join(directory, path), 1, 1))],
  [
    "other permissions, as another umask makes them",
    ({ directory }) => {
      for (const path of Object.keys(files)) chmodSync(join(directory, path), 0o600);
      for (const path of ["Web", "Api", "Lib"]) chmodSync(join(directory, path), 0o700);
    },
  ],
  [
    "modes that are not looked at",
    ({ directory, git }) => {
      git("config", "core.fileMode", "false");
      chmodSync(join(directory, "Web/app"), 0o755);
    },
  ],
  ["an ignored file that is left out, too", (clone) => write(clone, "Web/trace.log.md", "x")],
  [
    "ignored files that are left out, too",
    (clone) => {
      mkdirSync(join(clone.directory, "Api/tmp/deep"), { recursive: true });
      write(clone, "Api/tmp/deep/trace.log", "x");
    },
  ],
  ["an ignored file elsewhere", (clone) => write(clone, "Other/trace.log", "x")],
  ["a tag", ({ git }) => git("tag", "v1")],
  [
    "lines that end otherwise",
    ({ git }) => {
      git("config", "core.autocrlf", "true");
      git("rm", "--quiet", "-r", "--cached", ".");
      git("reset", "--quiet", "--hard");
    },
  ],
])("%s makes no other content", async (_what, change) => {
  await inClone(async (clone) => {
    change(clone);
    expect(await tagsOf(clone.directory)).toEqual(first);
  });
});

test("neither does a shallow clone, another umask at the checkout or another order of what is asked", async () => {
  const before = process.umask(0o077);
  try {
    await inClone(({ directory }) => expect(tagsOf(directory)).resolves.toEqual(first), "--recurse-submodules", "--depth", "1");
  } finally {
    process.umask(before);
  }
  const images = { api: { args: { COLOUR: "red", LEVEL: "1" } } };
  expect(await tagsOf(origin.directory, { images })).toEqual(first);
});

test("without its submodule an image has the same content, as far as that can be told, and cannot be made", async () => {
  await inClone(async ({ directory }) => {
    const { api: without, part: inside } = await observe(directory);
    expect(without).toMatchObject({ tag: first["api"], absent: "Api/part" });
    expect(inside).toMatchObject({ reason: "Api/part/code/Dockerfile is not there" });
    rmSync(join(directory, "Api/part"), { recursive: true });
    expect(await observe(directory)).toMatchObject({ api: { tag: first["api"], absent: "Api/part" } });
  }, "--no-recurse-submodules");
});

const committed =
  (...writes: [path: string, content: string][]) =>
  (clone: Clone) => {
    for (const [path, content] of writes) write(clone, path, content);
    commitAll(clone);
  };

test.each<[string, string[], (clone: Clone) => void]>([
  ["a file's content", ["web"], committed(["Web/app", "2"])],
  [
    "a file's mode",
    ["web"],
    (clone) => {
      chmodSync(join(clone.directory, "Web/run.sh"), 0o755);
      commitAll(clone);
    },
  ],
  [
    "where a link leads",
    ["web"],
    (clone) => {
      unlinkSync(join(clone.directory, "Web/link"));
      symlinkSync("run.sh", join(clone.directory, "Web/link"));
      commitAll(clone);
    },
  ],
  ["a file more", ["api"], committed(["Api/new", "1"])],
  [
    "a file less",
    ["web"],
    (clone) => {
      clone.git("rm", "--quiet", "Web/run.sh");
      commitAll(clone);
    },
  ],
  [
    "a file's name",
    ["web"],
    (clone) => {
      clone.git("mv", "Web/run.sh", "Web/start.sh");
      commitAll(clone);
    },
  ],
  ["the Dockerfile outside of the context", ["web"], committed(["docker/web.Dockerfile", `${files["docker/web.Dockerfile"]}RUN true\n`])],
  ["its ignore file", ["web"], committed(["docker/web.Dockerfile.dockerignore", "*.md\n*.txt\n"])],
  ["the Dockerfile in the context", ["api"], committed(["Api/Dockerfile", `${files["Api/Dockerfile"]}RUN true\n`])],
  ["the ignore file in the context", ["api"], committed(["Api/.dockerignore", "tmp\n"])],
  ["an additional context", ["web"], committed(["Lib/code", "2"])],
  [
    "the submodule's commit",
    ["api", "part"],
    (clone) => {
      clone.git("-C", "Api/part", "commit", "--quiet", "--allow-empty", "--message", "next");
      commitAll(clone);
    },
  ],
])("%s makes another content", async (_what, changed, change) => {
  await inClone(async (clone) => {
    change(clone);
    const tags = await tagsOf(clone.directory);
    expect(Object.keys(tags).filter((name) => tags[name] !== first[name])).toEqual(changed);
    expect(Object.values(tags)).not.toContain(undefined);
  });
});

test.each<[string, string[], Settings]>([
  ["an argument's value", ["api"], { images: { api: { args: { LEVEL: "2", COLOUR: "red" } } } }],
  ["an argument of all", ["web", "api", "part"], { args: { MORE: "1" } }],
  ["the target", ["api"], { images: { api: { target: "build" } } }],
  ["the platforms", ["web", "api", "part"], { platforms: ["linux/arm64"] }],
  ["what an additional context is called", ["web"], { images: { web: { contexts: { lib: "./Lib", more: "./Other" } } } }],
  ["a base image", ["api", "part"], { bases: { ...bases, "alpine:3": `sha256:${"3".repeat(64)}` } }],
])("%s makes another content, too", async (_what, changed, settings) => {
  const tags = await tagsOf(origin.directory, settings);
  expect(Object.keys(tags).filter((name) => tags[name] !== first[name])).toEqual(changed);
});

test.each<[string, RegExp, (clone: Clone) => void]>([
  ["a file that Git ignores", /Web\/trace.log goes into the build/, (clone) => write(clone, "Web/trace.log", "x")],
  [
    "a folder that Git ignores",
    /Web\/build\/deep\/file goes into the build/,
    (clone) => {
      mkdirSync(join(clone.directory, "Web/build/deep"), { recursive: true });
      write(clone, "Web/build/deep/file", "x");
    },
  ],
  [
    "a file that this clone alone ignores",
    /Web\/mine goes into the build/,
    (clone) => {
      appendFileSync(join(clone.directory, ".git/info/exclude"), "mine\n");
      write(clone, "Web/mine", "x");
    },
  ],
  ["an ignored file in an additional context", /Lib\/trace.log goes into the build/, (clone) => write(clone, "Lib/trace.log", "x")],
  [
    "a file that Git is told not to look at",
    /not to look at Web\/app/,
    (clone) => {
      clone.git("update-index", "--assume-unchanged", "Web/app");
      write(clone, "Web/app", "poison");
    },
  ],
  [
    "a file that is not checked out",
    /not to look at Web\/app/,
    (clone) => {
      clone.git("update-index", "--skip-worktree", "Web/app");
      unlinkSync(join(clone.directory, "Web/app"));
    },
  ],
  [
    "a Dockerfile that Git is told not to look at",
    /not to look at docker\/web.Dockerfile/,
    (clone) => {
      clone.git("update-index", "--assume-unchanged", "docker/web.Dockerfile");
    },
  ],
])("%s leaves the content unknown", async (_what, reason, change) => {
  await inClone(async (clone) => {
    change(clone);
    const { web: found } = await observe(clone.directory);
    expect(found).toEqual({ name: "web", reason: expect.stringMatching(reason) });
  });
});

test.each<[string, string, string]>([
  ["web", "Web/app", "a file"],
  ["web", "Web/new", "a file that is new"],
  ["web", "docker/web.Dockerfile", "a Dockerfile outside of the context"],
  ["web", "docker/web.Dockerfile.dockerignore", "its ignore file"],
  ["web", "Lib/code", "an additional context"],
  ["api", "Api/part/code/main", "a submodule's file"],
  ["api", "Api/part/new", "a submodule's file that is new"],
])("%s is dirty by %s: %s", async (name, path) => {
  await inClone(async (clone) => {
    write(clone, path, "not committed");
    const repository = await openRepository(clone.directory);
    const { states } = await observeInputs([web, api], (await repository.head())!, repository);
    expect(states.filter(({ dirty }) => dirty.length > 0)).toEqual([{ name, dirty: [path] }]);
  });
});

test.each([
  ["COPY . /app", "", ["all"]],
  ["COPY . /app", ".git\n", []],
  ["COPY src /app", "", []],
])("an image of the whole clone that does %s, and leaves out %j, gets .git: %j", async (instruction, ignored, names) => {
  using repository = createRepository();
  repository.commit({ Dockerfile: `FROM scratch\n${instruction}\n`, ".dockerignore": ignored, "src/a": "1" });
  const config = { directory: repository.directory, build: { args: {}, platforms: [] } } as unknown as Config;
  const opened = await openRepository(repository.directory);
  const images: ImageConfig[] = [{ ...plain, name: "all", context: ".", dockerfile: "Dockerfile" }];
  const inputs = await observeInputs(images, (await opened.head())!, opened);
  const { withGit, contents } = await observeContent(config, images, inputs, { digestOf: async () => undefined });
  expect({ withGit, known: contents[0]?.tag !== undefined }).toEqual({ withGit: names, known: true });
});

test.each<[string, string[], (clone: Clone) => void]>([
  ["nothing", [], () => {}],
  ["a file", ["web"], (clone) => write(clone, "Web/app", "2")],
  ["what Git ignores", ["api"], (clone) => write(clone, "Api/trace.log", "x")],
  ["the commit that is checked out", ["web", "api"], commitAll],
])("%s that changes while images are built is noticed", async (_what, names, change) => {
  await inClone(async (clone) => {
    const before = Object.values(await observe(clone.directory));
    const repository = await openRepository(clone.directory);
    const revision = { commit: (await repository.head())! };
    change(clone);
    const config = { directory: clone.directory, build: { args: {}, platforms: [] } } as unknown as Config;
    const options = { revision, contents: before, bases: new Map(Object.entries(bases)), repository };
    expect(await findChangedDuringBuild(config, [web, api], options)).toEqual(names);
  });
});

test("what is ignored in a submodule goes into the build of each image that has it, unless left out", async () => {
  await inClone(async (clone) => {
    write(clone, "Api/part/docs/a.tmp", "x");
    expect(await tagsOf(clone.directory)).toEqual(first);
    write(clone, "Api/part/code/a.tmp", "x");
    const reason = "Api/part/code/a.tmp goes into the build, but Git is told to ignore it";
    expect(await observe(clone.directory)).toMatchObject({ web: { tag: first["web"] }, api: { reason }, part: { reason } });
  });
});
