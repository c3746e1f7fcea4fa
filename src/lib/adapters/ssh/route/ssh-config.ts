import { homedir, userInfo } from "node:os";
import { keptNames } from "../../../secrets/child-environment.ts";
import { redactor } from "../../../secrets/redactor.ts";
import { ColdtivateError } from "../../../errors.ts";
import { createPrivateDirectory } from "../../private-directory.ts";
import { configFiles, type ConfigFiles } from "./ssh-config-scan.ts";

/** The output of `ssh -G`, by keyword in lower case: one value per line. */
export type SshConfig = ReadonlyMap<string, readonly string[]>;

export interface ConfigQuestion {
  /** The host as the user calls it. */
  host: string;
  /** The value in coldtivate.yml. Like a command-line option, it wins, and decides what matches. */
  port?: number | undefined;
  user?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Time limit for `ssh -G`, in milliseconds: it may run programs of Match exec, and look up names. */
const patience = 30_000;

/**
 * Asks OpenSSH how its configuration resolves a host.
 *
 * @param files `none` for OpenSSH's own defaults
 * @returns undefined if no ssh is installed
 * @throws ColdtivateError SSH_CONFIG_INVALID in ssh's own words
 */
export async function askSsh(question: ConfigQuestion, files: ConfigFiles | "none" = configFiles()): Promise<SshConfig | undefined> {
  const { execa } = await import("execa");
  await using directory = needsFile(files) ? createPrivateDirectory() : undefined;
  const chosen = files === "none" ? "none" : await directory?.write("ssh_config", asOne(files));
  const { host, port, user, signal } = question;
  const { stdout, stderr, failed, code, timedOut } = await execa(
    "ssh",
    [
      "-G",
      ...(chosen === undefined ? [] : ["-F", chosen]),
      ...(port === undefined ? [] : ["-p", String(port)]),
      ...(user === undefined ? [] : ["-l", user]),
      "--",
      host,
    ],
    {
      stdin: "ignore",
      reject: false,
      timeout: patience,
      env: environmentOfSsh(),
      extendEnv: false,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    },
  );
  signal?.throwIfAborted();
  if (code === "ENOENT") return undefined;
  if (!failed) return parse(stdout);
  const said = stderr.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("Pseudo-terminal"));
  throw new ColdtivateError(`${host}: ${timedOut ? "ssh did not read its configuration in time" : "ssh cannot read its configuration"}`, {
    code: "SSH_CONFIG_INVALID",
    exit: "refused",
    details: said,
    hint: `Nothing was sent to the host. Look at it with: ssh -G ${host}. With ssh_config: ignore in coldtivate.yml it is not read.`,
  });
}

/** The environment for programs that ssh_config names: ours, without anything secret, except what the user wants every child to get. */
export function environmentOfSsh(): Record<string, string> {
  const wanted = new Set(keptNames(process.env));
  const entries = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.filter(([name, value]) => wanted.has(name) || redactor.redact(value) === value));
}

/** OpenSSH looks for the user's files in the home folder that passwd names; we, like most programs, look where HOME points. */
function needsFile(files: ConfigFiles | "none"): files is ConfigFiles {
  return files !== "none" && !(files.system === "/etc/ssh/ssh_config" && files.user === `${passwdHome()}/.ssh/config`);
}

function asOne({ user, system }: ConfigFiles): string {
  return [user, system].map((path) => `Include "${path}"\n`).join("");
}

function passwdHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return homedir();
  }
}

function parse(text: string): SshConfig {
  const found = new Map<string, string[]>();
  const home = passwdHome();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(" ");
    if (at < 1) continue;
    const [keyword, value] = [line.slice(0, at).toLowerCase(), line.slice(at + 1)];
    found.set(keyword, [...(found.get(keyword) ?? []), value.replaceAll(`${home}/.ssh/`, `${homedir()}/.ssh/`)]);
  }
  return found;
}
