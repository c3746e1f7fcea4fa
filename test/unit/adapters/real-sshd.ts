import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { userInfo } from "node:os";
import { execa } from "execa";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { listen } from "./ssh-server.ts";

export interface RealSshd extends AsyncDisposable {
  port: number;
  /** Its host keys, as lines of known_hosts without a name. */
  hostKeys: string[];
  /** What it wrote to its log so far. */
  log: () => string;
}

export interface SshdOptions {
  /** Lines of authorized_keys. */
  authorized: readonly string[];
  /** Lines of sshd_config. */
  lines?: readonly string[];
  hostKeyTypes?: readonly string[];
}

/** Makes a key pair in a file. Returns: its path and public half. */
export async function makeKeyFile(folder: string, name: string, type = "ed25519", passphrase = "", ...options: string[]): Promise<KeyFile> {
  const path = join(folder, name);
  await execa("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-C", name, "-f", path, ...options]);
  const { stdout } = await execa("cat", [`${path}.pub`]);
  return { path, public: stdout.trim() };
}

export interface KeyFile {
  path: string;
  public: string;
}

/** OpenSSH's own server on a free port of the loopback, for this process's user. */
export async function startSshd(folder: string, { authorized, lines = [], hostKeyTypes = ["ed25519"] }: SshdOptions): Promise<RealSshd> {
  const probe = createServer();
  const port = await listen(probe);
  probe.close();
  const own = join(folder, `sshd-${port}`);
  await mkdir(own, { mode: 0o700 });
  if (userInfo().uid === 0) await mkdir("/run/sshd", { recursive: true });
  const hostKeys = await Promise.all(hostKeyTypes.map((type) => makeKeyFile(own, `host_${type}`, type)));
  await writeFile(join(own, "authorized_keys"), authorized.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  await writeFile(
    join(own, "sshd_config"),
    [
      ...lines,
      `ListenAddress 127.0.0.1:${port}`,
      ...hostKeys.map(({ path }) => `HostKey ${path}`),
      `AuthorizedKeysFile ${own}/authorized_keys`,
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin yes",
      "PidFile none",
      "UseDNS no",
      "LogLevel VERBOSE",
    ].join("\n"),
  );
  const sshd = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(own, "sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  sshd.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString("utf8");
    if (log.includes("Server listening on")) resolve();
  });
  const ended = once(sshd, "exit").then(() => reject(new Error(`sshd ended: ${log}`)));
  await listening;
  return {
    port,
    hostKeys: hostKeys.map((key) => key.public.split(" ").slice(0, 2).join(" ")),
    log: () => log,
    async [Symbol.asyncDispose]() {
      sshd.kill();
      await ended;
    },
  };
}

/** A server whose host key an authority has certified, and the keys of all three: the authority, the host, and who may log in. */
export async function startCertifiedSshd(folder: string): Promise<{ sshd: RealSshd; ca: KeyFile; host: KeyFile; user: KeyFile }> {
  const [ca, host, user] = await Promise.all(["ca", "host", "key"].map((name) => makeKeyFile(folder, name)));
  await execa("ssh-keygen", ["-q", "-s", ca!.path, "-I", "host", "-h", "-n", "127.0.0.1", host!.path]);
  const lines = [`HostKey ${host!.path}`, `HostCertificate ${host!.path}-cert.pub`];
  return { sshd: await startSshd(folder, { authorized: [user!.public], hostKeyTypes: [], lines }), ca: ca!, host: host!, user: user! };
}

/** A server to log in to as this process's user. */
export function realHost({ port, hostKeys }: RealSshd, privateKey: string, changes: Partial<HostConfig> = {}): HostConfig {
  return {
    host: "127.0.0.1",
    port,
    user: userInfo().username,
    privateKey: new Secret(privateKey),
    knownHosts: hostKeys.map((key) => `[127.0.0.1]:${port} ${key}\n`).join(""),
    ...changes,
  };
}
