import { posix } from "node:path";
import { setImmediate as immediately, setTimeout as wait } from "node:timers/promises";
import { openCommit } from "../../adapters/git/git-commit.ts";
import { packQuestion } from "../../adapters/host/host.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import { allOf, markHandled } from "../../common/mark-handled.ts";
import { hostNotes, otherFronts } from "../../plan/notes.ts";
import { planHost } from "../../plan/plan-deploy.ts";
import { rolloutsOf } from "../../plan/rollouts.ts";
import { planFull } from "../../plan/plan-full.ts";
import { taskNames } from "../../plan/steps/choose-tasks.ts";
import type { HostPlan } from "../../plan/steps/plan.ts";
import { missingElsewhere } from "../../host/elsewhere.ts";
import { manifestOf, type Manifest } from "../../release/manifest.ts";
import { refuseForeignModel } from "../../host/named-model.ts";
import { networkNotes, ownNetworks } from "../../host/networks.ts";
import { locateProfiles } from "../../compose/seccomp.ts";
import { releaseId } from "../../release/release-id.ts";
import { lastRuns, runsAfter } from "../../release/task-runs.ts";
import { compareSettings } from "./commit/compare-settings.ts";
import { observeEntries } from "./commit/compose-input.ts";
import { readBases } from "./commit/read-bases.ts";
import { differingNotes, doubtImages } from "./commit/doubt-images.ts";
import { dotenvNotes } from "./commit/dotenv-notes.ts";
import { readHostHooks } from "./commit/host-hooks.ts";
import { readCompose } from "./commit/read-compose.ts";
import { refuseOlder } from "./commit/older-commit.ts";
import { describeUncommitted } from "./commit/uncommitted.ts";
import { observeHosts, type HostDraft, type ObservedHost, type ReleaseDraft } from "./draft.ts";
import { examineMounts, type Asking } from "./examine-mounts.ts";
import { checkHost, refuseMissingElsewhere } from "./host-check.ts";
import { resolveOwnImages, type ResolvedTags } from "./images/resolve-images.ts";
import { withOwnImages } from "./images/service-images.ts";
import { projectOf, type DeployRequest, type Intent, type PreparePorts } from "./intent.ts";
import { leavesOf, mountNotes } from "./refuse-mounts.ts";
import { releaseEntries } from "./release-entries.ts";
import { digest, renderFor } from "./render-release.ts";

const irreversibleNote = "nobody goes back past this release: it is declared irreversible";

/** How long a refusal waits for hosts that are still being asked, in milliseconds. */
const mostPatience = 1000;

/**
 * Reads the release's files, asks every host what it runs, and decides what each one has to do.
 * @throws ColdtivateError if a host cannot take the release
 */
