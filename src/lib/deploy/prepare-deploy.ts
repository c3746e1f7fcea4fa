import { createHash } from "node:crypto";
import { setImmediate as immediately, setTimeout as wait } from "node:timers/promises";
import type { Repository } from "../adapters/git.ts";
import { observeHost, packQuestion } from "../adapters/host.ts";
import type { RegistryClient } from "../adapters/registry.ts";
import type { HostConnection } from "../adapters/ssh.ts";
import type { TarEntry } from "../adapters/tar.ts";
import type { Config, EnvironmentConfig } from "../config/config.ts";
import { matchesAny } from "../git/pattern.ts";
import type { Revision } from "../git/revision.ts";
import { later } from "../later.ts";
import type { Shortage } from "../plan/capacity.ts";
import { hostNotes, otherFronts } from "../plan/notes.ts";
import { missingImages } from "../plan/capacity-disk.ts";
import { planHost } from "../plan/plan-deploy.ts";
import { planWhole } from "../plan/plan-whole.ts";
import type { Plan } from "../plan/plan.ts";
import { collectComposeFiles } from "../release/compose-files.ts";
import type { HostState } from "../release/host-state.ts";
import { manifestOf, type Manifest } from "../release/manifest.ts";
import { networkNotes, ownNetworks, withNetworksAsMade } from "../release/networks.ts";
import { isActive } from "../release/model.ts";
import type { ImageFacts } from "../release/image-facts.ts";
import { pinImages, repositoryOf, type Pins } from "../release/pins.ts";
import { releaseId } from "../release/release-id.ts";
import { render, type PinnedImage, type Rendered } from "../release/render.ts";
import { needsFronts } from "../release/rollout.ts";
import { referredPaths, type Digest, type SourceTree } from "../release/sources.ts";
import { checkSupported } from "../release/unsupported.ts";
import { alignWork, type AlignedWork, type HostDraft } from "./align-work.ts";
import { checkCapacity, refuseShortages } from "./capacity-check.ts";
import { observeEntries } from "./compose-input.ts";
import { checkHost } from "./host-check.ts";
import { checkSettings } from "./check-settings.ts";
import { readHostHooks } from "./host-hooks.ts";
import { releaseEntries, type Who } from "./release-entries.ts";
import { leavesOf, leavingNotes, refuseMounts } from "./refuse-mounts.ts";
import { askDevices, examineMounts, type Asking, type MountReport } from "./examine-mounts.ts";
import { readSources } from "./release-sources.ts";
import { refuseOlder } from "./older-commit.ts";
import { resolveFacts, resolveOwnImages, resolveThirdParty } from "./resolve-images.ts";
import { describeUncommitted } from "./uncommitted.ts";
import { composeVariables } from "./variables.ts";

const irreversibleNote = "nobody goes back past this release: it is declared irreversible";

/** Milliseconds that a refusal waits for hosts that are being asked. */
const mostPatience = 1000;

/** What a deploy is about, before any host is asked. */
export interface DeployIntent {
  config: Config;
  environment: EnvironmentConfig;
  revision: Revision;
  /** Whether a commit may be released that is older than the one that serves. */
  allowsOlder: boolean;
  /** Whether nobody is to roll back past this release, beside what the configuration says. */
  isIrreversible: boolean;
  /** Whether it may leave behind what containers write to. */
  leavesData: boolean;
  /** What the environment's dotenv holds. */
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
  /** They may still be on their way. */
  connections: Promise<readonly HostConnection[]>;
  signal: AbortSignal;
}

/** A plan with what each host is to be sent for it. */
export interface PreparedDeploy {
  plan: Plan;
  work: AlignedWork[];
}

/**
 * Reads the release's files, asks every host what it runs, and decides what each one has to do. Changes nothing.
 * @throws ColdtivateError before any host is changed, where one of them cannot take the release
 */
