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
  /** Builds even what the registry has already. */
  force: boolean;
  /** Runs every step anew, without the layer cache. */
  noCache: boolean;
  concurrency?: number | undefined;
  /** Name of a buildx builder. Defaults to the selected one. */
  builder?: string | undefined;
  /** Runs the given work. Called once it is known which images are built. */
  around: <Result>(changed: readonly string[], work: () => Promise<Result>) => Promise<Result>;
  access: BuildAccess;
  registry: RegistryClient;
  asked: PrefetchedRegistry;
  repository: Repository;
  reporter: Reporter;
  signal: AbortSignal;
}

/** What a build starts early, before it knows which images it makes. */
export interface Begun {
  /** The lookup of the builder's properties. */
  inspecting?: Promise<Builder>;
  /** A bake process that is starting. */
  starting?: Promise<StartedBake>;
}

/** Starts a bake that will push, before it is known which images it makes. */
export async function startAhead(config: Config, { access, builder, output, signal }: BuildWishes): Promise<StartedBake> {
  const env = { ...access.sshEnv, ...(await access.noteLogin()) };
  const { directory, build } = config;
  const wanted = { ssh: forwardsAgent(build), provenance: build.provenance !== undefined };
  return startBake({ directory, privateDirectory: access.directory.path, output, env, builder, ...wanted, signal });
}

/** Everything that a build knows when it begins. */
export interface BuildWork extends BuildWishes, ComparedContent, Begun {
  now: number;
}

export interface Made {
  made: BuiltImage[];
  /** Whether the images are what their content asks for: for the right platform, with all attestations. */
  isWhole: boolean;
}

/**
 * Builds the images that the plan lists as changed, and pushes or loads them.
 * @throws ColdtivateError BUILD_FAILED, PUSH_FAILED, and the errors of engine and builder
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
  // An image that lacks something its content asks for, or that is for another platform, is a different image.
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
  // An index is sent together with its parts. A manifest that was sent is then only a part of the image.
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

/**
 * Starts the work while a login is being tried. If the login fails, aborts the work, waits for its cleanup, and throws the
 * login's error.
 */
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

/** The known digests of the base images, by image. */
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
