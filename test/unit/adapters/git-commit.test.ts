import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openCommit, type CommitFault, type CommitPart } from "../../../src/lib/adapters/git/git-commit.ts";
import { createRepository } from "./git-repository.ts";

type Repository = ReturnType<typeof createRepository>;

/** What a path of a repository's last commit is: a text, texts by path, links with an arrow, or faults. */
async function look({ directory, git }: Pick<Repository, "directory" | "git">, path: string) {
  using tree = await openCommit(directory, git("rev-parse", "HEAD"));
  return say(await tree.read(path));
}

function say({ files, faults }: CommitPart): unknown {
  if (faults.length > 0)
    return faults.map(({ kind, path, target }: CommitFault) => [kind, path, ...(target === undefined ? [] : [target])]);
  if (files === undefined) return undefined;
  const texts = files.map(({ path, content, link: target, executable }) => [
    path,
    target === undefined ? `${Buffer.from(content).toString()}${executable ? " (x)" : ""}` : `→ ${target}`,
  ]);
  return texts.length === 1 && texts[0]?.[0] === "" ? texts[0][1] : Object.fromEntries(texts);
}

function link(repository: Repository, path: string, target: string): void {
  mkdirSync(dirname(join(repository.directory, path)), { recursive: true });
  symlinkSync(target, join(repository.directory, path));
}

let repository: Repository;
const others: Disposable[] = [];

beforeEach(() => {
  repository = createRepository();
});

afterEach(() => {
  repository[Symbol.dispose]();
  for (const other of others.splice(0)) other[Symbol.dispose]();
  vi.unstubAllEnvs();
});

/** Another repository, which goes with the test. */
function another(files: Record<string, string>): Repository {
  const other = createRepository();
  others.push(other);
  other.commit(files);
  return other;
}

function addSubmodule(parent: Repository, child: Repository, path: string): void {
  parent.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", child.directory, path);
}

test("a file, a folder with all that is in it, and nothing", async () => {
  repository.commit({ "a/one": "1", "a/b/two": "2", "name with spaces\tand more": "3", "a/ümlaut": "4" });
  chmodSync(join(repository.directory, "a/one"), 0o755);
  repository.commit({});
  expect(await look(repository, "a/one")).toBe("1 (x)");
  expect(await look(repository, "./a//b/../one")).toBe("1 (x)");
  expect(await look(repository, "a")).toEqual({ one: "1 (x)", "b/two": "2", ümlaut: "4" });
  expect(await look(repository, "name with spaces\tand more")).toBe("3");
  expect(await look(repository, ".")).toMatchObject({ "a/b/two": "2" });
  for (const path of ["b", "a/one/two", "a/none", "../a", "a/../../b"]) expect(await look(repository, path)).toBeUndefined();
});

test("large files, empty ones and many of them", async () => {
  const large = "x".repeat(3_000_000);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`many/${String(index).padStart(3, "0")}`, `${index}\n`]));
  repository.commit({ large, empty: "", ...many });
  expect(await look(repository, "large")).toBe(large);
  expect(await look(repository, "empty")).toBe("");
  expect(Object.keys((await look(repository, "many")) as object)).toHaveLength(300);
});

