import { startBake, type StartedBake } from "../adapters/buildkit/bake.ts";
import { inspectBuilder, type Builder } from "../adapters/buildkit/buildkit.ts";
import type { Repository } from "../adapters/git/git.ts";
import { ownPlatform } from "../adapters/machine.ts";
import type { RegistryClient } from "../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../config/schema/config.ts";
import { attachesAll, forwardsAgent, planBuild } from "../images/build-plan.ts";
import { basesOf } from "../content/content-digest.ts";
import type { ContentPlan } from "../content/content-plan.ts";
import { findCommits } from "../content/image-state.ts";
import type { Reporter } from "../report/progress.ts";
import type { PrefetchedRegistry } from "./observe/prefetch-registry.ts";
import type { BuildAccess } from "./run/build-access.ts";
import type { ComparedContent } from "./observe/compare-content.ts";
import type { ObservedContent } from "./observe/observe-content.ts";
import type { Checkout } from "./observe/prepare-build.ts";
import { runBuild, type BuildOptions, type BuiltImage } from "./run/run-build.ts";

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
  asked: PrefetchedRegistry;
  repository: Repository;
  reporter: Reporter;
  signal: AbortSignal;
}

/** Of a build, before it is known what it makes. */
export interface Begun {
  /** The builder is being asked. */
  inspecting?: Promise<Builder>;
  /** A bake is being started. */
  starting?: Promise<StartedBake>;
}

/** Starts a bake that pushes, before it is known what. */
export async function startAhead(config: Config, { access, builder, output, signal }: BuildWishes): Promise<StartedBake> {
  const env = { ...access.sshEnv, ...(await access.noteLogin()) };
  const { directory, build } = config;
  const wanted = { ssh: forwardsAgent(build), provenance: build.provenance !== undefined };
  return startBake({ directory, privateDirectory: access.directory.path, output, env, builder, ...wanted, signal });
}

/** A build, with all that is known once it begins. */
export interface BuildWork extends BuildWishes, ComparedContent, Begun {
  now: number;
}

export interface Made {
  made: BuiltImage[];
  /** Whether they are what their content says. */
  isWhole: boolean;
}

/**
 * Builds the images that the plan has as changed, and pushes or loads them.
 * @throws ColdtivateError BUILD_FAILED, PUSH_FAILED, and what engine and builder may throw
 */
export async function buildChanged(
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
    onSent,
    onBaked,
  }: BuildWork & Pick<BuildOptions, "onSent" | "onBaked">,
): Promise<Made> {
  const changed = images.filter((image) => plan.changed.some((each) => each.name === image.name));
  if (plan.unchanged.length > 0) reporter.emit({ type: "note", text: describeRest(plan, changed.length) });
  if (changed.length === 0) return { made: [], isWhole: true };
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
  const started = await starting;
  const { env, tried } = reachable ? await access.logIn(output, builder.isEngine) : { env: {}, tried: Promise.resolve() };
  // An index is sent with its parts, and is more than one of them.
  const isPlain = config.build.platforms.length <= 1 && config.build.provenance === undefined && config.build.sbom === undefined;
  const options = {
    config,
    builder,
    texts,
    directory: access.directory,
    env: { ...access.sshEnv, ...env },
    reporter,
    concurrency,
    started,
    ...(isWhole && isPlain && { onSent, onBaked }),
  };
  return { made: await unlessRefused(tried, signal, (either) => runBuild(build, { ...options, signal: either })), isWhole };
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
