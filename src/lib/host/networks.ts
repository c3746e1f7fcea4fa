import { canonical } from "../common/canonical.ts";
import type { HostState } from "./host-state.ts";
import type { ComposeModel } from "../compose/model.ts";

/**
 * A model whose networks are defined as they were made: those that containers are on cannot be made anew under them. Without
 * a container of the project, all are defined as they are written.
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

/** The networks that a release defines, by their names in Compose; those from elsewhere are not its own. */
export function ownNetworks({ networks = {} }: Pick<ComposeModel, "networks">): Record<string, unknown> {
  return Object.fromEntries(Object.entries(networks).filter(([, network]) => attribute(network, "external") !== true));
}

/**
 * Says which networks stay other than they are written.
 * @param written the model as the Compose files have it
 * @param kept the model with networks as they were made
 */
export function networkNotes(written: ComposeModel, kept: ComposeModel): string[] {
  return Object.entries(written.networks ?? {})
    .filter(([name, network]) => canonical(network) !== canonical(kept.networks?.[name]))
    .map(
      ([name]) =>
        `network ${name} stays as it was made, though its definition is another now: containers are on it. Under another \`name:\` it is a new network, to which its services move`,
    );
}

/** Under another name it is another network, and whatever it was before stays with the other one. */
function isSameNetwork(one: unknown, other: unknown): boolean {
  return attribute(one, "name") === attribute(other, "name");
}

function attribute(network: unknown, name: string): unknown {
  if (typeof network !== "object" || network === null) return undefined;
  const value: unknown = Reflect.get(network, name);
  return value;
}
