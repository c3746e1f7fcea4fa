import { availableParallelism } from "node:os";
import { startBake, type BakedImages, type StartedBake } from "../../adapters/buildkit/bake.ts";
import type { Builder } from "../../adapters/buildkit/buildkit.ts";
import type { DockerEnvironment } from "../../adapters/docker/docker-login.ts";
import type { PrivateDirectory } from "../../adapters/private-directory.ts";
import { changes } from "../../changes.ts";
import type { Config } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import { bakeDefinition, bakeTargets, type BakeDefinition } from "../../images/bake-definition.ts";
import type { BuildPlan } from "../../images/build-plan.ts";
import type { BuildStatus } from "../../images/build-status.ts";
import type { Reporter } from "../../report/progress.ts";
import { unlessRefused, type BuildAccess } from "./build-access.ts";
import { describeBuildFailure } from "./build-failure.ts";
import { buildSection, isRace, trackBuild } from "./build-tracker.ts";
import type { ImageResult } from "./image-progress.ts";

/** An image that was built, or that the registry has with the same content. */
export interface BuiltImage extends Omit<ImageResult, "failure"> {
  /** Full names, including those that it gets later. */
  tags: string[];
  /** The full name with the commit's tag. Only set if the image was just built. */
  reference?: string;
  /** Names that it gets once it is in the registry. Only set if the builder itself pushes. */
  laterTags?: readonly string[];
  digest?: string;
  /** The digest of its configuration. Only set if the image was just built. */
  configuration?: string;
  /** Its content tag, if known. */
  content?: string;
  /** Why it was built or not, if that was asked for. */
  why?: string;
  /** Whether it was not built, because the registry has it. */
  unchanged: boolean;
  /** The last commit that touched its inputs. */
  commit?: string;
  dirty: boolean;
}

/** An image whose manifest was sent to the registry. */
export type SentImage = Pick<BuiltImage, "name" | "commit" | "laterTags"> & { digest: string };

/** Takes the images of a build while it runs. */
export interface ImageSink {
  /** Called once an image's manifest was sent under all tags that the builder sets, if the builder reports that. */
  add(image: SentImage): void;
  /** Called after each bake. */
  flush(): void;
}

/** What a build plan is carried out with. */
export interface BuildSetting {
  config: Config;
  builder: Builder;
  /** Dockerfiles, by path. */
  texts: ReadonlyMap<string, string>;
  access: BuildAccess;
  /** Whether the registry answers. */
  reachable: boolean;
  reporter: Reporter;
  signal: AbortSignal;
}

export interface RunOptions {
  /** How many images are built at once, at most. */
  concurrency?: number | undefined;
  /** A bake process that was started in advance. */
  started?: StartedBake | undefined;
  sink?: ImageSink | undefined;
}

/** How many attempts a build gets if another one gives its images their names in the engine at the same time. */
const mostAttempts = 5;

/**
 * Carries out a build plan. Logs in to the registry meanwhile.
 * @throws ColdtivateError BUILD_FAILED, PUSH_FAILED, and the errors of engine and builder
 */
export async function runBuild(plan: BuildPlan, setting: BuildSetting, options: RunOptions): Promise<BuiltImage[]> {
  const { access, builder, reachable } = setting;
  const { env, tried } = reachable ? await access.logIn(plan.output, builder.isEngine) : { env: {}, tried: Promise.resolve() };
  return unlessRefused(tried, setting.signal, (signal) => runBakes(plan, { ...setting, signal }, { ...options, env }));
}

interface BakeOptions extends RunOptions {
  env: DockerEnvironment;
}

async function runBakes(plan: BuildPlan, setting: BuildSetting, options: BakeOptions): Promise<BuiltImage[]> {
  const { config, access, reporter } = setting;
  for (const text of plan.warnings) reporter.emit({ type: "warning", text });
  reporter.emit({ type: "planned", sections: [buildSection(plan)] });
  const secretPath = await writeSecrets(plan, config, access.directory);
  const built: BuiltImage[] = [];
  const parts = splitEvenly(plan.images, options.concurrency ?? usualConcurrency());
  for (const [index, images] of parts.entries()) {
    const part = { ...plan, images };
    try {
      const own = index === 0 ? options : { ...options, started: undefined };
      built.push(...(await runBake(part, bakeDefinition(part, secretPath), setting, own)));
      options.sink?.flush();
    } catch (error) {
      for (const event of trackBuild({ ...plan, images: parts.slice(index + 1).flat() }).finish(false)) reporter.emit(event);
      throw error;
    }
  }
  return built;
}

/** An engine that builds hundreds of images at once is no faster, and loses connections to some of them. */
function usualConcurrency(): number {
  return Math.min(64, Math.max(16, 4 * availableParallelism()));
}

/** Splits into as few parts as possible, all of about the same size. */
function splitEvenly<T>(all: readonly T[], most: number): T[][] {
  const count = Math.ceil(all.length / most);
  return Array.from({ length: count }, (_, index) =>
    all.slice(Math.floor((index * all.length) / count), Math.floor(((index + 1) * all.length) / count)),
  );
}

