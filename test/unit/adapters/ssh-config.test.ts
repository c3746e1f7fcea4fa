import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterEach, expect, test, vi } from "vitest";
import { scanConfig } from "../../../src/lib/adapters/ssh/route/ssh-config-scan.ts";
import type { Endpoint } from "../../../src/lib/adapters/ssh/trust/ssh-endpoint.ts";
import { findRoute, type Route, type RouteOptions } from "../../../src/lib/adapters/ssh/route/ssh-route.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { configurations } from "./ssh-configurations.ts";
import { directory, giveEachTestADirectory } from "./ssh-fixture.ts";

giveEachTestADirectory();

afterEach(() => vi.unstubAllEnvs());

const atTerminal: RouteOptions = { askSecret: () => Promise.resolve("") };

async function write(lines: readonly string[], name = "config"): Promise<{ user: string; system: string }> {
  const user = join(directory, name);
  await writeFile(user, `${lines.join("\n")}\n`);
  return { user, system: join(directory, "none") };
}

/** What OpenSSH itself says, as plain as it prints it. */
async function ask(user: string, host: string, ...options: string[]): Promise<Map<string, string[]>> {
  const { stdout } = await execa("ssh", ["-G", "-F", user, ...options, host], { stdin: "ignore" });
  const found = new Map<string, string[]>();
  for (const [, key = "", value = ""] of stdout.matchAll(/^(\S+) (.*)$/gm)) found.set(key, [...(found.get(key) ?? []), value]);
  return found;
}

/** Keys that OpenSSH looks for by default in some versions only. */
const isOfToday = (path: string) => !/id_(xmss|dsa)$/.test(path);
const isSet = (value: string | undefined) => value !== undefined && value !== "none";

/** Tokens and ~ in what `ssh -G` leaves as it is. */
function expand(path: string, said: Map<string, string[]>, name: string): string {
  const [host = "", port = "", user = ""] = ["hostname", "port", "user"].map((key) => said.get(key)?.[0]);
  const tokens: Record<string, string> = { "%h": host, "%p": port, "%r": user, "%n": name, "%%": "%" };
  return path.replace(/^~/, homedir()).replaceAll(/%./g, (token) => tokens[token] ?? token);
}

function expectAgreement(endpoint: Endpoint, said: Map<string, string[]>, name: string): void {
  const one = (key: string) => said.get(key)?.[0];
  const agent = one("identityagent");
  const variable = agent === undefined || agent === "SSH_AUTH_SOCK" ? "SSH_AUTH_SOCK" : /^\$(\w+)$/.exec(agent)?.[1];
  const files = [one("userknownhostsfile"), one("globalknownhostsfile")].filter(isSet).flatMap((list) => list!.split(" "));
  expect({
    host: endpoint.host,
    port: endpoint.port,
    user: endpoint.user,
    keys: endpoint.login.files.filter(isOfToday),
    certificates: endpoint.login.certificates,
    isOnly: endpoint.login.isOnly,
    agent: endpoint.login.agent,
    files: endpoint.trust.files,
    alias: endpoint.trust.alias,
  }).toEqual({
    host: one("hostname"),
    port: Number(one("port")),
    user: one("user"),
    keys: (said.get("identityfile") ?? []).filter((path) => isSet(path) && isOfToday(path)).map((path) => expand(path, said, name)),
    certificates: (said.get("certificatefile") ?? []).map((path) => expand(path, said, name)),
    isOnly: one("identitiesonly") === "yes",
    agent: agent === "none" ? undefined : variable === undefined ? agent : process.env[variable],
    files,
    alias: one("hostkeyalias"),
  });
}

const named = ({ hops }: Route) => hops.map(({ user, host, port }) => `${user}@${host}:${port}`);

