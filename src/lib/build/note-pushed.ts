import type { Config, ImageConfig } from "../config/config.ts";
import type { ContentPlan } from "../images/content-plan.ts";
import { nameLater, noteBuilds, recordContent, type PushedContent, type RecordTools } from "./record-content.ts";
import type { SentImage } from "./run-build.ts";
import { findTouched, type TouchedOptions } from "./touched-images.ts";

export interface NoteOptions extends TouchedOptions {
  plan: ContentPlan;
  /** What there is to record of their content. */
  describe: (images: readonly SentImage[]) => PushedContent[];
  tools: RecordTools;
  /** When the build began, in milliseconds since the epoch. */
  now: number;
}

export interface Noted {
  /** By image: the digest of what was noted. */
  noted: ReadonlyMap<string, string>;
  /** Images of which files had changed by then. */
  touched: ReadonlySet<string>;
}

/** Notes images while others are still being built. */
export interface PushedNotes {
  /** To be called once an image is in the registry, as far as the builder puts it there. */
  add: (image: SentImage) => void;
  /** Notes what has been waiting for others, and waits for what is being noted. */
  settle: () => Promise<Noted>;
}

/**
 * Notes images as soon as they are in the registry, so that a build is not held up by it in the end, and what was pushed need not
 * be built again should another image fail. Those of which files have changed meanwhile are left to whoever tells of that.
 */
export function notePushed(config: Config, images: readonly ImageConfig[], options: NoteOptions): PushedNotes {
  const { plan, describe, tools, now } = options;
  const noted = new Map<string, string>();
  const touched = new Set<string>();
  const waiting: SentImage[] = [];
  let left = plan.changed.length;
  let working: Promise<void> = Promise.resolve();

  const note = async (sent: readonly SentImage[]) => {
    const known = images.filter(({ name }) => sent.some((image) => image.name === name) && isKnown(plan, name));
    const changed = known.length === 0 ? [] : await findTouched(config, known, options);
    for (const name of changed) touched.add(name);
    const whole = sent.filter(({ name }) => !touched.has(name));
    // A manifest that was sent may have been refused, and be sent once more.
    const there = await Promise.all(
      whole.map(async (image) => {
        const reference = `${tools.registryImage}/${image.name}@${image.digest}`;
        return (await tools.registry.manifestOf(reference)) === undefined ? [] : [image];
      }),
    );
    await nameLater(there.flat(), tools);
    await Promise.all([recordContent(describe(there.flat()), now, tools), noteBuilds(there.flat(), tools)]);
    for (const { name, digest } of there.flat()) noted.set(name, digest);
  };
  const noteWaiting = () => {
    const sent = waiting.splice(0);
    left -= sent.length;
    // What goes wrong here is tried again once all are built.
    if (sent.length > 0) working = working.then(() => note(sent).catch(() => {}));
  };

  return {
    add(image) {
      waiting.push(image);
      // Each time Git is asked, on processors that are building: half of those that are left at once, and the last one by itself.
      if (2 * waiting.length >= left) noteWaiting();
    },
    async settle() {
      noteWaiting();
      await working;
      return { noted, touched };
    },
  };
}

function isKnown({ changed }: ContentPlan, name: string): boolean {
  return changed.some((image) => image.name === name && image.content !== undefined);
}
