import type { Content, ContentInput } from "./content-digest.ts";
import type { ContentRecord } from "./content-record.ts";
import type { ImageState } from "./image-state.ts";

/** Why an image is built. */
export type Cause =
  | { kind: "dirty"; file: string }
  | { kind: "untold"; reason: string }
  | { kind: "forced" }
  | { kind: "expired"; record: ContentRecord }
  /** The registry has no image of this content. */
  | { kind: "new" }
  /** The registry no longer has the whole image. */
  | { kind: "incomplete" };

/** An image whose content the registry has. */
export interface UnchangedImage {
  name: string;
  record: ContentRecord;
}

/** An image that has to be built. Has a tag and inputs if its content is known and will be found again. */
export interface ChangedImage {
  name: string;
  cause: Cause;
  content?: { tag: string; inputs: ContentInput[] };
}

export interface ContentPlan {
  unchanged: UnchangedImage[];
  changed: ChangedImage[];
}

export interface ContentFacts {
  contents: readonly Content[];
  states: readonly Pick<ImageState, "name" | "dirty">[];
  /** What the registry has under the content tag, by image. */
  records: ReadonlyMap<string, ContentRecord>;
  /** Milliseconds since the epoch. */
  now: number;
  /** How old a record may be, in milliseconds. */
  ttl?: number | undefined;
  /** Builds all images. */
  force: boolean;
}

/**
 * Decides which images are built: those whose content the registry does not have, or for which the registry must not be asked.
 */
export function planContent({ contents, states, records, now, ttl, force }: ContentFacts): ContentPlan {
  const plan: ContentPlan = { unchanged: [], changed: [] };
  for (const content of contents) {
    const { name } = content;
    const [file] = states.find((state) => state.name === name)?.dirty ?? [];
    const record = records.get(name);
    if (file !== undefined) plan.changed.push({ name, cause: { kind: "dirty", file } });
    else if (content.tag === undefined) plan.changed.push({ name, cause: { kind: "untold", reason: content.reason } });
    else {
      const known = content.absent === undefined ? { content: { tag: content.tag, inputs: content.inputs } } : {};
      const isOld = record !== undefined && ttl !== undefined && record.built + ttl < now;
      if (force) plan.changed.push({ name, cause: { kind: "forced" }, ...known });
      else if (record === undefined) plan.changed.push({ name, cause: { kind: "new" }, ...known });
      else if (isOld) plan.changed.push({ name, cause: { kind: "expired", record }, ...known });
      else plan.unchanged.push({ name, record });
    }
  }
  return plan;
}

/** Moves images that the registry turns out not to have completely from `unchanged` to `changed`. */
export function giveUp(plan: ContentPlan, names: readonly string[], contents: readonly Content[]): ContentPlan {
  const lost = plan.unchanged.filter(({ name }) => names.includes(name));
  const changed = lost.map(({ name, record }): ChangedImage => {
    const content = contents.find((each) => each.name === name);
    const known = content?.absent === undefined ? { content: { tag: record.tag, inputs: content?.inputs ?? [] } } : {};
    return { name, cause: { kind: "incomplete" }, ...known };
  });
  return { unchanged: plan.unchanged.filter((image) => !lost.includes(image)), changed: [...plan.changed, ...changed] };
}
