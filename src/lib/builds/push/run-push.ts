import type Docker from "dockerode";
import { inspectImage, pushImage } from "../../adapters/docker/docker-push.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import { changes } from "../../changes.ts";
import type { Credentials } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Revision } from "../../git/revision.ts";
import type { ContentPlan } from "../../content/content-plan.ts";
import { allTags, pinnedImage, revisionTags, taggedImage } from "../../images/image-tags.ts";
import { countLayers } from "../../images/push-layers.ts";
import type { PlannedPush, PushFacts, PushPlan } from "../../images/push-plan.ts";
import type { Reporter } from "../../report/progress.ts";
import { putLaterTags, type PushedContent } from "../record/record-content.ts";

/** An image that was pushed. */
export interface PushedImage {
  name: string;
  /** Full names that were written to the registry. */
  tags: string[];
  digest?: string;
  /** Whether the registry already had its content, so that only tags were written. */
  unchanged: boolean;
}

export interface PushTools {
  docker: Docker;
  registry: RegistryClient;
  registryImage: string;
  revision: Revision;
  credentials: Credentials | undefined;
  reporter: Reporter;
  signal: AbortSignal;
}

/** How many images are pushed at once. */
const atOnce = 3;

/**
 * Looks up every tag of the release in the local engine.
 * @param present what the registry has, by full name
 */
export async function observePush(
  names: readonly string[],
  registryImage: string,
  revision: Revision,
  { docker, present }: { docker: Docker; present: ReadonlyMap<string, string> },
): Promise<PushFacts[]> {
  return Promise.all(
    names.map(async (name) => {
      const tags = revisionTags(registryImage, name, revision);
      return { name, tags, local: await lookUp(allTags(tags), (tag) => inspectImage(docker, tag)), remote: present };
    }),
  );
}

/**
 * Finds pushed images that the local engine also has under their content tag. Only for these is it known what they were built
 * from.
 */
export async function findKnownContent(
  pushed: readonly PushedImage[],
  { changed }: ContentPlan,
  { docker, registryImage, revision }: Pick<PushTools, "docker" | "registryImage" | "revision">,
): Promise<PushedContent[]> {
  const found = pushed.map(async ({ name, digest }): Promise<PushedContent[]> => {
    const { content, cause } = changed.find((image) => image.name === name) ?? {};
    const tag = revisionTags(registryImage, name, revision).commit;
    if (content === undefined || cause === undefined) return [];
    const [image, built] = await Promise.all(
      [tag, taggedImage(registryImage, name, content.tag)].map((each) => inspectImage(docker, each)),
    );
    if (image === undefined || image.id !== built?.id) return [];
    const reference = digest === undefined ? tag : pinnedImage(registryImage, name, digest);
    // Depending on the engine's image store, the id is the digest of the manifest or of the configuration.
    const configuration = image.id === digest ? undefined : image.id;
    return [{ name, ...content, reference, configuration, commit: image.revision, replaces: cause.kind !== "new" }];
  });
  return (await Promise.all(found)).flat();
}

/**
 * Carries out the plan, with one progress row per image.
 * @throws ColdtivateError as `pushImage` does, once all running pushes have ended
 */
export async function runPush(
  plan: PushPlan,
  { docker, registry, registryImage, revision, credentials, reporter, signal }: PushTools,
): Promise<PushedImage[]> {
  const rows = plan.images.map(({ name }) => ({ id: rowOf(name), title: name }));
  reporter.emit({ type: "planned", sections: [{ id: "push", title: "Push", rows }] });
  const waiting = [...plan.images];
  const pushed: PushedImage[] = [];

  const pushAll = async ({ name, pushed: own, laterTags }: PlannedPush): Promise<PushedImage> => {
    const count = countLayers();
    const onRecord = (record: Parameters<typeof count>[0]) => {
      const text = count(record);
      if (text !== undefined) reporter.emit({ type: "updated", row: rowOf(name), text });
    };
    if (own !== undefined) {
      const change = changes.begin("pushed", own);
      try {
        await pushImage(docker, own, { credentials, signal, onRecord });
        change.done();
      } catch (error) {
        if (error instanceof ColdtivateError && ["REGISTRY_UNAUTHORIZED", "REGISTRY_DENIED"].includes(error.code)) change.dropped();
        throw error;
      }
    }
    const digest = await registry.digestOf(revisionTags(registryImage, name, revision).commit);
    await putLaterTags([{ name, digest, laterTags }], { registryImage, registry });
    return { name, tags: [...laterTags, ...(own === undefined ? [] : [own])], ...(digest !== undefined && { digest }), unchanged: false };
  };

  const pushNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const row = rowOf(next.name);
      reporter.emit({ type: "started", row });
      try {
        pushed.push(await pushAll(next));
        reporter.emit({ type: "done", row, text: "pushed" });
      } catch (error) {
        reporter.emit({ type: "failed", row });
        for (const { name } of waiting.splice(0)) reporter.emit({ type: "skipped", row: rowOf(name), text: "stopped" });
        throw error;
      }
    }
  };

  const ends = await Promise.allSettled(Array.from({ length: atOnce }, pushNext));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return plan.images.flatMap(({ name }) => pushed.find((image) => image.name === name) ?? []);
}

function rowOf(name: string): string {
  return `push:${name}`;
}

async function lookUp<T>(tags: readonly string[], find: (tag: string) => Promise<T | undefined>): Promise<Map<string, T>> {
  const found = await Promise.all(tags.map(async (tag) => [tag, await find(tag)] as const));
  return new Map(found.flatMap(([tag, value]) => (value === undefined ? [] : [[tag, value]])));
}
