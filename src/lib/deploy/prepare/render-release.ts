import { createHash } from "node:crypto";
import type { CommitTree } from "../../adapters/git/git-commit.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config } from "../../config/schema/config.ts";
import { withNetworksAsMade } from "../../host/networks.ts";
import type { HostState } from "../../host/host-state.ts";
import { isActive } from "../../compose/model.ts";
import { pinImages, repositoryOf, type Pins } from "../../release/pins.ts";
import { render } from "../../release/render.ts";
import type { PinnedImage, Rendered } from "../../release/rendered.ts";
import { needsFronts } from "../../fronts/rollout.ts";
import { referredPaths, type Digest, type SourceTree } from "../../compose/sources.ts";
import { checkSupported } from "../../compose/unsupported.ts";
import { checkSettings } from "./check-settings.ts";
import { askDevices, type Asking } from "./examine-mounts.ts";
import { readSources } from "./release-sources.ts";
import { resolveFacts, resolveThirdParty, type ResolvedTags } from "./images/resolve-images.ts";

/** The facts that a release is rendered from, apart from those of the host. */
export interface RenderFacts {
  commit: CommitTree;
  /** The project's own images by repository, with their digests. */
  own: ReadonlyMap<string, PinnedImage>;
  /** The digests of third-party tags that were looked up so far. */
  tags: ResolvedTags;
  /** By name of an image that the project builds: its base images. */
  bases: ReadonlyMap<string, readonly string[]>;
  project: string;
  profiles: readonly string[];
  variables: Record<string, string>;
}

/**
 * Asks the registry about the images that a release runs on a host, reads its files from the commit, and renders it.
 * @throws ColdtivateError if the registry lacks an image, or Compose files ask for something that is not supported
 */
export async function renderFor(
  config: Config,
  registry: RegistryClient,
  state: HostState,
  asking: Asking,
  { commit, own, tags, ...facts }: RenderFacts,
): Promise<{ rendered: Rendered; sources: ReadonlyMap<string, SourceTree> }> {
  const { manifest, sourceDirectory, stateDirectory } = state;
  const model = withNetworksAsMade(state.model, state);
  checkSettings(config, state);
  const { front, services } = config;
  const resolve = async ({ pinned, open }: Pins) => new Map([...pinned, ...(await resolveThirdParty(open, registry, tags))]);
  const names = Object.keys(model.services).filter((name) => isActive(model.services[name] ?? {}, facts.profiles));
  checkSupported(model, names);
  let images = await resolve(pinImages(model, own, manifest, facts.profiles));
  const used = names.flatMap((name) => images.get(model.services[name]?.image ?? "") ?? []);
  // What a host says about images counts for that host only.
  const said = manifest?.images ?? {};
  const { facts: told, unknown } = await resolveFacts(used, new Map(Object.entries(said)), registry);
  const known = new Map([...Object.entries(said), ...told]);
  const isBuilt = (name: string) => own.has(repositoryOf(model.services[name]?.image ?? ""));
  const factsOf = (name: string) => known.get(images.get(model.services[name]?.image ?? "")?.image ?? "");
  const basesOf = (name: string) => facts.bases.get(own.get(repositoryOf(model.services[name]?.image ?? ""))?.built ?? "") ?? [];
  if (needsFronts({ model, names, config: services, isBuilt, factsOf, basesOf })) {
    images = await resolve(pinImages(model, own, manifest, facts.profiles, front.image));
  }
  const sources = await readSources(commit, referredPaths(model, sourceDirectory));
  const rendered = render({
    ...facts,
    imageFacts: known,
    model,
    stateDirectory,
    sourceDirectory,
    images,
    runningFronts: manifest?.fronts ?? {},
    containers: state.containers,
    live: state.fronts,
    knownVolumes: manifest?.volumes,
    front,
    services,
    tasks: config.tasks,
    sources,
    places: manifest?.places,
    devices: await askDevices(model, state, asking),
    digest,
  });
  return { rendered: { ...rendered, notes: [...rendered.notes, ...unknown.map(unknownImage)] }, sources };
}

/** A digest of text, in hex. */
export const digest: Digest = (content) => createHash("sha256").update(content).digest("hex");

function unknownImage(image: string): string {
  return `${image}: its registry does not tell the ports and volumes that it declares; what the Compose files say counts alone`;
}
