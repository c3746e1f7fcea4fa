import { ColdtivateError } from "../errors.ts";

/** The parts of an image's name; parts that were not written are absent. */
export interface Reference {
  /** Host, with the port if there is one; `docker.io` if none is written. */
  registry: string;
  repository: string;
  tag?: string;
  /** `sha256:…` */
  digest?: string;
}

const pattern = /^(?<name>[^@\s]+?)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;
const repositoryPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
/** A host or an address, with the port if there is one. */
const registryPattern = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/** The canonical name of a registry: Docker Hub has two names. */
export function canonicalRegistry(host: string): string {
  return host === "index.docker.io" ? "docker.io" : host;
}

/**
 * Parses an image's name by Docker's rules: `postgres:15` is `docker.io/library/postgres:15`.
 * @throws ColdtivateError IMAGE_REFERENCE_INVALID
 */
export function parseReference(text: string): Reference {
  const { name = "", tag, digest } = pattern.exec(text)?.groups ?? {};
  const { registry, repository } = splitName(name);
  if (!repositoryPattern.test(repository) || !registryPattern.test(registry)) {
    throw new ColdtivateError(`"${text}" is no image name`, {
      code: "IMAGE_REFERENCE_INVALID",
      exit: "usage",
      hint: "An image name is [registry/]repository[:tag][@sha256:digest], the repository in lower case.",
    });
  }
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The name as people write it, without the parts that Docker Hub implies. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  const name = registry === "docker.io" ? repository.replace(/^library\//, "") : `${registry}/${repository}`;
  return `${name}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** Pins an image: `name@sha256:…` always names this image, whatever the tag refers to tomorrow. */
export function pinReference(text: string, digest: string): string {
  const { registry, repository } = parseReference(text);
  return formatReference({ registry, repository, digest });
}

function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, slash);
  if (slash > 0 && (first.includes(".") || first.includes(":") || first === "localhost")) {
    const repository = name.slice(slash + 1);
    const registry = canonicalRegistry(first);
    if (registry !== "docker.io") return { registry, repository };
    return { registry, repository: repository.includes("/") ? repository : `library/${repository}` };
  }
  return { registry: "docker.io", repository: slash > 0 ? name : `library/${name}` };
}
