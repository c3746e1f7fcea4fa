import { startBake, type StartedBake } from "../adapters/bake.ts";
import { inspectBuilder, type Builder } from "../adapters/buildkit.ts";
import { ownPlatform } from "../adapters/machine.ts";
import type { Repository } from "../adapters/git.ts";
import type { RegistryClient } from "../adapters/registry.ts";
import type { Config, ImageConfig } from "../config/config.ts";
import { attachesAll, forwardsAgent, planBuild } from "../images/build-plan.ts";
import { basesOf } from "../images/content-digest.ts";
import { giveUp, type ChangedImage, type ContentPlan, type UnchangedImage } from "../images/content-plan.ts";
import { findCommits } from "../images/image-state.ts";
import { releaseTags } from "../images/image-tags.ts";
import { later } from "../later.ts";
import type { Reporter } from "../report/progress.ts";
import type { AskedAhead } from "./ask-ahead.ts";
import type { BuildAccess } from "./build-access.ts";
import { compareContent, type ComparedContent } from "./compare-content.ts";
import { explain } from "./explain.ts";
import type { ObservedContent } from "./observe-content.ts";
import type { Checkout } from "./prepare-build.ts";
import { noteBuilds, recordContent, retag, type RecordTools } from "./record-content.ts";
import { runBuild, type BuiltImage } from "./run-build.ts";
import { leaveTouched } from "./touched-images.ts";

export interface BuildWishes {
  output: "load" | "push";
  explain: boolean;
  /** Whatever the registry has. */
  force: boolean;
  /** Run every step anew. */
  noCache: boolean;
  concurrency?: number | undefined;
  /** A builder of buildx; the chosen one unless said otherwise. */
  builder?: string | undefined;
  /** Does the work, once it is known which images are built. */
  around: <Result>(changed: readonly string[], work: () => Promise<Result>) => Promise<Result>;
  access: BuildAccess;
  registry: RegistryClient;
  asked: AskedAhead;
  repository: Repository;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Builds what the registry does not have with the same content; what it has gets the release's tags, where they are pushed.
 * Docker is not started when all of it is there.
 * @returns all images, in their order
 * @throws ColdtivateError BUILD_FAILED, PUSH_FAILED, and what registry, engine and builder may throw
 */
export async function buildImages(
  config: Config,
  images: readonly ImageConfig[],
  checkout: Checkout,
  wishes: BuildWishes,
): Promise<BuiltImage[]> {
  const { output, registry, asked, reporter, repository, noCache } = wishes;
  const force = wishes.force || noCache;
  const { image: registryImage } = config.registry;
  const { revision } = checkout;
  const now = Date.now();
  let begun: Begun = {};
  await using stack = new AsyncDisposableStack();
  // As soon as there is something to build: the registry still answers, and what is unchanged gets its tags.
  const begin = () => {
    // A hook may make or choose the builder first.
    if (config.hooks.client["before_build"] !== undefined || begun.inspecting) return;
    begun = { inspecting: later(inspectBuilder(wishes.signal, wishes.builder)) };
    if (output === "load") return;
    const starting = later(startAhead(config, wishes));
    stack.defer(async () => (await starting.catch(() => undefined))?.[Symbol.asyncDispose]());
    begun = { ...begun, starting };
  };
  const asking = { registry, ...asked, force, needsRegistry: output === "push", reporter, now, onMissing: begin };
  const compared = await compareContent(config, images, checkout, asking);
  const reasons = wishes.explain ? await explain(compared.plan, images, { registryImage, registry, repository, revision }) : undefined;
  for (const text of reasons?.values() ?? []) reporter.emit({ type: "note", text });

  const changed = compared.plan.changed.map(({ name }) => name);
  if (changed.length > 0) begin();
  const described = await wishes.around(changed, () => carryOut(config, images, checkout, { ...wishes, ...compared, ...begun, now }));
  return images.flatMap(({ name }) => {
    const found = described.find((image) => image.name === name);
    const why = reasons?.get(name);
    return found === undefined ? [] : [{ ...found, ...(why !== undefined && { why }) }];
  });
}

/** Of a build, before it is known what it makes. */
interface Begun {
  /** The builder is being asked. */
  inspecting?: Promise<Builder>;
  /** A bake is being started. */
  starting?: Promise<StartedBake>;
}

async function startAhead(config: Config, { access, builder, output, signal }: BuildWishes): Promise<StartedBake> {
  const env = { ...access.sshEnv, ...(await access.noteLogin()) };
  const { directory, build } = config;
  return startBake({ directory, privateDirectory: access.directory.path, output, env, builder, ssh: forwardsAgent(build), signal });
}

interface Work extends BuildWishes, ComparedContent, Begun {
  now: number;
}

async function carryOut(config: Config, images: readonly ImageConfig[], checkout: Checkout, work: Work): Promise<BuiltImage[]> {
  const { output, registry, reporter, now, contents, present } = work;
  const { image: registryImage } = config.registry;
  const tools: RecordTools = { registryImage, registry, revision: checkout.revision, reporter };
  const lost = output === "push" ? await retag(work.plan.unchanged, present, tools, "is built again") : [];
  const intended = giveUp(work.plan, lost, contents);
  const made = await buildChanged(config, images, checkout, { ...work, plan: intended });
  // What is noted of them holds their manifests: they come while Git looks once more.
  if (output === "push")
    for (const { name, digest } of made) if (digest !== undefined) void later(registry.manifestOf(`${registryImage}/${name}@${digest}`));
  const { plan, built } = await leaveTouched(config, images, { ...work, checkout, plan: intended, made });
  if (output === "push") {
    const known = built.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }]));
    await Promise.all([recordContent(findPushed(plan, built, registryImage), now, tools), noteBuilds(known, tools)]);
  }
  const unchanged = plan.unchanged.map((image) => describeUnchanged(image, config, checkout, output));
  return [...built.map((image) => withContent(image, plan.changed)), ...unchanged];
}

