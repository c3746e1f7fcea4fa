import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;
const [conf, other] = ["a".repeat(64), "b".repeat(64)];

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "coldtivate-written-"));
  write("releases/r1/compose.json", "{}");
  // What a release brings for two mounted folders, of which containers may write to the first.
  write(`releases/r1/files/${conf}/conf/a.ini`, "a\n");
  write(`releases/r1/files/${conf}/conf/deep/b.ini`, "b\n");
  write(`releases/r1/files/${conf}/conf/dev-disk\\x2dby.mount`, "named as systemd does it\n");
  symlinkSync("a.ini", join(state, `releases/r1/files/${conf}/conf/link`));
  write(`releases/r1/files/${other}/html/index.html`, "hello\n");
  write("releases/r1/places", `watched\t${conf}\n`);
  run("keep_files");
});
afterEach(() => rmSync(state, { recursive: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(state, path)), { recursive: true });
  writeFileSync(join(state, path), content);
}

/** Runs functions of the host's script; gives what they print, and the reason why they failed, if they did. */
function run(command: string): string {
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit nullglob
    export LC_ALL=C
    state=${state} dir=${state}/releases/r1 step=1 reason=
    tell() { printf '%s: %s\\n' "$2" "$3"; }
    fail() { printf '%s\\n' "\${@:2}"; return "$1"; }
    source ${parts}survey.sh
    source ${parts}written.sh
    ${command} || printf 'failed: %s\\n' "$reason"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim();
}

/** A container's mounts, as the engine has them. */
const mounted = (folder: string, name: string) =>
  `[{"Type":"bind","Source":"${state}/files/${folder}/${name}","Destination":"/x","Mode":"","RW":true,"Propagation":"rprivate"}]`;

const inConf = (path: string) => `files/${conf}/conf/${path}`;

describe("what a release leaves behind", () => {
  test("may be left while nobody has written to it; what Python keeps does not count", () => {
    expect(run(`do_unwritten ${conf} ${other}`)).toBe("");
    write(inConf("__pycache__/a.pyc"), "compiled");
    expect(run(`do_unwritten ${conf}`)).toBe("");
  });

  test.each<[string, () => void, string]>([
    ["a file is changed", () => write(inConf("a.ini"), "changed\n"), "conf/a.ini"],
    [
      "a file with a backslash in its name is changed",
      () => write(inConf("dev-disk\\x2dby.mount"), "changed\n"),
      String.raw`conf/dev-disk\x2dby.mount`,
    ],
    ["a file is added", () => write(inConf("deep/new file.ini"), ""), "conf/deep/new file.ini"],
    ["a file is removed", () => rmSync(join(state, inConf("deep/b.ini"))), "conf/deep/b.ini"],
    [
      "a link leads elsewhere",
      () => {
        rmSync(join(state, inConf("link")));
        symlinkSync("deep/b.ini", join(state, inConf("link")));
      },
      "conf/link",
    ],
  ])("may not where %s", (_what, act, path) => {
    act();
    expect(run(`do_unwritten ${other} ${conf}`)).toBe(`failed: containers wrote to ${state}/files/${conf} meanwhile: ${path}`);
  });

  test("may not where somebody writes to a folder of the host's own", () => {
    write("own/a", "1\n");
    const digest = run(`list_content ${state}/own | sha256sum | cut -c 1-64`);
    expect(run(`do_unwritten ${state}/own ${digest} ${conf}`)).toBe("");
    write("own/b", "2\n");
    expect(run(`do_unwritten ${state}/own ${digest} ${conf}`)).toBe(`failed: containers wrote to ${state}/own meanwhile`);
  });

  test("may be left where a folder of the host's own has nothing in it", () => {
    mkdirSync(join(state, "empty"));
    const sum = run(`survey <<<$'tree\t${state}/empty'`).split("\t").at(-1) ?? "";
    expect(run(`do_unwritten ${state}/empty ${sum}`)).toBe("");
  });

  test("on purpose is told again where a container has it once more, as after a rollback", () => {
    write(inConf("mine.ini"), "mine\n");
    run(`do_abandon ${conf}`);
    expect(run("tell_written ''")).toBe("");
    expect(run(`tell_written '${mounted(conf, "conf")}'`)).toBe(`${state}/files/${conf}/conf\t1\tmine.ini`);
  });

  test("is told where it has become data, as long as a container has it", () => {
    write(`files/${conf}.sums`, "data\n");
    expect(run("tell_written ''")).toBe("");
    expect(run(`tell_written '${mounted(conf, "conf")}'`)).toBe(`${state}/files/${conf}/conf\t0`);
  });

  test("on purpose is not told again, until somebody writes to it once more", () => {
    write(inConf("mine.ini"), "mine\n");
    const told = `${state}/files/${conf}/conf\t1\tmine.ini`;
    expect(run("tell_written ''")).toBe(told);
    run(`do_abandon ${conf} ${other}`);
    expect(run("tell_written ''")).toBe("");
    write(inConf("mine.ini"), "mine, and more\n");
    expect(run("tell_written ''")).toBe(told);
  });
});

