import { changedByShell } from "../../../config/dotenv/dotenv-shell.ts";
import type { EnvironmentConfig } from "../../../config/schema/config.ts";
import type { HostState } from "../../../host/host-state.ts";

/**
 * What changes for the dotenv's values on hosts where the project runs by plain Compose until now: many a pipeline has a
 * shell read the dotenv, which changes some of them. Names alone, no value.
 */
export function dotenvNotes(states: readonly HostState[], { dotenv }: Pick<EnvironmentConfig, "dotenv">): string[] {
  if (dotenv === undefined) return [];
  const moving = states.filter(
    (state) => state.current === "" && state.containers.some(({ definition, oneOff }) => definition === "" && !oneOff),
  );
  if (moving.length === 0) return [];
  const names = changedByShell(dotenv.reveal());
  if (names.length === 0) return [];
  return [
    `${moving.map(({ host }) => host).join(", ")} ran this without coldtivate: the dotenv's values now arrive as they are written. A shell that read it (\`source\`) gave these another value: ${names.join(", ")}`,
  ];
}
