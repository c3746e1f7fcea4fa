import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edit, makeFolder, publish } from "../support/clones.ts";
import { hostContent } from "../support/host-state.ts";
import { onHost } from "../support/hosts.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { coldtivate, run } from "../support/run.ts";

const deploy = ["deploy", "staging"];

describe("a dotenv that cannot be used is refused before any host is asked", () => {
  let cwd: string;

  beforeAll(async () => {
    cwd = await makeSmallProject();
    await run("git", ["commit", "--allow-empty", "--message", "nothing"], { cwd });
    await edit(cwd, "coldtivate.yml", (text) => text.replace("${PROJECT_DOT_ENV:-OPEN=yes}", "${PROJECT_DOT_ENV}"));
  });

  /** The dotenv's place, and the same in a file and as content. */
  async function asFileAndContent(content: string): Promise<{ value: string; source: string }[]> {
    const file = join(await makeFolder(), "dotenv");
    await writeFile(file, content);
    return [
      { value: file, source: file },
      { value: content, source: "PROJECT_DOT_ENV" },
    ];
  }

  test("missing: the variable, or the file that it names", async () => {
    const place = /coldtivate\.yml:\d+:\d+ +environments\.staging\.dotenv: /;
    await expectRefusal(deploy, { cwd }, { exitCode: 2, says: [place, "PROJECT_DOT_ENV is not set"] });
    const env = { PROJECT_DOT_ENV: "/tmp/no-such-dotenv" };
    await expectRefusal(deploy, { cwd, env }, { exitCode: 2, says: [place, "there is no file /tmp/no-such-dotenv"] });
  });

  test("empty, or comments only", async () => {
    const empty = join(await makeFolder(), "dotenv");
    await writeFile(empty, "\n");
    await expectRefusal(deploy, { cwd, env: { PROJECT_DOT_ENV: empty } }, { exitCode: 2, says: ["the dotenv is empty"] });
    for (const { value, source } of await asFileAndContent("# TILL=1\n\n  # nothing\n")) {
      await expectRefusal(
        deploy,
        { cwd, env: { PROJECT_DOT_ENV: value } },
        { exitCode: 2, says: [`The dotenv (${source}) is empty`, "NAME=value"] },
      );
    }
  });

  test("with lines that are no assignments: each is named, no value is shown", async () => {
    const content = "TILL=1\nhunter2 is the password\nTILL_KEY = hunter3\nSIGN='hunter4\nLAST=hunter5\n";
    for (const { value, source } of await asFileAndContent(content)) {
      for (const more of [[], ["--json"], ["--verbose"]]) {
        const ran = await coldtivate([...deploy, ...more], { cwd, env: { PROJECT_DOT_ENV: value } });
        expect(ran, ran.output).toMatchObject({ exitCode: 2 });
        expect(ran.output).toContain(`${source}:2  this is no assignment`);
        expect(ran.output).toContain(`${source}:3  TILL_KEY: there is a space before the =`);
        expect(ran.output).toContain(`${source}:4  SIGN: the ' is never closed`);
        expect(ran.output).not.toContain("hunter");
      }
    }
  });
});

describe("what stands in a dotenv arrives letter by letter", () => {
  const lines = {
    DOLLAR: ["p$ss$$w", "p$ss$$w"],
    BRACES: ["'${HOME} ${NOT:-x}'", "${HOME} ${NOT:-x}"],
    HASH: ["a#b 'c", "a#b 'c"],
    COMMENTED: ["kept # not kept", "kept"],
    SINGLE: [String.raw`'say "cheese" # \n \'`, String.raw`say "cheese" # \n ` + "\\"],
    DOUBLE: [String.raw`"it's\n\"two\" \\ lines \$5"`, `it's\n"two" \\ lines $5`],
    SPACES: ["'  around  '", "  around  "],
    BACKSLASH: [String.raw`C:\new\table\\`, String.raw`C:\new\table` + "\\\\"],
    EQUALS: ["a=b==", "a=b=="],
    UNICODE: ["Käse 🧀 チーズ", "Käse 🧀 チーズ"],
    BACKTICK: ["`id` $(id) !x ~ * %s", "`id` $(id) !x ~ * %s"],
    CARRIAGE: [String.raw`"a\r\tb"`, "a\r\tb"],
    EMPTY: ["", ""],
  } as const;
  const content = Object.entries(lines)
    .map(([name, [written]]) => `${name}=${written}\n`)
    .join("");
  const wanted = Object.fromEntries(Object.entries(lines).map(([name, [, value]]) => [name, value]));

  let cwd: string;

  beforeAll(async () => {
    cwd = await makeSmallProject();
    await edit(cwd, "docker-compose.yml", (text) => {
      const copies = Object.keys(lines).map((name) => `      COPY_${name}: "\${${name}}"\n`);
      return `${text}    environment:\n${copies.join("")}`;
    });
    await publish(cwd, "copies");
  });
  afterAll(removeSmallProject);

  async function environmentOf(service: string): Promise<Record<string, string>> {
    const id = `$(docker ps -q --filter label=com.docker.compose.project=small-staging --filter label=com.docker.compose.service=${service})`;
    const seen = await onHost("staging", `docker exec ${id} python3 -c 'import json, os; print(json.dumps(dict(os.environ)))'`);
    return JSON.parse(seen) as Record<string, string>;
  }

  test("in a container's environment, and where a Compose file interpolates it", async () => {
    const { exitCode, output } = await coldtivate(deploy, { cwd, env: { PROJECT_DOT_ENV: content } });
    expect(exitCode, output).toBe(0);
    expect(await environmentOf("web")).toMatchObject(wanted);
    const copies = Object.fromEntries(Object.entries(wanted).map(([name, value]) => [`COPY_${name}`, value]));
    expect(await environmentOf("clerk")).toMatchObject({ ...wanted, ...copies });
  });

  test("the same dotenv as a file changes nothing, and the host keeps no copy that others can read", async () => {
    const file = join(await makeFolder(), "dotenv");
    await writeFile(file, content.replaceAll("\n", "\r\n"));
    await coldtivate(deploy, { cwd, env: { PROJECT_DOT_ENV: content } });
    const before = await hostContent("staging");
    const { exitCode, stdout } = await coldtivate(deploy, { cwd, env: { PROJECT_DOT_ENV: file } });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining("nothing to do") });
    expect(await hostContent("staging")).toBe(before);
    expect(await onHost("staging", "su nobody -s /bin/sh -c 'grep -rl cheese /home/deploy /tmp /dev/shm 2>/dev/null' || true")).toBe("");
  });
});
