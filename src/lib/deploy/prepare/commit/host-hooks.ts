import type { Repository } from "../../../adapters/git/git.ts";
import type { TarEntry } from "../../../adapters/tar.ts";
import type { HooksConfig } from "../../../config/schema/config.ts";
import { ColdtivateError } from "../../../errors.ts";

/**
 * Reads the hooks that a release brings to its hosts, from its commit.
 * @throws ColdtivateError HOST_HOOK_MISSING that names every hook that the commit does not have
 */
export async function readHostHooks({ host }: HooksConfig, repository: Repository, commit: string): Promise<TarEntry[]> {
  const wanted = Object.entries(host);
  const found = await Promise.all(wanted.map(async ([name, path]) => ({ name, path, content: await repository.readFile(commit, path) })));
  const missing = found.filter(({ content }) => content === undefined);
  if (missing.length > 0) {
    throw new ColdtivateError("the commit does not have every hook that is to run on the hosts", {
      code: "HOST_HOOK_MISSING",
      exit: "usage",
      details: missing.map(({ name, path }) => `hooks.host.${name}: ${path}`),
      hint: "Hooks of hosts are taken from the commit that is deployed: commit them, or correct coldtivate.yml.",
    });
  }
  return found.map(({ name, content }) => ({ path: `hooks/${name}`, content: content ?? "", mode: 0o700 }));
}
