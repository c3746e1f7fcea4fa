import type { Config, ImageConfig } from "../../config/schema/config.ts";
import type { ContentPlan } from "../../content/content-plan.ts";
import { noteBuilds, putLaterTags, recordContent, type PushedContent, type RecordTools } from "./record-content.ts";
import type { SentImage } from "../run/run-build.ts";
import { findChangedDuringBuild, type ChangedDuringBuildOptions } from "../observe/changed-during-build.ts";
import { pinnedImage } from "../../images/image-tags.ts";

export interface RecordingOptions extends ChangedDuringBuildOptions {
  plan: ContentPlan;
  /** What there is to record of their content. */
  describe: (images: readonly SentImage[]) => PushedContent[];
  tools: RecordTools;
  /** When the build began, in milliseconds since the epoch. */
  now: number;
}

export interface RecordedImage {
  /** By image: the digest of what was noted. */
  noted: ReadonlyMap<string, string>;
  /** Images of which files had changed by then. */
  touched: ReadonlySet<string>;
}

/** Notes images while others are still being built. */
export interface BuildRecorder {
  /** To be called once an image is in the registry, as far as the builder puts it there. */
  add: (image: SentImage) => void;
  /** Notes what has been waiting for others. */
  flush: () => void;
  /** Does so, and waits for what is being noted. */
  settle: () => Promise<RecordedImage>;
}

/**
 * Gives images their other names, and notes them, so that a build is not held up by it in the end, and what was pushed need not be
 * built again should another image fail. Names and whose they are come at once; for what they are made of Git has to be asked, on
 * processors that are building: that is done for half of those that are left together. Those of which files have changed meanwhile
 * are left to whoever tells of that.
 */
export function recordDuringBuild(config: Config, images: readonly ImageConfig[], options: RecordingOptions): BuildRecorder {
  const { plan, describe, tools, now } = options;
  const noted = new Map<string, string>();
  const touched = new Set<string>();
  const left = new Set(plan.changed.map(({ name }) => name));
  const waiting = new Map<string, SentImage>();
  /** By image: of what was sent last. */
  const naming = new Map<string, Promise<Naming>>();
  let working: Promise<void> = Promise.resolve();

  const name = async (image: SentImage): Promise<Naming> => {
    // A manifest that was sent may have been refused, and be sent once more.
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
    // What goes wrong here is tried again once all are built.
    if (sent.length > 0) working = working.then(() => note(sent).catch(() => {}));
  };

  return {
    add(image) {
      // One that is sent once more, as another image perhaps, gets its names after the first one.
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
