import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { mergeDotenvs, parseDotenv, writeDotenv } from "../../../src/lib/config/values/dotenv.ts";
import type { EnvironmentConfig } from "../../../src/lib/config/schema/config.ts";
import { redactor } from "../../../src/lib/secrets/redactor.ts";
import { createProject, minimal, type Project } from "./project.ts";

/** A project whose staging has this dotenv, and a `sops` that gives what `FILE.plain` holds, and writes down how it was called. */
async function projectWith(dotenv: string, files: Record<string, string> = {}, sops = true): Promise<Project & { env: NodeJS.ProcessEnv }> {
  const project = await createProject(minimal.replace("user: deploy", `user: deploy, dotenv: ${dotenv}`));
  for (const [path, content] of Object.entries(files)) await project.write(path, content);
  if (sops) {
    const log = join(project.directory, "sops.log");
    const script = `#!/bin/sh\nfor file; do :; done\n{ echo "$@"; env | sort; } >>"${log}"\ncat "$file.plain" || exit 128\n`;
    await project.write("bin/sops", script);
    chmodSync(join(project.directory, "bin/sops"), 0o755);
  }
  return { ...project, env: { PATH: `${project.directory}/bin${delimiter}${process.env["PATH"]}` } };
}

async function load(project: Project & { env: NodeJS.ProcessEnv }, env: NodeJS.ProcessEnv = {}): Promise<EnvironmentConfig> {
  const config = await project.load({ environment: "staging", env: { ...project.env, ...env } });
  return config.environments["staging"]!;
}

const read = ({ dotenv }: EnvironmentConfig) => Object.fromEntries(parseDotenv(dotenv?.reveal() ?? ""));

/** What sops leaves in a file that it has encrypted. */
const encrypted = {
  dotenv: "A=ENC[AES256_GCM,data:x,type:str]\nsops_mac=ENC[x]\nsops_version=3.9.0\n",
  yaml: "A: ENC[AES256_GCM,data:x,type:str]\nsops:\n    mac: ENC[x]\n    version: 3.9.0\n",
  json: '{"A": "ENC[x]", "sops": {"mac": "ENC[x]"}}',
  binary: '{"data": "ENC[x]", "sops": {"mac": "ENC[x]"}}',
};

test("several dotenvs are put together in order: the later one wins, and what is written stays", async () => {
  const files = { "common.env": "# all\nexport A=1 # one\nB='two'\nC=\"3\n3\"\n", ".env.staging": "B=p$ss\nD=4\n" };
  await using project = await projectWith("[common.env, '${OWN:-}', .env.staging]", files);
  const environment = await load(project);
  expect(environment).toMatchObject({ dotenvSource: "common.env, .env.staging", dotenvSources: ["common.env", ".env.staging"] });
  expect(environment.dotenv?.reveal()).toBe('export A=1 # one\nB=p$ss\nC="3\n3"\nD=4\n');
  expect(read(await load(project, { OWN: "A=own\nB=own\n" }))).toEqual({ A: "own", B: "p$ss", C: "3\n3", D: "4" });
});

test("what is wrong in a part is told with its own line, all at once, and shows no value", async () => {
  await using project = await projectWith("[a.env, b.env, none.env]", { "a.env": "A=1\nA=s3cret\n", "b.env": "s3cret\nB=2\n" });
  expect(await project.problems({ environment: "staging" })).toEqual([
    expect.stringMatching(/dotenv\[0\]: a\.env:2 {2}A is there already, in line 1$/),
    expect.stringMatching(/dotenv\[1\]: b\.env:1 {2}this is no assignment$/),
    expect.stringMatching(/dotenv\[2\]: there is no file none\.env$/),
  ]);
});

test("commands are parts, too, and are not run for a configuration that is refused", async () => {
  await using project = await projectWith("[{ command: [printf, 'A=1\\nB=2'] }, { command: [echo, B=3] }]");
  expect(read(await load(project))).toEqual({ A: "1", B: "3" });
  await using refused = await projectWith("[{ command: [touch, ran] }, none.env], oops: 1");
  await refused.problems({ environment: "staging", env: refused.env });
  await expect(readFile(join(refused.directory, "ran"))).rejects.toThrow("ENOENT");
});

test("sops decrypts a dotenv, which is read as it was written", async () => {
  await using project = await projectWith("[{ sops: secrets.env }, { env: MORE }]", {
    "secrets.env": encrypted.dotenv,
    "secrets.env.plain": "A='p$ss' # rest\nB=2\n",
  });
  expect(read(await load(project, { MORE: "B=3\n" }))).toEqual({ A: "p$ss", B: "3" });
  const [call] = (await readFile(join(project.directory, "sops.log"), "utf8")).split("\n");
  expect(call).toBe(`--decrypt --input-type dotenv --output-type dotenv ${join(project.directory, "secrets.env")}`);
});

test.each(["yaml", "json"] as const)("sops decrypts %s, whose values arrive letter by letter", async (format) => {
  const values = { A: "p$ss \"q\" 'r' \\n #x", B: "two\nlines\r\n", C: "", D: " spaces " };
  const plain = JSON.stringify({ ...values, E: 5, F: true, G: null });
  await using project = await projectWith(`{ sops: ./secrets.${format} }`, {
    [`secrets.${format}`]: encrypted[format],
    [`secrets.${format}.plain`]: plain,
  });
  const environment = await load(project);
  expect(environment.dotenvSource).toBe(`./secrets.${format}`);
  expect(read(environment)).toEqual({ ...values, E: "5", F: "true", G: "" });
  expect(await readFile(join(project.directory, "sops.log"), "utf8")).toContain(`--input-type ${format} --output-type json`);
});

