import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findConfig, readConfig } from "../../../src/lib/config/find.ts";
import { topOf } from "../../../src/lib/config/repository-top.ts";
import { failure } from "./project.ts";

let home: string;
let inner: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "coldtivate-find-"));
  inner = join(home, "shop");
  await mkdir(join(inner, "Web/src"), { recursive: true });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

describe("coldtivate.yml is looked for", () => {
  test("up to the repository's top and no further", async () => {
    await writeFile(join(home, "coldtivate.yml"), "project: other\n");
    await mkdir(join(inner, ".git"));
    const error = await failure(() => findConfig(undefined, join(inner, "Web/src")));
    expect(error).toMatchObject({ code: "CONFIG_MISSING", exit: "usage" });
    expect(error.message).toBe(
      `There is no coldtivate.yml in ${join(inner, "Web/src")} or above it, up to the top of the repository, ${inner}.`,
    );
    await writeFile(join(inner, "coldtivate.yml"), "project: shop\n");
    expect(await findConfig(undefined, join(inner, "Web/src"))).toBe(join(inner, "coldtivate.yml"));
  });

  test("from within a submodule in the repository that has it", async () => {
    await mkdir(join(inner, ".git"));
    await writeFile(join(inner, "Web/.git"), "gitdir: ../.git/modules/Web\n");
    await writeFile(join(inner, "coldtivate.yml"), "project: shop\n");
    expect(await findConfig(undefined, join(inner, "Web/src"))).toBe(join(inner, "coldtivate.yml"));
  });

  test("not above a further working tree", async () => {
    await mkdir(join(home, ".git"));
    await writeFile(join(home, "coldtivate.yml"), "project: shop\n");
    await writeFile(join(inner, ".git"), `gitdir: ${home}/.git/worktrees/shop\n`);
    expect(topOf(join(inner, "Web"))).toBe(inner);
    expect(await failure(() => findConfig(undefined, inner))).toMatchObject({ code: "CONFIG_MISSING" });
  });
});

describe("one that another user wrote, or could replace,", () => {
  /** Has everything belong to somebody else than who runs this. */
  async function giveAway(...paths: string[]): Promise<void> {
    vi.spyOn(process, "geteuid").mockReturnValue(4321);
    if (process.getuid?.() === 0) for (const path of paths) await chown(path, 4322, 4322);
  }

  beforeEach(async () => {
    await writeFile(join(inner, "coldtivate.yml"), "project: shop\n");
  });

  test("is refused, and it is said how to trust it", async () => {
    await giveAway(join(inner, "coldtivate.yml"));
    const error = await failure(() => findConfig(undefined, inner));
    expect(error).toMatchObject({ code: "CONFIG_UNTRUSTED", exit: "refused" });
    expect(error.hint).toContain(`git config --global --add safe.directory ${inner}`);
  });

  test("is refused where the folder is theirs, or the file is a link to theirs", async () => {
    await giveAway(inner);
    expect(await failure(() => findConfig(undefined, inner))).toMatchObject({ code: "CONFIG_UNTRUSTED" });
    await rm(join(inner, "coldtivate.yml"));
    await writeFile(join(home, "theirs.yml"), "");
    await giveAway(join(home, "theirs.yml"));
    await symlink("../theirs.yml", join(inner, "coldtivate.yml"));
    expect(await failure(() => findConfig(undefined, inner))).toMatchObject({ code: "CONFIG_UNTRUSTED" });
  });

  test.each(["*", "HERE", "HERE/../*"])("is taken where Git is told to trust %s, and where it is named", async (trusted) => {
    await giveAway(join(inner, "coldtivate.yml"));
    expect(await findConfig("coldtivate.yml", inner)).toBe(join(inner, "coldtivate.yml"));
    vi.stubEnv("GIT_CONFIG_COUNT", "1");
    vi.stubEnv("GIT_CONFIG_KEY_0", "safe.directory");
    vi.stubEnv("GIT_CONFIG_VALUE_0", trusted.replace("HERE/..", home).replace("HERE", inner));
    expect(await findConfig(undefined, inner)).toBe(join(inner, "coldtivate.yml"));
  });

  test("is taken under sudo where it is the caller's", async () => {
    const { uid } = await import("node:fs").then(({ statSync }) => statSync(inner));
    vi.spyOn(process, "geteuid").mockReturnValue(0);
    if (process.getuid?.() === 0) await chown(join(inner, "coldtivate.yml"), 4322, 4322);
    vi.stubEnv("SUDO_UID", process.getuid?.() === 0 ? "4322" : String(uid));
    expect(await findConfig(undefined, inner)).toBe(join(inner, "coldtivate.yml"));
  });
});

test("one that cannot be read says so, and one that never ends is not read to its end", async () => {
  await symlink("/dev/zero", join(inner, "coldtivate.yml"));
  expect(await failure(() => readConfig(join(inner, "coldtivate.yml")))).toMatchObject({ code: "FILE_TOO_LARGE", exit: "usage" });
  await rm(join(inner, "coldtivate.yml"));
  await mkdir(join(inner, "coldtivate.yml"));
  expect(await failure(() => readConfig(join(inner, "coldtivate.yml")))).toMatchObject({ code: "CONFIG_UNREADABLE" });
  await chmod(inner, 0o755);
});

test("a pipe that nobody writes to yet is waited for until somebody interrupts", async () => {
  const { execa } = await import("execa");
  const pipe = join(inner, "pipe");
  await execa("mkfifo", [pipe]);
  const writer = execa("bash", ["-c", 'exec 3<>"$0"; echo ready; exec sleep 600', pipe]);
  await new Promise((resolve) => void writer.stdout.once("data", resolve));
  const interruption = new AbortController();
  const reading = readConfig(pipe, interruption.signal);
  interruption.abort(new Error("stop"));
  await expect(reading).rejects.toThrow(/stop|abort/);
  writer.kill();
  await writer.catch(() => {});
});