describe("links", () => {
  test("within a folder stay as they are, wherever they lead", async () => {
    repository.commit({ "conf/a": "a" });
    link(repository, "conf/near", "a");
    link(repository, "conf/far", "../../elsewhere");
    link(repository, "conf/absolute", "/etc/hostname");
    link(repository, "conf/sub", "deeper");
    repository.commit({ "conf/deeper/b": "b" });
    expect(await look(repository, "conf")).toEqual({
      a: "a",
      absolute: "→ /etc/hostname",
      "deeper/b": "b",
      far: "→ ../../elsewhere",
      near: "→ a",
      sub: "→ deeper",
    });
  });

  test("that are asked for lead to a file, to a folder, through others, and on the way", async () => {
    repository.commit({ "shared/app.conf": "c", "shared/deep/x": "x" });
    link(repository, "app.conf", "shared/app.conf");
    link(repository, "conf", "shared");
    link(repository, "svc/api/conf", "../../conf/deep");
    link(repository, "svc/again", "./api/./conf/");
    repository.commit({});
    expect(await look(repository, "app.conf")).toBe("c");
    expect(await look(repository, "conf")).toEqual({ "app.conf": "c", "deep/x": "x" });
    expect(await look(repository, "conf/deep/x")).toBe("x");
    expect(await look(repository, "svc/again")).toEqual({ x: "x" });
    expect(await look(repository, "svc/again/../app.conf")).toBe("c");
    // The folder is there, the rest of the path is nobody's.
    expect(await look(repository, "conf/none")).toBeUndefined();
  });

  test("that lead in a circle, out of the repository or to nothing are faults", async () => {
    link(repository, "a", "b");
    link(repository, "b", "a");
    link(repository, "self", "self/x");
    link(repository, "out", "../elsewhere");
    link(repository, "deep/out", "../../elsewhere");
    link(repository, "absolute", "/etc/passwd");
    link(repository, "dangling", "none");
    link(repository, "chain", "dangling");
    link(repository, "through", "README/x");
    repository.commit({ README: "" });
    expect(await look(repository, "a")).toEqual([["loop", expect.stringMatching(/^[ab]$/), expect.any(String)]]);
    expect(await look(repository, "self")).toEqual([["loop", "self", "self/x"]]);
    expect(await look(repository, "out")).toEqual([["outside", "out", "../elsewhere"]]);
    expect(await look(repository, "deep/out/file")).toEqual([["outside", "deep/out", "../../elsewhere"]]);
    expect(await look(repository, "absolute")).toEqual([["outside", "absolute", "/etc/passwd"]]);
    expect(await look(repository, "dangling")).toEqual([["dangling", "dangling", "none"]]);
    expect(await look(repository, "chain/x")).toEqual([["dangling", "dangling", "none"]]);
    expect(await look(repository, "through")).toEqual([["dangling", "through", "README/x"]]);
  });
});

describe("submodules", () => {
  test("are read at the commit that is pinned, whatever is checked out there", async () => {
    const child = another({ "conf/a": "pinned" });
    addSubmodule(repository, child, "lib/child");
    repository.commit({ "own/file": "own" });
    link(repository, "conf", "lib/child/conf");
    link(repository, "lib/up", "child/../../own");
    repository.commit({});
    writeFileSync(join(repository.directory, "lib/child/conf/a"), "changed");
    expect(await look(repository, "lib/child")).toEqual({ "conf/a": "pinned" });
    expect(await look(repository, "lib/child/conf/a")).toBe("pinned");
    expect(await look(repository, "conf")).toEqual({ a: "pinned" });
    expect(await look(repository, "lib/up/file")).toBe("own");
    expect(await look(repository, "lib")).toEqual({ "child/conf/a": "pinned", up: "→ child/../../own" });
    expect(await look(repository, "lib/child/none")).toBeUndefined();
  });

  test("may be within others", async () => {
    const inner = another({ file: "inner" });
    const outer = another({ other: "outer" });
    addSubmodule(outer, inner, "inner");
    outer.commit({});
    addSubmodule(repository, outer, "outer");
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive");
    repository.commit({});
    expect(await look(repository, "outer/inner/file")).toBe("inner");
    expect(await look(repository, "outer")).toMatchObject({ "inner/file": "inner", other: "outer" });
  });

  test("that were never fetched, or lack the pinned commit, are faults; one that was only put away is read", async () => {
    const child = another({ file: "first" });
    addSubmodule(repository, child, "child");
    repository.commit({});
    repository.git("submodule", "--quiet", "deinit", "--force", "child");
    expect(await look(repository, "child/file")).toBe("first");

    const later = child.commit({ file: "second" });
    repository.git("update-index", "--cacheinfo", `160000,${later},child`);
    repository.git("commit", "--quiet", "--message", "pin another");
    expect(await look(repository, "child")).toEqual([["behind", "child"]]);

    rmSync(join(repository.directory, ".git/modules"), { recursive: true });
    expect(await look(repository, "child/file")).toEqual([["absent", "child"]]);
    expect(await look(repository, ".")).toEqual([["absent", "child"]]);
  });
});

