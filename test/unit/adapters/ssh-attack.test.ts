import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { connect } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { forwardConnection, startImpostorServer, type ImpostorServer } from "./impostor-server.ts";
import { makeKeyFile, realHost, startCertifiedSshd, startSshd } from "./real-sshd.ts";
import { makeKey } from "./ssh-server.ts";
import {
  directory,
  fingerprint,
  giveEachTestADirectory,
  hostAt,
  hostKey,
  knownHosts,
  otherKey,
  refusalOf,
  serve,
  unpinned,
} from "./ssh-fixture.ts";

giveEachTestADirectory();

/** Nothing but the opening of a key exchange: no name, no key, no word of a login. */
function expectNothingHeard(impostor: ImpostorServer, host: HostConfig): void {
  expect(impostor.logins).toBe(0);
  const received = impostor.received();
  expect(received).toMatch(/^SSH-2\.0-/);
  for (const word of [host.user!, "ssh-userauth", "ssh-connection", "publickey", host.privateKey!.reveal().split("\n")[1]!])
    expect(received).not.toContain(word);
}

test.each(["first", "last"])("a man in the middle on the %s hop gets no byte of a secret", async (hop) => {
  const key = await makeKeyFile(directory, "key");
  const content = await readFile(key.path, "utf8");
  await using bastion = await startSshd(directory, { authorized: [key.public] });
  await using target = await startSshd(directory, { authorized: [key.public] });
  await using middle = await startImpostorServer(otherKey);
  const right = { bastion: realHost(bastion, content), target: realHost(target, content) };
  // What is known is the right one's key, under the address where the impostor sits.
  const spoofed = (host: HostConfig) => ({
    ...host,
    port: middle.port,
    knownHosts: host.knownHosts!.replaceAll(/:\d+/g, `:${middle.port}`),
  });
  const host = hop === "first" ? { ...right.target, jump: [spoofed(right.bastion)] } : { ...spoofed(right.target), jump: [right.bastion] };
  await expect(connect(host)).rejects.toMatchObject({ code: "HOST_KEY_CHANGED", exit: "refused" });
  expectNothingHeard(middle, host);
  const unknown = hop === "first" ? { ...host, jump: [{ ...host.jump[0]!, knownHosts: "" }] } : { ...host, knownHosts: "" };
  await expect(connect(unknown)).rejects.toMatchObject({ code: "HOST_KEY_UNKNOWN" });
  expectNothingHeard(middle, host);
  expect(target.log()).not.toContain("Connection from");
});

test("a man in the middle who passes on a host's certificate has not the key that it is about", async () => {
  const { ca, user: key, ...started } = await startCertifiedSshd(directory);
  await using sshd = started.sshd;
  await using middle = await startImpostorServer(otherKey, {}, (socket, count) => {
    if (count === 1) forwardConnection(socket, sshd.port);
    return count === 1;
  });
  const host = realHost(sshd, await readFile(key.path, "utf8"), { port: middle.port, knownHosts: `@cert-authority * ${ca.public}\n` });
  await expect(connect(host)).rejects.toMatchObject({ code: "HOST_KEY_UNKNOWN" });
  expectNothingHeard(middle, host);
});

test.each([
  ["host keys", { serverHostKey: ["ssh-rsa"] }],
  ["message authentication", { hmac: ["hmac-sha1", "hmac-sha1-etm@openssh.com"], cipher: ["aes128-ctr"] }],
  ["key exchange", { kex: ["diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1", "diffie-hellman-group-exchange-sha1"] }],
  ["ciphers", { cipher: ["aes128-cbc", "3des-cbc"] }],
] as const)("a server that has nothing better than what OpenSSH no longer offers is refused: %s", async (_what, algorithms) => {
  const key = makeKey("rsa");
  await using server = await startImpostorServer(key, { algorithms: algorithms as object });
  const host = hostAt(server, { fingerprint: fingerprint(key) });
  await expect(connect(host, { pauses: [] })).rejects.toMatchObject({
    code: "HOST_UNREACHABLE",
    message: expect.stringMatching(/it does not speak SSH as we do: .*no matching/i) as string,
  });
  expectNothingHeard(server, host);
});

test("a host key of RSA that is too short is refused, although it is known and pinned", async () => {
  const key = await makeKeyFile(directory, "short", "rsa", "", "-b", "1024", "-m", "PEM");
  const short = { private: await readFile(key.path, "utf8"), public: key.public.split(" ").slice(0, 2).join(" ") };
  await using server = await startImpostorServer(short);
  const host = hostAt(server, { fingerprint: fingerprint(short) });
  await expect(connect(host)).rejects.toMatchObject({ code: "HOST_KEY_WEAK" });
  const { fingerprint: _pinned, ...known } = host;
  await expect(connect({ ...known, knownHosts: `[127.0.0.1]:${server.port} ${short.public}\n` })).rejects.toMatchObject({
    code: "HOST_KEY_WEAK",
  });
  expectNothingHeard(server, host);
});