async function runBake(
  plan: BuildPlan,
  definition: BakeDefinition,
  { config, builder, texts, access, reporter, signal }: BuildSetting,
  { env: login, started, sink }: BakeOptions,
): Promise<BuiltImage[]> {
  const env = { ...access.sshEnv, ...login };
  const start = {
    directory: config.directory,
    privateDirectory: access.directory.path,
    output: plan.output,
    env,
    builder: builder.name,
    signal,
  };
  const ssh = plan.images.some((image) => image.ssh);
  for (let attempt = 1; ; attempt++) {
    const tracker = trackBuild(plan);
    const making = noteMaking(plan);
    const takeSent = trackSent(plan);
    const emitAll = (events: ReturnType<typeof tracker.take>) => events.forEach((event) => reporter.emit(event));
    try {
      const onStatus = (status: BuildStatus) => {
        emitAll(tracker.take(status));
        for (const image of takeSent(status)) {
          making.sent(image);
          sink?.add(image);
        }
      };
      await using baking =
        attempt === 1 && started ? started : await startBake({ ...start, ssh, provenance: config.build.provenance !== undefined });
      const result = await baking.make(definition, { builder, signal, onStatus });
      if (result.images === undefined && attempt < mostAttempts && result.said.some(isRace)) {
        making.failed("race");
        continue;
      }
      if (result.images === undefined) throw describeBuildFailure(plan, tracker.records(), result, texts);
      making.done();
      emitAll(tracker.finish(true));
      return describeImages(plan, tracker.records(), result.images);
    } catch (error) {
      making.failed(error instanceof ColdtivateError ? error.code : "");
      emitAll(tracker.finish(false));
      throw error;
    }
  }
}

/** Tracks what a bake changes in the registry or in the local engine. */
function noteMaking({ images, output, pusher }: BuildPlan) {
  const what = output === "push" ? "pushed" : "put into the local engine";
  const open = new Map(images.map((image) => [image.name, changes.begin(what, image.reference)]));
  const end = (name: string, how: "done" | "dropped") => {
    open.get(name)?.[how]();
    open.delete(name);
  };
  return {
    sent: ({ name }: SentImage) => end(name, "done"),
    done: () => images.forEach(({ name }) => end(name, "done")),
    failed(code: string) {
      // An engine does not report how far its push got. A builder does.
      if (output === "push" && pusher === "engine" && code !== "BUILD_FAILED") return;
      for (const { name } of images) end(name, "dropped");
    },
  };
}

/** Returns each image once its last tag was sent. */
function trackSent({ images }: BuildPlan) {
  const missing = new Map(images.map(({ name, tags }) => [name, new Set(tags)]));
  return ({ sent = [] }: BuildStatus) =>
    sent.flatMap(({ reference, digest }) => {
      const image = images.find(({ tags }) => tags.includes(reference));
      const tags = image && missing.get(image.name);
      if (image === undefined || tags?.delete(reference) !== true || tags.size > 0) return [];
      const { name, commit, laterTags } = image;
      return [{ name, digest, laterTags, ...(commit !== undefined && { commit }) }];
    });
}

/** Secrets reach BuildKit as files that only this user can read. */
async function writeSecrets(
  plan: BuildPlan,
  { build, images }: Config,
  { write }: PrivateDirectory,
): Promise<(image: string, id: string) => string> {
  const paths = new Map<string, string>();
  const wanted = plan.images.flatMap(({ name, secrets }) => secrets.map((id) => ({ name, id })));
  for (const [index, { name, id }] of wanted.entries()) {
    const value = images[name]?.secrets[id] ?? build.secrets[id];
    paths.set(`${name} ${id}`, await write(`secret-${index}`, value?.reveal() ?? ""));
  }
  return (image, id) => {
    const path = paths.get(`${image} ${id}`);
    if (path === undefined) throw new ColdtivateError(`${image}: there is no secret "${id}"`, { code: "UNKNOWN_SECRET", exit: "bug" });
    return path;
  };
}

function describeImages(plan: BuildPlan, records: readonly ImageResult[], baked: BakedImages): BuiltImage[] {
  const targets = bakeTargets(plan);
  return plan.images.map(({ name, tags, reference, laterTags, commit, dirty }) => {
    const { milliseconds = 0, steps = 0, cachedSteps = 0 } = records.find((record) => record.name === name) ?? {};
    const { digest, configuration } = baked.get(targets.get(name) ?? name) ?? {};
    return {
      name,
      tags: [...laterTags, ...tags],
      reference,
      ...(plan.output === "push" && plan.pusher !== "engine" && { laterTags }),
      ...(digest !== undefined && { digest }),
      ...(configuration !== undefined && { configuration }),
      milliseconds,
      steps,
      cachedSteps,
      unchanged: false,
      ...(commit !== undefined && { commit }),
      dirty,
    };
  });
}
