import { openRegistry, type RegistryClient } from "../../../adapters/registry/registry.ts";
import type { RegistryConfig } from "../../../config/schema/config.ts";
import { loadConfig } from "../../../config/load.ts";
import type { NamedRepositories } from "../../../release/repositories.ts";
import { onlyNamed, ownRepositories } from "./named-registry.ts";

export interface OpenedRegistry {
  /** Only asks about images that coldtivate.yml names. A host could have made up what it keeps of the past. */
  client: RegistryClient;
  config: RegistryConfig;
  /** The repositories that coldtivate.yml names. */
  named: NamedRepositories;
}

/** A registry that is opened on first use. Until then, its credentials are not needed. */
export interface LateRegistry extends Disposable {
  /** @throws whatever loadConfig throws if the registry's settings are incomplete */
  open(): Promise<OpenedRegistry>;
}

/** @param path of the configuration file; undefined for the nearest one */
export function lateRegistry(
  path: string | undefined,
  options: { env: NodeJS.ProcessEnv; environment: string; signal: AbortSignal },
): LateRegistry {
  let opened: Promise<OpenedRegistry> | undefined;
  let client: RegistryClient | undefined;
  const open = async () => {
    const config = await loadConfig(path, { ...options, needs: ["registry"] });
    client = openRegistry(config.registry, { signal: options.signal });
    const named = ownRepositories(config);
    return { client: onlyNamed(client, named), config: config.registry, named };
  };
  return {
    open: () => (opened ??= open()),
    [Symbol.dispose]: () => client?.[Symbol.dispose](),
  };
}
