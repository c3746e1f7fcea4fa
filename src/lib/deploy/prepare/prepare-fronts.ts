import { packQuestion } from "../../adapters/host/host.ts";
import { readRelease } from "../../adapters/host/host-release.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config } from "../../config/schema/config.ts";
import { allOf } from "../../common/mark-handled.ts";
import { didYouMean } from "../../common/nearest.ts";
import { ColdtivateError } from "../../errors.ts";
import { frontNotes, planFronts } from "../../plan/plan-fronts.ts";
import type { FrontImage } from "../../fronts/fronts.ts";
import { parseRelease } from "../../host/kept-release.ts";
import { updateFronts } from "../../plan/front-update.ts";
import type { HostState } from "../../host/host-state.ts";
import type { Manifest } from "../../release/manifest.ts";
import { releaseId } from "../../release/release-id.ts";
import { observeHosts, type HostDraft, type ReleaseDraft } from "./draft.ts";
import { checkHost } from "./host-check.ts";
import { projectOf, type FrontsRequest, type Intent, type PreparePorts } from "./intent.ts";
import { keptEntries } from "./release-entries.ts";
import { resolveThirdParty } from "./images/resolve-images.ts";
import { digest } from "./render-release.ts";

/**
 * Asks every host which image its fronts run, asks the registry for the new one, and decides what each host has to do.
 * @throws ColdtivateError if a host cannot be updated
 */
export async function draftFronts(intent: Intent, request: FrontsRequest, ports: PreparePorts): Promise<ReleaseDraft> {
  const { config, script } = intent;
  const environment = intent.environment.name;
  const project = projectOf(config, intent.environment);
  const observed = await observeHosts(await packQuestion(script), project, ports);
  for (const { state } of observed) checkHost(state, environment);
  const hosts = observed.map((host) => ({ ...host, manifest: servingManifest(host.state, environment) }));
  const [first] = hosts;
  if (first === undefined) throw new Error("an environment without a host");
  refuseDifferentReleases(hosts, environment);
  const { commit, ref } = first.manifest;
  const release = { id: releaseId(intent.now, commit), commit, ...(ref === undefined ? {} : { ref }) };
  const front = await resolveFront(config, (await ports.registry()).client);
  const draft = async ({ connection, state, manifest }: (typeof hosts)[number]): Promise<HostDraft> => {
    const kept = parseRelease(connection.host, await readRelease(connection, project, "current", ports.signal));
    const updated = updateFronts(kept, manifest, {
      project,
      stateDirectory: state.stateDirectory,
      front,
      services: chooseFronts(manifest, request.services),
      digest,
    });
    const plan = planFronts({ config, state, manifest, updated, hasPeers: hosts.length > 1 });
    const next: Manifest = { ...manifest, id: release.id, createdAt: intent.now.toISOString(), fronts: updated.fronts };
    return {
      connection,
      state,
      plan,
      notes: frontNotes(plan, updated),
      entriesFor: (aligned) =>
        keptEntries(updated.release, next, aligned, intent.who, script, { again: { again: "fronts" }, hooksOf: manifest.id }),
    };
  };
  return { release, hosts: await allOf(hosts.map(draft)), notes: [], registry: () => ports.registry() };
}

/** The update has one name and one commit. Hosts with different releases would look alike after it. */
function refuseDifferentReleases(hosts: readonly { state: HostState; manifest: Manifest }[], environment: string): void {
  const ids = new Set(hosts.map(({ manifest }) => manifest.id));
  if (ids.size === 1) return;
  throw new ColdtivateError("the hosts do not serve the same release", {
    code: "HOSTS_DIFFER",
    exit: "refused",
    details: hosts.map(({ state, manifest }) => `${state.host}: serves ${manifest.id}`),
    hint: `Have them serve one release, then run the same command again: coldtivate recover ${environment}, or a deploy.`,
  });
}

/** The fronts' image, by its current digest. */
async function resolveFront({ front }: Config, registry: RegistryClient): Promise<FrontImage> {
  const { image: reference, memory } = front;
  const resolved = reference.includes("@sha256:") ? undefined : (await resolveThirdParty([reference], registry)).get(reference);
  return { reference, image: resolved?.image ?? reference, memory };
}

function servingManifest({ host, manifest }: HostState, environment: string): Manifest {
  if (manifest !== undefined && Object.keys(manifest.fronts).length > 0) return manifest;
  throw new ColdtivateError(`${host} has no fronts`, {
    code: "NO_FRONTS",
    exit: "refused",
    details: [
      manifest === undefined ? "no release serves there that this version knows" : `release ${manifest.id} has no service with one`,
    ],
    hint: `A deploy makes the fronts that it needs: coldtivate deploy ${environment}`,
  });
}

function chooseFronts({ fronts }: Manifest, services: readonly string[]): string[] {
  const known = Object.keys(fronts).toSorted();
  const unknown = services.filter((service) => !known.includes(service));
  if (unknown.length === 0) return services.length === 0 ? known : [...new Set(services)];
  throw new ColdtivateError(`there is no front of ${unknown.join(", ")}`, {
    code: "UNKNOWN_FRONT",
    exit: "usage",
    details: unknown.map((service) => `${service}${didYouMean(service, known)}`),
    hint: `These have fronts: ${known.join(", ")}`,
  });
}
