import type { HostAccess } from "../adapters/ssh/route/ssh-access.ts";
import type { HostConnection } from "../adapters/ssh/ssh.ts";
import { loadConfig } from "../config/load.ts";
import { projectOf } from "../deploy/prepare/intent.ts";
import { connectHosts } from "./connect-hosts.ts";

/** An environment with open connections to its hosts. */
export interface OpenEnvironment extends AsyncDisposable {
  name: string;
  /** Name of the Compose project on its hosts. */
  project: string;
  connections: readonly HostConnection[];
}

/**
 * Connects to an environment's hosts, for commands that need nothing else from the configuration.
 *
 * @param path of the configuration file; undefined for the nearest one
 */
export async function openEnvironment(path: string | undefined, environment: string, access: HostAccess): Promise<OpenEnvironment> {
  const { signal } = access;
  const config = await loadConfig(path, { env: process.env, environment, needs: ["hosts"], signal });
  const { name, hosts } = config.environments[environment]!;
  const { connections, [Symbol.asyncDispose]: close } = await connectHosts(hosts, access);
  return { name, project: projectOf(config, { name }), connections, [Symbol.asyncDispose]: close };
}