test.each(configurations)("OpenSSH and coldtivate agree: %s", async (_name, host, lines) => {
  vi.stubEnv("SSH_AUTH_SOCK", "/run/usual.sock");
  vi.stubEnv("OTHER_AGENT", "/run/other.sock");
  await mkdir(join(directory, "conf.d"));
  await writeFile(join(directory, "conf.d", "port.conf"), "Port 2022\n");
  await writeFile(join(directory, "conf.d", "user.conf"), "Host prod-*\nUser included\n");
  const files = await write(lines.map((line) => line.replace("conf.d/", `${directory}/conf.d/`)));
  const said = await ask(files.user, host);
  const route = await findRoute({ host }, { ...atTerminal, files });
  expectAgreement(route.target, said, host);

  const [jump] = said.get("proxyjump") ?? [];
  const [command] = said.get("proxycommand") ?? [];
  expect(route.target.proxyCommand).toBe(isSet(command) ? expand(command!, said, host) : undefined);
  if (!isSet(jump)) return expect(route.hops).toEqual([]);
  // As ssh starts itself for the last of them, with the others in front.
  const hops = jump!.split(",").map((hop) => /^(?:ssh:\/\/)?(?:(.*)@)?(\[.*\]|[^:]*)(?::(\d+))?$/.exec(hop)!);
  const expected = await Promise.all(
    hops.map(async ([, user, name = "", port]) => {
      const plain = name.replaceAll(/[[\]]/g, "");
      const options = [...(user === undefined ? [] : ["-l", user]), ...(port === undefined ? [] : ["-p", port])];
      const of = await ask(files.user, plain, ...options);
      return `${of.get("user")?.[0]}@${of.get("hostname")?.[0]}:${of.get("port")?.[0]}`;
    }),
  );
  expect(named(route).slice(-expected.length)).toEqual(expected);
});

test("a host to jump over that has one itself is reached through that", async () => {
  const files = await write(["Host prod-1", "ProxyJump inner", "Host inner", "ProxyJump outer", "Host outer", "Port 24"]);
  const route = await findRoute({ host: "prod-1", user: "ops" }, { ...atTerminal, files });
  expect(named(route)).toEqual([`${userInfo().username}@outer:24`, `${userInfo().username}@inner:22`]);
});

test("what coldtivate.yml says wins, and decides what matches", async () => {
  const files = await write([
    "Match user deploy",
    "IdentityFile /keys/deploy",
    "Host prod-1",
    "HostName 10.0.0.1",
    "Port 1",
    "User never",
    "ProxyJump never",
  ]);
  const host: HostConfig = { host: "prod-1", port: 2222, user: "deploy", jump: [{ host: "bastion", user: "ann", port: 23 }] };
  const route = await findRoute(host, { ...atTerminal, files });
  expect(route.target).toMatchObject({ host: "10.0.0.1", port: 2222, user: "deploy", login: { files: ["/keys/deploy"] } });
  expect(named(route)).toEqual(["ann@bastion:23"]);
  expect((await findRoute({ ...host, jump: [] }, { ...atTerminal, files })).hops).toEqual([]);
});

test("ssh_config is left alone where coldtivate.yml says so", async () => {
  const files = await write(["Port 2222", "User never"]);
  const { target } = await findRoute({ host: "prod-1", user: "deploy", sshConfig: "ignore" }, { files });
  expect(target).toMatchObject({ host: "prod-1", port: 22, user: "deploy" });
});

/** A folder with a program called ssh, which leaves a trace when it runs. */
async function fakeSsh(): Promise<string> {
  const trace = join(directory, "ran");
  await writeFile(join(directory, "ssh"), `#!/bin/sh\necho ran >>${trace}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${directory}${delimiter}${process.env["PATH"]}`);
  return trace;
}

test.each([
  ["no file"],
  ["settings that decide nothing", "Host *", "SendEnv LANG LC_*", "HashKnownHosts yes", "GSSAPIAuthentication yes"],
  ["settings of other hosts", "Host other *.example.com", "User never", "ProxyJump never", "Host !prod-1 prod-*", "Port 1"],
  ["an Include of nothing", "Include /nowhere/*.conf"],
])("ssh is not asked where nothing could come of it: %s", async (_name, ...lines) => {
  const trace = await fakeSsh();
  const files = lines.length === 0 ? { user: join(directory, "no"), system: join(directory, "none") } : await write(lines);
  const { target } = await findRoute({ host: "prod-1", user: "deploy" }, { files });
  expect(target).toMatchObject({ host: "prod-1", port: 22, user: "deploy" });
  expect(existsSync(trace)).toBe(false);
});

