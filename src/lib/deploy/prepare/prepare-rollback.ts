import { createHash } from "node:crypto";
import { observeHost, packQuestion } from "../../adapters/host/host.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Shortage } from "../../plan/capacity/capacity.ts";
import { shortImageName } from "../../plan/lost-images.ts";
import { hostNotes } from "../../plan/notes.ts";
import { planRollback, releasesInTheWay } from "../../plan/plan-rollback.ts";
import type { HostPlan, Plan } from "../../plan/steps/plan.ts";
import { missingElsewhere } from "../../host/elsewhere.ts";
import type { HostState } from "../../host/host-state.ts";
import type { Manifest } from "../../release/manifest.ts";
import { mergeVolumes } from "../../mounts/anonymous-volumes.ts";
import { ownNetworks, withNetworksAsMade } from "../../host/networks.ts";
import { releaseId } from "../../release/release-id.ts";
import { restoreRelease } from "../../plan/restore-release.ts";
import { isNamed } from "../../release/repositories.ts";
import { mergePlaces } from "../../mounts/places.ts";
import type { Digest } from "../../compose/sources.ts";
import { lastRuns } from "../../release/task-runs.ts";
import { alignWork, type HostDraft } from "./align-work.ts";
import { findLostImages, makeUndoable } from "./images/ask-for-lost.ts";
import { checkCapacity, refuseShortages } from "./capacity-check.ts";
import { chooseRelease, type ChosenRelease } from "./choose-release.ts";
import type { OpenedRegistry } from "./images/late-registry.ts";
import { checkHost, refuseMissingElsewhere } from "./host-check.ts";
import type { PreparedDeploy } from "./prepare-deploy.ts";
import { examineMounts, type MountReport } from "./examine-mounts.ts";
import { leavesOf, leavingNotes, refuseMounts } from "./refuse-mounts.ts";
import { keptEntries, type Keeping, type Who } from "./release-entries.ts";
import { shortCommit } from "../../git/slug.ts";

const digest: Digest = (content) => createHash("sha256").update(content).digest("hex");

export interface RollbackIntent {
  /** Name of the environment. */
  environment: string;
  /** Name of the Compose project on its hosts. */
  project: string;
  /** The id of the release to go back to; by default, the one before the current one. */
  release?: string | undefined;
  /** How many releases the hosts keep. */
  keepReleases: number;
  /** Whether it may leave data behind that containers wrote. */
  leavesData: boolean;
  /** The script that runs on the hosts. */
  script: readonly TarEntry[];
  who: Who;
  now: Date;
}

export interface RollbackPorts {
  connections: Promise<readonly HostConnection[]>;
  /** Only used if a host no longer has an image that it needs. */
  registry: () => Promise<Pick<OpenedRegistry, "client" | "named">>;
  signal: AbortSignal;
}

/**
 * Asks every host what it runs and what it keeps, and decides how each one goes back. Changes nothing. Contacts only the hosts,
 * unless one of them lost images.
 * @throws ColdtivateError before any host is changed, if one of them cannot go back
 */
