import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { tmpdir, userInfo } from "node:os";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fingerprintOf } from "../../../src/lib/adapters/ssh/keys/fingerprint.ts";
import { WireReader, wireString } from "../../../src/lib/adapters/ssh/keys/ssh-wire.ts";
import { connect, type ConnectOptions } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { makeKeyFile, realHost, startCertifiedSshd, startSshd, type KeyFile } from "./real-sshd.ts";
import { directory, giveEachTestADirectory } from "./ssh-fixture.ts";

giveEachTestADirectory();

let keys: string;
let all: KeyFile[];

beforeAll(async () => {
  keys = await mkdtemp(join(tmpdir(), "coldtivate-keys-"));
  const made = [
    ["ed25519"],
    ["ecdsa", "-b", "256"],
    ["ecdsa", "-b", "384", "-m", "PEM"],
    ["ecdsa", "-b", "521", "-m", "PKCS8"],
    ["rsa", "-b", "2048"],
  ] as const;
  all = await Promise.all(made.map(([type, ...options], index) => makeKeyFile(keys, `${index}`, type, "", ...options)));
});
afterAll(() => rm(keys, { recursive: true }));

async function says(host: HostConfig, options: ConnectOptions = {}): Promise<string> {
  await using connection = await connect(host, options);
  return (await connection.exec("echo it works")).stdout.toString();
}

/** A host whose settings are those of an ssh_config. */
async function configured(lines: readonly string[]): Promise<ConnectOptions> {
  const user = join(directory, "ssh_config");
  await writeFile(user, `${lines.join("\n")}\n`);
  return { files: { user, system: join(directory, "none") } };
}

test("keys of every type log in, in every format, and RSA with SHA-2 alone", async () => {
  await using sshd = await startSshd(directory, { authorized: all.map((key) => key.public) });
  await using old = await startSshd(directory, { authorized: all.map((key) => key.public), lines: ["PubkeyAcceptedAlgorithms ssh-rsa"] });
  for (const { path } of all) expect(await says(realHost(sshd, await readFile(path, "utf8")))).toBe("it works\n");
  const rsa = await readFile(all.at(-1)!.path, "utf8");
  await expect(says(realHost(old, rsa))).rejects.toMatchObject({ code: "SSH_AUTHENTICATION_FAILED" });
  expect(old.log()).not.toContain("Accepted publickey");
});

test("RSA keys log in, and are known, where a server takes SHA-256 or SHA-512 alone", async () => {
  const rsa = all.at(-1)!;
  const ca = await makeKeyFile(directory, "ca");
  await copyFile(`${rsa.path}.pub`, join(directory, "key.pub"));
  await execa("ssh-keygen", ["-q", "-s", ca.path, "-I", "ann", "-n", userInfo().username, join(directory, "key.pub")]);
  for (const hash of ["rsa-sha2-256", "rsa-sha2-512"]) {
    const lines = [`PubkeyAcceptedAlgorithms ${hash},${hash}-cert-v01@openssh.com`, `HostKeyAlgorithms ${hash}`];
    await using sshd = await startSshd(directory, { authorized: [rsa.public], hostKeyTypes: ["rsa"], lines });
    expect(await says(realHost(sshd, await readFile(rsa.path, "utf8")))).toBe("it works\n");
    await using certified = await startSshd(directory, {
      authorized: [],
      hostKeyTypes: ["rsa"],
      lines: [...lines, `TrustedUserCAKeys ${ca.path}.pub`],
    });
    const { privateKey: _none, ...host } = realHost(certified, "");
    const settings = [`IdentityFile ${rsa.path}`, `CertificateFile ${directory}/key-cert.pub`, "IdentityAgent none"];
    expect(await says(host, await configured(settings))).toBe("it works\n");
  }
});

