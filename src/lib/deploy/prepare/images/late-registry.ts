import { openRegistry, type RegistryClient } from "../../../adapters/registry/registry.ts";
import type { RegistryConfig } from "../../../config/schema/config.ts";
import { loadConfig } from "../../../config/load.ts";
import type { NamedRepositories } from "../../../release/repositories.ts";
import { onlyNamed, ownRepositories } from "./named-registry.ts";

export interface OpenedRegistry {
  /** Asks about nothing but what coldtivate.yml names: what a host keeps of the past it may have made up. */
  client: RegistryClient;
  config: RegistryConfig;
  /** What coldtivate.yml names. */
  named: NamedRepositories;
}

/** A registry that is not opened, and whose credentials are not needed, until somebody asks for it. */
export interface LateRegistry extends Disposable {
  /** @throws what loadConfig throws, where the registry's settings are not complete */
  open(): Promise<OpenedRegistry>;
}

/** @param path of the configuration file; undefined: the nearest one */
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
