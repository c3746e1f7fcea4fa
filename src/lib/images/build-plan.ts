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
  /** Full names under which the builder leaves it. */
  tags: string[];
  /** The full name by its commit; `dirty` stands for a commit where files that are not committed go in. */
  reference: string;
  /** Full names that it gets once it is in the registry: there a name is one request, and a push looks at every layer again. */
  laterTags: string[];
  /** By name: additional contexts, and the base images as they are pinned. */
  contexts: Record<string, string>;
  labels: Record<string, string>;
  args: Record<string, string>;
  /** Ids of BuildKit secrets; their values travel apart. */
  secrets: string[];
  ssh: boolean;
  platforms: string[];
  cacheFrom: string[];
  cacheTo: string[];
  /** Whether every step runs anew. */
  noCache: boolean;
  /** Attestations, as buildx writes them. */
  attest: string[];
  /** The last commit that touched its inputs. */
  commit?: string;
  /** Whether files that are not committed go in. */
  dirty: boolean;
}

export interface BuilderFacts {
  /** Whether it is the Docker engine itself, which knows by its own configuration how to speak to a registry. */
  isEngine: boolean;
  /** Whether it can put a cache into a registry, and make an index. */
  cacheExport: boolean;
}

export interface BuildFacts {
  revision: Revision;
  states: readonly ImageState[];
  /** What the builder can do. */
  builder: BuilderFacts;
  /** By image: the tag of its content, where that is known. */
  contentTags?: ReadonlyMap<string, string>;
  /** Images of which every step is to run anew. */
  withoutCache?: ReadonlySet<string>;
  /** By image: the digests of its base images, by reference. */
  bases?: ReadonlyMap<string, Record<string, string>>;
}

/**
 * Decides what is built, under which names and with which caches; touches nothing.
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

/** An engine's own builder can push by itself where it keeps images in containerd. */
function findPusher({ isEngine, cacheExport }: BuilderFacts): BuildPlan["pusher"] {
  if (!isEngine) return "builder";
  return cacheExport ? "embedded" : "engine";
}

/** Whether an image of several manifests can be made and kept there: into the local engine, no other builder can put one. */
function keepsIndexes({ isEngine, cacheExport }: BuilderFacts, output: "load" | "push"): boolean {
  return cacheExport && (isEngine || output === "push");
}

/** Whether steps may use an agent. */
export function forwardsAgent({ ssh, sshKey }: Config["build"]): boolean {
  return ssh || sshKey !== undefined;
}

/** Whether the images will have the attestations that are asked for, if any are. */
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
  // Without it the image holds the time at which some builder ran each step, and another builder makes another image of the same layers.
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

/** What a builder pushes under the commit's name gets the others afterwards; an engine that pushes takes all of them. */
function nameImage(
  names: RevisionTags,
  contentTag: string | undefined,
  { builder, output }: Pick<BuildFacts, "builder"> & { output: "load" | "push" },
): Pick<ImageBuild, "tags" | "reference" | "laterTags"> {
  const { ref, commit: reference } = names;
  // Here the content's tag says what `push` may call it; in the registry it comes last, when all is there.
  if (output === "load") return { tags: [...allTags(names), ...(contentTag === undefined ? [] : [contentTag])], reference, laterTags: [] };
  if (findPusher(builder) === "engine") return { tags: allTags(names), reference, laterTags: [] };
  return { tags: [reference], reference, laterTags: ref === undefined ? [] : [ref] };
}

/**
 * Has the build take the very base images that its content was worked out from: an engine may have others of that name,
 * and a registry may have others by then. A context of that name stands for the image.
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

/** Left to itself BuildKit attaches provenance, which holds the time of the build: without asking, no image would be the same twice. */
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
