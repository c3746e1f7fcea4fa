import { posix } from "node:path";
import { setImmediate as immediately, setTimeout as wait } from "node:timers/promises";
import { openCommit } from "../../adapters/git/git-commit.ts";
import type { Repository } from "../../adapters/git/git.ts";
import { observeHost, packQuestion } from "../../adapters/host/host.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import type { Config, EnvironmentConfig } from "../../config/schema/config.ts";
import type { Revision } from "../../git/revision.ts";
import { markHandled } from "../../common/mark-handled.ts";
import type { Shortage } from "../../plan/capacity/capacity.ts";
import { hostNotes, otherFronts } from "../../plan/notes.ts";
import { missingImages } from "../../plan/capacity/capacity-disk.ts";
import { planHost } from "../../plan/plan-deploy.ts";
import { planFull } from "../../plan/plan-full.ts";
import type { Plan } from "../../plan/steps/plan.ts";
import { missingElsewhere } from "../../host/elsewhere.ts";
import type { ImageFacts } from "../../services/image-facts.ts";
import { manifestOf, type Manifest } from "../../release/manifest.ts";
import type { Rendered } from "../../release/rendered.ts";
import { refuseForeignModel } from "../../host/named-model.ts";
import { repositoriesOf } from "../../release/repositories.ts";
import { networkNotes, ownNetworks } from "../../host/networks.ts";
import { locateProfiles } from "../../compose/seccomp.ts";
import { releaseId } from "../../release/release-id.ts";
import { lastRuns, runsAfter } from "../../release/task-runs.ts";
import { alignWork, type AlignedWork, type HostDraft } from "./align-work.ts";
import { makeUndoable } from "./images/ask-for-lost.ts";
import { compareSettings } from "./commit/compare-settings.ts";
import { checkCapacity, refuseShortages } from "./capacity-check.ts";
import { observeEntries } from "./commit/compose-input.ts";
import { onlyNamed, ownRepositories } from "./images/named-registry.ts";
import { readBases } from "./commit/read-bases.ts";
import { differingNotes, doubtImages } from "./commit/doubt-images.ts";
import { dotenvNotes } from "./commit/dotenv-notes.ts";
import { checkHost, refuseMissingElsewhere } from "./host-check.ts";
import { readHostHooks } from "./commit/host-hooks.ts";
import { releaseEntries, type Who } from "./release-entries.ts";
import { leavesOf, leavingNotes, refuseMounts } from "./refuse-mounts.ts";
import { examineMounts, type Asking, type MountReport } from "./examine-mounts.ts";
import { readCompose } from "./commit/read-compose.ts";
import { refuseOlder } from "./commit/older-commit.ts";
import { digest, renderFor } from "./render-release.ts";
import { resolveOwnImages, type ResolvedTags } from "./images/resolve-images.ts";
import { withOwnImages } from "./images/service-images.ts";
import { describeUncommitted } from "./commit/uncommitted.ts";

const irreversibleNote = "nobody goes back past this release: it is declared irreversible";

/** How long a refusal waits for hosts that are still being asked, in milliseconds. */
const mostPatience = 1000;

/** The input of a deploy, before any host is asked. */
export interface DeployIntent {
  config: Config;
  environment: EnvironmentConfig;
  revision: Revision;
  /** Whether the commit may be older than the one that serves. */
  allowsOlder: boolean;
  /** Whether rollbacks past this release are forbidden, in addition to what the configuration says. */
  isIrreversible: boolean;
  /** Whether it may leave data behind that containers wrote. */
  leavesData: boolean;
  /** The variables of the environment's dotenv. */
  dotenv: ReadonlyMap<string, string>;
  /** The script that runs on the hosts. */
  script: readonly TarEntry[];
  who: Who;
  now: Date;
  /** Whether the plan is only to be shown. */
  isDryRun: boolean;
  env: NodeJS.ProcessEnv;
}

export interface DeployPorts {
  repository: Repository;
  registry: RegistryClient;
  /** May still be connecting. */
  connections: Promise<readonly HostConnection[]>;
  signal: AbortSignal;
}

/** A plan, with what to send to each host. */
export interface PreparedDeploy {
  plan: Plan;
  work: AlignedWork[];
}

/**
 * Reads the release's files, asks every host what it runs, and decides what each one has to do. Changes nothing.
 * @throws ColdtivateError before any host is changed, if one of them cannot take the release
 */
