import { findCredentials } from "../../adapters/registry/registry-credentials.ts";
import type { Credentials, RegistryConfig } from "../../config/schema/config.ts";
import { parseReference } from "../../common/reference.ts";

export interface RegistryLogin {
  registry: string;
  credentials: Credentials;
}

/**
 * The logins that hosts need to pull the images: the configured login for the project's registry, the user's own login for any
 * other.
 */
export async function pullCredentials(config: RegistryConfig, images: readonly string[]): Promise<RegistryLogin[]> {
  const found = await Promise.all(
    [...registriesOf(images)].map(async (registry) => {
      const own = registry === config.host ? config.credentials : undefined;
      return { registry, credentials: own ?? (await findCredentials(registry)) };
    }),
  );
  return found.filter((login): login is RegistryLogin => login.credentials !== undefined);
}

/** The logins that one host needs for the images that it pulls. */
export function loginsFor(images: readonly string[], logins: readonly RegistryLogin[]): RegistryLogin[] {
  const registries = registriesOf(images);
  return logins.filter(({ registry }) => registries.has(registry));
}

function registriesOf(images: readonly string[]): Set<string> {
  return new Set(images.map((image) => parseReference(image).registry));
}