export async function prepareDeploy(intent: DeployIntent, ports: DeployPorts): Promise<PreparedDeploy> {
  const { config, environment, revision, dotenv, script } = intent;
  const { files, variables } = await readCompose(intent, ports.repository);
  const entries = observeEntries({
    composeFiles: files,
    listed: environment.compose,
    dotenv,
    variables,
    script,
    isDryRun: intent.isDryRun,
  });
  const project = projectOf(config, environment);
  const id = releaseId(intent.now, revision.commit);
  const profiles = (dotenv.get("COMPOSE_PROFILES") ?? "").split(",").filter(Boolean);

  const question = await packQuestion(entries);
  const observe = async (connection: HostConnection) => ({
    connection,
    state: await observeHost(connection, project, question, ports.signal),
  });
  const observing = later(ports.connections.then((connections) => Promise.all(connections.map(observe))));
  // The hosts take longest: all else is asked while they are at work, once their question is on its way.
  await immediately();
  const resolving = later(resolveOwnImages(config, revision.commit, ports.registry));
  const inputs = { commit: revision.commit, composeFiles: [...files.files.keys()], images: Object.values(config.images) };
  const dating = later(ports.repository.timeOf(revision.commit));
  const describing = later(describeUncommitted(inputs, ports.repository));
  // In this order: what is missing in the registry is told even where a host is out of reach.
  const own = await resolving.catch(async (error: unknown) => {
    // So that the hosts have removed what they were sent when this ends; one that is silent is not waited for.
    await Promise.race([observing.catch(() => undefined), wait(mostPatience, undefined, { ref: false })]);
    throw error;
  });
  const observed = await observing;
  const states = observed.map(({ state }) => state);
  if (!intent.allowsOlder) await refuseOlder({ commit: revision.commit, environment: environment.name, states }, ports.repository);
  const notes = new Set([...own.notes, ...(await describing)]);
  const committed = await dating;
  const isIrreversible = intent.isIrreversible || config.irreversible;
  const hooks = await readHostHooks(config.hooks, ports.repository, revision.commit);
  const drafts: HostDraft[] = [];
  const shortages: Shortage[] = [];
  const reports: MountReport[] = [];
  const imageFacts = new Map(states.flatMap(({ manifest }) => Object.entries(manifest?.images ?? {})));
  for (const { connection, state } of observed) {
    checkHost(state, environment.name);
    const asking: Asking = { connection, script, signal: ports.signal };
    const { rendered, sources } = await renderFor(intent, ports, state, asking, {
      own: own.images,
      imageFacts,
      project,
      profiles,
      variables: { ...Object.fromEntries(dotenv), ...variables },
    });
    const runsTasks = !drafts.some(({ plan: { steps } }) => steps.some(({ verb }) => verb === "task"));
    const mounts = await examineMounts({ state, rendered, sources, digest }, asking);
    reports.push(mounts);
    const plan = planHost({
      config,
      rendered,
      state,
      runsTasks,
      hasPeers: observed.length > 1,
      commit: revision.commit,
      isIrreversible,
      leaves: leavesOf(mounts, intent.leavesData),
    });
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
    for (const note of networkNotes(state.model, rendered.model)) notes.add(note);
    const told = [...mounts.notes, ...(intent.leavesData ? leavingNotes(mounts) : [])];
    for (const note of [
      ...state.warnings,
      ...rendered.notes,
      ...told,
      ...hostNotes(plan, rendered, config),
      ...otherFronts(rendered, config),
    ])
      notes.add(note);
    const images = plan.steps.filter(({ verb }) => verb === "pull").flatMap(({ args }) => args);
    const capacity = plan.steps.length > 0 ? await checkCapacity({ state, rendered, images, registry: ports.registry }) : undefined;
    for (const note of capacity?.notes ?? []) notes.add(note);
    shortages.push(...(capacity?.shortages ?? []));
    const whole = planWhole({ config, rendered }, drafts.length === 0, capacity?.isInTurn);
    drafts.push({
      connection,
      plan,
      images: missingImages(images, state),
      entriesFor: (aligned) => releaseEntries(rendered, manifest, { plan: aligned, whole }, intent.who, [...script, ...hooks]),
    });
  }
  refuseMounts(reports, intent.leavesData);
  refuseShortages(shortages);
  const work = alignWork(drafts);
  if (isIrreversible && work.some((host) => host.plan.steps.length > 0)) notes.add(irreversibleNote);
  const release = { id, commit: revision.commit, ...(revision.ref === undefined ? {} : { ref: revision.ref }) };
  return { plan: { environment: environment.name, project, release, hosts: work.map(({ plan }) => plan), notes: [...notes] }, work };
}

