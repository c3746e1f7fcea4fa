import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { childEnvironment, type Child } from "../../../secrets/child-environment.ts";
import type { Secret } from "../../../secrets/secret.ts";
import { ColdtivateError } from "../../../errors.ts";
import type { PrivateDirectory } from "../../private-directory.ts";

/** An agent that git and builds can use: its environment, and a way to end it. */
export interface SshAgent extends AsyncDisposable {
  env: { SSH_AUTH_SOCK?: string };
}

/**
 * Checks that the user's own agent is there and holds a key.
 * @throws ColdtivateError SSH_AGENT_MISSING, SSH_AGENT_EMPTY
 */
export async function checkAgent(): Promise<void> {
  const { execa, ExecaError } = await import("execa");
  const code = await execa("ssh-add", ["-l"], { ...bare("ssh"), stdin: "ignore", timeout: 10_000 }).then(
    () => 0,
    (cause: unknown) => (cause instanceof ExecaError ? cause.exitCode : undefined),
  );
  if (code === 0) return;
  const empty = code === 1;
  throw new ColdtivateError(
    empty ? "the ssh-agent holds no key, and the build is to use one" : "the build is to use your ssh-agent, and none answers",
    {
      code: empty ? "SSH_AGENT_EMPTY" : "SSH_AGENT_MISSING",
      exit: "usage",
      hint: empty
        ? "Add one: ssh-add ~/.ssh/id_ed25519"
        : 'Start one (eval "$(ssh-agent)"; ssh-add), or give build.ssh_key in coldtivate.yml.',
    },
  );
}

/**
 * Starts an agent that holds only this key and ends with the command.
 * @throws ColdtivateError SSH_KEY_INVALID, SSH_AGENT_MISSING
 */
export async function startAgent(key: Secret, { path }: PrivateDirectory): Promise<SshAgent> {
  const { execa, ExecaError } = await import("execa");
  const socket = join(path, "agent");
  // The agent watches the program that it started. If we are killed, that program's input ends, so it exits, and the agent
  // follows.
  const watched = execa("ssh-agent", ["-a", socket, "sh", "-c", 'echo "$SSH_AGENT_PID"; exec cat'], {
    ...bare("ssh-agent"),
    reject: false,
  });
  const env = { SSH_AUTH_SOCK: socket };
  let agent = 0;
  const end = async () => {
    // On its own, the agent checks only every ten seconds.
    await execa("ssh-agent", ["-k"], { ...bare("ssh-agent", { ...env, SSH_AGENT_PID: `${agent}` }), reject: false });
    watched.stdin.end();
    await watched;
    await rm(socket, { force: true });
  };
  try {
    const [said] = await Promise.race([once(watched.stdout, "data"), watched.then(refuseMissing)]);
    agent = Number(said);
    await execa("ssh-add", ["-q", "-"], {
      ...bare("ssh-agent", { ...env, SSH_ASKPASS_REQUIRE: "never" }),
      input: key.reveal(),
      timeout: 10_000,
      detached: true,
    });
  } catch (cause) {
    await end();
    if (!(cause instanceof ExecaError)) throw cause;
    throw new ColdtivateError("build.ssh_key is no key that can be used without a passphrase", {
      code: "SSH_KEY_INVALID",
      exit: "usage",
      hint: "Give a private key in OpenSSH's or PEM's format that has no passphrase.",
      cause,
    });
  }
  return { env, [Symbol.asyncDispose]: end };
}

function bare(child: Child, own: Record<string, string> = {}) {
  return { env: childEnvironment(child, own), extendEnv: false };
}

function refuseMissing(): never {
  throw new ColdtivateError("ssh-agent cannot be run", {
    code: "SSH_AGENT_MISSING",
    exit: "usage",
    hint: "Install OpenSSH's client (Debian: openssh-client).",
  });
}
