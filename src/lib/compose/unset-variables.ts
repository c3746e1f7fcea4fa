import type { ComposeService } from "./model.ts";

/** Variables that docker and Compose need themselves. */
const needed = /^(?:PATH|HOME|SSH_AUTH_SOCK|DOCKER_\w+|COMPOSE_\w+)$/;

/**
 * Variables that services only name, and that the release gives no value. The script gets them one per line and starts Compose
 * without them: Compose would take their values from the login of whoever deploys.
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
