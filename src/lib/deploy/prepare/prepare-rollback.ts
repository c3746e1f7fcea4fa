import { packQuestion } from "../../adapters/host/host.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import { allOf } from "../../common/mark-handled.ts";
import { ColdtivateError } from "../../errors.ts";
import { shortImageName } from "../../plan/lost-images.ts";
import { hostNotes } from "../../plan/notes.ts";
import { planRollback, releasesInTheWay } from "../../plan/plan-rollback.ts";
import { missingElsewhere } from "../../host/elsewhere.ts";
import type { HostState } from "../../host/host-state.ts";
import type { Manifest } from "../../release/manifest.ts";
import { mergeVolumes } from "../../mounts/anonymous-volumes.ts";
import { ownNetworks, withNetworksAsMade } from "../../host/networks.ts";
import { releaseId } from "../../release/release-id.ts";
import { restoreRelease } from "../../plan/restore-release.ts";
import { isNamed } from "../../release/repositories.ts";
import { mergePlaces } from "../../mounts/places.ts";
import { lastRuns } from "../../release/task-runs.ts";
import { observeHosts, type HostDraft, type ReleaseDraft } from "./draft.ts";
import { findLostImages } from "./images/ask-for-lost.ts";
import type { OpenRegistry } from "./images/open-registry.ts";
import { chooseRelease, type ChosenRelease } from "./choose-release.ts";
import { checkHost, refuseMissingElsewhere } from "./host-check.ts";
import { projectOf, type Intent, type PreparePorts, type RollbackRequest } from "./intent.ts";
import { examineMounts } from "./examine-mounts.ts";
import { leavesOf, mountNotes } from "./refuse-mounts.ts";
import { keptEntries, type Keeping } from "./release-entries.ts";
import { digest } from "./render-release.ts";
import { shortCommit } from "../../git/slug.ts";

/**
 * Asks every host what it runs and what it keeps, and decides how each one goes back. Contacts only the hosts, unless one of them
 * lost images.
 * @throws ColdtivateError if a host cannot go back
 */
export async function draftRollback(intent: Intent, request: RollbackRequest, ports: PreparePorts): Promise<ReleaseDraft> {
  const { config, script, leavesData } = intent;
  const environment = intent.environment.name;
  const project = projectOf(config, intent.environment);
  const question = await packQuestion([...script, { path: "past", content: request.release ?? "-" }]);
  const observed = await observeHosts(question, project, ports);
  for (const { state } of observed) checkHost(state, environment);
  const choose = async ({ connection, state }: (typeof observed)[number]) => ({
    connection,
    state,
    chosen: await chooseRelease({ connection, state, environment, project, release: request.release }, ports.signal),
  });
  const hosts = await allOf(observed.map(choose));
  const [first] = hosts;
  if (first === undefined) throw new Error("an environment without a host");
  refuseDifferent(hosts);
  for (const { state, chosen } of hosts) refuseIrreversible(state, chosen.manifest.id);
  refuseMissingElsewhere(hosts.flatMap(({ state, chosen }) => missingElsewhere(state.host, chosen.kept.model, [], state.elsewhere)));

  const { id, commit, ref, rollback: target = id } = first.chosen.manifest;
  const release = { id: releaseId(intent.now, commit), commit, ...(ref === undefined ? {} : { ref }), rollback: target };
  const ran = lastRuns(hosts.map(({ state }) => state.manifest));
  const draft = async ({ connection, state, chosen }: (typeof hosts)[number]): Promise<HostDraft & { lost: string[] }> => {
    const repeated = restoreRelease(chosen.kept, chosen.manifest, {
      project,
      stateDirectory: state.stateDirectory,
      runningFronts: state.manifest?.fronts ?? {},
      digest,
    });
    const { rendered } = repeated;
    const asking = { connection, script, signal: ports.signal };
    const mounts = await examineMounts({ state, rendered, sources: new Map(), digest }, asking);
    const { plan, missing } = planRollback({
      state,
      leaves: leavesOf(mounts, leavesData),
      repeated,
      commit,
      hasPeers: hosts.length > 1,
      keepReleases: config.keepReleases,
    });
    const { gone, notes } = await askForMissing(target, state.host, missing, ports.registry);
    const manifest = manifestOf(chosen, {
      id: release.id,
      createdAt: intent.now.toISOString(),
      rollback: target,
      fronts: repeated.fronts,
      ...mergePlaces(chosen.manifest.places, state.manifest?.places),
      volumes: mergeVolumes(chosen.manifest.volumes ?? {}, state.manifest?.volumes ?? {}),
      networks: ownNetworks(withNetworksAsMade(rendered.model, state)),
      rollouts: repeated.settings,
      reach: rendered.reach,
      // A rollback does not undo what a task did.
      runs: { ...ran },
    });
    const keeping: Keeping = { again: { again: "rollback", target }, hooksOf: chosen.manifest.id };
    return {
      connection,
      state,
      plan,
      rendered,
      mounts,
      lost: gone,
      notes: [...notes, ...mountNotes(mounts, leavesData), ...hostNotes(plan, rendered, { services: repeated.settings })],
      entriesFor: (aligned) => keptEntries(repeated.release, manifest, aligned, intent.who, script, keeping),
    };
  };
  const drafts = await allOf(hosts.map(draft));
  refuseLost(
    target,
    drafts.flatMap(({ lost }) => lost),
  );
  return { release, hosts: drafts, notes: [], registry: () => ports.registry() };
}

