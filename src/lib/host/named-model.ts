import { ColdtivateError } from "../errors.ts";
import type { ComposeNaming } from "../compose/files/compose-naming.ts";
import { plainWords } from "../common/host-answer.ts";
import type { HostState } from "./host-state.ts";
import { isNamed, type NamedRepositories } from "../release/repositories.ts";
import { referredPaths } from "../compose/sources.ts";

/**
 * Refuses a model with services, images or files that neither the commit's Compose files nor coldtivate.yml name. A host must not
 * choose what it is sent.
 *
 * @param named the repositories of the commit's Compose files and coldtivate.yml
 * @throws ColdtivateError HOST_MODEL that lists all of them
 */
export function refuseForeignModel(
  { host, model, sourceDirectory }: Pick<HostState, "host" | "model" | "sourceDirectory">,
  naming: ComposeNaming,
  named: NamedRepositories,
): void {
  const services = Object.entries(model.services);
  const foreign = services.filter(([name]) => !naming.services.has(name)).map(([name]) => `service ${name}`);
  const images = services.flatMap(([name, { image }]) =>
    image === undefined || isNamed(image, named) ? [] : [`image ${image} of service ${name}`],
  );
  const paths = referredPaths(model, sourceDirectory).filter((path) => !path.startsWith("..") && !naming.paths.has(path));
  const details = [...foreign, ...images, ...paths.map((path) => `file or folder ${path}`)];
  if (details.length === 0) return;
  throw new ColdtivateError(`${host}: its Docker Compose comes to more than the commit's Compose files say`, {
    code: "HOST_MODEL",
    exit: "refused",
    details: details.slice(0, 20).map((line) => plainWords(line).slice(0, 300)),
    hint: "Nothing of this was asked for or sent. Compose files that only a host or another server has count for nothing here: commit them. If the commit has them all, find out who has been on that host.",
  });
}
