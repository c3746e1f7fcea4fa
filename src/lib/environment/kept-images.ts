import { readKeptImages } from "../adapters/host/host-images.ts";
import type { HostAccess } from "../adapters/ssh/route/ssh-access.ts";
import { ColdtivateError } from "../errors.ts";
import { openEnvironment } from "./open-environment.ts";

/**
 * The digests of all images that any host of any environment runs or may go back to.
 *
 * @param path of the configuration file; undefined for the nearest one
 * @throws whatever connecting throws, with the environment's name, because every host has to answer; HOSTS_UNREACHABLE for
 * several
 */
export async function keptImages(
  path: string | undefined,
  environments: readonly string[],
  access: HostAccess & { signal: AbortSignal },
): Promise<Set<string>> {
  const errors: { name: string; error: unknown }[] = [];
  const kept = await Promise.all(
    environments.map(async (name) => {
      try {
        await using environment = await openEnvironment(path, name, access);
        const { project, connections } = environment;
        return await Promise.all(connections.map((connection) => readKeptImages(connection, project, access.signal)));
      } catch (error) {
        errors.push({ name, error });
        return [];
      }
    }),
  );
  if (errors.length > 0) throw describeSilence(errors.toSorted((a, b) => environments.indexOf(a.name) - environments.indexOf(b.name)));
  return new Set(kept.flat(2));
}

function describeSilence(errors: readonly { name: string; error: unknown }[]): unknown {
  const known = errors.flatMap(({ name, error }) => (error instanceof ColdtivateError ? [{ name, error }] : []));
  const [first] = known;
  if (first === undefined || known.length < errors.length) return errors.find(({ error }) => !(error instanceof ColdtivateError))?.error;
  const { code, exit, hint = "", details } = first.error;
  if (known.length === 1)
    return new ColdtivateError(`${first.name}: ${first.error.message}`, { code, exit, hint, details, cause: first.error });
  return new ColdtivateError(
    `${known.map(({ name }) => name).join(", ")}: what their hosts keep is not known, so no image can be removed`,
    {
      code: "HOSTS_UNREACHABLE",
      exit: "refused",
      details: known.flatMap(({ name, error }) => [`${name}: ${error.message}`, ...error.details.map((line) => `  ${line}`)]),
      hint: [...new Set(known.map(({ error }) => error.hint).filter(Boolean))].join(" "),
    },
  );
}