/** Name of the Compose project of an environment, and of its state on a host. */
export function projectOf(config: Pick<Config, "project">, environment: Pick<EnvironmentConfig, "name">): string {
  return `${config.project}-${environment.name}`;
}

async function readCompose({ config, environment, revision, dotenv, env }: DeployIntent, repository: Repository) {
  const facts = {
    environment: environment.name,
    registry: config.registry,
    commit: revision.commit,
    ...(revision.ref === undefined ? {} : { ref: revision.ref }),
    isTag: revision.ref !== undefined && matchesAny(revision.ref, environment.tags),
    hasDotenv: environment.dotenv !== undefined,
    env,
  };
  const every = composeVariables(facts);
  const files = await collectComposeFiles(environment.compose, (path) => repository.readFile(revision.commit, path), {
    ...every,
    ...Object.fromEntries(dotenv),
  });
  const used = Object.fromEntries(Object.entries(every).filter(([name]) => files.variables.has(name)));
  return { files, variables: used };
}

interface RenderFacts {
  /** The project's own images by repository, with their digests. */
  own: ReadonlyMap<string, PinnedImage>;
  /** What is known of images so far, by image as it runs; more is added. */
  imageFacts: Map<string, ImageFacts>;
  project: string;
  profiles: readonly string[];
  variables: Record<string, string>;
}

async function renderFor(
  intent: DeployIntent,
  ports: DeployPorts,
  state: HostState,
  asking: Asking,
  { own, ...facts }: RenderFacts,
): Promise<{ rendered: Rendered; sources: ReadonlyMap<string, SourceTree> }> {
  const { manifest, sourceDirectory, stateDirectory } = state;
  const model = withNetworksAsMade(state.model, state);
  checkSettings(intent.config, state);
  const { front, services } = intent.config;
  const resolve = async ({ pinned, open }: Pins) => new Map([...pinned, ...(await resolveThirdParty(open, ports.registry))]);
  const names = Object.keys(model.services).filter((name) => isActive(model.services[name] ?? {}, facts.profiles));
  checkSupported(model, names);
  let images = await resolve(pinImages(model, own, manifest, facts.profiles));
  const used = names.flatMap((name) => images.get(model.services[name]?.image ?? "") ?? []);
  const { facts: told, unknown } = await resolveFacts(used, facts.imageFacts, ports.registry);
  for (const [image, each] of told) facts.imageFacts.set(image, each);
  const isBuilt = (name: string) => own.has(repositoryOf(model.services[name]?.image ?? ""));
  const factsOf = (name: string) => facts.imageFacts.get(images.get(model.services[name]?.image ?? "")?.image ?? "");
  if (needsFronts({ model, names, config: services, isBuilt, factsOf })) {
    images = await resolve(pinImages(model, own, manifest, facts.profiles, front.image));
  }
  const sources = await readSources(ports.repository, intent.revision.commit, referredPaths(model, sourceDirectory));
  const rendered = render({
    ...facts,
    model,
    stateDirectory,
    sourceDirectory,
    images,
    runningFronts: manifest?.fronts ?? {},
    front,
    services,
    tasks: intent.config.tasks,
    sources,
    containers: state.containers,
    places: manifest?.places,
    devices: await askDevices(model, state, asking),
    digest,
  });
  return { rendered: { ...rendered, notes: [...rendered.notes, ...unknown.map(unknownImage)] }, sources };
}

const digest: Digest = (content) => createHash("sha256").update(content).digest("hex");

function unknownImage(image: string): string {
  return `${image}: its registry does not tell the ports and volumes that it declares; what the Compose files say counts alone`;
}
