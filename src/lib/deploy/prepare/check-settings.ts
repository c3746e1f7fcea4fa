import type { Config } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import type { HostState } from "../../host/host-state.ts";
import { mountUses, unknownMounts } from "../../mounts/mounts.ts";

/**
 * Checks that everything coldtivate.yml names exists in the commit's Compose files. coldtivate.yml comes from the working tree.
 * @throws ColdtivateError TASK_SERVICE_UNKNOWN, MOUNT_UNKNOWN
 */
export function checkSettings(config: Config, state: HostState): void {
  checkTasks(config, state);
  checkMounts(config, state);
}

/** coldtivate.yml may name mounts that the commit's Compose files do not have. Its settings for them would have no effect. */
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

/** Tasks come from the coldtivate.yml of the working tree, and services from the commit's Compose files. They can disagree. */
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
