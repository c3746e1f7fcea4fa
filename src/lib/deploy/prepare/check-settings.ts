import type { Config } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import type { HostState } from "../../host/host-state.ts";
import { mountUses, unknownMounts } from "../../mounts/mounts.ts";

/**
 * Whether coldtivate.yml, which is the working tree's, speaks of what the commit's Compose files have.
 * @throws ColdtivateError TASK_SERVICE_UNKNOWN, MOUNT_UNKNOWN
 */
export function checkSettings(config: Config, state: HostState): void {
  checkTasks(config, state);
  checkMounts(config, state);
}

/** coldtivate.yml may name mounts that the commit's Compose files do not have: then what it says of them would not hold. */
function checkMounts({ services }: Config, { model, sourceDirectory }: HostState): void {
  const known = Object.fromEntries(Object.entries(services).filter(([name]) => model.services[name] !== undefined));
  const unknown = unknownMounts(mountUses(model, sourceDirectory), known);
  if (unknown.length === 0) return;
  throw new ColdtivateError("coldtivate.yml names mounts that the release does not have", {
    code: "MOUNT_UNKNOWN",
    exit: "usage",
    details: unknown,
    hint: "Write them as in the Compose files, `./uploads`, or by where they are in the container, `/app/uploads`.",
  });
}

/** Tasks come from the working tree's coldtivate.yml, services from the commit's Compose files: they can disagree. */
function checkTasks(config: Config, { model }: HostState): void {
  const unknown = config.tasks.filter(({ service }) => model.services[service] === undefined);
  if (unknown.length === 0) return;
  throw new ColdtivateError("tasks name services that the release does not have", {
    code: "TASK_SERVICE_UNKNOWN",
    exit: "usage",
    details: unknown.map(
      ({ name, service }) => `task ${name} runs in "${service}"; the Compose files have ${Object.keys(model.services).join(", ")}`,
    ),
    hint: "coldtivate.yml is read from the working tree, Compose files from the commit that is deployed.",
  });
}
