import { describe, expect, test } from "vitest";
import { collectComposeFiles, dotenvPlace } from "../../../src/lib/compose/files/compose-files.ts";
import { composeFileList, findComposeFiles } from "../../../src/lib/compose/files/compose-names.ts";
import { normalise } from "../../../src/lib/compose/files/compose-walk.ts";
import { readEnvFile } from "../../../src/lib/compose/files/env-file.ts";
import { interpolateCompose, interpolatedVariables } from "../../../src/lib/compose/files/interpolate.ts";

const reader = (files: Record<string, string>) => (path: string) =>
  Promise.resolve(files[path] === undefined ? undefined : Buffer.from(files[path]));

type Options = Partial<Parameters<typeof collectComposeFiles>[2]>;

const collect = (files: Record<string, string>, listed = ["compose.yaml"], options: Options = {}) =>
  collectComposeFiles(listed, reader(files), { variables: {}, ...options });

describe("what is collected", () => {
  test("follows include, extends and env files, with variables in their paths", async () => {
    const { files, variables } = await collect(
      {
        "deploy/docker-compose.yml":
          "include: [../shared/db.yml]\nservices:\n  web:\n    image: ${CI_REGISTRY_IMAGE}/web:$${NOT}\n    extends: {file: base.yml, service: web}\n    env_file: ['${DOT_ENV_PATH:-.env}', {path: more.env, required: false}]\n    label_file: [labels]\n",
        "shared/db.yml": "services: {db: {image: 'postgres:${PG:-15}'}}",
        "deploy/base.yml": "services: {web: {}}",
        "deploy/more.env": "A=1",
        "deploy/labels": "a=b",
      },
      ["deploy/docker-compose.yml"],
      { variables: { DOT_ENV_PATH: dotenvPlace } },
    );
    expect([...files.keys()]).toEqual([
      "deploy/docker-compose.yml",
      "shared/db.yml",
      "deploy/base.yml",
      "deploy/more.env",
      "deploy/labels",
    ]);
    expect([...variables].toSorted()).toEqual(["CI_REGISTRY_IMAGE", "DOT_ENV_PATH", "PG"]);
  });

  test("an env file that the commit lacks, and only hidden services name, is empty: a host is asked for them, too", async () => {
    const compose = (services: string, more: Options = {}, rest: Record<string, string> = {}) =>
      collect({ "compose.yaml": `services:\n${services}`, ...rest }, ["compose.yaml"], { profiles: [], ...more }).then(({ files }) =>
        [...files].filter(([path]) => path.endsWith(".env")).map(([path, content]) => `${path}=${content.length}`),
      );
    const hidden = "  dev: { image: x, profiles: [dev], env_file: [./dev.env, { path: no.env, required: false }] }\n";
    expect(await compose(hidden)).toEqual(["dev.env=0", "no.env=0"]);
    expect(await compose(hidden, {}, { "dev.env": "A=1" })).toEqual(["dev.env=3", "no.env=0"]);
    expect(await compose(hidden, { profiles: ["dev"] })).toEqual([]);
    expect(await compose(hidden, { profiles: ["*"] })).toEqual([]);
    expect(await compose(hidden, { needed: ["dev"] })).toEqual([]);
    expect(await compose(`${hidden}  web: { image: x, env_file: dev.env }\n`)).toEqual(["no.env=0"]);
    expect(
      await compose("  dev: { image: x, profiles: ['${P:-dev}'], env_file: dev.env }\n", { variables: { P: "on" }, profiles: ["on"] }),
    ).toEqual([]);
    expect(await compose("  dev: { image: x, profiles: [dev], env_file: [../up.env, /etc/x.env, ~/y.env] }\n")).toEqual([]);
    const base = { "base.yaml": "services: { b: { image: x, profiles: [dev], env_file: dev.env } }" };
    expect(await compose("  web: { image: x, extends: { file: base.yaml, service: b }, profiles: !reset [] }\n", {}, base)).toEqual([]);
  });

  test("an included file has the .env of its folder, or the env files that are given; the project's variables come first", async () => {
    const inner = "services: { x: { image: x, env_file: '${NAME}.env' } }";
    const { files } = await collect({
      "compose.yaml": "include: [svc/a/compose.yaml, { path: svc/b/compose.yaml, env_file: [b.env, more.env], project_directory: root/b }]",
      "svc/a/compose.yaml": `include: [../c/compose.yaml]\n${inner}`,
      "svc/a/.env": "NAME=of-a\nINNER=${NAME}-c",
      "svc/a/of-a.env": "",
      "svc/b/compose.yaml": inner,
      "svc/b/.env": "NAME=not-read",
      "b.env": "NAME=wrong",
      "more.env": "NAME=of-b",
      "root/b/of-b.env": "",
      "svc/c/compose.yaml": "services: { c: { image: x, env_file: '${INNER}.env' } }",
      "svc/c/.env": "INNER=not-used",
      "svc/c/of-a-c.env": "",
    });
    expect([...files.keys()].filter((path) => path.endsWith(".env")).toSorted()).toEqual([
      "b.env",
      "more.env",
      "root/b/of-b.env",
      "svc/a/.env",
      "svc/a/of-a.env",
      "svc/c/.env",
      "svc/c/of-a-c.env",
    ]);
  });

  test("relative paths start in the first file's folder; in an extended file in its own", async () => {
    const { files } = await collect(
      {
        "a/compose.yml": "services: {}",
        "b/more.yml": "include: [part.yml]\nservices: { web: { env_file: web.env, extends: { file: ../c/base.yml, service: web } } }",
        "a/part.yml": "services: {}",
        "a/web.env": "",
        "c/base.yml": "include: [none.yml]\nservices: { web: { env_file: base.env } }",
        "c/base.env": "",
      },
      ["a/compose.yml", "b/more.yml"],
    );
    expect([...files.keys()].toSorted()).toEqual(["a/compose.yml", "a/part.yml", "a/web.env", "b/more.yml", "c/base.env", "c/base.yml"]);
  });

  test("several documents in a file count together, and neither a byte order mark nor CRLF is in the way", async () => {
    const { files } = await collect({
      "compose.yaml": "\uFEFFservices:\r\n  a:\r\n    env_file: a.env\r\n---\r\nservices:\r\n  b:\r\n    env_file: b.env\r\n",
      "a.env": "",
      "b.env": "",
    });
    expect([...files.keys()]).toEqual(["compose.yaml", "a.env", "b.env"]);
  });

  test("tags, anchors and merged blocks are followed", async () => {
    const { files } = await collect({
      "compose.yaml": `x-env: &env { env_file: shared.env }
x-more: &more { label_file: labels }
x-file: &file base.yml
services:
  a: &a { <<: [*env, *more] }
  b: { <<: *a, ports: !reset [] }
  c: { extends: { file: *file, service: c }, env_file: !override [c.env] }
`,
      "shared.env": "",
      labels: "",
      "base.yml": "services: { c: {} }",
      "c.env": "",
    });
    expect([...files.keys()].toSorted()).toEqual(["base.yml", "c.env", "compose.yaml", "labels", "shared.env"]);
  });

  test("any number of services may share blocks", async () => {
    const services = Array.from({ length: 500 }, (_, index) => `  s${index}: { <<: [*a, *b], env_file: *files }`).join("\n");
    const { files } = await collect({
      "compose.yaml": `x-a: &a { environment: { A: 1 } }\nx-b: &b { labels: [x, y] }\nx-f: &files [one.env]\nservices:\n${services}\n`,
      "one.env": "",
    });
    expect([...files.keys()]).toEqual(["compose.yaml", "one.env"]);
  });

  test("a file that includes itself ends", async () => {
    const { files } = await collect({ "compose.yaml": "include: [other.yml]", "other.yml": "include: [compose.yaml]\nservices: {}" });
    expect([...files.keys()]).toEqual(["compose.yaml", "other.yml"]);
  });

  test.each([
    ["/srv/shared.yml", false],
    ["oci://registry.example.com/app:latest", false],
    ["https://github.com/example/app.git", false],
    ["git@github.com:example/app.git", false],
    ["part.yml", true],
  ])("with %s the host's own files count: %s", async (path, isWhole) => {
    const found = await collect({ "compose.yaml": `include: ['${path}']`, "part.yml": "services: {}" });
    expect(found.isWhole).toBe(isWhole);
  });
});