const sum = (text: string) => createHash("sha256").update(text).digest("hex");
const pointerTo = (text: string) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${sum(text)}\nsize ${Buffer.byteLength(text)}\n`;

function keepLfs(folder: string, text: string): void {
  const id = sum(text);
  const path = join(folder, "lfs/objects", id.slice(0, 2), id.slice(2, 4), id);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Programs that come first on PATH. */
function fakePrograms(programs: Record<string, string>): void {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-path-"));
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  others.push({ [Symbol.dispose]: () => rmSync(directory, { recursive: true }) });
  vi.stubEnv("PATH", `${directory}:${process.env["PATH"] ?? ""}`);
}

describe("Git LFS", () => {
  test("a pointer stands for what the clone keeps, or what is checked out", async () => {
    repository.commit({ "data/kept": pointerTo("kept content"), "data/shown": pointerTo("shown content"), "data/plain": "version 1\n" });
    keepLfs(join(repository.directory, ".git"), "kept content");
    repository.write("data/shown", "shown content");
    expect(await look(repository, "data")).toEqual({ kept: "kept content", shown: "shown content", plain: "version 1\n" });
    expect(await look(repository, "data/kept")).toBe("kept content");
  });

  test("in a worktree and in a submodule", async () => {
    const child = another({ file: pointerTo("of the child") });
    addSubmodule(repository, child, "child");
    repository.commit({ file: pointerTo("of the parent") });
    keepLfs(join(repository.directory, ".git/modules/child"), "of the child");
    keepLfs(join(repository.directory, ".git"), "of the parent");
    expect(await look(repository, "child/file")).toBe("of the child");
    const worktree = join(repository.directory, "other-worktree");
    repository.git("worktree", "add", "--quiet", "--detach", worktree);
    expect(await look({ ...repository, directory: worktree }, "file")).toBe("of the parent");
  });

  test("what neither has is asked of Git LFS, and checked", async () => {
    repository.commit({ right: pointerTo("right"), wrong: pointerTo("other") });
    fakePrograms({ "git-lfs": '[ "$1" = smudge ] && cat >/dev/null && printf right' });
    vi.stubEnv("GIT_LFS_SKIP_SMUDGE", "1");
    expect(await look(repository, "right")).toBe("right");
    expect(await look(repository, "wrong")).toEqual([["lfs", "wrong"]]);
  });

  test("without any of them every file is a fault", async () => {
    repository.commit({ "a/one": pointerTo("1"), "a/two": pointerTo("2") });
    fakePrograms({ "git-lfs": "exit 1" });
    expect(await look(repository, "a")).toEqual(
      expect.arrayContaining([
        ["lfs", "a/one"],
        ["lfs", "a/two"],
      ]),
    );
  });
});

test("what git-crypt has encrypted is read where it is unlocked, and a fault elsewhere", async () => {
  repository.write(".gitattributes", "secret filter=git-crypt\n");
  repository.commit({ secret: "\0GITCRYPT\0xyz" });
  expect(await look(repository, "secret")).toEqual([["encrypted", "secret"]]);
  repository.git("config", "filter.git-crypt.smudge", "cat >/dev/null; printf plain");
  expect(await look(repository, "secret")).toBe("plain");
});

test("a repository whose ids are SHA-256", async () => {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-sha256-"));
  others.push({ [Symbol.dispose]: () => rmSync(directory, { recursive: true }) });
  const git = (...args: string[]) => execFileSync("git", args, { cwd: directory, encoding: "utf8" }).trim();
  git("init", "--quiet", "--object-format=sha256");
  mkdirSync(join(directory, "a"));
  writeFileSync(join(directory, "a/b"), "c");
  git("add", "--all");
  git("-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", "first");
  expect(await look({ directory, git }, "a")).toEqual({ b: "c" });
});

test("a name that is no UTF-8 is told, and taken for no other", async () => {
  const { directory, git } = repository;
  mkdirSync(join(directory, "odd"));
  for (const bytes of [[0xff], [0xfe], [0xc3, 0xbf], [1, 2, 0x1b, 0x5c, 0x22]])
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/odd/`), Buffer.from(bytes)]), String(bytes));
  git("add", "--all");
  git("commit", "--quiet", "--message", "odd");
  const told = (await look({ directory, git }, "odd")) as [string, string][];
  expect(told.toSorted(([, one], [, other]) => (one < other ? -1 : 1))).toEqual([
    ["unnamed", "odd/\u00fe"],
    ["unnamed", "odd/\u00ff"],
  ]);
  rmSync(Buffer.concat([Buffer.from(`${directory}/odd/`), Buffer.from([0xff])]));
  rmSync(Buffer.concat([Buffer.from(`${directory}/odd/`), Buffer.from([0xfe])]));
  git("add", "--all");
  git("commit", "--quiet", "--message", "less odd");
  expect(await look({ directory, git }, "odd")).toEqual({ "\u00ff": "195,191", '\u0001\u0002\u001b\\"': "1,2,27,92,34" });
});

