import type { Config, ImageConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import type { Revision } from "../git/revision.ts";
import type { ImageState } from "./image-state.ts";
import { releaseTags } from "./image-tags.ts";
import { formatReference, parseReference, pinReference } from "./reference.ts";

/** What a build will do: plain, serialisable data. Paths are relative to the configuration's folder. */
export interface BuildPlan {
  revision: Revision;
  /** Where the images go: the local engine, or the registry. */
  output: "load" | "push";
  images: ImageBuild[];
  /** What the user should know before it starts. */
  warnings: string[];
}

export interface ImageBuild {
  name: string;
  context: string;
  /** Relative to the context. */
  dockerfile: string;
  target?: string;
  /** Full names. */
  tags: string[];
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

export interface BuildFacts {
  revision: Revision;
  states: readonly ImageState[];
  /** Whether the builder can put a cache into a registry. */
  cacheExport: boolean;
  /** By image: the tag of its content, where that is known. */
  contentTags?: ReadonlyMap<string, string>;
  /** Images of which every step is to run anew. */
  withoutCache?: ReadonlySet<string>;
  /** By image: the digests of its base images, by reference. */
  bases?: ReadonlyMap<string, Record<string, string>>;
}

/**
 * Decides what is built, under which names and with which caches; touches nothing.
 * @throws ColdtivateError ATTESTATIONS_IMPOSSIBLE
 */
export function planBuild(config: Config, images: readonly ImageConfig[], facts: BuildFacts, output: "load" | "push"): BuildPlan {
  const exporting = output === "push" && config.build.cache !== undefined;
  const attest = describeAttestations(config.build, facts.cacheExport, output);
  const warnings = facts.states.flatMap((state) => describeState(state));
  if (exporting && !facts.cacheExport) {
    warnings.push(
      'this builder cannot put its layer cache into the registry: turn on the engine\'s containerd image store, or use a builder of the driver "docker-container"',
    );
  }
  const builds = images.map((image) => {
    const state = facts.states.find(({ name }) => name === image.name) ?? { name: image.name, dirty: [] };
    return planImage(config, image, state, { ...facts, output, attest, exportsCache: exporting && facts.cacheExport });
  });
  return { revision: facts.revision, output, images: builds, warnings };
}

function planImage(
  { registry, build }: Config,
  image: ImageConfig,
  { commit, time, dirty }: ImageState,
  facts: Omit<BuildFacts, "states"> & { output: "load" | "push"; attest: string[]; exportsCache: boolean },
): ImageBuild {
  const isDirty = dirty.length > 0;
  const name = `${registry.image}/${image.name}`;
  const noCache = facts.withoutCache?.has(image.name) ?? false;
  const contentTag = facts.contentTags?.get(image.name);
  const cache = build.cache === undefined ? undefined : `type=registry,ref=${name}:${build.cache}`;
  const known = isDirty ? undefined : commit;
  // Without it the image holds the time at which some builder ran each step, and another builder makes another image of the same layers.
  const epoch = known === undefined || time === undefined ? {} : { SOURCE_DATE_EPOCH: String(time) };
  return {
    name: image.name,
    context: image.context,
    dockerfile: image.dockerfile,
    ...(image.target !== undefined && { target: image.target }),
    // Here the content's tag says what `push` may call it; in the registry it comes last, when all is there.
    tags: isDirty
      ? [`${name}:dirty`]
      : [
          ...releaseTags(registry.image, image.name, facts.revision),
          ...(contentTag !== undefined && facts.output === "load" ? [`${name}:${contentTag}`] : []),
        ],
    contexts: { ...pinBases(facts.bases?.get(image.name) ?? {}), ...image.contexts },
    labels: known === undefined ? {} : { "org.opencontainers.image.revision": known },
    args: { ...build.args, ...image.args, ...(known !== undefined && { COMMIT: known }), ...epoch },
    secrets: [...new Set([...Object.keys(build.secrets), ...Object.keys(image.secrets)])],
    ssh: build.ssh || build.sshKey !== undefined,
    platforms: build.platforms,
    cacheFrom: cache === undefined || noCache ? [] : [cache],
    cacheTo: cache !== undefined && facts.exportsCache ? [`${cache},mode=max,ignore-error=true`] : [],
    noCache,
    attest: facts.attest,
    ...(known !== undefined && { commit: known }),
    dirty: isDirty,
  };
}

/** Left to itself BuildKit attaches provenance, which holds the time of the build: without asking, no image would be the same twice. */
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

function describeAttestations({ provenance, sbom }: Config["build"], isPossible: boolean, output: "load" | "push"): string[] {
  const isWanted = provenance !== undefined || sbom !== undefined;
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
    hint: 'Nothing was built. Turn on the engine\'s containerd image store, use a builder of the driver "docker-container" (--builder), or take build.provenance and build.sbom out of coldtivate.yml.',
  });
}

function describeState({ name, reason, dirty }: ImageState): string[] {
  if (dirty.length > 0) {
    const more = dirty.length > 1 ? ` and ${dirty.length - 1} more` : "";
    return [`${name} has files that are not committed (${dirty[0]}${more}): it gets the tag dirty, and stays here`];
  }
  return reason === undefined ? [] : [`${name} gets no revision label: ${reason}`];
}
