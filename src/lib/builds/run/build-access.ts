import { logInToRegistry, noteLogin, tryLogin, type DockerEnvironment } from "../../adapters/docker/docker-login.ts";
import { createPrivateDirectory, type PrivateDirectory } from "../../adapters/private-directory.ts";
import { checkAgent, startAgent } from "../../adapters/ssh/keys/ssh-agent.ts";
import type { Config } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import { markHandled } from "../../common/mark-handled.ts";
import type { Reporter } from "../../report/progress.ts";

export interface Login {
  /** The environment for every docker process from then on. */
  env: DockerEnvironment;
  /** Rejects if the engine cannot log in. It may still be trying. */
  tried: Promise<void>;
}

/** What a build may use while it runs: a private folder, an SSH agent, the registry's login. */
export interface BuildAccess extends AsyncDisposable {
  directory: PrivateDirectory;
  sshEnv: { SSH_AUTH_SOCK?: string };
  /** Writes down the login for every docker process, without trying it. */
  noteLogin(): Promise<DockerEnvironment>;
  /**
   * Logs in to the registry.
   * @param throughEngine whether the engine tries the login; other builders need no engine
   */
  logIn(output: "load" | "push", throughEngine: boolean): Promise<Login>;
}

/**
 * Checks or starts the SSH agent before anything is built. Keeps all secrets in one folder that is removed on disposal.
 * @throws ColdtivateError SSH_AGENT_MISSING, SSH_AGENT_EMPTY, SSH_KEY_INVALID
 */
export async function openAccess({ build, registry }: Config, reporter: Reporter, signal: AbortSignal): Promise<BuildAccess> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(createPrivateDirectory());
  if (build.sshKey === undefined && build.ssh) await checkAgent();
  const sshEnv = build.sshKey === undefined ? {} : stack.use(await startAgent(build.sshKey, directory)).env;
  const owned = stack.move();
  let noted: Promise<DockerEnvironment> | undefined;
  const note = () => (noted ??= noteLogin(registry, directory));
  return {
    directory,
    sshEnv,
    noteLogin: note,
    async logIn(output, throughEngine) {
      if (output === "push" || !throughEngine) {
        const env = await note();
        return { env, tried: throughEngine ? markHandled(tryLogin(registry, env, signal)) : Promise.resolve() };
      }
      try {
        return { env: await logInToRegistry(registry, directory, signal), tried: Promise.resolve() };
      } catch (error) {
        // A build that loads into the local engine can do without the registry's cache.
        if (!(error instanceof ColdtivateError) || error.code !== "REGISTRY_UNREACHABLE") throw error;
        reporter.emit({ type: "warning", text: [`${error.message}: building without its cache`, ...error.details].join("; ") });
        return { env: {}, tried: Promise.resolve() };
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Starts the work while a login is being tried. If the login fails, aborts the work, waits for its cleanup, and throws the
 * login's error.
 */
export async function unlessRefused<Result>(
  tried: Promise<void>,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const refused = new AbortController();
  tried.catch((error: unknown) => refused.abort(error));
  const working = work(AbortSignal.any([signal, refused.signal]));
  await Promise.allSettled([tried, working]);
  await tried;
  return working;
}