describe("what is refused", () => {
  test("names every Compose file that the commit does not have", async () => {
    await expect(
      collect({ "a.yml": "include: [c.yml, ../d.yml, { path: e.yml, env_file: e.env }]", "e.yml": "" }, ["a.yml", "b.yml"]),
    ).rejects.toMatchObject({
      code: "COMPOSE_FILE_MISSING",
      exit: "usage",
      details: ["b.yml", "c.yml (named in a.yml)", "../d.yml (named in a.yml)", "e.env (named in a.yml)"],
    });
  });

  test("names every file that is no YAML, with the place", async () => {
    await expect(
      collect({ "compose.yaml": "include: [b.yml]\nservices:\n  a: {}\n  a: {}\n", "b.yml": "services:\n  a:\n\timage: x\n" }),
    ).rejects.toMatchObject({
      code: "COMPOSE_INVALID",
      exit: "usage",
      details: [expect.stringMatching(/^compose\.yaml:4:3 {2}Map keys must be unique/), expect.stringMatching(/^b\.yml:3:1 {2}.*[Tt]ab/)],
    });
  });

  test.each([
    ["an anchor that is missing", "services: { a: { <<: *none } }", /1:22 {2}the alias \*none stands for nothing/],
    ["an anchor that comes later", "services: { a: *b, b: &b {} }", /the alias \*b stands for nothing/],
    ["a name that every object has", "services: { __proto__: { image: x } }", /a service cannot be called __proto__/],
    ["an anchor that is missing, as a key", "services: { a: { *none : x } }", /the alias \*none stands for nothing/],
    ["brackets without an end", `services: ${"[".repeat(50_000)}`, /nested more than 60 levels deep/],
    ["as many mistakes as words", "&a ".repeat(20_000), /^compose\.yaml:1:/],
    ["more words than a file of people's has", `x: [${"a,".repeat(100_000)}]`, /more than 80000 words and signs/],
    ["an alias within its own anchor", "services: &s { a: { deploy: *s } }", /the alias \*s stands for something that it is part of/],
  ])("%s", async (_name, text, message) => {
    await expect(collect({ "compose.yaml": text })).rejects.toMatchObject({
      code: "COMPOSE_INVALID",
      details: [expect.stringMatching(message)],
    });
  });

  test("aliases that stand for more than a machine can hold", async () => {
    const lines = Array.from({ length: 9 }, (_, level) => `x-${level + 1}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(", ")}]`);
    await expect(collect({ "compose.yaml": `x-0: &a0 [lol]\n${lines.join("\n")}\nservices: {}\n` })).rejects.toMatchObject({
      code: "COMPOSE_INVALID",
      details: [expect.stringMatching(/^compose\.yaml:\d+:\d+ {2}.*stands? for more than 1000000 values/)],
    });
  });
});

