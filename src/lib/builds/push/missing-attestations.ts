import type Docker from "dockerode";
import { inspectImage } from "../../adapters/docker/docker-push.ts";
import { ColdtivateError } from "../../errors.ts";
import type { ContentPlan } from "../../content/content-plan.ts";
import { taggedImage } from "../../images/image-tags.ts";
import type { PushPlan } from "../../images/push-plan.ts";

/**
 * Finds images in the local engine that lack the attestations that are asked for. A build that could not attach them sets no
 * content tag. An image whose content is unknown cannot be checked and is left out.
 */
export async function findWithoutAttestations(
  { images }: PushPlan,
  { changed }: ContentPlan,
  registryImage: string,
  docker: Docker,
): Promise<string[]> {
  const found = await Promise.all(
    images.map(async ({ name, pushed }) => {
      const content = changed.find((image) => image.name === name)?.content;
      if (content === undefined || pushed === undefined) return [];
      const [image, whole] = await Promise.all(
        [pushed, taggedImage(registryImage, name, content.tag)].map((each) => inspectImage(docker, each)),
      );
      return image?.id === whole?.id ? [] : [name];
    }),
  );
  return found.flat();
}

/** @throws ColdtivateError ATTESTATIONS_MISSING if there are any */
export function refuseWithoutAttestations(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new ColdtivateError(
    `${names.join(", ")}: what was built here lacks the provenance or list of contents that coldtivate.yml asks for`,
    {
      code: "ATTESTATIONS_MISSING",
      exit: "refused",
      hint: `Run: coldtivate build --push ${names.join(" ")}`,
    },
  );
}
