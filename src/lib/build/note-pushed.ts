import type { Config, ImageConfig } from "../config/config.ts";
import type { ContentPlan } from "../images/content-plan.ts";
import { later } from "../later.ts";
import { noteBuilds, recordContent, type PushedContent, type RecordTools } from "./record-content.ts";
import type { BuiltImage } from "./run-build.ts";
import { findTouched, type TouchedOptions } from "./touched-images.ts";

/** An image whose manifest is in the registry. */
export type SentImage = Pick<BuiltImage, "name" | "commit"> & { digest: string };

export interface NoteOptions extends TouchedOptions {
  plan: ContentPlan;
  /** What there is to record of their content. */
  describe: (images: readonly SentImage[]) => PushedContent[];
  tools: RecordTools;
  /** When the build began, in milliseconds since the epoch. */
  now: number;
}

/** Notes images while others are still being built. */
export interface PushedNotes {
  /** To be called once an image is in the registry under all of its tags. */
  add: (image: SentImage) => void;
  /** Waits for what is being noted, and gives the digests of what was, by image. */
  settle: () => Promise<ReadonlyMap<string, string>>;
}

/**
 * Notes images as soon as they are in the registry, so that a build is not held up by it in the end, and what was pushed need not
 * be built again should another image fail. Those of which files have changed meanwhile are left to whoever tells of that.
 */
export function notePushed(config: Config, images: readonly ImageConfig[], options: NoteOptions): PushedNotes {
  const { plan, describe, tools, now } = options;
  const noted = new Map<string, string>();
  const waiting: SentImage[] = [];
  let working: Promise<void> = Promise.resolve();

  const note = async (sent: readonly SentImage[]) => {
    const known = images.filter(({ name }) => sent.some((image) => image.name === name) && isKnown(plan, name));
    const touched = known.length === 0 ? [] : await findTouched(config, known, options);
    const whole = sent.filter(({ name }) => !touched.includes(name));
    const [absent] = await Promise.all([recordContent(describe(whole), now, tools), noteBuilds(whole, tools)]);
    // A manifest that was sent may have been refused, and be sent once more.
    for (const { name, digest } of whole) if (!absent.includes(name)) noted.set(name, digest);
  };
  // One look at Git for all that have come meanwhile.
  const noteWaiting = async () => {
    if (waiting.length > 0) await note(waiting.splice(0));
  };

  return {
    add(image) {
      waiting.push(image);
      working = later(working.then(noteWaiting));
    },
    async settle() {
      await working;
      return noted;
    },
  };
}

function isKnown({ changed }: ContentPlan, name: string): boolean {
  return changed.some((image) => image.name === name && image.content !== undefined);
}
