import { logIn, noteLogin, type DockerEnvironment } from "../adapters/docker-login.ts";
import { createPrivateDirectory, type PrivateDirectory } from "../adapters/private-directory.ts";
import { checkAgent, startAgent } from "../adapters/ssh-agent.ts";
import type { Config } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import type { Reporter } from "../report/progress.ts";

/** What a build may use, for as long as it runs: a private folder, an agent, the registry's login. */
export interface BuildAccess extends AsyncDisposable {
  directory: PrivateDirectory;
  sshEnv: { SSH_AUTH_SOCK?: string };
  /**
   * Logs in to the registry, and gives the environment of every docker from then on.
   * @param throughEngine whether the engine is to try the login: any other builder needs no engine
   */
  logIn(output: "load" | "push", throughEngine: boolean): Promise<DockerEnvironment>;
}

/**
 * Sees to the agent before anything is built, and keeps what is secret in one folder that goes with it.
 * @throws ColdtivateError SSH_AGENT_MISSING, SSH_AGENT_EMPTY, SSH_KEY_INVALID
 */
export async function openAccess({ build, registry }: Config, reporter: Reporter, signal: AbortSignal): Promise<BuildAccess> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await createPrivateDirectory());
  if (build.sshKey === undefined && build.ssh) await checkAgent();
  const sshEnv = build.sshKey === undefined ? {} : stack.use(await startAgent(build.sshKey, directory)).env;
  const owned = stack.move();
  return {
    directory,
    sshEnv,
    async logIn(output, throughEngine) {
      try {
        return await (throughEngine ? logIn(registry, directory, signal) : noteLogin(registry, directory));
      } catch (error) {
        // A build that stays here can do without the registry's cache.
        if (output === "push" || !(error instanceof ColdtivateError) || error.code !== "REGISTRY_UNREACHABLE") throw error;
        reporter.emit({ type: "warning", text: [`${error.message}: building without its cache`, ...error.details].join("; ") });
        return {};
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
