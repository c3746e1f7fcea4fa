import type { Config, ImageConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";
import type { Revision } from "../git/revision.ts";
import type { ImageState } from "../content/image-state.ts";
import { allTags, repositoryOfImage, revisionTags, type RevisionTags } from "./image-tags.ts";
import { formatReference, parseReference, pinReference } from "../common/reference.ts";

/** What a build will do: plain, serialisable data. Paths are relative to the configuration's folder. */
export interface BuildPlan {
  revision: Revision;
  /** Where the images go: the local engine, or the registry. */
  output: "load" | "push";
  images: ImageBuild[];
  /** Whether the builder has to be told that the registry speaks plain HTTP. */
  insecure: boolean;
  /** Who puts images into the registry: the engine once they are built, the engine's own builder, or a builder elsewhere. */
  pusher: "engine" | "embedded" | "builder";
  /** What the user should know before it starts. */
  warnings: string[];
}

export interface ImageBuild {
  name: string;
  context: string;
  /** Relative to the context. */
  dockerfile: string;
  target?: string;
  /** Full names that the builder itself gives it. */
  tags: string[];
  /** The full name with the commit's tag. With uncommitted files, the tag is `dirty`. */
  reference: string;
  /**
   * Full names that it gets once it is in the registry. There a name costs one request, while a push checks every layer again.
   */
  laterTags: string[];
  /** Additional contexts and the pinned base images, by name. */
  contexts: Record<string, string>;
  labels: Record<string, string>;
  args: Record<string, string>;
  /** Ids of BuildKit secrets. Their values are passed separately. */
  secrets: string[];
  ssh: boolean;
  platforms: string[];
  cacheFrom: string[];
  cacheTo: string[];
  /** Whether every step runs anew. */
  noCache: boolean;
  /** Attestations, in buildx syntax. */
  attest: string[];
  /** The last commit that changed its inputs. */
  commit?: string;
  /** Whether uncommitted files go in. */
  dirty: boolean;
}

export interface BuilderFacts {
  /** Whether it is the Docker engine itself, whose own configuration says how to speak to a registry. */
  isEngine: boolean;
  /** Whether it can put a cache into a registry, and make an index. */
  cacheExport: boolean;
}

export interface BuildFacts {
  revision: Revision;
  states: readonly ImageState[];
  /** What the builder can do. */
  builder: BuilderFacts;
  /** The content tag, where it is known, by image. */
  contentTags?: ReadonlyMap<string, string>;
  /** Images whose steps must all run anew. */
  withoutCache?: ReadonlySet<string>;
  /** The digests of the base images, by image and then by reference. */
  bases?: ReadonlyMap<string, Record<string, string>>;
}

/**
 * Decides what is built, under which names and with which caches. Has no side effects.
 * @throws ColdtivateError ATTESTATIONS_IMPOSSIBLE, PLATFORMS_IMPOSSIBLE
 */
export function planBuild(config: Config, images: readonly ImageConfig[], facts: BuildFacts, output: "load" | "push"): BuildPlan {
  const { builder } = facts;
  const exporting = output === "push" && config.build.cache !== undefined;
  if (new Set(config.build.platforms).size > 1 && !keepsIndexes(builder, output)) throw platformsImpossible(builder);
  const attest = describeAttestations(config.build, builder, output);
  const insecure = config.registry.insecure && !builder.isEngine;
  const warnings = facts.states.flatMap((state) => describeState(state));
  if (exporting && !builder.cacheExport) {
    warnings.push(
      'this builder cannot put its layer cache into the registry: turn on the engine\'s containerd image store, or use a builder of the driver "docker-container"',
    );
  }
  const builds = images.map((image) => {
    const state = facts.states.find(({ name }) => name === image.name) ?? { name: image.name, dirty: [] };
    return planImage(config, image, state, { ...facts, output, attest, insecure, exportsCache: exporting && builder.cacheExport });
  });
  return { revision: facts.revision, output, images: builds, insecure, pusher: findPusher(builder), warnings };
}

/** Decides who pushes. An engine's own builder can push by itself if the engine keeps images in containerd. */
function findPusher({ isEngine, cacheExport }: BuilderFacts): BuildPlan["pusher"] {
  if (!isEngine) return "builder";
  return cacheExport ? "embedded" : "engine";
}

/**
 * Whether an image with several manifests can be built and kept. Only the engine's own builder can put one into the local engine.
 */
function keepsIndexes({ isEngine, cacheExport }: BuilderFacts, output: "load" | "push"): boolean {
  return cacheExport && (isEngine || output === "push");
}

/** Whether build steps may use an SSH agent. */
export function forwardsAgent({ ssh, sshKey }: Config["build"]): boolean {
  return ssh || sshKey !== undefined;
}

/** Whether the images will have all attestations that are asked for. */
export function attachesAll({ provenance, sbom }: Config["build"], builder: BuilderFacts, output: "load" | "push"): boolean {
  return (provenance === undefined && sbom === undefined) || keepsIndexes(builder, output);
}

function planImage(
  { registry, build }: Config,
  image: ImageConfig,
  { commit, time, dirty }: ImageState,
  facts: Omit<BuildFacts, "states"> & { output: "load" | "push"; attest: string[]; insecure: boolean; exportsCache: boolean },
): ImageBuild {
  const isDirty = dirty.length > 0;
  const name = repositoryOfImage(registry.image, image.name);
  const noCache = facts.withoutCache?.has(image.name) ?? false;
  const contentTag = facts.contentTags?.get(image.name);
  const cache =
    build.cache === undefined ? undefined : `type=registry,ref=${name}:${build.cache}${facts.insecure ? ",registry.insecure=true" : ""}`;
  const known = isDirty ? undefined : commit;
  // Without it the image holds the time at which a builder ran each step. Another builder would make a different image of the
  // same layers.
  const epoch = known === undefined || time === undefined ? {} : { SOURCE_DATE_EPOCH: String(time) };
  return {
    name: image.name,
    context: image.context,
    dockerfile: image.dockerfile,
    ...(image.target !== undefined && { target: image.target }),
    ...(isDirty
      ? { tags: [`${name}:dirty`], reference: `${name}:dirty`, laterTags: [] }
      : nameImage(revisionTags(registry.image, image.name, facts.revision), contentTag && `${name}:${contentTag}`, facts)),
    contexts: { ...pinBases(facts.bases?.get(image.name) ?? {}), ...image.contexts },
    labels: known === undefined ? {} : { "org.opencontainers.image.revision": known },
    args: { ...build.args, ...image.args, ...(known !== undefined && { COMMIT: known }), ...epoch },
    secrets: [...new Set([...Object.keys(build.secrets), ...Object.keys(image.secrets)])],
    ssh: forwardsAgent(build),
    platforms: build.platforms,
    cacheFrom: cache === undefined || noCache ? [] : [cache],
    cacheTo: cache !== undefined && facts.exportsCache ? [`${cache},mode=max,ignore-error=true`] : [],
    noCache,
    attest: facts.attest,
    ...(known !== undefined && { commit: known }),
    dirty: isDirty,
  };
}

/**
 * A builder pushes only under the commit's name, and the image gets its other names afterwards. An engine pushes under all names.
 */
function nameImage(
  names: RevisionTags,
  contentTag: string | undefined,
  { builder, output }: Pick<BuildFacts, "builder"> & { output: "load" | "push" },
): Pick<ImageBuild, "tags" | "reference" | "laterTags"> {
  const { ref, commit: reference } = names;
  // In the local engine the content tag tells a later `push` which content the image has. In the registry it comes last, when the
  // rest is there.
  if (output === "load") return { tags: [...allTags(names), ...(contentTag === undefined ? [] : [contentTag])], reference, laterTags: [] };
  if (findPusher(builder) === "engine") return { tags: allTags(names), reference, laterTags: [] };
  return { tags: [reference], reference, laterTags: ref === undefined ? [] : [ref] };
}

/**
 * Makes the build take exactly the base images that its content was computed from. An engine may have others of the same name,
 * and by then so may a registry. A context of that name replaces the image.
 */
function pinBases(bases: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bases).flatMap(([reference, digest]) =>
      reference.includes("@")
        ? []
        : [[formatReference(parseReference(reference)).replace(/:latest$/, ""), `docker-image://${pinReference(reference, digest)}`]],
    ),
  );
}

