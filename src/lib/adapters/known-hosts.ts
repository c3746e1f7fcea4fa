import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { childEnvironment } from "../config/child-environment.ts";
import { ColdtivateError } from "../errors.ts";
import { createPrivateDirectory } from "./private-directory.ts";

/** A line of known_hosts that is about a host. */
export interface KnownKey {
  key: Buffer;
  revoked: boolean;
  /** The file it is in, as the user knows it. */
  source: string;
}

export interface KnownKeys {
  keys: KnownKey[];
  /** Files that trust a certificate authority for the host, which is not supported. */
  authorities: string[];
}

/** The user's and the system's known_hosts. */
export function defaultKnownHosts(): string[] {
  return [join(homedir(), ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"];
}

/** What known_hosts calls a host: its port is part of the name unless it is 22. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** The keys that files know a host by; ssh-keygen reads them, hashed names and patterns included. */
export async function findKnownKeys(name: string, files: readonly string[]): Promise<KnownKeys> {
  const present = await Promise.all(files.map(async (file) => ((await exists(file)) ? file : undefined)));
  return merge(await Promise.all(present.filter((file) => file !== undefined).map((file) => find(name, file, file))));
}

/** The same for lines that the configuration holds. */
export async function findConfiguredKeys(name: string, content: string): Promise<KnownKeys> {
  await using directory = createPrivateDirectory();
  return await find(name, await directory.write("known_hosts", content), "known_hosts in the configuration");
}

async function find(name: string, file: string, source: string): Promise<KnownKeys> {
  const { execa, ExecaError } = await import("execa");
  try {
    const { stdout } = await execa("ssh-keygen", ["-F", name, "-f", file], {
      env: childEnvironment("ssh"),
      extendEnv: false,
      stdin: "ignore",
      timeout: 10_000,
    });
    return parseFound(stdout, source);
  } catch (cause) {
    // 1: the host is not in the file.
    if (cause instanceof ExecaError && cause.exitCode === 1) return { keys: [], authorities: [] };
    const missing = cause instanceof ExecaError && cause.code === "ENOENT";
    throw new ColdtivateError(missing ? "ssh-keygen is not installed" : `ssh-keygen cannot read ${source}`, {
      code: missing ? "SSH_KEYGEN_MISSING" : "KNOWN_HOSTS_UNREADABLE",
      exit: "refused",
      hint: missing
        ? "install OpenSSH's client (openssh-client): it reads known_hosts"
        : `check the file with: ssh-keygen -F ${name} -f FILE`,
      cause,
    });
  }
}

function parseFound(text: string, source: string): KnownKeys {
  const found: KnownKeys = { keys: [], authorities: [] };
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const marked = line.startsWith("@");
    const [marker, , , base64] = marked ? line.split(/\s+/) : ["", ...line.split(/\s+/)];
    if (marker === "@cert-authority") found.authorities.push(source);
    else if (base64) found.keys.push({ key: Buffer.from(base64, "base64"), revoked: marker === "@revoked", source });
  }
  return found;
}

function merge(found: readonly KnownKeys[]): KnownKeys {
  return { keys: found.flatMap(({ keys }) => keys), authorities: found.flatMap(({ authorities }) => authorities) };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