export async function prepareRollback(intent: RollbackIntent, { connections, registry, signal }: RollbackPorts): Promise<PreparedDeploy> {
  const { environment, project, script } = intent;
  const question = await packQuestion([...script, { path: "past", content: intent.release ?? "-" }]);
  const hosts = await Promise.all(
    (await connections).map(async (connection) => {
      const state = await observeHost(connection, project, question, signal);
      checkHost(state, environment);
      return { connection, state, chosen: await chooseRelease({ connection, state, ...intent }, signal) };
    }),
  );
  const client = async () => (await registry()).client;
  const [first] = hosts;
  if (first === undefined) throw new Error("an environment without a host");
  refuseDifferent(hosts);
  for (const { state, chosen } of hosts) refuseIrreversible(state, chosen.manifest.id);
  refuseMissingElsewhere(hosts.flatMap(({ state, chosen }) => missingElsewhere(state.host, chosen.kept.model, [], state.elsewhere)));

  const { id, commit, ref, rollback: target = id } = first.chosen.manifest;
  const release = { id: releaseId(intent.now, commit), commit, ...(ref === undefined ? {} : { ref }), rollback: target };
  const ran = lastRuns(hosts.map(({ state }) => state.manifest));
  const shortages: Shortage[] = [];
  const reports: MountReport[] = [];
  const notes = new Set<string>();
  const lost: string[] = [];
  const drafts: HostDraft[] = [];
  for (const { connection, state, chosen } of hosts) {
    const repeated = restoreRelease(chosen.kept, chosen.manifest, {
      project,
      stateDirectory: state.stateDirectory,
      runningFronts: state.manifest?.fronts ?? {},
      digest,
    });
    const mounts = await examineMounts({ state, rendered: repeated.rendered, sources: new Map(), digest }, { connection, script, signal });
    reports.push(mounts);
    const { plan: planned, missing } = planRollback({
      state,
      leaves: leavesOf(mounts, intent.leavesData),
      repeated,
      commit,
      hasPeers: hosts.length > 1,
      keepReleases: intent.keepReleases,
    });
    if (missing.length > 0) {
      const { named } = await registry();
      const { gone } = await askForMissing(
        target,
        missing.filter((image) => isNamed(image, named)),
        client,
      );
      lost.push(...gone.map((image) => `${state.host}: ${image}`));
      notes.add(`${state.host} no longer has images of that release, and pulls them: ${missing.map(shortImageName).join(", ")}`);
      const others = missing.filter((image) => !isNamed(image, named));
      if (others.length > 0) notes.add(`${state.host} pulls these without a login of yours: ${others.map(shortImageName).join(", ")}`);
    }
    const { plan, notes: undoable } = await makeUndoable(planned, state, client);
    const pulled = plan.steps.filter(({ verb }) => verb === "pull").flatMap(({ args }) => args);
    const images = pulled.length === 0 ? [] : await ofNamed(pulled, registry);
    const asked = images.length === 0 ? {} : { registry: await client() };
    const capacity = plan.steps.length > 0 ? await checkCapacity({ state, rendered: repeated.rendered, images, ...asked }) : undefined;
    const told = [...undoable, ...mounts.notes, ...(intent.leavesData ? leavingNotes(mounts) : [])];
    for (const note of [...told, ...hostNotes(plan, repeated.rendered, { services: repeated.settings }), ...(capacity?.notes ?? [])])
      notes.add(note);
    shortages.push(...(capacity?.shortages ?? []));
    const manifest = manifestOf(chosen, {
      id: release.id,
      createdAt: intent.now.toISOString(),
      rollback: target,
      fronts: repeated.fronts,
      ...mergePlaces(chosen.manifest.places, state.manifest?.places),
      volumes: mergeVolumes(chosen.manifest.volumes ?? {}, state.manifest?.volumes ?? {}),
      networks: ownNetworks(withNetworksAsMade(repeated.rendered.model, state)),
      // A rollback does not undo what a task did.
      runs: { ...ran },
    });
    const keeping: Keeping = { again: { again: "rollback", target }, hooksOf: chosen.manifest.id };
    const entriesFor = (aligned: HostPlan) => keptEntries(repeated.release, manifest, aligned, intent.who, script, keeping);
    drafts.push({ connection, plan, images, entriesFor });
  }
  refuseLost(target, lost);
  refuseMounts(reports, intent.leavesData);
  refuseShortages(shortages);
  const work = alignWork(drafts);
  const plan: Plan = { environment, project, release, hosts: work.map((host) => host.plan), notes: [...notes] };
  return { plan, work };
}

type OwnFacts = Pick<Manifest, "id" | "createdAt" | "rollback" | "fronts" | "places" | "volumes" | "networks" | "runs">;

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

/** The images that coldtivate.yml names. No other registry is asked, and no login is used for any other image. */
async function ofNamed(images: readonly string[], registry: RollbackPorts["registry"]): Promise<string[]> {
  const { named } = await registry();
  return images.filter((image) => isNamed(image, named));
}

/** @throws the registry's error, extended with the images in question */
async function askForMissing(target: string, missing: readonly string[], registry: () => Promise<RegistryClient>) {
  try {
    return await findLostImages(missing, await registry());
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
