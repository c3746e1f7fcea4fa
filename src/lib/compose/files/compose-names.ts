/** The names of a project's Compose file, in Compose's order. The first one that exists counts. */
export const baseNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const overrideNames = ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/** Names of an environment's own file: first in the style of the base file, then in any other. */
function environmentNames(base: string, environment: string): string[] {
  const nameFor = (name: string) => name.replace(/\.(ya?ml)$/, `.${environment}.$1`);
  return [base, ...baseNames].map(nameFor);
}

/**
 * Finds the Compose files of an environment that names none: those that `docker compose` finds in the folder. The environment's
 * own file (`compose.staging.yaml`), if there is one, replaces the override file. Empty if there is no Compose file.
 *
 * @param has whether the folder has a file of that name
 */
export async function findComposeFiles(environment: string, has: (name: string) => Promise<boolean>): Promise<string[]> {
  const first = async (names: readonly string[]): Promise<string | undefined> => {
    const there = await Promise.all(names.map(has));
    return names.find((_name, index) => there[index]);
  };
  const base = await first(baseNames);
  if (base === undefined) return [];
  const more = (await first(environmentNames(base, environment))) ?? (await first(overrideNames));
  return [base, ...(more === undefined ? [] : [more])];
}

/** The files that COMPOSE_FILE names, in a dotenv as in Compose. Undefined if it names none. */
export function composeFileList(variables: ReadonlyMap<string, string>): string[] | undefined {
  const files = (variables.get("COMPOSE_FILE") ?? "").split(variables.get("COMPOSE_PATH_SEPARATOR") || ":").filter((file) => file !== "");
  return files.length === 0 ? undefined : files;
}
