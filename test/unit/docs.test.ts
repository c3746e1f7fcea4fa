import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import type { Command } from "@oclif/core";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { BaseCommand } from "../../src/lib/base-command.ts";
import { exitCodes } from "../../src/lib/errors.ts";

const pages = [...globSync("*.md"), ...globSync("docs/**/*.md"), "example/README.md"];
const sources = globSync("src/**/*.ts");
/** As one types them. */
const commands = globSync("**/*.ts", { cwd: "src/commands" }).map((path) => path.replace(/\.ts$/, "").replaceAll("/", " "));

/** Literals in capitals that are no error codes: variables of the environment and the system's own codes. */
const otherNames = new Set([
  "CI_COMMIT_SHA",
  "CI_COMMIT_TAG",
  "COLDTIVATE_CONFIG",
  "COMPOSE_FILE",
  "COMPOSE_PATH_SEPARATOR",
  "COMPOSE_PROFILES",
  "COMPOSE_PROJECT_NAME",
  "DOCKER_AUTH_CONFIG",
  "DOT_ENV_PATH",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "GIT_LFS_SKIP_SMUDGE",
  "SSH_AUTH_SOCK",
]);

async function load(command: string): Promise<{ default: typeof Command }> {
  return (await import(resolve("src/commands", `${command.replaceAll(" ", "/")}.ts`))) as { default: typeof Command };
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}

/** A page's text without its fenced code. */
function prose(path: string): string {
  return read(path).replaceAll(/^```.*?^```/gms, "");
}

