import { openRegistry, type RegistryClient } from "../adapters/registry.ts";
import type { RegistryConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";

/** A registry that is not opened, and whose credentials are not needed, until somebody asks for it. */
export interface LateRegistry extends Disposable {
  /** @throws what loadConfig throws, where the registry's settings are not complete */
  open(): Promise<{ client: RegistryClient; config: RegistryConfig }>;
}

/** @param path of the configuration file; undefined: the nearest one */
export function lateRegistry(
  path: string | undefined,
  options: { env: NodeJS.ProcessEnv; environment: string; signal: AbortSignal },
): LateRegistry {
  let opened: Promise<{ client: RegistryClient; config: RegistryConfig }> | undefined;
  let client: RegistryClient | undefined;
  const open = async () => {
    const { registry: config } = await loadConfig(path, { ...options, needs: ["registry"] });
    client = openRegistry(config, { signal: options.signal });
    return { client, config };
  };
  return {
    open: () => (opened ??= open()),
    [Symbol.dispose]: () => client?.[Symbol.dispose](),
  };
}
