import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connect, type ConnectOptions } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { trustHosts } from "../../../src/lib/environment/trust-hosts.ts";
import { makeKeyFile, realHost, startSshd } from "../adapters/real-sshd.ts";
import { makeKey } from "../adapters/ssh-server.ts";
import {
  directory,
  fingerprint,
  giveEachTestADirectory,
  hostAt,
  hostKey,
  knownHosts,
  otherKey,
  serve,
  unpinned,
} from "../adapters/ssh-fixture.ts";

giveEachTestADirectory();

/** Trusts hosts whose known_hosts is a file of the test. */
async function trust(hosts: HostConfig[], file: string, answer: "yes" | "no" | "nobody") {
  const told: string[] = [];
  const questions: string[] = [];
  const options: ConnectOptions = { knownHostsFiles: [file], ...(answer !== "nobody" && { askSecret: () => Promise.resolve("") }) };
  const result = await trustHosts(hosts, {
    access: options,
    announce: (text) => Promise.resolve(void told.push(text)),
    confirm(question) {
      questions.push(question);
      if (answer === "yes") return Promise.resolve();
      return Promise.reject(new ColdtivateError("you said no", { code: "DECLINED", exit: "refused" }));
    },
  }).catch((error: unknown) => error);
  return { result, told: told.join("\n"), questions };
}

test("all keys of a host are shown, with what to compare them with, and stored after a yes", async () => {
  const keys = [hostKey, makeKey("ecdsa"), makeKey("rsa")];
  await using server = await serve({ hostKeys: keys });
  const file = join(directory, "ssh", "known_hosts");
  const { result, told, questions } = await trust([unpinned(server)], file, "yes");
  for (const key of keys) expect(told).toContain(fingerprint(key));
  expect(told).toContain("ssh-keygen -lf");
  expect(questions).toHaveLength(1);
  expect(result).toMatchObject([{ host: "127.0.0.1", stored: 3, file }]);
  expect((await stat(file)).mode & 0o077).toBe(0);
  await using connection = await connect(unpinned(server), { knownHostsFiles: [file] });
  expect(connection.host).toBe("127.0.0.1");

  const again = await trust([unpinned(server)], file, "no");
  expect(again).toMatchObject({ questions: [], result: [{ stored: 0 }] });
});

test.each(["no", "nobody"] as const)("nothing is stored without a yes: %s", async (answer) => {
  await using server = await serve();
  const file = await knownHosts(server, []);
  const { result, told } = await trust([unpinned(server)], file, answer);
  expect(told).toContain(fingerprint(hostKey));
  expect(result).toMatchObject({ code: answer === "no" ? "DECLINED" : "CONFIRMATION_NEEDED" });
  expect(await readFile(file, "utf8")).toBe("");
});

test("a key that is not the known one, or was revoked, is not stored, and nobody is asked", async () => {
  await using server = await serve();
  for (const [marker, key, code] of [
    ["", otherKey, "HOST_KEY_CHANGED"],
    ["@revoked ", hostKey, "HOST_KEY_REVOKED"],
  ] as const) {
    const file = await knownHosts(server, [key], marker);
    const before = await readFile(file, "utf8");
    expect(await trust([unpinned(server)], file, "yes")).toMatchObject({ questions: [], result: { code } });
    expect(await readFile(file, "utf8")).toBe(before);
  }
});

test("where coldtivate.yml decides, its own value is compared, and nothing is stored", async () => {
  await using server = await serve();
  const file = await knownHosts(server, []);
  expect(await trust([hostAt(server)], file, "yes")).toMatchObject({ questions: [], result: [{ stored: 0 }] });
  const wrong = await trust([hostAt(server, { fingerprint: fingerprint(otherKey) })], file, "yes");
  expect(wrong).toMatchObject({ questions: [], result: { code: "HOST_KEY_CHANGED", details: [`fingerprint: ${fingerprint(hostKey)}`] } });
  expect(await trust([unpinned(server, { knownHosts: "# none\n" })], file, "yes")).toMatchObject({ result: { code: "HOST_KEY_UNKNOWN" } });
  expect(await readFile(file, "utf8")).toBe("");
});

test("what is in a file already stays, whether its last line ends or not", async () => {
  await using server = await serve();
  const file = join(directory, "known_hosts");
  await writeFile(file, `other ${otherKey.public}`);
  await trust([unpinned(server)], file, "yes");
  expect((await readFile(file, "utf8")).split("\n")).toEqual([
    `other ${otherKey.public}`,
    `[127.0.0.1]:${server.port} ${hostKey.public}`,
    "",
  ]);
});

test("a file that cannot be written to is told, with the lines that were to be added", async () => {
  await using server = await serve();
  const blocked = join(directory, "file");
  await writeFile(blocked, "");
  await chmod(blocked, 0o400);
  const { result } = await trust([unpinned(server)], join(directory, "file", "known_hosts"), "yes");
  expect(result).toMatchObject({ code: "KNOWN_HOSTS_UNWRITABLE", details: [expect.stringContaining(hostKey.public)] });
});

test("a host on the way is trusted first, and the one behind it is asked through it", async () => {
  const key = await makeKeyFile(directory, "key");
  const content = await readFile(key.path, "utf8");
  await using bastion = await startSshd(directory, { authorized: [key.public] });
  await using target = await startSshd(directory, { authorized: [key.public] });
  const hop = { ...realHost(bastion, content), host: "localhost" };
  const { knownHosts: _hop, ...first } = hop;
  const { knownHosts: _target, ...last } = realHost(target, content, { jump: [first] });
  const file = join(directory, "known_hosts");
  const { result, questions } = await trust([last], file, "yes");
  expect(result).toMatchObject([
    { host: "localhost", stored: 1 },
    { host: "127.0.0.1", stored: 1 },
  ]);
  expect(questions).toHaveLength(2);
  await using connection = await connect(last, { knownHostsFiles: [file] });
  expect((await connection.exec("echo through")).stdout.toString()).toBe("through\n");
});
