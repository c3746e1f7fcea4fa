import { changedByShell } from "../../../config/dotenv/dotenv-shell.ts";
import type { EnvironmentConfig } from "../../../config/schema/config.ts";
import type { HostState } from "../../../host/host-state.ts";

/**
 * Notes which dotenv values change on hosts where the project has run under plain Compose until now. Many pipelines let a shell
 * read the dotenv, which changes some values. The note gives names only, no values.
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
