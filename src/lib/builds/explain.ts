import { sha256 } from "../adapters/hash.ts";
import type { Repository } from "../adapters/git/git.ts";
import type { RegistryClient } from "../adapters/registry/registry.ts";
import type { ImageConfig } from "../config/schema/config.ts";
import type { Revision } from "../git/revision.ts";
import type { ChangedImage, ContentPlan } from "../content/content-plan.ts";
import { summariseInputs } from "../content/content-record.ts";
import { inputsOf } from "../content/image-inputs.ts";
import { explainBuild, explainUnchanged } from "./explanation.ts";
import { readRecordAt } from "./observe/look-up.ts";
import { inputsTag } from "./record/record-content.ts";
import { taggedImage } from "../images/image-tags.ts";

export interface ExplainTools {
  registryImage: string;
  registry: Pick<RegistryClient, "manifestOf">;
  repository: Pick<Repository, "changedPaths">;
  revision: Revision;
}

/** Explains for each image why it is built or not, compared with the inputs of the ref's last build. */
export async function explain(
  { unchanged, changed }: ContentPlan,
  images: readonly ImageConfig[],
  { registryImage, registry, repository, revision }: ExplainTools,
): Promise<Map<string, string>> {
  const explainChanged = async (image: ChangedImage) => {
    const { name, cause, content } = image;
    const record = cause.kind === "new" ? await readRecordAt(taggedImage(registryImage, name, inputsTag(revision)), registry) : undefined;
    const config = images.find((each) => each.name === name);
    const files = record && config && (await repository.changedPaths(record.revision, revision.commit, inputsOf(config)));
    const current = summariseInputs(content?.inputs ?? [], sha256);
    return [name, explainBuild(image, { ...(record && { last: { record, files } }), current, ref: revision.ref })] as const;
  };
  const changes = await Promise.all(changed.map(explainChanged));
  return new Map([...unchanged.map((image) => [image.name, explainUnchanged(image)] as const), ...changes]);
}
