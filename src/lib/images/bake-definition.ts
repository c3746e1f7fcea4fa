import type { BuildPlan, ImageBuild } from "./build-plan.ts";

/** The file on this machine that holds a secret's value, by image and id. */
export type SecretPath = (image: string, id: string) => string;

export interface BakeDefinition {
  group: { default: { targets: string[] } };
  target: Record<string, BakeTarget>;
}

export type BakeTarget = Record<string, string | boolean | string[] | Record<string, string>>;

/** The definition for `docker buildx bake -f -`: one target per image, all in the group `default`. */
export function bakeDefinition(plan: BuildPlan, secretPath: SecretPath): BakeDefinition {
  const targets = bakeTargets(plan);
  const entries = plan.images.map((image) => [targets.get(image.name) ?? image.name, describeTarget(image, plan, secretPath)] as const);
  return { group: { default: { targets: [...targets.values()] } }, target: Object.fromEntries(entries) };
}

/** Names each image's target. Bake allows no dot in a target's name. */
export function bakeTargets({ images }: BuildPlan): Map<string, string> {
  const taken = new Set<string>();
  const targets = new Map<string, string>();
  for (const { name } of images) {
    const plain = name.replace(/[^a-zA-Z0-9_-]/g, "_");
    let target = plain;
    for (let count = 2; taken.has(target); count++) target = `${plain}_${count}`;
    taken.add(target);
    targets.set(name, target);
  }
  return targets;
}

function describeTarget(image: ImageBuild, { output, insecure, pusher }: BuildPlan, secretPath: SecretPath): BakeTarget {
  return {
    context: escape(image.context),
    dockerfile: escape(image.dockerfile),
    ...(image.target !== undefined && { target: escape(image.target) }),
    tags: image.tags.map(escape),
    ...(Object.keys(image.contexts).length > 0 && { contexts: escapeValues(image.contexts) }),
    ...(image.noCache && { "no-cache": true }),
    args: escapeValues(image.args),
    labels: escapeValues(image.labels),
    platforms: image.platforms.map(escape),
    "cache-from": image.cacheFrom.map(escape),
    "cache-to": image.cacheTo.map(escape),
    secret: image.secrets.map((id) => escape(`id=${id},src=${secretPath(image.name, id)}`)),
    ssh: image.ssh ? ["default"] : [],
    attest: image.attest.map(escape),
    ...(output === "push" && { output: [describePush(insecure, pusher)] }),
  };
}

/**
 * Describes the output of a push. An engine that only passes an image on need not unpack its files. It does so later if it ever
 * runs the image.
 *
 * BuildKit takes an empty value for true (its exporter/containerimage/export.go), and buildx does not. With `true`, buildx before
 * 0.22 makes the engine push each tag once more, because it does not know that an engine's BuildKit pushes by itself (buildx's
 * build/build.go, "pushing NAME with docker").
 */
function describePush(insecure: boolean, pusher: BuildPlan["pusher"]): string {
  return `type=image,push=${pusher === "embedded" ? "" : "true"},unpack=false${insecure ? ",registry.insecure=true" : ""}`;
}

function escapeValues(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, escape(value)]));
}

/** Bake reads JSON strings as HCL templates. */
function escape(text: string): string {
  return text.replaceAll("${", () => "$${").replaceAll("%{", "%%{");
}
