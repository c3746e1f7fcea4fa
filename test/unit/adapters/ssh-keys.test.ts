import { readFile } from "node:fs/promises";
import { execa } from "execa";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hostCertificateFault, parseCertificate } from "../../../src/lib/adapters/ssh/trust/ssh-certificate.ts";
import { readPrivateKey } from "../../../src/lib/adapters/ssh/keys/ssh-private-key.ts";
import { wireString } from "../../../src/lib/adapters/ssh/keys/ssh-wire.ts";
import { keyFault, normaliseKey } from "../../../src/lib/secrets/private-key.ts";
import { makeKeyFile } from "./real-sshd.ts";
import { directory, giveEachTestADirectory } from "./ssh-fixture.ts";

giveEachTestADirectory();

const blobOf = (line: string) => Buffer.from(line.split(" ")[1]!, "base64");

test("a certificate counts with the signature of its authority alone, of whichever type that is", async () => {
  const host = await makeKeyFile(directory, "host");
  for (const [type, ...options] of [["ed25519"], ["ecdsa"], ["ecdsa", "-b", "521"], ["rsa", "-b", "2048"]] as const) {
    const ca = await makeKeyFile(directory, `ca-${[type, ...options].join("")}`, type, "", ...options);
    const certify = (...more: string[]) => execa("ssh-keygen", ["-q", "-s", ca.path, "-I", "host", "-h", "-n", "shop", ...more, host.path]);
    const read = async () => blobOf(await readFile(`${host.path}-cert.pub`, "utf8"));
    const check = (blob: Buffer) => {
      const certificate = parseCertificate(blob);
      const facts = { name: "shop", authorities: [blobOf(ca.public)], revoked: [], now: Date.now() };
      return certificate === undefined ? "none" : hostCertificateFault(certificate, facts);
    };
    await certify();
    const good = await read();
    expect(check(good), type).toBeUndefined();
    for (let at = 40; at < good.length; at++) {
      const changed = Buffer.from(good);
      changed[at]! ^= 1;
      expect(check(changed), `${type} at ${at}`).toBeTypeOf("string");
    }
    if (type !== "rsa") continue;
    await certify("-t", "ssh-rsa");
    expect(check(await read())).toContain("not right, or too weak");
  }
});

test("a security key's file is said to need an agent", () => {
  const type = "sk-ssh-ed25519@openssh.com";
  const blob = Buffer.concat([type, Buffer.alloc(32), "ssh:"].map((part) => wireString(part)));
  const content = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...["none", "none", ""].map((part) => wireString(part)),
    Buffer.of(0, 0, 0, 1),
    wireString(blob),
    wireString("x"),
  ]);
  expect(readPrivateKey(`-----BEGIN OPENSSH PRIVATE KEY-----\n${content.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`)).toBe(
    "security key",
  );
});

test("whatever stands for a key is a key or has a fault, and nothing of it is in the fault's words", async () => {
  const [open, locked, pem] = await Promise.all([
    makeKeyFile(directory, "open"),
    makeKeyFile(directory, "locked", "ed25519", "a passphrase"),
    makeKeyFile(directory, "pem", "ecdsa", "", "-m", "PEM"),
  ]);
  const contents = await Promise.all([open, locked, pem].map(({ path }) => readFile(path, "utf8")));
  const change = fc
    .tuple(fc.constantFrom(...contents), fc.nat(500), fc.constantFrom("", "A", "=", "\n", "\0", "-", " "), fc.nat(30))
    .map(([content, at, text, length]) => content.slice(0, at) + text + content.slice(at + length));
  fc.assert(
    fc.property(fc.oneof(change, fc.string({ unit: "binary", maxLength: 300 })), (content) => {
      const key = normaliseKey(content);
      const fault = keyFault(key) ?? "";
      for (const line of content.split("\n").filter((part) => part.length > 20 && !part.startsWith("-----")))
        expect(fault).not.toContain(line);
      const read = readPrivateKey(key);
      expect(typeof read === "string" || read.blob.length > 0).toBe(true);
    }),
    { seed: 13, numRuns: 300 },
  );
});

test("any bytes are read as a certificate without an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const blob = Buffer.concat([wireString("ssh-ed25519-cert-v01@openssh.com"), Buffer.from(bytes)]);
      expect(parseCertificate(blob)?.id ?? "").toBeTypeOf("string");
    }),
    { seed: 13, numRuns: 500 },
  );
});