/** The part of a page below a heading, up to the next one of that level. */
function section(path: string, heading: string): string {
  const [, rest = ""] = read(path).split(`\n${heading}\n`);
  return rest.split(/\n#{1,2} /)[0]!;
}

/** The cells of all rows of a text's tables. */
function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** What a heading is called in a link, as GitHub does it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

function anchorsOf(path: string): string[] {
  return [...prose(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

describe("exit codes", () => {
  test.each(["README.md", "docs/commands.md"])("%s has all of them, in the words of the help", (page) => {
    const documented = rows(read(page)).filter(([code = ""]) => /^\d+$/.test(code));
    expect(documented).toEqual(Object.values(exitCodes).map(({ code, meaning }) => [String(code), meaning]));
  });

  test("docs/commands.md names the words that --json has for them", () => {
    const line = section("docs/commands.md", "## Common to all").match(/`exit` is one of (.*?)\. /)?.[1] ?? "";
    const documented = [...line.matchAll(/`(\w+)`/g)].map((match) => match[1]!);
    expect(documented.toSorted()).toEqual(
      Object.keys(exitCodes)
        .filter((name) => name !== "done")
        .toSorted(),
    );
  });
});

describe("commands", () => {
  test.each(commands)("%s is described with all of its arguments and flags", async (name) => {
    const { default: command } = await load(name);
    const text = section("docs/commands.md", `## ${name}`);
    expect(text).not.toBe("");
    for (const [flag, { char }] of Object.entries(command.flags ?? {})) {
      expect(text).toMatch(new RegExp(`\\| \`${char === undefined ? "" : `-${char}, `}--${flag}[\`=]`));
    }
    for (const argument of Object.keys(command.args ?? {})) expect(text.toLowerCase()).toMatch(new RegExp(`\\| \`\\[?${argument}`));
  });

  test("docs/commands.md has the flags that all commands take, and no section of a command that is not there", () => {
    const text = section("docs/commands.md", "## Common to all");
    for (const flag of [...Object.keys(BaseCommand.baseFlags), "json", "help"])
      expect(text).toMatch(new RegExp(`\\| \`(-\\w, )?--${flag}[\`=]`));
    const sections = [...prose("docs/commands.md").matchAll(/^## ([a-z ]+)$/gm)].map((match) => match[1]!);
    expect(sections.toSorted()).toEqual(commands.toSorted());
  });

  test("a flag that a command's page names exists", async () => {
    const all = await Promise.all(commands.map(load));
    const known = new Set([
      ...all.flatMap(({ default: { flags } }) => Object.keys(flags ?? {})),
      ...Object.keys(BaseCommand.baseFlags),
      "json",
      "help",
    ]);
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/coldtivate (?:build|push|deploy|status|registry)[^`\n#→]*/g)].flatMap(
        ([line]) => line.match(/--[a-z-]+/g) ?? [],
      ),
    );
    expect([...new Set(named)].filter((flag) => !known.has(flag.slice(2)))).toEqual([]);
  });

  test.each(commands)("README.md mentions %s", (name) => {
    expect(read("README.md")).toContain(`| \`coldtivate ${name} `);
  });
});

describe("errors", () => {
  const documented = [...prose("docs/troubleshooting.md").matchAll(/^### ([A-Z_]+)$/gm)].map((match) => match[1]!);
  const texts = sources.map(read).filter((text) => text.includes("ColdtivateError") || text.includes('code: "'));
  const codes = texts.flatMap((text) =>
    [...text.matchAll(/"([A-Z]+(?:_[A-Z]+)+)"|code: "([A-Z]+)"/g)].map((match) => match[1] ?? match[2]!),
  );

  test("docs/troubleshooting.md has every code once, and none that does not exist", () => {
    const existing = new Set(codes.filter((code) => !otherNames.has(code)));
    expect(documented.toSorted()).toEqual([...existing].toSorted());
  });

  test.each(documented)("%s says something", (code) => {
    expect(prose("docs/troubleshooting.md").split(`\n### ${code}\n`)[1]!.split("\n#")[0]!.trim()).not.toBe("");
  });
});

describe("links", () => {
  test.each(pages)("those of %s lead somewhere", (page) => {
    const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link));
    const broken = links.filter((link) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? page : normalize(join(dirname(page), file));
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  test("every page of docs/ can be reached from README.md", () => {
    const reached = new Set<string>();
    const visit = (page: string): void => {
      if (reached.has(page) || !page.endsWith(".md")) return;
      reached.add(page);
      for (const [, link = ""] of read(page).matchAll(/\]\(([^)\s#]+)/g))
        if (!link.includes(":")) visit(normalize(join(dirname(page), link)));
    };
    visit("README.md");
    expect(pages.filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
  });
});

describe("examples", () => {
  const examples = pages.flatMap((page) =>
    [...read(page).matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]): [string, string] => [page, text]),
  );

  test.each(examples.filter(([, text]) => /^project:/m.test(text)))("a whole coldtivate.yml in %s is a valid one", (_page, text) => {
    const schema = z.fromJSONSchema(JSON.parse(read("schema.json")) as Parameters<typeof z.fromJSONSchema>[0]);
    expect(schema.safeParse(parse(text))).toMatchObject({ success: true });
  });

  test.each(examples)("what is shown as YAML in %s can be read", (_page, text) => {
    expect(() => void parse(text)).not.toThrow();
  });
});

test.each(pages)("%s has nothing that a merge left behind", (page) => {
  expect(read(page)).not.toMatch(/^(?:<{7}|={7}|>{7}|(?:> ){7}|\|{7})/m);
});

test("the host script's verbs are those of docs/hosts.md", () => {
  const usage = read("scripts/environment-deployment-management.sh").split("cat <<'TEXT'\n")[1]!.split("\nTEXT\n")[0]!;
  const verbs = [...usage.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]!);
  const documented = rows(section("docs/hosts.md", "## By hand")).flatMap(([cell = ""]) => cell.match(/^`([a-z]+)[ `]/)?.[1] ?? []);
  expect(documented).toEqual(verbs);
});

test("the tests that SECURITY.md names are there", () => {
  const named = [...read("SECURITY.md").matchAll(/_Tests: (.*?)\._/gs)].flatMap(
    (match) => match[1]!.match(/(?<=`)[a-z0-9/-]+(?=`)/g) ?? [],
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => globSync([`test/${name}.test.ts`, `test/${name}/*.test.ts`]).length === 0)).toEqual([]);
});

test("the sandbox's verbs are those of docs/sandbox.md", () => {
  const usage = read("scripts/sandbox.sh").split("\nset -")[0]!;
  const verbs = [...usage.matchAll(/^# {3}([a-z-]+) /gm)].map((match) => match[1]!);
  const documented = [...read("docs/sandbox.md").matchAll(/^\| `scripts\/sandbox\.sh ([a-z-]+)/gm)].map((match) => match[1]!);
  expect([...new Set(documented)]).toEqual([...new Set(verbs)]);
});

describe("docs/protocol.md has", () => {
  const script = globSync("scripts/environment-deployment-management/*.sh").map(read).join("\n");
  const page = read("docs/protocol.md");
  const tableAfter = (heading: string) =>
    rows(page.split(`\n| ${heading} `)[1]!.split("\n\n")[0]!).map(([cell = ""]) => cell.replaceAll("`", ""));
  const found = (pattern: RegExp) => [...new Set([...script.matchAll(pattern)].map((match) => match[1]!))].toSorted();

  test("every verb of a plan", () => {
    expect(tableAfter("verb").slice(1).toSorted()).toEqual(found(/^do_([a-z]+)\(\)/gm));
  });

  test("every field of an observation", () => {
    const fields = tableAfter("field")
      .slice(1)
      .flatMap((cell) => cell.split(", "))
      .filter((field) => field !== "kept/PATH");
    expect(fields.toSorted()).toEqual(found(/^\s*(?:\[\[.*\]\] \|\| )?field ([a-z]+) [^ ]/gm));
  });
});

test("docs/architecture.md has every room of the library, and no other", () => {
  const folders = globSync("src/lib/**/*.ts").map((path) => dirname(path).replace(/^src\/lib\/?/, ""));
  const rooms = [...new Set(folders)].filter((folder) => folder !== "").map((folder) => `${folder}/`);
  const named = rows(section("docs/architecture.md", "## Where things live")).map(([room = ""]) => room.replaceAll("`", ""));
  expect(named.filter((room) => room.endsWith("/") && !/ |^(?:src|test|example)\//.test(room)).toSorted()).toEqual(rooms.toSorted());
});