test.each([
  ["a pinned fingerprint", { fingerprint: fingerprint(hostKey) }, {}],
  ["lines of the configuration", {}, { knownHosts: true }],
  ["a name without its port", {}, { plain: true }],
])(
  "what known_hosts has as revoked is refused in spite of %s",
  async (_what, pinned, { knownHosts: isOwn = false, plain = false }: Record<string, boolean>) => {
    await using server = await serve();
    const file = await knownHosts(plain ? { port: 22 } : server, [hostKey], "@revoked ");
    if (plain) await execa("sed", ["-i", String.raw`s/\[127.0.0.1\]:22/127.0.0.1/`, file]);
    const own = isOwn || plain ? { knownHosts: `[127.0.0.1]:${server.port} ${hostKey.public}\n` } : {};
    const host = { ...unpinned(server), ...pinned, ...own };
    await expect(connect(host, { knownHostsFiles: [file] })).rejects.toMatchObject({ code: "HOST_KEY_REVOKED" });
    await using connection = await connect(host, { knownHostsFiles: [join(directory, "none")] });
    expect(connection.host).toBe("127.0.0.1");
  },
);

test("what RevokedHostKeys has is refused, and a list of it that cannot be read makes nobody trusted", async () => {
  await using server = await serve();
  const list = join(directory, "revoked");
  const user = join(directory, "ssh_config");
  await writeFile(user, `RevokedHostKeys ${list}\n`);
  const options = { files: { user, system: join(directory, "none") } };
  await expect(connect(hostAt(server), options)).rejects.toMatchObject({ code: "KNOWN_HOSTS_UNREADABLE" });
  await writeFile(list, `${otherKey.public}\n`);
  await using connection = await connect(hostAt(server), options);
  expect(connection.host).toBe("127.0.0.1");
  await writeFile(list, `${otherKey.public} other\n${hostKey.public} host\n`);
  await expect(connect(hostAt(server), options)).rejects.toMatchObject({ code: "HOST_KEY_REVOKED" });
  await writeFile(list, "SSHKRL\n\0");
  await expect(connect(hostAt(server), options)).rejects.toMatchObject({ code: "KNOWN_HOSTS_UNREADABLE" });
});

test("an agent that signs with SHA-1 all the same is not let to", async () => {
  const { signWithAgent } = await import("../../../src/lib/adapters/ssh/keys/ssh-agent-client.ts");
  const { wireString } = await import("../../../src/lib/adapters/ssh/keys/ssh-wire.ts");
  const { createServer } = await import("node:net");
  const socket = join(directory, "agent.sock");
  const answer = Buffer.concat([Buffer.of(14), wireString(Buffer.concat([wireString("ssh-rsa"), wireString("weak")]))]);
  const agent = createServer((client) => void client.on("data", () => client.write(wireString(answer))));
  await new Promise<void>((resolve) => agent.listen(socket, resolve));
  await expect(signWithAgent(socket, Buffer.alloc(4), Buffer.alloc(4), "rsa-sha2-512")).rejects.toThrow("ssh-rsa in place of rsa-sha2-512");
  agent.close();
});

test("nothing that a host says in a certificate or at its goodbye reaches a terminal as an order", async () => {
  const escape = "\u001B]52;c;AAAA\u0007\u009B2J";
  const ca = await makeKeyFile(directory, "ca");
  const own = await makeKeyFile(directory, "own");
  await execa("ssh-keygen", ["-q", "-s", ca.path, "-I", `host${escape}`, "-h", "-n", `bank${escape}`, own.path]);
  await using sshd = await startSshd(directory, {
    authorized: [],
    hostKeyTypes: [],
    lines: [`HostKey ${own.path}`, `HostCertificate ${own.path}-cert.pub`],
  });
  const host = realHost(sshd, await readFile(own.path, "utf8"), { knownHosts: `@cert-authority * ${ca.public}\n` });
  const refusal = await refusalOf(connect(host));
  expect(refusal.details.join("\n")).toContain("it is for bank");
  await using rude = await serve({ onAuthentication: (context) => context.reject([`password${escape}` as "password"]) });
  const other = await refusalOf(connect(hostAt(rude)));
  expect(other.details.join("\n")).toContain("it wants password");
  for (const { message, details } of [refusal, other]) expect([message, ...details].join("")).not.toMatch(/\p{Cc}/u);
});
