import type { BuildPlan, ImageBuild } from "../../../src/lib/images/build-plan.ts";

/** A plan to build images in folders of their names, with nothing special about them but what is said. */
export function planOf(names: readonly string[], output: BuildPlan["output"], special: Partial<ImageBuild> = {}): BuildPlan {
  const images = names.map((name) => ({ ...imageOf(name), ...special }));
  return { revision: { commit: "1f" }, output, images, insecure: false, pusher: "engine", warnings: [] };
}

function imageOf(name: string): ImageBuild {
  return {
    name,
    context: name,
    dockerfile: "Dockerfile",
    tags: [`r/${name}:main`, `r/${name}:1f000000`],
    reference: `r/${name}:1f000000`,
    laterTags: [],
    labels: {},
    args: {},
    secrets: [],
    ssh: false,
    platforms: [],
    cacheFrom: [],
    cacheTo: [],
    contexts: {},
    noCache: false,
    attest: [],
    dirty: false,
  };
}
