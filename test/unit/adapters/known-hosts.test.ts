import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findConfiguredKeys, findKnownKeys, knownHostsName, readRevokedKeys } from "../../../src/lib/adapters/ssh/trust/known-hosts.ts";
import { matchesHostPattern } from "../../../src/lib/adapters/ssh/trust/known-hosts-line.ts";
import { makeKey } from "./ssh-server.ts";
import { directory, giveEachTestADirectory } from "./ssh-fixture.ts";

giveEachTestADirectory();

const hosts = ["shop.example.com", "Shop.Example.com", "db.example.com", "192.0.2.7", "2001:db8::1", "shop"];

test("OpenSSH and coldtivate find the same lines", async () => {
  const names = [
    "shop.example.com",
    "shop.example.com,192.0.2.7",
    "*.example.com,!db.example.com",
    "!shop.example.com,*",
    "s?op*",
    "[shop.example.com]:2222",
    "[*.example.com]:2222",
    "2001:db8::1",
    "[2001:db8::1]:2222",
    "SHOP",
    "*",
  ];
  const keys = names.map(() => makeKey());
  const lines = names.map((name, index) => `${name} ${keys[index]!.public} a comment`);
  const hashed = join(directory, "hashed");
  await writeFile(hashed, `shop.example.com ${makeKey().public}\n[db.example.com]:2222 ${makeKey().public}\n`);
  await execa("ssh-keygen", ["-H", "-f", hashed]);
  const file = join(directory, "known_hosts");
  const { stdout: hidden } = await execa("cat", [hashed]);
  const odd = ["", "# comment", "shop.example.com", "shop.example.com ssh-ed25519 nonsense", `\tshop.example.com\t${makeKey().public}`];
  await writeFile(
    file,
    [...lines, ...odd, hidden, `@revoked shop.example.com ${makeKey().public}`, `@cert-authority * ${makeKey().public}`].join("\n"),
  );

  for (const host of hosts) {
    for (const port of [22, 2222]) {
      const name = knownHostsName(host, port);
      const { stdout } = await execa("ssh-keygen", ["-F", name, "-f", file], { reject: false });
      const expected = stdout
        .split("\n")
        .filter((line) => /\S/.test(line) && !line.startsWith("# Host"))
        .map((line) => line.match(/AAAA\S+/)?.[0]);
      const { keys: known, authorities, revoked } = await findKnownKeys(name, [file, join(directory, "none")]);
      const found = [...known, ...authorities, ...revoked].map(({ key }) => key.toString("base64"));
      expect(found.toSorted(), name).toEqual(expected.filter((line) => line !== undefined).toSorted());
    }
  }
});

test("a pattern matches as the regular expression does that it stands for, whatever is in it", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "?"), maxLength: 12 });
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 12 }), letters, (text, pattern) => {
      const regular = pattern
        .replaceAll(".", String.raw`\.`)
        .replaceAll(/\*+/g, ".*")
        .replaceAll("?", ".");
      expect(matchesHostPattern(text, pattern)).toBe(new RegExp(`^${regular}$`, "s").test(text));
    }),
    { numRuns: 2000 },
  );
  expect(matchesHostPattern("a".repeat(20_000), `${"*a".repeat(500)}b`)).toBe(false);
});

test("a list without an end is refused, and one of many hosts is read", async () => {
  for (const read of [() => findKnownKeys("shop", ["/dev/zero"]), () => readRevokedKeys("/dev/zero")])
    await expect(read()).rejects.toMatchObject({ code: "KNOWN_HOSTS_UNREADABLE", exit: "refused" });
  const file = join(directory, "many");
  await writeFile(file, `${"# a comment\n".repeat(200_000)}shop ${makeKey().public}\n`);
  expect((await findKnownKeys("shop", [file])).keys).toHaveLength(1);
});

test("any bytes are read without an error, and make nobody known", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(findConfiguredKeys("shop", Buffer.from(bytes).toString("utf8")).keys).toEqual([]);
    }),
    { seed: 13, numRuns: 500 },
  );
});
