import { canonical } from "../common/canonical.ts";
import type { HostState } from "./host-state.ts";
import type { ComposeModel } from "../compose/model.ts";

/**
 * Replaces the definitions of networks with those that they were created with. A network cannot be recreated while containers are
 * on it. If the project has no container, all networks are defined as written.
 */
export function withNetworksAsMade<Model extends ComposeModel>(
  model: Model,
  { manifest, containers }: Pick<HostState, "manifest" | "containers">,
): Model {
  const made = containers.length === 0 ? {} : (manifest?.networks ?? {});
  const own = Object.keys(ownNetworks(model)).filter((name) => name in made && isSameNetwork(model.networks?.[name], made[name]));
  return own.length === 0
    ? model
    : { ...model, networks: { ...model.networks, ...Object.fromEntries(own.map((name) => [name, made[name]])) } };
}

/** The networks that a release defines, by their names in Compose. External networks do not count. */
export function ownNetworks({ networks = {} }: Pick<ComposeModel, "networks">): Record<string, unknown> {
  return Object.fromEntries(Object.entries(networks).filter(([, network]) => attribute(network, "external") !== true));
}

/**
 * Notes the networks that differ from their definition in the Compose files.
 * @param written the model as the Compose files have it
 * @param kept the model with networks as they were created
 */
export function networkNotes(written: ComposeModel, kept: ComposeModel): string[] {
  return Object.entries(written.networks ?? {})
    .filter(([name, network]) => canonical(network) !== canonical(kept.networks?.[name]))
    .map(
      ([name]) =>
        `network ${name} stays as it was made, though its definition is another now: containers are on it. Under another \`name:\` it is a new network, to which its services move`,
    );
}

/** Networks with different names are different networks. The old definition stays with the old network. */
function isSameNetwork(one: unknown, other: unknown): boolean {
  return attribute(one, "name") === attribute(other, "name");
}

function attribute(network: unknown, name: string): unknown {
  if (typeof network !== "object" || network === null) return undefined;
  const value: unknown = Reflect.get(network, name);
  return value;
}