/**
 * Turns provenance off unless it is asked for. BuildKit attaches it by default, with the time of the build, and then no image
 * would be the same twice.
 */
function describeAttestations({ provenance, sbom }: Config["build"], builder: BuilderFacts, output: "load" | "push"): string[] {
  const isWanted = provenance !== undefined || sbom !== undefined;
  const isPossible = keepsIndexes(builder, output);
  if (isWanted && !isPossible && output === "push") throw attestationsImpossible();
  const without = ["type=provenance,disabled=true"];
  if (!isWanted || !isPossible) return without;
  return [
    ...(provenance === undefined ? without : [`type=provenance,mode=${provenance}`]),
    ...(sbom === undefined ? [] : [sbom === true ? "type=sbom" : `type=sbom,generator=${sbom}`]),
  ];
}

function attestationsImpossible(): ColdtivateError {
  return new ColdtivateError("this builder cannot attach provenance or a list of contents to an image", {
    code: "ATTESTATIONS_IMPOSSIBLE",
    exit: "refused",
    hint: 'Turn on the engine\'s containerd image store, use a builder of the driver "docker-container" (--builder), or take build.provenance and build.sbom out of coldtivate.yml.',
  });
}

function platformsImpossible({ cacheExport }: BuilderFacts): ColdtivateError {
  return new ColdtivateError(
    cacheExport
      ? "this builder cannot put an image for several platforms into the local engine"
      : "this builder cannot make an image for several platforms",
    {
      code: "PLATFORMS_IMPOSSIBLE",
      exit: "refused",
      hint: cacheExport
        ? "Use --push, or the engine itself as the builder, with its containerd image store."
        : 'Turn on the engine\'s containerd image store, use a builder of the driver "docker-container" (docker buildx create --name NAME; --builder NAME), or name one platform in build.platforms.',
    },
  );
}

function describeState({ name, reason, dirty }: ImageState): string[] {
  if (dirty.length > 0) {
    const more = dirty.length > 1 ? ` and ${dirty.length - 1} more` : "";
    return [`${name} has files that are not committed (${dirty[0]}${more}): it gets the tag dirty, and stays here`];
  }
  return reason === undefined ? [] : [`${name} gets no revision label: ${reason}`];
}
