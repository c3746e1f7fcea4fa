import { openRegistry, type RegistryClient } from "../../../adapters/registry/registry.ts";
import type { Config, RegistryConfig } from "../../../config/schema/config.ts";
import { repositoriesOf, type NamedRepositories } from "../../../release/repositories.ts";
import { onlyNamed, ownRepositories } from "./named-registry.ts";

export interface OpenedRegistry {
  /** Only asks about images of `named`. A host could have made up what it keeps of the past. */
  client: RegistryClient;
  /** The repositories that coldtivate.yml or the commit names. */
  named: NamedRepositories;
}

/**
 * Opens the registry.
 * @param references of the commit's Compose files. It may be asked about them, too
 */
export type OpenRegistry = (references?: Iterable<string>) => Promise<OpenedRegistry>;

/** A registry that is opened on first use. Until then, its credentials are not needed. */
export interface LateRegistry extends Disposable {
  open: OpenRegistry;
  config: () => Promise<RegistryConfig>;
}

/** @param load loads the configuration with the registry's settings */
export function lateRegistry(load: () => Promise<Pick<Config, "registry" | "images" | "front">>, signal: AbortSignal): LateRegistry {
  let loading: ReturnType<typeof load> | undefined;
  let client: RegistryClient | undefined;
  const loaded = () => (loading ??= load());
  return {
    async open(references = []) {
      const config = await loaded();
      client ??= openRegistry(config.registry, { signal });
      const named = new Set([...ownRepositories(config), ...repositoriesOf(references)]);
      return { client: onlyNamed(client, named), named };
    },
    config: async () => (await loaded()).registry,
    [Symbol.dispose]: () => client?.[Symbol.dispose](),
  };
}