test("sops gets what it needs of the environment, and no key of anybody else", async () => {
  await using project = await projectWith("{ sops: s }", { s: encrypted.binary, "s.plain": "A=1\n" });
  const wanted = { SOPS_AGE_KEY_FILE: "/keys", AWS_SECRET_ACCESS_KEY: "aws", VAULT_TOKEN: "vault", HOME: "/home/me" };
  await load(project, { ...wanted, PRODUCTION_SSH_PRIVATE_KEY: "canary", CI_REGISTRY_PASSWORD: "canary", CI_JOB_TOKEN: "canary" });
  const seen = await readFile(join(project.directory, "sops.log"), "utf8");
  for (const [name, value] of Object.entries(wanted)) expect(seen).toContain(`${name}=${value}\n`);
  expect(seen).not.toContain("canary");
  expect(seen).toContain("--input-type binary --output-type binary");
});

test("keys and passwords may be encrypted with sops, too", async () => {
  await using project = await projectWith("A=1, private_key: { sops: key.enc }", { "key.enc": encrypted.binary });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(project.directory, "key.enc.plain")]);
  const { hosts } = await load(project);
  expect(hosts[0]?.privateKey?.reveal()).toBe(await readFile(join(project.directory, "key.enc.plain"), "utf8"));
});

test.each<[string, Record<string, string>, string]>([
  ["is not there", {}, "cannot read s.yaml: there is no such file"],
  ["is not encrypted", { "s.yaml": "A: 1\n" }, "s.yaml is not encrypted with sops"],
  ["is JSON that is not encrypted", { "s.yaml": '{"A": 1}' }, "s.yaml is not encrypted with sops"],
  ["cannot be decrypted", { "s.yaml": encrypted.yaml }, "sops exited with 128; run it by hand to see why"],
  [
    "is nested",
    { "s.yaml": encrypted.yaml, "s.yaml.plain": '{"db": {"password": "s3cret"}, "A": 1}' },
    "s.yaml: no variables: db. A dotenv has names",
  ],
  [
    "has a name that is none",
    { "s.yaml": encrypted.yaml, "s.yaml.plain": '{"a b": "s3cret"}' },
    "s.yaml: no variables: a b. A dotenv has names",
  ],
  ["is a list", { "s.yaml": encrypted.yaml, "s.yaml.plain": '["s3cret"]' }, "s.yaml: what sops prints is no mapping of names and values"],
  ["holds nothing", { "s.yaml": encrypted.yaml, "s.yaml.plain": "{}" }, "the dotenv is empty"],
])("a file of sops that %s is a problem at its place, and shows no value", async (_what, files, message) => {
  await using project = await projectWith("{ sops: s.yaml }", files);
  const problems = await project.problems({ environment: "staging", env: project.env });
  expect(problems).toEqual([expect.stringContaining(`environments.staging.dotenv: ${message}`)]);
  expect(problems.join()).not.toContain("s3cret");
});

test("without sops it is said what is missing", async () => {
  await using project = await projectWith("{ sops: s.yaml }", { "s.yaml": encrypted.yaml }, false);
  expect(await project.problems({ environment: "staging", env: { PATH: "/nonexistent" } })).toEqual([
    expect.stringContaining("environments.staging.dotenv: there is no program sops"),
  ]);
});

test("a dotenv that we write is read back as the same values", () => {
  const values = new Map(Object.entries({ A: `it's "q" \\ \\n $X \${Y}`, B: "\r\n\t\r", C: "", D: "#", E: "ä 🔑" }));
  expect(parseDotenv(writeDotenv(values))).toEqual(values);
  expect(parseDotenv(mergeDotenvs([writeDotenv(values), writeDotenv(new Map([["C", "c"]]))]))).toEqual(new Map([...values, ["C", "c"]]));
});

test("of a dotenv its secrets are kept out of output, not its comments", async () => {
  await using project = await projectWith("[a.env, { env: MORE }]", { "a.env": "# Database of staging\nDB_PASSWORD=pa55-of-a\n" });
  parseDotenv((await load(project, { MORE: "MORE_TOKEN=t0ken-of-more\n" })).dotenv!.reveal());
  expect(redactor.redact("# Database of staging: pa55-of-a t0ken-of-more")).toBe("# Database of staging: *** ***");
});

test("a command that has no need of the dotenv keeps its secrets out of output all the same, and runs no program for that", async () => {
  await using project = await projectWith("'${STAGING_DOTENV}'", { "a.env": "DB_PASSWORD=pa55-of-rollback\nPIN=1\nbroken\n" });
  const config = await project.load({ environment: "staging", needs: ["hosts"], env: { STAGING_DOTENV: "a.env" } });
  expect(config.environments["staging"]?.dotenv).toBeUndefined();
  expect(redactor.redact("it is pa55-of-rollback")).toBe("it is ***");
  await project.load({ environment: "staging", needs: ["hosts"] });
  await using other = await projectWith("[{ command: [touch, ran] }, { sops: s }]", { s: encrypted.binary });
  await other.load({ environment: "staging", needs: ["hosts"], env: other.env });
  await expect(readFile(join(other.directory, "ran"))).rejects.toThrow("ENOENT");
});