describe("what no checkout would have", () => {
  /** A commit whose tree Git itself would not write. */
  function commitTree({ git, directory }: Repository, entries: readonly [mode: string, name: string, id: string][]): string {
    const tree = Buffer.concat(entries.flatMap(([mode, name, id]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")]));
    const id = execFileSync("git", ["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], { cwd: directory, input: tree });
    return git("commit-tree", "-m", "odd", id.toString().trim());
  }

  test.each(["..", ".", ".git", ".GIT", "a/b", "../up", "git~1", ""])("a name like %j is a fault, and no path", async (name) => {
    repository.commit({ file: "1" });
    const [blob, folder] = [repository.git("rev-parse", "HEAD:file"), repository.git("rev-parse", "HEAD^{tree}")];
    for (const [mode, id] of [
      ["100644", blob],
      ["40000", folder],
      ["120000", blob],
    ] as const) {
      const commit = commitTree(repository, [[mode, name, id]]);
      using tree = await openCommit(repository.directory, commit);
      expect(say(await tree.read("."))).toEqual([["unnamed", name]]);
    }
  });

  test.each(["../../evil", "x/../../../evil", "..", "x\\\\..\\\\y", "../../evil/."])(
    "a submodule called %j is none: nothing of it is read, and nothing runs",
    async (name) => {
      const marker = join(repository.directory, "ran");
      const evil = join(repository.directory, "evil");
      execFileSync("git", ["init", "--quiet", "--bare", evil]);
      const git = (args: string[], input = "") =>
        execFileSync("git", [`--git-dir=${evil}`, ...args], { input })
          .toString()
          .trim();
      git(["config", "filter.x.smudge", `touch ${marker}; cat`]);
      const secret = git(["hash-object", "-w", "--stdin"], "\0GITCRYPT\0x");
      mkdirSync(join(evil, "info"), { recursive: true });
      writeFileSync(join(evil, "info/attributes"), "secret filter=x\n");
      const tree = git(["mktree"], `100644 blob ${secret}\tsecret\n`);
      const inner = execFileSync("git", [`--git-dir=${evil}`, "commit-tree", "-m", "inner", tree], {
        env: { ...process.env, GIT_AUTHOR_NAME: "T", GIT_AUTHOR_EMAIL: "t@e", GIT_COMMITTER_NAME: "T", GIT_COMMITTER_EMAIL: "t@e" },
      });
      repository.write(".gitmodules", `[submodule "${name}"]\n\tpath = sub\n\turl = ../x\n`);
      repository.git("add", ".gitmodules");
      repository.git("update-index", "--add", "--cacheinfo", `160000,${inner.toString().trim()},sub`);
      repository.git("commit", "--quiet", "--message", "submodule");
      mkdirSync(join(repository.directory, "sub"), { recursive: true });
      const found = await look(repository, "sub/secret");
      expect({ found, hasRun: existsSync(marker) }).toEqual({ found: [["absent", "sub"]], hasRun: false });
    },
  );

  test("a tree that is none is a fault, and is read to its end", async () => {
    for (const bytes of ["garbage", "100644 x", "100644 x\0too short", "\0".repeat(30)]) {
      const id = execFileSync("git", ["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], {
        cwd: repository.directory,
        input: bytes,
      });
      const raw = `tree ${id.toString().trim()}\nauthor T <t@e> 1 +0000\ncommitter T <t@e> 1 +0000\n\nodd\n`;
      const commit = execFileSync("git", ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"], {
        cwd: repository.directory,
        input: raw,
      });
      using tree = await openCommit(repository.directory, commit.toString().trim());
      expect(say(await tree.read("."))).toEqual([["unnamed", ""]]);
    }
  });

  test("a submodule whose place is a link to another repository is not read from there", async () => {
    const other = another({ file: "private" });
    repository.git("update-index", "--add", "--cacheinfo", `160000,${other.git("rev-parse", "HEAD")},sub`);
    repository.git("commit", "--quiet", "--message", "submodule");
    symlinkSync(other.directory, join(repository.directory, "sub"));
    expect(await look(repository, "sub/file")).toEqual([["absent", "sub"]]);
  });

  test("a pointer of Git LFS does not have a device read", async () => {
    repository.commit({ file: pointerTo("zeros") });
    rmSync(join(repository.directory, "file"));
    symlinkSync("/dev/zero", join(repository.directory, "file"));
    fakePrograms({ "git-lfs": "exit 1" });
    expect(await look(repository, "file")).toEqual([["lfs", "file"]]);
  });
});
