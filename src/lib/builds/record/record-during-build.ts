import type { Config, ImageConfig } from "../../config/schema/config.ts";
import type { ContentPlan } from "../../content/content-plan.ts";
import { noteBuilds, putLaterTags, recordContent, type PushedContent, type RecordTools } from "./record-content.ts";
import type { SentImage } from "../run/run-build.ts";
import { findChangedDuringBuild, type ChangedDuringBuildOptions } from "../observe/changed-during-build.ts";
import { pinnedImage } from "../../images/image-tags.ts";

export interface RecordingOptions extends ChangedDuringBuildOptions {
  plan: ContentPlan;
  /** Returns what to record about the images' content. */
  describe: (images: readonly SentImage[]) => PushedContent[];
  tools: RecordTools;
  /** When the build began, in milliseconds since the epoch. */
  now: number;
}

export interface RecordedImage {
  /** The digests that were recorded, by image. */
  noted: ReadonlyMap<string, string>;
  /** Images whose files had changed by then. */
  touched: ReadonlySet<string>;
}

/** Records images while others are still being built. */
export interface BuildRecorder {
  /** Call it once the builder has put an image into the registry, under all tags that the builder sets itself. */
  add: (image: SentImage) => void;
  /** Records the images that are still waiting for others. */
  flush: () => void;
  /** Flushes, then waits until everything is recorded. */
  settle: () => Promise<RecordedImage>;
}

/**
 * Gives images their other names and records them while others are still being built. So the end of the build does not wait for
 * it, and pushed images need not be built again if another image fails.
 *
 * Names and build records are written at once. Recording the content takes a Git query, on processors that are busy building. So
 * images wait until they make up half of those that are left, and are then recorded together. Images whose files have changed in
 * the meantime are left to the caller, which reports them.
 */
export function recordDuringBuild(config: Config, images: readonly ImageConfig[], options: RecordingOptions): BuildRecorder {
  const { plan, describe, tools, now } = options;
  const noted = new Map<string, string>();
  const touched = new Set<string>();
  const left = new Set(plan.changed.map(({ name }) => name));
  const waiting = new Map<string, SentImage>();
  /** For the manifest that was sent last, by image. */
  const naming = new Map<string, Promise<Naming>>();
  let working: Promise<void> = Promise.resolve();

  const name = async (image: SentImage): Promise<Naming> => {
    // The registry may have refused the manifest, which is then sent once more.
    const isThere = (await tools.registry.manifestOf(pinnedImage(tools.registryImage, image.name, image.digest))) !== undefined;
    if (!isThere) return missing;
    const [named] = await Promise.allSettled([putLaterTags([image], tools), noteBuilds([image], tools)]);
    return { isThere, isNamed: named.status === "fulfilled" };
  };
  const note = async (sent: readonly SentImage[]) => {
    const known = images.filter((image) => sent.some((each) => each.name === image.name) && isKnown(plan, image.name));
    const changed = known.length === 0 ? [] : await findChangedDuringBuild(config, known, options);
    for (const each of changed) touched.add(each);
    const whole = sent.filter((image) => !touched.has(image.name));
    const named = await Promise.all(whole.map(async (image) => ({ image, ...((await naming.get(image.name)) ?? missing) })));
    const there = named.filter(({ isThere }) => isThere);
    await recordContent(describe(there.map(({ image }) => image)), now, tools);
    for (const { image, isNamed } of there) if (isNamed) noted.set(image.name, image.digest);
  };
  const flush = () => {
    const sent = [...waiting.values()];
    waiting.clear();
    for (const image of sent) left.delete(image.name);
    // Whatever fails here is tried again once all images are built.
    if (sent.length > 0) working = working.then(() => note(sent).catch(() => {}));
  };

  return {
    add(image) {
      // An image may be sent once more, perhaps as a different one. It then gets its names after the first one.
      const before = naming.get(image.name) ?? Promise.resolve(missing);
      naming.set(
        image.name,
        before.then(() => name(image)).catch(() => missing),
      );
      waiting.set(image.name, image);
      if (2 * waiting.size >= left.size) flush();
    },
    flush,
    async settle() {
      flush();
      await working;
      return { noted, touched };
    },
  };
}

interface Naming {
  isThere: boolean;
  isNamed: boolean;
}

const missing: Naming = { isThere: false, isNamed: false };

function isKnown({ changed }: ContentPlan, name: string): boolean {
  return changed.some((image) => image.name === name && image.content !== undefined);
}
