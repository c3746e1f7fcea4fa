import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { connect } from "../../../src/lib/adapters/ssh/ssh.ts";
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

test("an unknown host key is refused, with its fingerprint and how to accept it", async () => {
  await using server = await serve();
  const file = await knownHosts(server, []);
  const refusal = await refusalOf(connect(unpinned(server), { knownHostsFiles: [file] }));
  expect(refusal).toMatchObject({ code: "HOST_KEY_UNKNOWN", exit: "refused" });
  const { details } = refusal;
  expect(details).toContain(`in coldtivate.yml, for this host:  fingerprint: ${fingerprint(hostKey)}`);
  const line = details.find((detail) => detail.startsWith(`in ${file}:  `))!.slice(`in ${file}:  `.length);

  await writeFile(file, `${line}\n`);
  await using connection = await connect(unpinned(server), { knownHostsFiles: [file] });
  expect(connection.host).toBe("127.0.0.1");
});

test("a changed host key is refused, with what was expected and what was presented", async () => {
  await using server = await serve();
  const refusal = await refusalOf(connect(unpinned(server), { knownHostsFiles: [await knownHosts(server, [otherKey])] }));
  expect(refusal).toMatchObject({ code: "HOST_KEY_CHANGED", exit: "refused" });
  const { details } = refusal;
  expect(details.join("\n")).toContain(`expected   ${fingerprint(otherKey)}`);
  expect(details.join("\n")).toContain(`presented  ${fingerprint(hostKey)}`);
});

test("a known host is accepted by hashed names, and among keys of several types", async () => {
  const hostKeys = [makeKey("ecdsa"), hostKey, makeKey("rsa")];
  await using server = await serve({ hostKeys });
  for (const key of hostKeys) {
    const file = await knownHosts(server, [key]);
    await execa("ssh-keygen", ["-H", "-f", file]);
    await using connection = await connect(unpinned(server), { knownHostsFiles: [join(directory, "missing"), file] });
    expect(connection.host).toBe("127.0.0.1");
  }
});

test("known_hosts in the configuration replace the user's", async () => {
  await using server = await serve();
  const lines = await readFile(await knownHosts(server, [hostKey]), "utf8");
  await using connection = await connect(unpinned(server, { knownHosts: lines }), { knownHostsFiles: [] });
  expect(connection.host).toBe("127.0.0.1");
  await expect(connect(unpinned(server, { knownHosts: "" }))).rejects.toMatchObject({ code: "HOST_KEY_UNKNOWN" });
});

test("a revoked host key is refused", async () => {
  await using server = await serve();
  const file = await knownHosts(server, [hostKey], "@revoked ");
  await expect(connect(unpinned(server), { knownHostsFiles: [file] })).rejects.toMatchObject({ code: "HOST_KEY_REVOKED" });
});

test("a certificate authority does not make a host known, and the error says so", async () => {
  await using server = await serve();
  const file = await knownHosts(server, [hostKey], "@cert-authority ");
  const { code, details } = await refusalOf(connect(unpinned(server), { knownHostsFiles: [file] }));
  expect(code).toBe("HOST_KEY_UNKNOWN");
  expect(details.join("\n")).toContain("certificate authority");
});

test("a pinned fingerprint is found among the server's keys of all types", async () => {
  const hostKeys = [makeKey("rsa"), makeKey("ecdsa"), hostKey];
  await using server = await serve({ hostKeys });
  for (const key of hostKeys) {
    await using connection = await connect(hostAt(server, { fingerprint: fingerprint(key) }));
    expect(connection.host).toBe("127.0.0.1");
  }
});

test("a pinned fingerprint that none of the server's keys has is a changed key", async () => {
  await using server = await serve({ hostKeys: [hostKey, makeKey("rsa")] });
  const { code, details } = await refusalOf(connect(hostAt(server, { fingerprint: fingerprint(otherKey) })));
  expect(code).toBe("HOST_KEY_CHANGED");
  expect(details.filter((detail) => detail.startsWith("presented"))).toHaveLength(2);
});
