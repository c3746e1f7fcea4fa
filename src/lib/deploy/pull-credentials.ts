import { findCredentials } from "../adapters/registry-credentials.ts";
import type { Credentials, RegistryConfig } from "../config/config.ts";
import { parseReference } from "../images/reference.ts";

export interface RegistryLogin {
  registry: string;
  credentials: Credentials;
}

/** The logins that a host needs for pulling the images: the configuration's for the project's registry, the user's own for any other. */
export async function pullCredentials(config: RegistryConfig, images: readonly string[]): Promise<RegistryLogin[]> {
  const registries = new Set(images.map((image) => parseReference(image).registry));
  const found = await Promise.all(
    [...registries].map(async (registry) => {
      const own = registry === config.host ? config.credentials : undefined;
      return { registry, credentials: own ?? (await findCredentials(registry)) };
    }),
  );
  return found.filter((login): login is RegistryLogin => login.credentials !== undefined);
}
