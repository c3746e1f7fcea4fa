import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { readHostScript } from "../../../src/lib/adapters/host/host-script.ts";
import { applyRelease, expectDeploy, followRelease, packQuestion } from "../../../src/lib/adapters/host/host.ts";
import { packTar } from "../../../src/lib/adapters/tar.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { fakeDocker } from "./fake-docker.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";

/** A host whose script reads all that it is sent, and ends; it also keeps the command. */
function host() {
  const seen = { command: "", input: "" };
  const connection = fakeConnection("a", async (command, options) => {
    seen.command = command;
    options?.onLine?.("1\t0\tbegin\tann");
    if (options?.stdin instanceof Readable) for await (const chunk of options.stdin) seen.input += String(chunk);
    return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
  });
  return { connection, seen };
}

const release = { name: "shop-staging", release: "r2", onLine: () => {} };

test("a host that is at work can be spoken to, after an empty line that ends the credentials", async () => {
  const { connection, seen } = host();
  const password = new Secret("sesame");
  const credentials = [{ registry: "r.example", credentials: { username: "ann", password } }];
  let say = (_message: string) => {};
  const ended = applyRelease(connection, { ...release, entries: [], credentials, onStart: (speak) => void (say = speak) });
  await expect.poll(() => seen.input).toMatch(/sesame\n\n$/);
  say("go pulled");
  await expect.poll(() => seen.input).toMatch(/r\.example\tann\tsesame\n\ngo pulled\n$/);
  void ended;
});

test("a release that is at work is followed without a word", async () => {
  const { connection, seen } = host();
  expect(await followRelease(connection, release)).toEqual({ code: 0, stderr: "" });
  expect(seen).toMatchObject({ command: expect.stringContaining("-p shop-staging -c follow r2") as string, input: "" });
});

/** The two commands of a deploy that a host is given before there is anything to send. */
function commandsFor(script: Awaited<ReturnType<typeof readHostScript>>): string[] {
  const commands: string[] = [];
  const { connection } = host();
  const startAhead = (command: string) => {
    commands.push(command);
    return connection.startAhead(command);
  };
  expectDeploy({ ...connection, startAhead }, "shop-staging", script);
  return commands;
}

/** What a host's login shell is given before it is asked anything, run at home with what there is to read. */
async function observeWith(script: Awaited<ReturnType<typeof readHostScript>>, input: Buffer, prepare = (_home: string) => {}) {
  const home = mkdtempSync(join(tmpdir(), "coldtivate-test-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  prepare(home);
  const { stdout, stderr, exitCode } = await execa("sh", ["-c", commandsFor(script)[0]!], { input, env: { HOME: home }, reject: false });
  return { stdout, stderr, exitCode, left: readdirSync(home), home };
}

test("a host is asked what it runs before the question is there, and keeps nothing where none comes", async () => {
  using docker = fakeDocker('case $1 in ps) printf "c1\\tshop-staging\\tweb\\t\\n";; container) printf "%s\\n" "c1 \'\\"";; esac');
  const [, ...parts] = await readHostScript(".");
  const told = { path: "environment-deployment-management.sh", content: 'cat /dev/fd/3; printf "%s\\n" "${COLDTIVATE_ASKED#* }"' };
  const asked = await observeWith([told, ...parts], (await packQuestion([told, ...parts])).input);
  expect(asked).toMatchObject({
    stdout: "  0          20c1\tshop-staging\tweb\tc1 '\"\n-",
    exitCode: 0,
    left: [".coldtivate"],
  });
  expect(docker.calls().map(({ args }) => args[0])).toEqual(expect.arrayContaining(["ps", "container", "image"]));
  expect(await observeWith(parts, Buffer.alloc(0))).toMatchObject({ stdout: "", exitCode: 0, left: [] });
});

test("what a crash left of a question goes; what an older coldtivate had containers write beside it stays", async () => {
  using _docker = fakeDocker("true");
  const script = await readHostScript(".");
  const { home } = await observeWith(script, (await packQuestion(script)).input, (at) => {
    const left = join(at, ".coldtivate/incoming.before");
    for (const folder of ["compose/app", "environment-deployment-management", "environments", "model"])
      mkdirSync(join(left, folder), { recursive: true });
    for (const file of ["dotenv", "defaults", "environment", "model/weights"]) writeFileSync(join(left, file), "");
    utimesSync(left, 0, 0);
  });
  const left = () => readdirSync(join(home, ".coldtivate/incoming.before"), { recursive: true });
  await expect.poll(left).toEqual(["environments", "model", "model/weights"]);
});

test("a script that is not the one that was sent is not run", async () => {
  using _docker = fakeDocker("true");
  const script = await readHostScript(".");
  const other = script.map((entry) => (entry.path.endsWith("/state.sh") ? { ...entry, content: "touch ~/owned" } : entry));
  expect(await observeWith(script, (await packQuestion(other)).input)).toMatchObject({ exitCode: 3, stdout: "", left: [".coldtivate"] });
  expect(await applyAt(script, other)).toMatchObject({ exitCode: 3, left: [] });
});

/** Sends a release to a home, as a deploy does; gives what is left of it. */
async function applyAt(script: Awaited<ReturnType<typeof readHostScript>>, sent: typeof script) {
  const home = mkdtempSync(join(tmpdir(), "coldtivate-test-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const archive = await packTar(sent);
  const input = Buffer.concat([Buffer.from(`r1 ${archive.length}\n`), archive]);
  const { exitCode } = await execa("sh", ["-c", commandsFor(script)[1]!], { input, env: { HOME: home }, reject: false });
  return { exitCode, left: readdirSync(join(home, ".coldtivate/shop-staging/releases")) };
}

test.each([
  [
    "is a link",
    (home: string) => [mkdirSync(join(home, "elsewhere")), symlinkSync(join(home, "elsewhere"), join(home, ".coldtivate/shop-staging"))],
  ],
  ["can be written by others", (home: string) => chmodSync(join(home, ".coldtivate"), 0o777)],
  [
    "can be written by others",
    (home: string) => [mkdirSync(join(home, ".coldtivate/shop-staging")), chmodSync(join(home, ".coldtivate/shop-staging"), 0o720)],
  ],
])("a state that %s is refused before anything is written there", async (why, spoil) => {
  using _docker = fakeDocker("true");
  const script = await readHostScript(".");
  const { exitCode, stderr, home } = await observeWith(script, (await packQuestion(script)).input, (at) => {
    mkdirSync(join(at, ".coldtivate"));
    spoil(at);
  });
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining(why)]);
  expect(readdirSync(join(home, ".coldtivate")).filter((name) => name.startsWith("incoming"))).toEqual([]);
  const own = await execa("bash", ["scripts/environment-deployment-management.sh", "-p", "shop-staging", "history"], {
    env: { HOME: home },
    reject: false,
  });
  expect([own.exitCode, own.stderr]).toEqual([3, expect.stringContaining(why)]);
});
