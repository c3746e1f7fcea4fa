import { parseReference } from "../common/reference.ts";

/** Repositories with their registry. We contact registries about these only, and hosts get logins for these only. */
export type NamedRepositories = ReadonlySet<string>;

/** The repositories of references; skips texts that are not references. */
export function repositoriesOf(references: Iterable<string>): Set<string> {
  return new Set([...references].flatMap((reference) => repositoryName(reference) ?? []));
}

/** Whether a reference belongs to one of these repositories. */
export function isNamed(reference: string, named: NamedRepositories): boolean {
  const name = repositoryName(reference);
  return name !== undefined && named.has(name);
}

/** `registry/repository`, by Docker's rules; undefined if the text is not a reference. */
function repositoryName(reference: string): string | undefined {
  try {
    const { registry, repository } = parseReference(reference);
    return `${registry}/${repository}`;
  } catch {
    return undefined;
  }
}
