import type { RegistryClient } from "../../../adapters/registry/registry.ts";
import type { Config } from "../../../config/schema/config.ts";
import { ColdtivateError } from "../../../errors.ts";
import { plainWords } from "../../../common/host-answer.ts";
import { isNamed, repositoriesOf, type NamedRepositories } from "../../../release/repositories.ts";
import { repositoryOfImage } from "../../../images/image-tags.ts";

/** The repositories that coldtivate.yml names: the project's own images, and the fronts' image. */
export function ownRepositories({ registry, images, front }: Pick<Config, "registry" | "images" | "front">): Set<string> {
  return repositoriesOf([...Object.keys(images).map((name) => repositoryOfImage(registry.image, name)), front.image]);
}

/**
 * A client that only asks about repositories that the project names. Hosts report what they run, and must not choose which
 * registries we contact with your login. Its requests can also throw ColdtivateError IMAGE_NOT_NAMED.
 */
export function onlyNamed(registry: RegistryClient, named: NamedRepositories): RegistryClient {
  const check = <Answer>(ask: (reference: string) => Promise<Answer>) => {
    return async (reference: string): Promise<Answer> => {
      if (!isNamed(reference, named)) throw notNamed(reference);
      return ask(reference);
    };
  };
  return {
    ...registry,
    digestOf: check((reference) => registry.digestOf(reference)),
    layersOf: check((reference) => registry.layersOf(reference)),
    configurationOf: check((reference) => registry.configurationOf(reference)),
    manifestOf: check((reference) => registry.manifestOf(reference)),
  };
}

function notNamed(reference: string): ColdtivateError {
  return new ColdtivateError(`nobody is asked about ${plainWords(reference).slice(0, 200)}`, {
    code: "IMAGE_NOT_NAMED",
    exit: "refused",
    details: ["neither the Compose files of the commit nor coldtivate.yml name its repository"],
    hint: "A host named it: name it in a Compose file if it is yours, otherwise find out who has been on that host.",
  });
}
