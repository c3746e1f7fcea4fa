import { ColdtivateError } from "../../errors.ts";
import type { MissingThing } from "../../host/elsewhere.ts";
import type { HostState } from "../../host/host-state.ts";

/**
 * Checks that a host can take a release now.
 * @throws ColdtivateError HOST_LOCKED, DEPLOY_RUNNING, STATE_ELSEWHERE
 */
export function checkHost(state: HostState, environment: string): void {
  if (state.locked !== "") {
    const next = `Talk to whoever locked it. Once the reason is gone: coldtivate unlock ${environment}`;
    throw refusal(`${state.host} is locked`, "HOST_LOCKED", [state.locked.replaceAll("\t", "  ")], next);
  }
  if (state.running !== "") {
    const hint = `Follow it with coldtivate attach ${environment}; to be next, deploy with --wait.`;
    throw refusal(`another deploy runs on ${state.host}`, "DEPLOY_RUNNING", [state.running], hint);
  }
  const foreign = state.containers.find((container) => container.state !== "" && container.state !== state.stateDirectory);
  if (foreign !== undefined) {
    throw refusal(
      `${state.host}: the containers of this project belong to another state, ${foreign.state}`,
      "STATE_ELSEWHERE",
      [`this user's state would be ${state.stateDirectory}`],
      "Deploy as the user who deployed before: two users with a state each would undo each other's releases.",
    );
  }
}

/**
 * Refuses a release that needs missing networks, volumes or containers that no release creates.
 * @throws ColdtivateError EXTERNAL_MISSING that lists all of them, with the command that creates each
 */
export function refuseMissingElsewhere(missing: readonly MissingThing[]): void {
  if (missing.length === 0) return;
  const commands = new Set(missing.map(({ command }) => command));
  throw new ColdtivateError("what the Compose files call external is not there", {
    code: "EXTERNAL_MISSING",
    exit: "refused",
    details: missing.map(({ what }) => what),
    hint: `Make it on the host, ${[...commands].map((command) => `\`${command}\``).join(", ")}, or correct its name in the Compose files.`,
  });
}

function refusal(message: string, code: string, details: string[], next: string): ColdtivateError {
  return new ColdtivateError(message, { code, exit: "refused", details, hint: next });
}
