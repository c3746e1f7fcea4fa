import { ColdtivateError } from "../errors.ts";
import { isActive, type ComposeModel, type ComposeService } from "../compose/model.ts";
import { repositoryOf } from "./pins.ts";
import { normalise } from "../compose/files/compose-walk.ts";
import { isMapping } from "../common/plain.ts";
import { pathInSource } from "../compose/sources.ts";

/** An image of coldtivate.yml that services in Compose files may use. */
export interface OwnImage {
  name: string;
  /** Path in the repository. */
  context: string;
  /** Likewise. */
  dockerfile: string;
  target?: string | undefined;
  /** Services that run it, even if the Compose files say otherwise. */
  services: readonly string[];
}

export interface BuiltImagesInput {
  model: ComposeModel;
  images: readonly OwnImage[];
  /** The prefix of every image's name. */
  registryImage: string;
  /** The folder that the model's relative paths were resolved against; absolute, on the host. */
  sourceDirectory: string;
  /** Active Compose profiles. */
  profiles: readonly string[];
}

/** A build in a Compose file, with paths in the repository. */
interface Build {
  context: string;
  /** Absent if the Dockerfile is written in the Compose file itself. */
  dockerfile?: string;
  target?: string;
}

/**
 * Gives services the images of coldtivate.yml that they use without naming them: images that list the service, and images that
 * Compose would build from the same context, Dockerfile and stage.
 *
 * @throws ColdtivateError IMAGE_MISSING_IN_COMPOSE that names every service of the release without an image
 */
export function assignImages(input: BuiltImagesInput): ComposeModel {
  const { model, images, registryImage, profiles } = input;
  const own = new Set(images.map(({ name }) => repositoryOf(`${registryImage}/${name}`)));
  const faults: string[] = [];
  const services = Object.entries(model.services).map(([name, service]): [string, ComposeService] => {
    const told = images.filter((image) => image.services.includes(name));
    if (told.length === 0 && (service["build"] === undefined || own.has(repositoryOf(service.image ?? "")))) return [name, service];
    const build = buildOf(service, input);
    const meant = told.length > 0 || build === undefined ? told : images.filter((image) => isBuildOf(image, build));
    const [image] = meant;
    if (meant.length === 1 && image !== undefined) return [name, { ...service, image: `${registryImage}/${image.name}` }];
    const isNeeded = isActive(service, profiles) && (meant.length > 1 || service.image === undefined);
    if (isNeeded) faults.push(`${name} ${meant.length > 1 ? ambiguous(meant) : unmatched(build, images)}`);
    return [name, service];
  });
  if (faults.length > 0) {
    throw new ColdtivateError("services without an image of their own cannot be deployed", {
      code: "IMAGE_MISSING_IN_COMPOSE",
      exit: "usage",
      details: faults,
      hint: "Add what is missing under images in coldtivate.yml, name the service under `services` of the image that it runs, or give it an `image:`.",
    });
  }
  return { ...model, services: Object.fromEntries(services) };
}

function buildOf({ build }: ComposeService, { sourceDirectory }: BuiltImagesInput): Build | undefined {
  if (!isMapping(build) || typeof build["context"] !== "string") return undefined;
  const { context, dockerfile, dockerfile_inline: inline, target } = build;
  const folder = pathInSource(context, sourceDirectory) ?? context;
  const file = typeof dockerfile === "string" && dockerfile !== "" ? dockerfile : "Dockerfile";
  const path = file.startsWith("/") ? (pathInSource(file, sourceDirectory) ?? file) : normalise(`${folder}/${file}`);
  return {
    context: normalise(folder),
    ...(inline === undefined ? { dockerfile: path } : {}),
    ...(typeof target === "string" && target !== "" ? { target } : {}),
  };
}

function isBuildOf({ context, dockerfile, target }: OwnImage, build: Build): boolean {
  return context === build.context && dockerfile === build.dockerfile && target === build.target;
}

function ambiguous(meant: readonly OwnImage[]): string {
  return `may run ${meant.map(({ name }) => `images.${name}`).join(" or ")}: name it under \`services\` of one of them`;
}

function unmatched(build: Build | undefined, images: readonly OwnImage[]): string {
  if (build === undefined) return "has a build that cannot be read";
  const where = `is built from ./${build.context}`;
  const near = images.filter(({ context }) => context === build.context);
  if (build.dockerfile === undefined) return `${where} by a Dockerfile within the Compose file: move that one into a file`;
  if (near.length === 0) return `${where}, which is the context of no image`;
  const file = build.dockerfile.startsWith(`${build.context}/`) ? build.dockerfile.slice(build.context.length + 1) : build.dockerfile;
  const stage = build.target === undefined ? "" : `, stage ${build.target}`;
  return `${where} (${file}${stage}); from there is ${near.map(({ name }) => `images.${name}`).join(", ")}, by another Dockerfile or another stage`;
}