test("a key's file without an end is passed over, and it is said", async () => {
  await using sshd = await startSshd(directory, { authorized: [all[0]!.public] });
  const { privateKey: _none, ...host } = realHost(sshd, "");
  const lines = ["IdentityFile /dev/zero", "CertificateFile /dev/zero", "IdentityAgent none"];
  await expect(connect(host, await configured(lines))).rejects.toMatchObject({
    code: "SSH_KEY_MISSING",
    details: expect.arrayContaining(["/dev/zero cannot be used: it is too large for a key"]) as string[],
  });
  expect(await says(host, await configured([...lines, `IdentityFile ${all[0]!.path}`]))).toBe("it works\n");
});

test("an RSA key that is too short signs nothing", async () => {
  const short = await makeKeyFile(directory, "short", "rsa", "", "-b", "1024");
  await using sshd = await startSshd(directory, { authorized: [short.public], lines: ["RequiredRSASize 1024"] });
  await expect(says(realHost(sshd, await readFile(short.path, "utf8")))).rejects.toMatchObject({
    code: "SSH_KEY_INVALID",
    message: expect.stringContaining("too weak") as string,
  });
  expect(sshd.log()).not.toContain("Connection from");
});

test("a certificate of a key logs in where the key alone does not", async () => {
  const ca = await makeKeyFile(directory, "ca");
  await using sshd = await startSshd(directory, { authorized: [], lines: [`TrustedUserCAKeys ${ca.path}.pub`] });
  const { privateKey: _none, ...host } = realHost(sshd, "");
  for (const { path } of all) {
    await copyFile(`${path}.pub`, join(directory, "key.pub"));
    await execa("ssh-keygen", ["-q", "-s", ca.path, "-I", "ann", "-n", userInfo().username, join(directory, "key.pub")]);
    const options = await configured(["Host *", `IdentityFile ${path}`, `CertificateFile ${directory}/key-cert.pub`, "IdentityAgent none"]);
    expect(await says(host, options)).toBe("it works\n");
    const other = await configured([
      "Host *",
      `IdentityFile ${ca.path}`,
      `CertificateFile ${directory}/key-cert.pub`,
      "IdentityAgent none",
    ]);
    await expect(says(host, other)).rejects.toMatchObject({ code: "SSH_AUTHENTICATION_FAILED" });
  }
});

test("a certificate that has run out is said to have, and is not offered", async () => {
  const ca = await makeKeyFile(directory, "ca");
  const key = await makeKeyFile(directory, "key");
  await execa("ssh-keygen", ["-q", "-s", ca.path, "-I", "ann", "-n", "ann", "-V", "20200101:20200102", key.path]);
  await using sshd = await startSshd(directory, { authorized: [], lines: [`TrustedUserCAKeys ${ca.path}.pub`] });
  const { privateKey: _none, ...host } = realHost(sshd, "");
  const options = await configured(["Host *", `IdentityFile ${key.path}`, "IdentityAgent none"]);
  const refusal = await connect(host, options).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "SSH_AUTHENTICATION_FAILED" });
  expect(JSON.stringify(refusal)).toMatch(/key-cert\.pub cannot be used: it was valid until 2020-01-0/);
});

