import type { ComposeService } from "./model.ts";

/** What docker and Compose themselves need of their environment. */
const needed = /^(?:PATH|HOME|SSH_AUTH_SOCK|DOCKER_\w+|COMPOSE_\w+)$/;

/**
 * Variables that services want passed on, and that neither the dotenv nor anything else of the release has, for the script: a
 * line each. Compose would take them from the environment that it is started in, which is the one of whoever is logged in.
 */
export function unsetText(services: Readonly<Record<string, ComposeService>>): string {
  const names = Object.values(services).flatMap(({ environment = {} }) =>
    Object.entries(environment).flatMap(([name, value]) =>
      value === null && /^[A-Za-z_]\w*$/.test(name) && !needed.test(name) ? [name] : [],
    ),
  );
  return [...new Set(names)]
    .toSorted()
    .map((name) => `${name}\n`)
    .join("");
}