test("ssh is not asked for what coldtivate.yml has decided", async () => {
  const trace = await fakeSsh();
  const files = await write(["Host *", "IdentityFile ~/.ssh/mine", "IdentitiesOnly yes", "User me", "Port 1", "ProxyJump never"]);
  const host = { host: "prod-1", user: "deploy", port: 22, privateKey: new Secret("a key"), jump: [] };
  expect((await findRoute(host, { files })).target).toMatchObject({ port: 22, user: "deploy" });
  expect(existsSync(trace)).toBe(false);
  const { jump: _none, ...open } = host;
  await findRoute(open, { files }).catch(() => {});
  expect(existsSync(trace)).toBe(true);
});

test("Debian's own ssh_config is known to decide nothing", async () => {
  const { mayMatter } = await scanConfig("prod-1", { user: join(directory, "none"), system: "/etc/ssh/ssh_config" });
  expect(mayMatter).toBe(false);
});

test.each([
  ["Match exec", ['Match exec "true"', "Port 2222"]],
  ["Match exec after other criteria, in quotes and capitals", ['MATCH host prod-1 "EXEC" "true"', "Port 2222"]],
  ["Match exec with an odd way to write it", ['"Match" exec="true"', "Port 2222"]],
  ["Match exec for another setting", ['Match exec "true"', "Compression yes", "Host prod-1", "Port 2222"]],
  ["Match exec in a file of its own", ["Include CONF/*.conf", "Host prod-1", "Port 2222"]],
  ["an Include that nobody can judge", ["Include ${NOWHERE}/x", "Port 2222"]],
  ["ProxyCommand", ["Host prod-1", "ProxyCommand true"]],
])("a job runs no program that ssh_config names: %s", async (_name, lines) => {
  const traced = join(directory, "ran");
  await writeFile(join(directory, "x.conf"), `Match exec "touch ${traced}"\n`);
  const files = await write(lines.map((line) => line.replace(/\btrue\b/, `touch ${traced}`).replace("CONF", directory)));
  const host = { host: "prod-1", user: "deploy" };
  await expect(findRoute(host, { files })).rejects.toMatchObject({ code: "SSH_CONFIG_NOT_TRUSTED", exit: "refused" });
  expect(existsSync(traced)).toBe(false);
  for (const allowed of [findRoute({ ...host, sshConfig: "trust" }, { files }), findRoute(host, { ...atTerminal, files })])
    expect((await allowed).target).toMatchObject({ user: "deploy" });
});

test("a job has to be told whom to log in as; a person at a terminal is taken for that", async () => {
  const files = await write([]);
  await expect(findRoute({ host: "prod-1" }, { files })).rejects.toMatchObject({ code: "SSH_USER_MISSING", exit: "usage" });
  expect((await findRoute({ host: "prod-1" }, { ...atTerminal, files })).target.user).toBe(userInfo().username);
  const other = await write(["HostKeyAlias shop"]);
  await expect(findRoute({ host: "prod-1" }, { files: other })).rejects.toMatchObject({ code: "SSH_USER_MISSING" });
  const said = await write(["User ops"]);
  expect((await findRoute({ host: "prod-1" }, { files: said })).target.user).toBe("ops");
});

test("without an ssh program coldtivate.yml alone counts, and that is said", async () => {
  vi.stubEnv("PATH", directory);
  const warnings: string[] = [];
  const files = await write(["Port 2222"]);
  const { target } = await findRoute({ host: "prod-1", user: "deploy" }, { files, warn: (text) => warnings.push(text) });
  expect(target.port).toBe(22);
  expect(warnings).toEqual([expect.stringMatching(/prod-1: .*no ssh program.*openssh-client/)]);
});

