import { createHash } from "node:crypto";
import { observeHost, packQuestion } from "../../adapters/host/host.ts";
import { readRelease } from "../../adapters/host/host-release.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import type { Config } from "../../config/schema/config.ts";
import { didYouMean } from "../../common/nearest.ts";
import { ColdtivateError } from "../../errors.ts";
import { frontNotes, planFronts } from "../../plan/plan-fronts.ts";
import type { ReleaseSummary } from "../../plan/steps/plan.ts";
import type { FrontImage } from "../../fronts/fronts.ts";
import { parseRelease } from "../../host/kept-release.ts";
import { updateFronts } from "../../plan/front-update.ts";
import type { HostState } from "../../host/host-state.ts";
import type { Manifest } from "../../release/manifest.ts";
import { releaseId } from "../../release/release-id.ts";
import { alignWork, type HostDraft } from "./align-work.ts";
import { makeUndoable } from "./images/ask-for-lost.ts";
import { checkHost } from "./host-check.ts";
import type { PreparedDeploy } from "./prepare-deploy.ts";
import { keptEntries, type Who } from "./release-entries.ts";
import { onlyNamed, ownRepositories } from "./images/named-registry.ts";
import { resolveThirdParty } from "./images/resolve-images.ts";

export interface FrontsIntent {
  config: Config;
  /** Name of the environment. */
  environment: string;
  /** The services whose fronts are updated; empty for all. */
  services: readonly string[];
  script: readonly TarEntry[];
  who: Who;
  now: Date;
}

export interface FrontsPorts {
  registry: RegistryClient;
  connections: readonly HostConnection[];
  signal: AbortSignal;
}

/**
 * Asks every host which image its fronts run, asks the registry for the new one, and decides what each host has to do. Changes
 * nothing.
 * @throws ColdtivateError before any host is changed, if one of them cannot be updated
 */
export async function prepareFronts(intent: FrontsIntent, ports: FrontsPorts): Promise<PreparedDeploy> {
  const { config, environment, script } = intent;
  const { connections, signal } = ports;
  const registry = onlyNamed(ports.registry, ownRepositories(config));
  const project = `${config.project}-${environment}`;
  const front = await resolveFront(config, registry);
  const drafts: HostDraft[] = [];
  const notes = new Set<string>();
  let release: ReleaseSummary | undefined;
  const question = await packQuestion(script);
  for (const connection of connections) {
    const state = await observeHost(connection, project, question, signal);
    checkHost(state, environment);
    const manifest = servingManifest(state, environment);
    const kept = parseRelease(connection.host, await readRelease(connection, project, "current", signal));
    const updated = updateFronts(kept, manifest, {
      project,
      stateDirectory: state.stateDirectory,
      front,
      services: chooseFronts(manifest, intent.services),
      digest: (content) => createHash("sha256").update(content).digest("hex"),
    });
    const planned = planFronts({ config, state, manifest, updated, hasPeers: connections.length > 1 });
    const { plan, notes: lost } = await makeUndoable(planned, state, async () => registry);
    for (const note of [...frontNotes(plan, updated), ...lost]) notes.add(note);
    release ??= {
      id: releaseId(intent.now, manifest.commit),
      commit: manifest.commit,
      ...(manifest.ref === undefined ? {} : { ref: manifest.ref }),
    };
    const next: Manifest = { ...manifest, id: release.id, createdAt: intent.now.toISOString(), fronts: updated.fronts };
    const images = plan.steps.filter(({ verb }) => verb === "pull").flatMap(({ args }) => args);
    drafts.push({
      connection,
      plan,
      images,
      entriesFor: (aligned) =>
        keptEntries(updated.release, next, aligned, intent.who, script, { again: { again: "fronts" }, hooksOf: manifest.id }),
    });
  }
  if (release === undefined) throw new Error("an environment without a host");
  const work = alignWork(drafts);
  return { plan: { environment, project, release, hosts: work.map(({ plan }) => plan), notes: [...notes] }, work };
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
