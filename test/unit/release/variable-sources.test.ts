import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { packFiles } from "../../../src/lib/release/tar-files.ts";
import { keepWritten, nameVariables, restoreVariables } from "../../../src/lib/release/variable-sources.ts";

const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const listOf = (archive: Uint8Array) =>
  execFileSync("tar", ["--list", "--verbose", "--numeric-owner", "--file", "-"], { input: archive, encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.replaceAll(/ +/g, " ").replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, " "));
const contentOf = (archive: Uint8Array, path: string) =>
  execFileSync("tar", ["--extract", "--to-stdout", "--file", "-", path], { input: archive, encoding: "utf8" });

function prepare(model: ComposeModel, variables: Record<string, string> = {}, profiles: string[] = []) {
  const named = nameVariables({ model, variables, profiles, digest });
  const { configs = {}, secrets = {} } = named.model;
  const restored = { ...named.model, configs: restoreVariables(configs), secrets: restoreVariables(secrets) };
  const files = new Map(
    (keepWritten(restored, named.values, digest)?.kept ?? []).map(({ path, content }) => [path.split("/").slice(3).join("/"), content]),
  );
  return { model: restored, variables: named.variables, files };
}

const web = (more: ComposeService): ComposeModel["services"] => ({ web: { image: "app", ...more } });

describe("a variable that is not set", () => {
  const model: ComposeModel = {
    services: {
      ...web({ secrets: [{ source: "a" }], configs: [{ source: "c" }] }),
      debug: { profiles: ["debug"], secrets: [{ source: "b" }] },
    },
    secrets: { a: { environment: "A" }, b: { environment: "B" }, unused: { environment: "NOBODY" } },
    configs: { c: { environment: "C" } },
  };

  test("is refused, all of them at once; not for what is no part of the release", () => {
    expect(() => prepare(model)).toThrow(
      expect.objectContaining({
        code: "VARIABLE_NOT_SET",
        exit: "usage",
        details: ["configs.c, for web: the variable C is not set", "secrets.a, for web: the variable A is not set"],
      }),
    );
    expect(() => prepare(model, { A: "", C: "" })).not.toThrow();
    expect(() => prepare(model, { A: "", C: "" }, ["debug"])).toThrow(
      expect.objectContaining({ details: ["secrets.b, for debug: the variable B is not set"] }),
    );
  });
});

test("another value is another name, and what is a file or text stays as it is", () => {
  const model: ComposeModel = {
    services: web({ secrets: [{ source: "a" }, { source: "f" }] }),
    secrets: { a: { environment: "A", name: "x_a" }, f: { file: "/f" } },
    configs: { c: { content: "text" } },
  };
  const first = prepare(model, { A: "1" }).model.secrets;
  expect(first?.["a"]).toEqual({ name: "x_a", environment: expect.stringMatching(/^A_[0-9a-f]{12}$/) as string });
  expect(prepare(model, { A: "1" }).model.secrets).toEqual(first);
  expect(prepare(model, { A: "2" }).model.secrets?.["a"]).not.toEqual(first?.["a"]);
  expect(first?.["f"]).toEqual({ file: "/f" });
  expect(prepare(model, { A: "1" }).model.configs).toEqual(model.configs);
});

test("archives have what Compose would write, where it would, with owner and mode", () => {
  const { files } = prepare(
    {
      services: web({
        secrets: [{ source: "a" }, { source: "a", target: "other", uid: "103", gid: "104", mode: 0o400 }, { source: "f" }],
        configs: [{ source: "c", target: "/etc/app.conf", mode: "0440" }],
      }),
      secrets: { a: { environment: "A" }, f: { file: "/f" } },
      configs: { c: { content: "cost: $$5\n" } },
    },
    { A: "it's $A" },
  );
  expect([...files.keys()].toSorted()).toEqual(["variables", "web.owned.tar", "web.tar"]);
  const archive = files.get("web.tar") ?? new Uint8Array();
  expect(listOf(archive)).toEqual(["-r--r----- 0/0 9 etc/app.conf", "-r--r--r-- 0/0 7 run/secrets/a"]);
  expect(contentOf(archive, "etc/app.conf")).toBe("cost: $5\n");
  expect(contentOf(archive, "run/secrets/a")).toBe("it's $A");
  expect(listOf(files.get("web.owned.tar") ?? new Uint8Array())).toEqual(["-r-------- 103/104 7 run/secrets/other"]);
});

test("nothing is kept where nothing is written", () => {
  expect(prepare({ services: web({ secrets: [{ source: "f" }] }), secrets: { f: { file: "/f" } } }).files.size).toBe(0);
});

test("a service whose file system is read-only mounts files", () => {
  const model: ComposeModel = {
    services: {
      web: { read_only: true, secrets: [{ source: "a" }, { source: "f" }], configs: [{ source: "c", target: "/etc/c" }] },
      other: { secrets: [{ source: "a" }] },
    },
    secrets: { a: { environment: "A" }, f: { file: "/f" } },
    configs: { c: { content: "$$x" } },
  };
  const { model: changed, variables, files } = prepare(model, { A: "1" });
  expect(changed.services["web"]?.secrets).toEqual([{ source: "a-as-file", target: "/run/secrets/a" }, { source: "f" }]);
  expect(changed.services["web"]?.configs).toEqual([{ source: "c-as-file", target: "/etc/c" }]);
  expect(changed.secrets?.["a-as-file"]).toEqual({ environment: "A" });
  expect(changed.configs?.["c-as-file"]).toEqual({ environment: "configs.c" });
  expect(variables["configs.c"]).toBe("$x");
  expect([...files.keys()].toSorted()).toEqual(["other.tar", "variables"]);
});

test("an archive takes long paths, other letters and any size", () => {
  const path = `/${"folder/".repeat(18)}ümlaut.txt`;
  const content = Buffer.from("x".repeat(1500));
  const archive = packFiles([
    { path, content, mode: 0o644, uid: 0, gid: 0 },
    { path: "/empty", content: new Uint8Array(), mode: 0o600, uid: 1, gid: 2 },
  ]);
  expect(contentOf(archive, path.slice(1))).toBe(content.toString());
  expect(listOf(archive)[1]).toBe("-rw------- 1/2 0 empty");
});