describe("the environment's dotenv stands in for an env file that the commit does not have", () => {
  const standIn = { paths: [".env", "ops/app.env"], quoted: "A='1'\n", raw: "A=1\n" };
  const text = (content: Uint8Array | undefined) => content && Buffer.from(content).toString();

  test("by its own path, and as .env of the project", async () => {
    const { files } = await collect({ "compose.yaml": "services: { a: { env_file: [.env, ops/app.env, other.env] } }" }, undefined, {
      standIn,
    });
    expect([...files].map(([path, content]) => [path, text(content)]).slice(1)).toEqual([
      [".env", "A='1'\n"],
      ["ops/app.env", "A='1'\n"],
    ]);
  });

  test("not where the commit has that file, nor where nobody asks for it", async () => {
    const { files } = await collect({ "compose.yaml": "services: { a: { env_file: .env } }", ".env": "B=2" }, undefined, { standIn });
    expect([...files].map(([path, content]) => [path, text(content)]).slice(1)).toEqual([[".env", "B=2"]]);
  });

  test("as it was given where its values are taken with quotes and all", async () => {
    const { files } = await collect({ "compose.yaml": "services: { a: { env_file: [{ path: .env, format: raw }] } }" }, undefined, {
      standIn,
    });
    expect(text(files.get(".env"))).toBe("A=1\n");
  });

  test("but DOT_ENV_PATH cannot be read in that way", async () => {
    await expect(
      collect({ "compose.yaml": "services: { a: { env_file: [{ path: '${DOT_ENV_PATH}', format: raw }] } }" }, undefined, {
        standIn,
        variables: { DOT_ENV_PATH: dotenvPlace },
      }),
    ).rejects.toMatchObject({ code: "COMPOSE_INVALID", details: [expect.stringContaining("compose.yaml  services.a.env_file")] });
  });
});