export async function draftDeploy(intent: Intent, request: DeployRequest, ports: PreparePorts): Promise<ReleaseDraft> {
  const { config, environment, script, leavesData } = intent;
  const { revision } = request;
  const repository = await ports.repository();
  using commit = await openCommit(repository.root, revision.commit);
  const { files, profiles, values, notes: variableNotes, ...compose } = await readCompose({ ...intent, ...request }, repository, commit);
  const opened = await ports.registry(files.naming.images);
  const registry = askOnce(opened.client);
  const entries = observeEntries({ composeFiles: files, ...compose, script, isDryRun: intent.isDryRun });
  const project = projectOf(config, environment);
  const id = releaseId(intent.now, revision.commit);

  const observing = markHandled(observeHosts(await packQuestion(entries), project, ports));
  // The hosts take longest. We send their question first, and ask everything else while they work.
  await immediately();
  const resolving = markHandled(resolveOwnImages(config, revision.commit, registry));
  const inputs = {
    commit: revision.commit,
    composeFiles: [...files.files.keys()].map((path) => posix.relative(repository.prefix, path)),
    images: Object.values(config.images),
  };
  const reading = markHandled(readBases(config, revision.commit, repository));
  const dating = markHandled(repository.timeOf(revision.commit));
  const describing = markHandled(describeUncommitted(inputs, repository));
  const comparing = markHandled(compareSettings(config, environment.name, repository, commit));
  // The order matters: missing images are reported even if a host cannot be reached.
  const own = await resolving.catch(async (error: unknown) => {
    // Gives the hosts time to remove the files that they were sent. A silent host is not waited for.
    await Promise.race([observing.catch(() => undefined), wait(mostPatience, undefined, { ref: false })]);
    throw error;
  });
  const observed = await observing;
  const states = observed.map(({ state }) => state);
  if (!request.allowsOlder) await refuseOlder({ commit: revision.commit, environment: environment.name, states }, repository);
  for (const state of states) checkHost(state, environment.name);
  for (const state of states) refuseForeignModel(state, files.naming, opened.named);
  refuseMissingElsewhere(states.flatMap((state) => missingElsewhere(state.host, state.model, profiles, state.elsewhere)));
  const notes = [...own.notes, ...variableNotes, ...(await describing), ...(await comparing), ...dotenvNotes(states, environment)];
  const committed = await dating;
  const isIrreversible = request.isIrreversible || config.irreversible;
  const hooks = await readHostHooks(config.hooks, repository, revision.commit);
  const bases = await reading;
  const tags: ResolvedTags = new Map();
  const render = async ({ connection, state: found }: ObservedHost) => {
    const located = { ...found, model: locateProfiles(found.model, found.sourceDirectory, compose.listed[0] ?? "") };
    const state = withOwnImages(located, config, repository, profiles);
    const asking: Asking = { connection, script, signal: ports.signal };
    const facts = { commit, own: own.images, tags, bases, project, profiles, variables: values };
    const { rendered, sources } = await renderFor(config, registry, state, asking, facts);
    return { connection, state, rendered, mounts: await examineMounts({ state, rendered, sources, digest }, asking) };
  };
  const renderings = await allOf(observed.map(render));

  const ran = lastRuns(states.map(({ manifest }) => manifest));
  const ref = revision.ref === undefined ? {} : { ref: revision.ref };
  const drafts: HostDraft[] = [];
  for (const { connection, state, rendered, mounts } of renderings) {
    const isFirst = drafts.length === 0;
    const plan = planHost({
      config,
      rendered,
      state,
      runsTasks: taskNames(drafts.map((draft) => draft.plan)).length === 0,
      lastRuns: ran,
      hasPeers: observed.length > 1,
      commit: revision.commit,
      isIrreversible,
      leaves: leavesOf(mounts, leavesData),
    });
    const manifest: Manifest = manifestOf(rendered, {
      id,
      project: config.project,
      environment: environment.name,
      commit: revision.commit,
      ...(isIrreversible ? { irreversible: true } : {}),
      ...(committed === undefined ? {} : { committedAt: committed.toISOString() }),
      ...ref,
      createdAt: intent.now.toISOString(),
      networks: ownNetworks(rendered.model),
      rollouts: rolloutsOf({ config, rendered }),
    });
    drafts.push({
      connection,
      state,
      plan,
      rendered,
      mounts,
      notes: [
        ...state.warnings,
        ...rendered.notes,
        ...mountNotes(mounts, leavesData),
        ...networkNotes(state.model, rendered.model),
        ...hostNotes(plan, rendered, config),
        ...otherFronts(rendered, config),
      ],
      entriesFor(aligned, { isInTurn, tasks }) {
        const runs = runsAfter(id, ran, rendered.tasks, tasks);
        const full = planFull({ config, rendered }, isFirst, isInTurn);
        return releaseEntries(rendered, { ...manifest, runs }, { plan: aligned, full }, intent.who, [...script, ...hooks]);
      },
    });
  }
  const lastNotes = async (plans: readonly HostPlan[]) => {
    const services = renderings.flatMap(({ rendered }) => Object.values(rendered.services));
    const used = new Map(services.flatMap(({ built, image }) => (built === undefined ? [] : [[built, image] as const])));
    const doubted = { commit: revision.commit, images: config.images, used, recorded: own.recorded, states };
    return [
      ...(await doubtImages(doubted, { registry, repository })),
      ...differingNotes(renderings.map(({ state, rendered }) => ({ host: state.host, rendered }))),
      ...(isIrreversible && plans.some(({ steps }) => steps.length > 0) ? [irreversibleNote] : []),
    ];
  };
  const release = { id, commit: revision.commit, ...ref };
  return { release, hosts: drafts, notes, registry: () => Promise.resolve({ ...opened, client: registry }), lastNotes };
}

/** The same client. It asks for the configuration of an image only once, however many hosts run the image. */
function askOnce(client: RegistryClient): RegistryClient {
  const asked = new Map<string, ReturnType<RegistryClient["configurationOf"]>>();
  const configurationOf = (image: string) => {
    const answer = asked.get(image) ?? client.configurationOf(image);
    asked.set(image, answer);
    return answer;
  };
  return { ...client, configurationOf };
}