/** An ssh-agent with a security key in it, which somebody touches at once. */
async function startSecurityKey(): Promise<{ socket: string; public: string } & AsyncDisposable> {
  const type = "sk-ssh-ed25519@openssh.com";
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const point = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
  const blob = Buffer.concat([wireString(type), wireString(point), wireString("ssh:")]);
  const answer = (request: Buffer): Buffer => {
    if (request[0] === 11) return Buffer.concat([Buffer.of(12, 0, 0, 0, 1), wireString(blob), wireString("touch me")]);
    const reader = new WireReader(request, 1);
    reader.string();
    const hash = (data: string | Buffer) => createHash("sha256").update(data).digest();
    const facts = Buffer.of(1, 0, 0, 0, 7);
    const signature = sign(undefined, Buffer.concat([hash("ssh:"), facts, hash(reader.string())]), privateKey);
    return Buffer.concat([Buffer.of(14), wireString(Buffer.concat([wireString(type), wireString(signature), facts]))]);
  };
  const socket = join(directory, "agent.sock");
  const server = createServer((client) => {
    client.on("error", () => {});
    client.on("data", (chunk: Buffer) => client.write(wireString(answer(chunk.subarray(4)))));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    public: `${type} ${blob.toString("base64")}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

test("a security key logs in through the agent", async () => {
  await using agent = await startSecurityKey();
  await using sshd = await startSshd(directory, { authorized: [agent.public] });
  const { privateKey: _none, ...host } = realHost(sshd, "");
  const options = await configured(["Host *", `IdentityAgent ${agent.socket}`]);
  expect(await says(host, options)).toBe("it works\n");
});

test("an encrypted key's passphrase is asked for once, whoever needs the key, and only when a server wants it", async () => {
  const key = await makeKeyFile(directory, "key", "ed25519", "open sesame");
  const other = await makeKeyFile(directory, "other");
  await using sshd = await startSshd(directory, { authorized: [key.public] });
  await using closed = await startSshd(directory, { authorized: [other.public] });
  const content = await readFile(key.path, "utf8");
  const questions: string[] = [];
  const askSecret = (question: string) => {
    questions.push(question);
    return Promise.resolve(questions.length === 1 ? "wrong" : "open sesame");
  };
  await expect(says(realHost(closed, content), { askSecret })).rejects.toMatchObject({ code: "SSH_AUTHENTICATION_FAILED" });
  expect(questions).toEqual([]);
  expect(await Promise.all([1, 2, 3].map(() => says(realHost(sshd, content), { askSecret })))).toEqual(Array(3).fill("it works\n"));
  expect(questions).toEqual(["Passphrase of private_key: ", "Passphrase of private_key (that was not it): "]);
});

test("in a job an encrypted key is refused, with what to do", async () => {
  const key = await makeKeyFile(directory, "key", "ed25519", "open sesame");
  await using sshd = await startSshd(directory, { authorized: [key.public] });
  const { privateKey: _none, ...host } = realHost(sshd, "");
  const options = await configured(["Host *", `IdentityFile ${key.path}`, "IdentityAgent none"]);
  await expect(connect(host, options)).rejects.toMatchObject({
    code: "SSH_KEY_MISSING",
    details: [expect.stringMatching(/key cannot be used: it is encrypted with a passphrase, and nobody is at a terminal.*ssh-add/)],
  });
});

test("a certificate authority's hosts are known, by name, and as long as it says so", async () => {
  const ca = await makeKeyFile(directory, "ca");
  const key = await makeKeyFile(directory, "key");
  const certify = (name: string, ...options: string[]) =>
    execa("ssh-keygen", ["-q", "-s", ca.path, "-I", name, "-h", ...options, join(directory, name)]);
  const content = await readFile(key.path, "utf8");
  for (const name of ["right", "stranger", "old", "anyone", "user"]) await makeKeyFile(directory, name);
  await certify("right", "-n", "127.0.0.1,shop.example.com");
  await certify("stranger", "-n", "bank.example.com");
  await certify("old", "-n", "127.0.0.1", "-V", "20200101:20200102");
  await certify("anyone");
  await execa("ssh-keygen", ["-q", "-s", ca.path, "-I", "user", "-n", "127.0.0.1", join(directory, "user")]);

  const attempt = async (name: string, knownHosts = `@cert-authority * ${ca.public}\n`) => {
    const path = join(directory, name);
    await using sshd = await startSshd(directory, {
      authorized: [key.public],
      hostKeyTypes: ["ecdsa"],
      lines: [`HostKey ${path}`, `HostCertificate ${path}-cert.pub`],
    });
    return await says(realHost(sshd, content, { knownHosts })).catch((error: Error & { details: string[] }) =>
      [error.message, ...error.details].join("\n"),
    );
  };
  expect(await attempt("right")).toBe("it works\n");
  expect(await attempt("stranger")).toContain("it is for bank.example.com, and not for 127.0.0.1");
  expect(await attempt("old")).toContain("it was valid until 2020-01-0");
  expect(await attempt("anyone")).toContain("it names no host");
  expect(await attempt("user")).toContain("it is no host's certificate");
  const impostor = await makeKeyFile(directory, "impostor");
  expect(await attempt("right", `@cert-authority * ${impostor.public}\n`)).toContain("is no trusted authority");
  expect(await attempt("right", `@cert-authority *.example.com ${ca.public}\n`)).toContain("presented");
  const revoked = `@cert-authority * ${ca.public}\n@revoked * ${ca.public}\n`;
  expect(await attempt("right", revoked)).toContain("its authority was revoked");
});

test("an authority stands in where a known key is another one, and a known key needs none", async () => {
  const { ca, host, user: key, ...started } = await startCertifiedSshd(directory);
  await using sshd = started.sshd;
  const content = await readFile(key.path, "utf8");
  const line = `@cert-authority * ${ca.public}\n`;
  expect(await says(realHost(sshd, content, { knownHosts: `${line}[127.0.0.1]:${sshd.port} ${key.public}\n` }))).toBe("it works\n");
  expect(await says(realHost(sshd, content, { knownHosts: `${line}[127.0.0.1]:${sshd.port} ${host.public}\n` }))).toBe("it works\n");
});

test("hosts are reached through others, and many through one connection", async () => {
  const key = await makeKeyFile(directory, "key");
  const content = await readFile(key.path, "utf8");
  await using first = await startSshd(directory, { authorized: [key.public] });
  await using second = await startSshd(directory, { authorized: [key.public] });
  await using last = await startSshd(directory, { authorized: [key.public] });
  const { connectHosts } = await import("../../../src/lib/environment/connect-hosts.ts");
  const host = realHost(last, content, { jump: [realHost(first, content), realHost(second, content)] });
  await using hosts = await connectHosts([host, host, host], {});
  const answers = await Promise.all(hosts.connections.map((connection) => connection.exec("echo $SSH_CONNECTION")));
  expect(answers.map(({ stdout }) => stdout.toString().trim().split(" ").at(-1))).toEqual(Array(3).fill(String(last.port)));
  for (const hop of [first, second]) expect(hop.log().match(/Accepted publickey/g)).toHaveLength(1);
  expect(last.log().match(/Accepted publickey/g)).toHaveLength(3);
});

test("a host that passes nothing on, and one that cannot reach the next, are said to", async () => {
  const key = await makeKeyFile(directory, "key");
  const content = await readFile(key.path, "utf8");
  await using strict = await startSshd(directory, { authorized: [key.public], lines: ["AllowTcpForwarding no"] });
  await using open = await startSshd(directory, { authorized: [key.public] });
  await expect(connect(realHost(open, content, { jump: [realHost(strict, content)] }))).rejects.toMatchObject({
    code: "JUMP_REFUSED",
    message: "127.0.0.1: 127.0.0.1 passes no connections on",
  });
  await expect(connect(realHost(open, content, { port: 1, jump: [realHost(open, content)] }))).rejects.toMatchObject({
    code: "HOST_UNREACHABLE",
    message: expect.stringMatching(/cannot connect from 127\.0\.0\.1: .*refused/i) as string,
  });
});

test("a server that wants more than a key is said to", async () => {
  const key = await makeKeyFile(directory, "key");
  await using sshd = await startSshd(directory, { authorized: [key.public], lines: ["AuthenticationMethods publickey,password"] });
  const refusal = await connect(realHost(sshd, await readFile(key.path, "utf8"))).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "SSH_AUTHENTICATION_FAILED" });
  expect(JSON.stringify(refusal)).toContain("it wants password as well");
});

test("all of a server's keys are shown", async () => {
  const { showHostKeys } = await import("../../../src/lib/adapters/ssh/host-trust.ts");
  await using sshd = await startSshd(directory, { authorized: [], hostKeyTypes: ["ed25519", "ecdsa", "rsa"] });
  const { privateKey: _none, knownHosts: _unknown, ...host } = realHost(sshd, "");
  const shown = [];
  for await (const one of showHostKeys(host, { knownHostsFiles: [join(directory, "known_hosts")] })) shown.push(one);
  const expected = sshd.hostKeys.map((line) => fingerprintOf(Buffer.from(line.split(" ")[1]!, "base64")));
  expect(shown[0]?.keys.map(({ fingerprint }) => fingerprint)).toEqual(expected);
});