test("what ssh does not understand is told in its own words", async () => {
  const files = await write(["Host prod-1", "Prt 2222", "User ops"]);
  const refusal = await findRoute({ host: "prod-1" }, { ...atTerminal, files }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "SSH_CONFIG_INVALID", exit: "refused" });
  expect(JSON.stringify(refusal)).toContain("Bad configuration option: prt");
});

test.each([
  ["KnownHostsCommand /usr/bin/sss_ssh_knownhosts %H", "is not run"],
  ["PKCS11Provider /usr/lib/opensc-pkcs11.so", "ssh-add -s /usr/lib/opensc-pkcs11.so"],
  ["RequiredRSASize 4096", "RequiredRSASize 4096 of ssh_config is not followed"],
])("what coldtivate does not follow is said: %s", async (line, told) => {
  const warnings: string[] = [];
  const options = { files: await write([line]), warn: (text: string) => warnings.push(text) };
  await findRoute({ host: "prod-1", user: "deploy", fingerprint: "SHA256:abc" }, options);
  expect(warnings).toEqual([expect.stringContaining(told)]);
  await findRoute({ host: "prod-1", user: "deploy", fingerprint: "SHA256:abc", sshConfig: "ignore" }, options);
  expect(warnings).toHaveLength(1);
  const none = await write([line.replace(/ .*/, line.startsWith("Req") ? " 2048" : " none")]);
  await findRoute({ host: "prod-1", user: "deploy" }, { ...options, files: none });
  expect(warnings).toHaveLength(1);
});

test("a host whose key a program is to tell is refused, unless coldtivate.yml has its key", async () => {
  const files = await write(["Host inner", "KnownHostsCommand /usr/bin/keys %H"]);
  for (const host of [{ host: "inner" }, { host: "prod-1", jump: [{ host: "inner", user: "ops" }] }]) {
    await expect(findRoute({ ...host, user: "deploy" }, { ...atTerminal, files })).rejects.toMatchObject({
      code: "SSH_CONFIG_INVALID",
      exit: "refused",
      message: expect.stringContaining("KnownHostsCommand") as string,
      hint: expect.stringContaining("fingerprint or known_hosts") as string,
    });
  }
  await findRoute({ host: "inner", user: "deploy", knownHosts: "inner ssh-ed25519 x" }, { files });
});

test("a circle of hosts to jump over is an error", async () => {
  for (const lines of [
    ["Host *", "ProxyJump bastion"],
    ["Host a", "ProxyJump b", "Host b", "ProxyJump a"],
  ]) {
    const files = await write(lines);
    await expect(findRoute({ host: "a" }, { ...atTerminal, files })).rejects.toMatchObject({ code: "SSH_CONFIG_INVALID" });
  }
});

test("--verbose says where each value came from", async () => {
  const lines: string[] = [];
  const files = await write(["Host prod-1", "HostName 10.0.0.1", "Port 1", "User never", "ProxyJump bastion"]);
  await findRoute({ host: "prod-1", port: 2222, fingerprint: "SHA256:abc" }, { ...atTerminal, files, explain: (line) => lines.push(line) });
  for (const line of [
    "prod-1: host name 10.0.0.1, from ssh_config",
    "prod-1: port 2222, from coldtivate.yml",
    "prod-1: user never, from ssh_config",
    "prod-1: host key SHA256:abc, from coldtivate.yml",
    "prod-1: through bastion, from ssh_config",
    "bastion: port 22, from default",
  ])
    expect(lines).toContain(line);
});

test("secrets of the process are not in the environment of ssh", async () => {
  const { redactor } = await import("../../../src/lib/secrets/redactor.ts");
  redactor.add("correct horse battery");
  vi.stubEnv("A_TOKEN", "correct horse battery");
  const files = await write(['Match exec "test -z $A_TOKEN"', "Port 2222"]);
  expect((await findRoute({ host: "prod-1", user: "deploy" }, { ...atTerminal, files })).target.port).toBe(2222);
});
