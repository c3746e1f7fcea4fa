import type { ServiceConfig } from "../config/schema/config.ts";
import { discoveryPorts } from "../compose/discovery-labels.ts";
import { furtherPorts, type MentionedPort } from "../services/mentioned-ports.ts";
import type { ComposeModel } from "../compose/model.ts";
import { hasFront, type ServiceRollout } from "./rollout.ts";

export interface FurtherPortsInput {
  model: ComposeModel;
  mentions: readonly MentionedPort[];
  config: Readonly<Record<string, ServiceConfig>>;
}

/**
 * Makes fronts also pass on ports that other services mention, and ports that other programs are told to ask. A mention alone is
 * not enough for a front: if no port is known otherwise, a note says what to set.
 */
export function addPorts(
  rollouts: ReadonlyMap<string, ServiceRollout>,
  { model, mentions, config }: FurtherPortsInput,
): { rollouts: Map<string, ServiceRollout>; notes: string[] } {
  const notes: string[] = [];
  const added = [...rollouts].map(([name, rollout]): [string, ServiceRollout] => {
    const known = rollout.ports.map(({ port }) => port);
    const mentioned = furtherPorts(name, known, mentions);
    if (!hasFront(rollout)) {
      const [[port, from] = []] = mentioned;
      if (port !== undefined && from !== undefined && /no port is known/.test(rollout.reason))
        notes.push(
          `${name}: ${listed(from)} ${from.length === 1 ? "asks" : "ask"} it at port ${port}; with \`services.${name}.port: ${port}\` it is replaced without a gap`,
        );
      return [name, rollout];
    }
    for (const [port, from] of mentioned)
      notes.push(`${name}: its front also passes port ${port} on, which ${listed(from)} ${from.length === 1 ? "mentions" : "mention"}`);
    const further = new Set([...mentioned.keys(), ...discoveryPorts(model.services[name] ?? {}).filter((port) => !known.includes(port))]);
    const proxyProtocol = config[name]?.proxyProtocol ?? false;
    const ports = [...further]
      .toSorted((a, b) => a - b)
      .map((port) => ({ port, mode: config[name]?.mode ?? ("auto" as const), proxyProtocol }));
    return [name, { ...rollout, ports: [...rollout.ports, ...ports] }];
  });
  return { rollouts: new Map(added), notes };
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
