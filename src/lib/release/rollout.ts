import type { Rollout, ServiceConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import type { ImageFacts } from "./image-facts.ts";
import type { ComposeModel, ComposeMount, ComposeService } from "./model.ts";
import { findOneShots } from "./one-shots.ts";
import { findPorts, udpPorts, type FrontPort } from "./ports.ts";

/** How a new version of a service takes over. */
export interface ServiceRollout {
  rollout: Rollout;
  /** Why, in the user's words. */
  reason: string;
  /** What its front listens on; empty without a front. */
  ports: FrontPort[];
}

export interface RolloutInput {
  /** With sources where they lie on the host. */
  model: ComposeModel;
  /** The services that are part of the release. */
  names: readonly string[];
  config: Readonly<Record<string, ServiceConfig>>;
  /** Whether the project builds the service's image. */
  isBuilt: (service: string) => boolean;
  /** What a service's image says of itself, where that is known. */
  factsOf?: (service: string) => ImageFacts | undefined;
  /** Whether a bind mount is content of the release, which any number of containers can read. */
  isContent: (source: string) => boolean;
}

/**
 * Decides how each service is rolled out: as configured; else without a front whatever must not run twice or cannot be
 * reached; else in slots.
 * @throws ColdtivateError ROLLOUT_IMPOSSIBLE that names every service whose configured rollout cannot be
 */
export function inferRollouts(input: RolloutInput): Map<string, ServiceRollout> {
  const rollouts = new Map<string, ServiceRollout>();
  const impossible: string[] = [];
  const oneShots = findOneShots(input.model, input.names, input.config);
  for (const name of input.names) {
    const once = oneShots.get(name);
    if (once !== undefined) {
      rollouts.set(name, { rollout: "once", reason: once, ports: [] });
      continue;
    }
    const service = input.model.services[name] ?? {};
    const config = input.config[name] ?? {};
    const { ports, reason } = findPorts(service, config);
    const obstacle = obstacleToFront(name, service, input.model) ?? (ports.length === 0 ? reason : undefined);
    if (config.rollout !== undefined && config.rollout !== "recreate") {
      if (obstacle !== undefined) impossible.push(`${name} cannot be rolled out ${config.rollout}: ${obstacle}`);
      rollouts.set(name, { rollout: config.rollout, reason: `set in coldtivate.yml; ${reason}`, ports });
      continue;
    }
    const alone = config.rollout === undefined ? (singleton(name, service, input) ?? obstacle) : "set in coldtivate.yml";
    rollouts.set(name, alone === undefined ? { rollout: "blue-green", reason, ports } : { rollout: "recreate", reason: alone, ports: [] });
  }
  if (impossible.length === 0) return rollouts;
  throw new ColdtivateError("services cannot be rolled out as coldtivate.yml says", {
    code: "ROLLOUT_IMPOSSIBLE",
    exit: "usage",
    details: impossible,
    hint: "Nothing was changed. Set `rollout: recreate` for them, or remove the cause; a port that is not known can be set as `port`.",
  });
}

/** Whether a release may need the image of the fronts; asked before the model's files have their place on the host. */
export function needsFronts(input: Omit<RolloutInput, "isContent">): boolean {
  return [...inferRollouts({ ...input, isContent: () => true }).values()].some(
    ({ rollout }) => rollout !== "recreate" && rollout !== "once",
  );
}

/** Why no proxy can stand in for a service; undefined when one can. */
function obstacleToFront(name: string, service: ComposeService, model: ComposeModel): string | undefined {
  if (service.network_mode !== undefined) return `network_mode ${service.network_mode}: no front possible`;
  const udp = udpPorts(service);
  if (udp.length > 0) return `published UDP port ${udp[0]}: a front passes only TCP on`;
  const sharer = Object.entries(model.services).find(([other, candidate]) => other !== name && shares(candidate, name));
  return sharer === undefined ? undefined : `${sharer[0]} shares its container: no front possible`;
}

/** Whether a service uses another one's very container: its network, processes, memory or volumes. */
function shares(service: ComposeService, other: string): boolean {
  const namespaces = [service.network_mode, service.ipc, service.pid];
  return namespaces.includes(`service:${other}`) || (service.volumes_from ?? []).some((from) => from.split(":", 1)[0] === other);
}

/** Why there must never be two of a service; undefined when there may. */
function singleton(name: string, service: ComposeService, { isBuilt, isContent }: RolloutInput): string | undefined {
  const command = [...(service.entrypoint ?? []), ...(service.command ?? [])].join(" ");
  const beat = /\bcelery\b.*\s(-[A-Za-z]*B[A-Za-z]*|--beat|beat)(?=\s|$)/.exec(command);
  if (beat !== null) return `celery … ${beat[1]}: a singleton`;
  if (/scheduler/i.test(name)) return "a scheduler, by its name: a singleton";
  if (isBuilt(name)) return undefined;
  const exclusive = (service.volumes ?? []).find((mount) => holdsData(mount, isContent));
  if (exclusive === undefined) return undefined;
  return `exclusive volume ${exclusive.source ?? exclusive.target}`;
}

function holdsData({ type, source, read_only: readOnly }: ComposeMount, isContent: (source: string) => boolean): boolean {
  if (source === undefined || readOnly === true) return false;
  return type === "volume" || (type === "bind" && !source.endsWith(".sock") && !isContent(source));
}