describe("a release by hand", () => {
  /** Asks whether a release may be applied that mounts something else. Arguments: a container's service and mounts. */
  const refuse = (service: string, mounts: string, services = service) =>
    run(`{
      containers() { echo 1; }
      engine() { printf '%s\\x1f%s\\x1f%b\\n' /shop-web-1 ${service} '${mounts}'; }
      compose() { printf '%s\\n' ${services}; }
      release=r1 project=shop
      refuse_leaving; }`);
  const bind = (source: string) => `bind\\x1f\\x1f${source}\\x1f/x`;
  const anonymous = `volume\\x1f${"1".repeat(64)}\\x1f/v\\x1f/x`;

  test.each([
    ["content that has become data", () => bind(`${state}/files/${conf}/conf`), () => write(`files/${conf}.sums`, "data\n")],
    ["content that was written to", () => bind(`${state}/files/${conf}/conf`), () => write(inConf("mine"), "mine\n")],
    ["a folder of the host", () => bind("/srv/a"), () => undefined],
  ])("is refused where containers have %s", (_what, mount, before) => {
    before();
    expect(refuse("web", mount())).toContain("shop-web-1 has ");
  });

  test("is not where nobody wrote, or where it mounts the same", () => {
    expect(refuse("web", bind(`${state}/files/${conf}/conf`))).toBe("");
    write("releases/r1/compose.json", JSON.stringify({ source: "/srv/a" }));
    expect(refuse("web", bind("/srv/a"))).toBe("");
  });

  test("is refused where nobody hands on a volume without a name: Compose does that within a service of its own", () => {
    expect(refuse("web", anonymous)).toBe("");
    expect(refuse("web", anonymous, "web-blue")).toContain(`has ${"1".repeat(64)} at /x`);
  });
});

describe("content with the same digest", () => {
  test("at another path comes beside what is there, and is no change of a container's", () => {
    write(`releases/r1/files/${conf}/copy/a.ini`, "a\n");
    write(`releases/r1/files/${other}/copy.html`, "hello\n");
    run("keep_files");
    expect(existsSync(join(state, `files/${conf}/copy/a.ini`))).toBe(true);
    expect(existsSync(join(state, `files/${other}/copy.html`))).toBe(true);
    expect(run("tell_written ''")).toBe("");
    write(inConf("mine.ini"), "mine\n");
    expect(run("tell_written ''")).toBe(`${state}/files/${conf}/conf\t1\tmine.ini`);
  });
});

describe("pruning", () => {
  const folders = () => [conf, other].filter((name) => existsSync(join(state, "files", name)));

  test("removes what no release mounts", () => {
    run("prune_files");
    expect(folders()).toEqual([]);
  });

  test("keeps what a release mounts", () => {
    write("releases/r2/compose.json", JSON.stringify({ source: `${state}/files/${other}/html` }));
    run("prune_files");
    expect(folders()).toEqual([other]);
  });

  test("keeps what containers wrote to, and says so once", () => {
    write(inConf("mine.ini"), "mine\n");
    expect(run("prune_files")).toBe(`note: kept ${state}/files/${conf}: containers wrote to it`);
    expect(run("prune_files")).toBe("");
    expect(folders()).toEqual([conf]);
    expect(readFileSync(join(state, inConf("mine.ini")), "utf8")).toBe("mine\n");
  });

  test("keeps what has become data, even if nobody wrote to it", () => {
    write("releases/r2/places", `data\t${conf}\n`);
    symlinkSync("releases/r2", join(state, "current"));
    run("prune_files");
    rmSync(join(state, "releases/r2"), { recursive: true });
    run("prune_files");
    expect(folders()).toEqual([conf]);
  });
});

test("what the commit has for data is put there once, never over anything, and does not come back", () => {
  const plant = () => run(`plant ${state}/seeds ${state}/data/uploads`);
  const at = (path: string) => join(state, "data/uploads", path);
  write("seeds/a", "of the commit\n");
  write("seeds/deep/b", "of the commit\n");
  write("data/uploads/a", "mine\n");
  plant();
  expect([readFileSync(at("a"), "utf8"), readFileSync(at("deep/b"), "utf8")]).toEqual(["mine\n", "of the commit\n"]);
  rmSync(at("deep/b"));
  plant();
  expect(existsSync(at("deep/b"))).toBe(false);
});
