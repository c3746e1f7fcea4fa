import * as z from "zod";
import type { Repository } from "../../../adapters/git/git.ts";
import type { RegistryClient } from "../../../adapters/registry/registry.ts";
import type { ImageConfig } from "../../../config/schema/config.ts";
import { isCommit } from "../../../common/forms.ts";
import { inputsOf } from "../../../content/image-inputs.ts";
import type { HostState } from "../../../host/host-state.ts";
import type { Rendered } from "../../../release/rendered.ts";
import { shortCommit } from "../../../git/slug.ts";

export interface DoubtInput {
  /** The commit to release. */
  commit: string;
  images: Readonly<Record<string, ImageConfig>>;
  /** By name in coldtivate.yml: the images that the release runs, as `repository@sha256:…`. */
  used: ReadonlyMap<string, string>;
  /** By name: the digests in the commit's record; absent without a record. */
  recorded: ReadonlyMap<string, readonly string[]>;
  states: readonly Pick<HostState, "host" | "manifest">[];
}

export interface DoubtPorts {
  registry: Pick<RegistryClient, "configurationOf">;
  repository: Pick<Repository, "changedPaths">;
}

/** An image that a host runs, and the commit that it was released with. */
interface Running {
  host: string;
  image: string;
  commit: string;
}

/**
 * Looks for reasons to distrust images that are about to replace others. Anybody who can write to the registry can give a commit
 * another image and rewrite its record. So we compare both with what the registry cannot change: Git, and the images that hosts
 * run.
 *
 * @returns notes for the person who confirms the plan; none if everything fits
 */
export async function doubtImages(input: DoubtInput, ports: DoubtPorts): Promise<string[]> {
  const doubts = [...input.used].map(async ([name, image]) => {
    const running = input.states.flatMap(({ host, manifest }) => findRunning(name, host, manifest));
    const others = running.filter((each) => each.image !== image);
    // If every host runs this image already, nothing is new.
    if (running.length > 0 && others.length === 0) return [];
    const [label, replaced] = await Promise.all([doubtLabel(name, image, input, ports), doubtReplaced(name, others, input, ports)]);
    return [...label, ...replaced];
  });
  return (await Promise.all(doubts)).flat();
}

function findRunning(name: string, host: string, manifest: HostState["manifest"]): Running[] {
  const images = Object.values(manifest?.services ?? {}).flatMap(({ built, image }) => (built === name ? [image] : []));
  return [...new Set(images)].map((image) => ({ host, image, commit: manifest?.commit ?? "" }));
}

/** Checks the image's own label, which its digest covers. It names the last commit that touched the image's sources. */
async function doubtLabel(
  name: string,
  image: string,
  { commit, images }: DoubtInput,
  { registry, repository }: DoubtPorts,
): Promise<string[]> {
  const config = images[name];
  const text = await registry.configurationOf(image);
  const revision = text === undefined ? undefined : readRevision(text);
  if (config === undefined || revision === undefined || revision === commit) return [];
  if (!isCommit(revision)) return [`${name}: its image says that it was built from ${JSON.stringify(revision)}, which is no commit`];
  const changed = await repository.changedPaths(revision, commit, inputsOf(config));
  // A commit that was squashed away, or that is missing from a shallow clone, proves nothing.
  if (changed === undefined || changed.length === 0) return [];
  return [
    `${name}: its image says that it was built from ${shortCommit(revision)}, and its sources are not those of then: ${some(changed)}`,
  ];
}

/** The same sources yield the same image, unless somebody rebuilt it. */
async function doubtReplaced(
  name: string,
  others: readonly Running[],
  { commit, images, recorded }: DoubtInput,
  { repository }: DoubtPorts,
): Promise<string[]> {
  const config = images[name];
  const found = others.map(async ({ host, image, commit: before }) => {
    const changed = before === commit ? [] : config && (await repository.changedPaths(before, commit, inputsOf(config)));
    if (changed === undefined || changed.length > 0) return [];
    const record = recorded.get(name);
    const isDropped = before === commit && record !== undefined && !record.includes(image.slice(image.indexOf("@") + 1));
    const more = isDropped ? ", and the registry's record of that commit no longer names the one that runs" : "";
    return [
      `${name}: ${host} runs another image of the same sources, since ${shortCommit(before)}${more}: it was built anew, such as with --force, other arguments or other base images, or somebody replaced it in the registry`,
    ];
  });
  return (await Promise.all(found)).flat();
}

const labels = z.object({ config: z.object({ Labels: z.record(z.string(), z.unknown()).nullish() }).nullish() });

/** The commit in an image's configuration, as written. */
function readRevision(text: string): string | undefined {
  try {
    const revision = labels.parse(JSON.parse(text)).config?.Labels?.["org.opencontainers.image.revision"];
    return typeof revision === "string" ? revision.slice(0, 100) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Notes third-party images that differ between hosts. Each host keeps its image as long as the reference in the Compose files
 * stays the same.
 * @param hosts with what each of them will run
 */
export function differingNotes(hosts: readonly { host: string; rendered: Pick<Rendered, "services"> }[]): string[] {
  const byReference = new Map<string, Map<string, Set<string>>>();
  for (const { host, rendered } of hosts) {
    for (const { built, reference, image } of Object.values(rendered.services)) {
      if (built !== undefined) continue;
      const images = byReference.get(reference) ?? new Map<string, Set<string>>();
      byReference.set(reference, images.set(image, (images.get(image) ?? new Set()).add(host)));
    }
  }
  return [...byReference]
    .filter(([, images]) => images.size > 1)
    .map(([reference, images]) => {
      const each = [...images].map(([image, its]) => `${[...its].join(", ")} ${image.slice(image.indexOf("@") + 1).slice(0, 19)}`);
      return `${reference} is not the same image on all hosts (${each.join("; ")}): each keeps the one that it runs until another reference is written`;
    });
}

function some(paths: readonly string[]): string {
  return `${paths.slice(0, 3).join(", ")}${paths.length > 3 ? ` and ${paths.length - 3} more` : ""}`;
}
