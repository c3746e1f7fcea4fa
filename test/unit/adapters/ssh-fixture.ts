import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { fingerprintOf } from "../../../src/lib/adapters/ssh/keys/fingerprint.ts";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { makeKey, startServer, type KeyPair, type ServerOptions, type TestServer } from "./ssh-server.ts";

export const hostKey = makeKey();
export const userKey = makeKey();
export const otherKey = makeKey();
/** A new one a test. */
export let directory: string;

/** Makes the directory, and takes it away: every file of tests that needs one calls this. */
export function giveEachTestADirectory(): void {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "coldtivate-ssh-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });
}

export function fingerprint(key: KeyPair): string {
  return fingerprintOf(Buffer.from(key.public.split(" ")[1]!, "base64"));
}

/** A host whose key is pinned, for the user whose key is let in. */
export function hostAt({ port }: { port: number }, changes: Partial<HostConfig> = {}): HostConfig {
  return {
    host: "127.0.0.1",
    port,
    user: "deploy",
    privateKey: new Secret(userKey.private),
    fingerprint: fingerprint(hostKey),
    ...changes,
  };
}

/** The same host without a pinned fingerprint. */
export function unpinned(server: { port: number }, changes: Partial<HostConfig> = {}): HostConfig {
  const { fingerprint: _pinned, ...host } = hostAt(server, changes);
  return host;
}

export function serve(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  return startServer({ hostKeys: [hostKey], authorized: [userKey.public], ...options });
}

/** A known_hosts file that knows the server by some keys. */
export async function knownHosts({ port }: { port: number }, keys: readonly KeyPair[], marker = ""): Promise<string> {
  const file = join(directory, "known_hosts");
  await writeFile(file, keys.map((key) => `${marker}[127.0.0.1]:${port} ${key.public}\n`).join(""));
  return file;
}

export interface Refusal {
  code: string;
  message: string;
  details: string[];
}

export async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  return promise.then(
    () => Promise.reject(new Error("it was not refused")),
    (error: Refusal) => error,
  );
}