describe("names", () => {
  const find = (...there: string[]) => findComposeFiles("staging", (name) => Promise.resolve(there.includes(name)));
  test.each([
    [[], []],
    [["compose.yaml"], ["compose.yaml"]],
    [["docker-compose.yaml"], ["docker-compose.yaml"]],
    [["docker-compose.yml", "compose.yml"], ["compose.yml"]],
    [
      ["compose.yaml", "compose.override.yaml"],
      ["compose.yaml", "compose.override.yaml"],
    ],
    [
      ["compose.yaml", "docker-compose.override.yml"],
      ["compose.yaml", "docker-compose.override.yml"],
    ],
    [
      ["docker-compose.yml", "docker-compose.staging.yml", "docker-compose.override.yml"],
      ["docker-compose.yml", "docker-compose.staging.yml"],
    ],
    [
      ["compose.yaml", "compose.staging.yaml", "docker-compose.staging.yml"],
      ["compose.yaml", "compose.staging.yaml"],
    ],
    [
      ["docker-compose.yaml", "docker-compose.staging.yml"],
      ["docker-compose.yaml", "docker-compose.staging.yml"],
    ],
    [["docker-compose.staging.yml"], []],
  ])("of %j these are merged: %j", async (there, merged) => {
    expect(await find(...there)).toEqual(merged);
  });

  test("COMPOSE_FILE has them, with a separator that may be another one", () => {
    expect(composeFileList(new Map([["COMPOSE_FILE", "a.yml:b.yml"]]))).toEqual(["a.yml", "b.yml"]);
    expect(
      composeFileList(
        new Map([
          ["COMPOSE_FILE", "a.yml;b.yml"],
          ["COMPOSE_PATH_SEPARATOR", ";"],
        ]),
      ),
    ).toEqual(["a.yml", "b.yml"]);
    expect(composeFileList(new Map([["COMPOSE_FILE", ""]]))).toBeUndefined();
  });
});

test("env files that Compose reads by itself are interpolated", () => {
  const text = `# comment
A=1 # one
export B="two $A \\$A\\n"
C='single $A'
D=\${A}-\${B:-x}-\${NONE:-none}
E: yaml
F=a#b
G="line one
line two" # comment
H=
I=$PROJECT`;
  expect(readEnvFile(text, { PROJECT: "p", B: "known" })).toEqual({
    A: "1",
    B: "two 1 $A\n",
    C: "single $A",
    D: "1-known-none",
    E: "yaml",
    F: "a#b",
    G: "line one\nline two",
    H: "",
    I: "p",
  });
});

test("interpolation in paths", () => {
  expect(interpolateCompose("${A}/$B/${C:-x}/${D-y}/${E:-z}", { A: "1", B: "2", D: "", E: "" })).toBe("1/2/x//z");
  expect(interpolateCompose("${NO:-${A:-x}/y}/${A:+set}${NO+not}$$A/${A:?needed}/${E?}", { A: "1", E: "" })).toBe(
    "x/y/set$A/1/".replace("x", "1"),
  );
  expect(interpolateCompose("$ ${ $1", {})).toBe("$ ${ $1");
  expect(interpolatedVariables("${A:-${B}} $C $$D")).toEqual(["A", "B", "C"]);
});

test("normalise takes out what a path does not need", () => {
  expect(normalise("./a//b/../c")).toBe("a/c");
  expect(normalise("../a")).toBe("../a");
});
