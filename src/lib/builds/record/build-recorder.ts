import { untagImages } from "../../adapters/buildkit/buildkit.ts";
import type { Repository } from "../../adapters/git/git.ts";
import { markHandled } from "../../common/mark-handled.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import type { ContentPlan } from "../../content/content-plan.ts";
import { pinnedImage } from "../../images/image-tags.ts";
import { findChangedDuringBuild } from "../observe/changed-during-build.ts";
import type { ObservedContent } from "../observe/observe-content.ts";
import type { BuiltImage, ImageSink, SentImage } from "../run/run-build.ts";
import { noteBuilds, putLaterTags, recordContent, type NamedLater, type PushedContent, type RecordTools } from "./record-content.ts";

export interface RecorderOptions {
  /** The images that are built. One without content will not be found by it. */
  contents: ContentPlan;
  /** What the images were made of before the build. */
  observed: Pick<ObservedContent, "contents" | "bases">;
  repository: Pick<Repository, "head" | "readInputs">;
  tools: RecordTools;
  /** When the build began, in milliseconds since the epoch. */
  now: number;
}

/** Records what a build made: images while others are still being built, and the rest at the end. */
export interface BuildRecorder extends ImageSink {
  /**
   * Waits until the images that were added are recorded. A failure is not reported: `finish` tries again.
   * @returns the digests that were recorded, by image
   */
  settle(): Promise<ReadonlyMap<string, string>>;
  /**
   * Records what is not recorded yet. An image whose files changed during its build must not be found by its content, in the
   * registry or in the local engine.
   * @returns the images, with the content by which they can be found
   * @throws ColdtivateError PUSH_FAILED
   */
  finish(made: readonly BuiltImage[], output: "load" | "push", signal: AbortSignal): Promise<BuiltImage[]>;
}

/**
 * Opens a recorder. Because it works during the build, the end of the build does not wait for it, and pushed images need not be
 * built again if another image fails.
 *
 * Names and build records are written at once. Recording the content takes a Git query, on processors that are busy building. So
 * images wait until they make up half of those that are left, and are then recorded together.
 */
export function openRecorder(config: Config, images: readonly ImageConfig[], options: RecorderOptions): BuildRecorder {
  const { contents, observed, repository, tools, now } = options;
  /** The digests that were recorded, by image. */
  const recorded = new Map<string, string>();
  /** Images whose files changed during the build. */
  const touched = new Set<string>();
  const left = new Set(contents.changed.map(({ name }) => name));
  const waiting = new Map<string, SentImage>();
  /** For the manifest that was sent last, by image. */
  const naming = new Map<string, Promise<Naming>>();
  let working: Promise<void> = Promise.resolve();

  const nameSent = async (image: SentImage): Promise<Naming> => {
    // The registry may have refused the manifest, which is then sent once more.
    const isThere = (await tools.registry.manifestOf(pinnedImage(tools.registryImage, image.name, image.digest))) !== undefined;
    if (!isThere) return missing;
    const [named] = await Promise.allSettled([nameImages([image], tools)]);
    return { isThere, isNamed: named.status === "fulfilled" };
  };
  /** Leaves out images whose files have changed meanwhile. */
  const withoutTouched = async <Image extends { name: string }>(built: readonly Image[]): Promise<Image[]> => {
    const known = images.filter(
      ({ name }) => hasContent(contents, name) && !touched.has(name) && built.some((image) => image.name === name),
    );
    const asked = { ...observed, revision: tools.revision, repository };
    const found = known.length === 0 ? [] : await findChangedDuringBuild(config, known, asked);
    for (const name of found) touched.add(name);
    return built.filter(({ name }) => !touched.has(name));
  };
  const record = async (sent: readonly SentImage[]) => {
    const whole = await withoutTouched(sent);
    const named = await Promise.all(whole.map(async (image) => ({ image, ...((await naming.get(image.name)) ?? missing) })));
    const there = named.filter(({ isThere }) => isThere);
    const pushed = there.map(({ image }) => image);
    await recordContent(describePushed(contents, pushed, tools), now, tools);
    for (const { image, isNamed } of there) if (isNamed) recorded.set(image.name, image.digest);
  };
  const flush = () => {
    const sent = [...waiting.values()];
    waiting.clear();
    for (const image of sent) left.delete(image.name);
    if (sent.length > 0) working = working.then(() => record(sent).catch(() => {}));
  };
  const settle = async () => {
    flush();
    await working;
    return recorded;
  };

  return {
    add(image) {
      // An image may be sent once more, perhaps as a different one. It then gets its names after the first one.
      const before = naming.get(image.name) ?? Promise.resolve(missing);
      naming.set(
        image.name,
        before.then(() => nameSent(image)).catch(() => missing),
      );
      waiting.set(image.name, image);
      if (2 * waiting.size >= left.size) flush();
    },
    flush,
    settle,
    async finish(made, output, signal) {
      await settle();
      const rest = made.filter(({ name, digest }) => digest === undefined || recorded.get(name) !== digest);
      const whole = await withoutTouched(rest);
      const wrong = rest.filter((image) => !whole.includes(image));
      for (const { name } of wrong) {
        tools.reporter.emit({ type: "warning", text: `${name}: its files changed while it was built, so it will be built again` });
      }
      const wrongTags = wrong.flatMap(({ tags }) => tags.filter((tag) => tag.includes(":content-")));
      if (wrongTags.length > 0) await untagImages(wrongTags, signal);
      if (output === "push") {
        const named = markHandled(nameImages(rest, tools));
        await recordContent(describePushed(contents, whole, tools), now, tools);
        await named;
      }
      return made.map(({ configuration: _configuration, laterTags: _laterTags, reference: _reference, ...image }) => {
        const content = contents.changed.find(({ name }) => name === image.name && !touched.has(name))?.content?.tag;
        const tags = image.tags.filter((tag) => !wrongTags.includes(tag));
        return { ...image, tags, ...(content !== undefined && { content }) };
      });
    },
  };
}

interface Naming {
  isThere: boolean;
  isNamed: boolean;
}

const missing: Naming = { isThere: false, isNamed: false };

function hasContent({ changed }: ContentPlan, name: string): boolean {
  return changed.some((image) => image.name === name && image.content !== undefined);
}

/** Gives images in the registry their other names, and makes them findable by the commit. */
async function nameImages(images: readonly NamedLater[], tools: RecordTools): Promise<void> {
  const naming = markHandled(
    putLaterTags(
      images.filter(({ laterTags }) => laterTags !== undefined),
      tools,
    ),
  );
  await noteBuilds(
    images.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }])),
    tools,
  );
  await naming;
}

/** The images whose content can be recorded, and where they are in the registry. */
function describePushed(
  { changed }: ContentPlan,
  built: readonly (BuiltImage | SentImage)[],
  { registryImage }: RecordTools,
): PushedContent[] {
  return changed.flatMap(({ name, content, cause }) => {
    const image = built.find((each) => each.name === name);
    if (image === undefined || content === undefined) return [];
    if ("dirty" in image && image.dirty) return [];
    const found = { name, ...content, commit: image.commit, replaces: cause.kind !== "new" };
    if (image.digest !== undefined) return [{ ...found, reference: pinnedImage(registryImage, name, image.digest) }];
    return "reference" in image ? [{ ...found, reference: image.reference ?? "", configuration: image.configuration }] : [];
  });
}