export async function prepareDeploy(intent: DeployIntent, ports: DeployPorts): Promise<PreparedDeploy> {
  const { config, environment, revision, script } = intent;
  using commit = await openCommit(ports.repository.root, revision.commit);
  const { files, profiles, values, notes: variableNotes, ...compose } = await readCompose(intent, ports.repository, commit);
  const named = new Set([...ownRepositories(config), ...repositoriesOf(files.naming.images)]);
  const registry = onlyNamed(ports.registry, named);
  const entries = observeEntries({ composeFiles: files, ...compose, script, isDryRun: intent.isDryRun });
  const project = projectOf(config, environment);
  const id = releaseId(intent.now, revision.commit);

  const question = await packQuestion(entries);
  const observe = async (connection: HostConnection) => ({
    connection,
    state: await observeHost(connection, project, question, ports.signal),
  });
  const observing = markHandled(ports.connections.then((connections) => Promise.all(connections.map(observe))));
  // The hosts take longest. We send their question first, and ask everything else while they work.
  await immediately();
  const resolving = markHandled(resolveOwnImages(config, revision.commit, registry));
  const inputs = {
    commit: revision.commit,
    composeFiles: [...files.files.keys()].map((path) => posix.relative(ports.repository.prefix, path)),
    images: Object.values(config.images),
  };
  const reading = markHandled(readBases(config, revision.commit, ports.repository));
  const dating = markHandled(ports.repository.timeOf(revision.commit));
  const describing = markHandled(describeUncommitted(inputs, ports.repository));
  const comparing = markHandled(compareSettings(config, environment.name, ports.repository, commit));
  // The order matters: missing images are reported even if a host cannot be reached.
  const own = await resolving.catch(async (error: unknown) => {
    // Gives the hosts time to remove the files that they were sent. A silent host is not waited for.
    await Promise.race([observing.catch(() => undefined), wait(mostPatience, undefined, { ref: false })]);
    throw error;
  });
  const observed = await observing;
  const states = observed.map(({ state }) => state);
  if (!intent.allowsOlder) await refuseOlder({ commit: revision.commit, environment: environment.name, states }, ports.repository);
  for (const state of states) checkHost(state, environment.name);
  for (const state of states) refuseForeignModel(state, files.naming, named);
  refuseMissingElsewhere(states.flatMap((state) => missingElsewhere(state.host, state.model, profiles, state.elsewhere)));
  const notes = new Set([...own.notes, ...variableNotes, ...(await describing), ...(await comparing), ...dotenvNotes(states, environment)]);
  const committed = await dating;
  const isIrreversible = intent.isIrreversible || config.irreversible;
  const hooks = await readHostHooks(config.hooks, ports.repository, revision.commit);
  const ran = lastRuns(states.map(({ manifest }) => manifest));
  const drafts: HostDraft[] = [];
  const shortages: Shortage[] = [];
  const reports: MountReport[] = [];
  const tags: ResolvedTags = new Map();
  const used = new Map<string, string>();
  const renderings: { host: string; rendered: Rendered }[] = [];
  const imageFacts = new Map<string, ImageFacts>();
  for (const { connection, state: found } of observed) {
    const located = { ...found, model: locateProfiles(found.model, found.sourceDirectory, compose.listed[0] ?? "") };
    const state = withOwnImages(located, config, ports.repository, profiles);
    const asking: Asking = { connection, script, signal: ports.signal };
    const { rendered, sources } = await renderFor(intent.config, registry, state, asking, {
      commit,
      own: own.images,
      tags,
      imageFacts,
      bases: await reading,
      project,
      profiles,
      variables: values,
    });
    renderings.push({ host: state.host, rendered });
    for (const { built, image } of Object.values(rendered.services)) if (built !== undefined) used.set(built, image);
    const runsTasks = !drafts.some(({ plan: { steps } }) => steps.some(({ verb }) => verb === "task"));
    const mounts = await examineMounts({ state, rendered, sources, digest }, asking);
    reports.push(mounts);
    const planned = planHost({
      config,
      rendered,
      state,
      runsTasks,
      lastRuns: ran,
      hasPeers: observed.length > 1,
      commit: revision.commit,
      isIrreversible,
      leaves: leavesOf(mounts, intent.leavesData),
    });
    const { plan, notes: lost } = await makeUndoable(planned, state, async () => registry);
    for (const note of lost) notes.add(note);
    const manifest: Manifest = manifestOf(rendered, {
      id,
      project: config.project,
      environment: environment.name,
      commit: revision.commit,
      ...(isIrreversible ? { irreversible: true } : {}),
      ...(committed === undefined ? {} : { committedAt: committed.toISOString() }),
      ...(revision.ref === undefined ? {} : { ref: revision.ref }),
      createdAt: intent.now.toISOString(),
      networks: ownNetworks(rendered.model),
    });
    const told = [...mounts.notes, ...(intent.leavesData ? leavingNotes(mounts) : []), ...networkNotes(state.model, rendered.model)];
    for (const note of [
      ...state.warnings,
      ...rendered.notes,
      ...told,
      ...hostNotes(plan, rendered, config),
      ...otherFronts(rendered, config),
    ])
      notes.add(note);
    const images = plan.steps.filter(({ verb }) => verb === "pull").flatMap(({ args }) => args);
    const capacity = plan.steps.length > 0 ? await checkCapacity({ state, rendered, images, registry }) : undefined;
    for (const note of capacity?.notes ?? []) notes.add(note);
    shortages.push(...(capacity?.shortages ?? []));
    const whole = planFull({ config, rendered }, drafts.length === 0, capacity?.isInTurn);
    drafts.push({
      connection,
      plan,
      images: missingImages(images, state),
      entriesFor(aligned) {
        const tasks = drafts.flatMap((draft) =>
          draft.plan.steps.filter(({ verb }) => verb === "task").map(({ args: [name = ""] }) => name),
        );
        const runs = runsAfter(id, ran, rendered.tasks, tasks);
        return releaseEntries(rendered, { ...manifest, runs }, { plan: aligned, whole }, intent.who, [...script, ...hooks]);
      },
    });
  }
  refuseMounts(reports, intent.leavesData);
  refuseShortages(shortages);
  const doubted = { commit: revision.commit, images: config.images, used, recorded: own.recorded, states };
  for (const note of [...(await doubtImages(doubted, ports)), ...differingNotes(renderings)]) notes.add(note);
  const work = alignWork(drafts);
  if (isIrreversible && work.some((host) => host.plan.steps.length > 0)) notes.add(irreversibleNote);
  const release = { id, commit: revision.commit, ...(revision.ref === undefined ? {} : { ref: revision.ref }) };
  return { plan: { environment: environment.name, project, release, hosts: work.map(({ plan }) => plan), notes: [...notes] }, work };
}

/** Name of the Compose project of an environment, and of its state on a host. */
export function projectOf(config: Pick<Config, "project">, environment: Pick<EnvironmentConfig, "name">): string {
  return `${config.project}-${environment.name}`;
}