async function buildChanged(
  config: Config,
  images: readonly ImageConfig[],
  { revision, states }: Checkout,
  {
    plan,
    sources,
    texts,
    bases,
    reachable,
    output,
    noCache,
    concurrency,
    builder: name,
    inspecting,
    starting,
    access,
    repository,
    reporter,
    signal,
  }: Work,
): Promise<BuiltImage[]> {
  const changed = images.filter((image) => plan.changed.some((each) => each.name === image.name));
  if (plan.unchanged.length > 0) reporter.emit({ type: "note", text: describeRest(plan, changed.length) });
  if (changed.length === 0) return [];
  const [builder, dated] = await Promise.all([
    inspecting ?? inspectBuilder(signal, name),
    findCommits(changed, states, revision.commit, repository),
  ]);
  // What lacks something that the content asks for, or is for another platform than it says, is another image.
  const isOurs = config.build.platforms.length > 0 || builder.platform === undefined || builder.platform === ownPlatform;
  if (!isOurs) reporter.emit({ type: "warning", text: describeForeign(builder) });
  const isWhole = isOurs && attachesAll(config.build, builder, output);
  const known = isWhole ? plan.changed : [];
  const contentTags = new Map(known.flatMap((each) => (each.content === undefined ? [] : [[each.name, each.content.tag]])));
  const withoutCache = new Set(plan.changed.filter(({ cause }) => noCache || cause.kind === "expired").map((each) => each.name));
  const facts = {
    revision,
    states: dated,
    builder,
    contentTags,
    withoutCache,
    bases: basesBySource({ sources, texts, bases }),
  };
  const build = planBuild(config, changed, facts, output);
  const { env, tried } = reachable ? await access.logIn(output, builder.isEngine) : { env: {}, tried: Promise.resolve() };
  const started = await starting;
  const options = {
    config,
    builder,
    texts,
    directory: access.directory,
    env: { ...access.sshEnv, ...env },
    reporter,
    concurrency,
    started,
  };
  return unlessRefused(tried, signal, (either) => runBuild(build, { ...options, signal: either }));
}

/** Begins while a login is being tried, and ends with that one's error, after cleaning up, where it fails. */
async function unlessRefused<Result>(
  tried: Promise<void>,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const refused = new AbortController();
  tried.catch((error: unknown) => refused.abort(error));
  const working = work(AbortSignal.any([signal, refused.signal]));
  await Promise.allSettled([tried, working]);
  await tried;
  return working;
}

function describeForeign({ platform }: Builder): string {
  return `the builder builds for ${platform}, and this machine is ${ownPlatform}: unless build.platforms says for what, such images are built every time`;
}

/** By image: the digests of its base images, as far as they are known. */
function basesBySource({
  sources,
  texts,
  bases,
}: Pick<ObservedContent, "sources" | "texts" | "bases">): Map<string, Record<string, string>> {
  return new Map(
    sources.map((source) => {
      const { references } = basesOf(source, texts);
      return [source.name, Object.fromEntries(references.flatMap((each) => (bases.has(each) ? [[each, bases.get(each) ?? ""]] : [])))];
    }),
  );
}

function describeRest({ unchanged, changed }: ContentPlan, count: number): string {
  const all = unchanged.length + changed.length;
  if (count === 0) return all === 1 ? "nothing changed: the registry has it" : `nothing changed: the registry has all ${all} images`;
  return `${unchanged.length} of ${all} images are unchanged: the registry has them`;
}

function findPushed({ changed }: ContentPlan, built: readonly BuiltImage[], registryImage: string) {
  return changed.flatMap(({ name, content, cause }) => {
    const image = built.find((each) => each.name === name);
    if (image === undefined || image.dirty || content === undefined) return [];
    const reference = image.digest === undefined ? (image.tags.at(-1) ?? "") : `${registryImage}/${name}@${image.digest}`;
    return [
      {
        name,
        ...content,
        reference,
        ...(image.digest === undefined && { configuration: image.configuration }),
        commit: image.commit,
        replaces: cause.kind !== "new",
      },
    ];
  });
}

function withContent(image: BuiltImage, changed: readonly ChangedImage[]): BuiltImage {
  const content = changed.find(({ name }) => name === image.name)?.content?.tag;
  const { configuration: _configuration, ...shown } = image;
  return { ...shown, ...(content !== undefined && { content }) };
}

function describeUnchanged(
  { name, record }: UnchangedImage,
  { registry }: Config,
  { revision }: Checkout,
  output: "load" | "push",
): BuiltImage {
  return {
    name,
    tags: output === "push" ? releaseTags(registry.image, name, revision) : [`${registry.image}/${name}:${record.tag}`],
    digest: record.image.digest,
    milliseconds: 0,
    steps: 0,
    cachedSteps: 0,
    content: record.tag,
    unchanged: true,
    ...(record.commit !== undefined && { commit: record.commit }),
    dirty: false,
  };
}
