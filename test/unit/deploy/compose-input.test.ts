import { expect, test } from "vitest";
import { observeEntries, type ComposeInput } from "../../../src/lib/deploy/prepare/commit/compose-input.ts";
import { collectComposeFiles, dotenvPlace } from "../../../src/lib/compose/files/compose-files.ts";

const variables = { CI_COMMIT_SHA: "1".repeat(40), CI_COMMIT_REF_SLUG: "main", DOT_ENV_PATH: "../dotenv" };
const written = 'services: { web: { image: "app:${CI_COMMIT_REF_SLUG}", env_file: ["${DOT_ENV_PATH}", web.env] } }';

async function keyOf(files: Record<string, string>, changes: Partial<ComposeInput> = {}): Promise<string | undefined> {
  const read = (path: string) => Promise.resolve(files[path] === undefined ? undefined : Buffer.from(files[path]));
  const composeFiles = await collectComposeFiles(["compose.yml"], read, { variables: { ...variables, DOT_ENV_PATH: dotenvPlace } });
  const input = {
    composeFiles,
    listed: ["compose.yml"],
    dotenv: new Map([["A", "1"]]),
    variables,
    script: [],
    isDryRun: false,
    ...changes,
  };
  const content = observeEntries(input).find(({ path }) => path === "key")?.content;
  return content?.toString();
}

const files = { "compose.yml": written, "web.env": "B=${CI_JOB_ID}" };

test("the same files and variables have the same key, whatever else is different", async () => {
  const other = await keyOf({ ...files, "other.env": "C=3" }, { variables: { ...variables, CI_COMMIT_SHA: "2".repeat(40) } });
  expect(await keyOf(files)).toMatch(/^[0-9a-f]{64}$/);
  expect(other).toBe(await keyOf(files));
});

test.each<[string, Record<string, string>, Partial<ComposeInput>]>([
  ["a Compose file", { ...files, "compose.yml": `${written} ` }, {}],
  ["an env file", { ...files, "web.env": "B=2" }, {}],
  ["a variable that a Compose file names", files, { variables: { ...variables, CI_COMMIT_REF_SLUG: "next" } }],
  ["a variable that an env file names", files, { variables: { ...variables, CI_JOB_ID: "7" } }],
  ["the dotenv", files, { dotenv: new Map([["A", "2"]]) }],
  ["the commit's own .env", files, { defaults: Buffer.from("A=2") }],
])("another key: %s", async (_name, changed, input) => {
  expect(await keyOf(changed, input)).not.toBe(await keyOf(files));
});

test("no key for a dry run: the host is to keep nothing", async () => {
  expect(await keyOf(files, { isDryRun: true })).toBeUndefined();
});

test.each(["/etc/web.env", "~/web.env", "../web.env"])("no key where the host's own files count, too: %s", async (path) => {
  expect(await keyOf({ "compose.yml": `services: { web: { image: app, env_file: ${path} } }` })).toBeUndefined();
});
