import { parseReference } from "../common/reference.ts";

/** Repositories by registry: the only ones that anybody is asked about, or that a host gets a login for. */
export type NamedRepositories = ReadonlySet<string>;

/** The repositories of references; what is no reference names none. */
export function repositoriesOf(references: Iterable<string>): Set<string> {
  return new Set([...references].flatMap((reference) => repositoryName(reference) ?? []));
}

/** Whether a reference is of one of these repositories. */
export function isNamed(reference: string, named: NamedRepositories): boolean {
  const name = repositoryName(reference);
  return name !== undefined && named.has(name);
}

/** `registry/repository`, by Docker's rules; undefined for what is no reference. */
function repositoryName(reference: string): string | undefined {
  try {
    const { registry, repository } = parseReference(reference);
    return `${registry}/${repository}`;
  } catch {
    return undefined;
  }
}