type OwnFacts = Pick<
  Manifest,
  "id" | "createdAt" | "rollback" | "fronts" | "places" | "volumes" | "networks" | "rollouts" | "reach" | "runs"
>;

/** Removes the irreversible declaration from a repeated release: it stays with the first one. */
function manifestOf({ manifest }: ChosenRelease, own: OwnFacts): Manifest {
  const { irreversible: _irreversible, ...rest } = manifest;
  return { ...rest, ...own };
}

function refuseDifferent(hosts: readonly { state: HostState; chosen: ChosenRelease }[]): void {
  const ids = new Set(hosts.map(({ chosen }) => chosen.manifest.id));
  if (ids.size === 1) return;
  throw new ColdtivateError("the hosts do not have the same release before the one that serves", {
    code: "HOSTS_DIFFER",
    exit: "refused",
    details: hosts.map(({ state, chosen }) => `${state.host}: serves ${state.current || "nothing"}, and ${chosen.manifest.id} before`),
    hint: "Name the release to go back to.",
  });
}

function refuseIrreversible({ host, past, current }: HostState, target: string): void {
  const inTheWay = releasesInTheWay(past?.releases ?? [], target, current);
  if (inTheWay.length === 0) return;
  throw new ColdtivateError(`${host} cannot go back past ${inTheWay.map(({ id }) => id).join(", ")}`, {
    code: "IRREVERSIBLE",
    exit: "refused",
    details: inTheWay.map(({ id, commit }) => `release ${id}, commit ${shortCommit(commit)}, was declared irreversible`),
    hint: "Correct what is wrong in a new commit, and deploy that.",
  });
}

/** Asks whether the registry still has the images that a host lost. Those that coldtivate.yml does not name are only noted. */
async function askForMissing(target: string, host: string, missing: readonly string[], registry: OpenRegistry) {
  if (missing.length === 0) return { gone: [], notes: [] };
  const { client, named } = await registry();
  const { own = [], others = [] } = Object.groupBy(missing, (image) => (isNamed(image, named) ? "own" : "others"));
  const { gone } = await findMissing(target, own, client);
  return {
    gone: gone.map((image) => `${host}: ${image}`),
    notes: [
      `${host} no longer has images of that release, and pulls them: ${missing.map(shortImageName).join(", ")}`,
      ...(others.length > 0 ? [`${host} pulls these without a login of yours: ${others.map(shortImageName).join(", ")}`] : []),
    ],
  };
}

/** @throws the registry's error, extended with the images in question */
async function findMissing(target: string, missing: readonly string[], client: RegistryClient) {
  try {
    return await findLostImages(missing, client);
  } catch (cause) {
    if (!(cause instanceof ColdtivateError)) throw cause;
    const { code, exit, details, hint } = cause;
    throw new ColdtivateError(`images of release ${target} are gone from the host, and cannot be pulled: ${cause.message}`, {
      code,
      exit,
      details: [...missing, ...details],
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  }
}

function refuseLost(target: string, lost: readonly string[]): void {
  if (lost.length === 0) return;
  throw new ColdtivateError(`images of release ${target} are gone, from the host and from the registry`, {
    code: "IMAGES_GONE",
    exit: "refused",
    details: lost,
    hint: "Build that release's commit again and deploy it: coldtivate build --push, then coldtivate deploy, with --allow-older.",
  });
}
