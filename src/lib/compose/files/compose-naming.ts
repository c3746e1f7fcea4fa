import type { ComposeDocument, WrittenMount } from "./compose-document.ts";
import { interpolateCompose } from "./interpolate.ts";

type Variables = Readonly<Record<string, string>>;

/** What a commit's Compose files name themselves, with variables filled in. Anything else in a host's model does not count. */
export interface ComposeNaming {
  services: Set<string>;
  /** Image references, as services name them. */
  images: Set<string>;
  /** Paths in the repository that containers see. */
  paths: Set<string>;
  /** Variables that provide the content of configs and secrets. */
  variables: Set<string>;
}

export interface NamingContext {
  variables: Variables;
  /** Where the document's relative paths start. */
  directory: string;
  /** Where the project's relative paths start. */
  project: string;
  /** Whether its services belong to the project. */
  isOwn: boolean;
  normalise: (path: string) => string;
}

/** Placeholders for paths that Compose takes from the host's environment, which wins over all other variables. */
const projectFolder = "/folder of the project";
const home = "/home of the host's user";

/** Adds what a document names. */
export function noteNames(naming: ComposeNaming, document: ComposeDocument, context: NamingContext): void {
  const { isOwn, normalise, directory, project } = context;
  const variables = { ...context.variables, PWD: projectFolder, HOME: home };
  if (isOwn) for (const service of document.services) naming.services.add(service);
  for (const image of document.images) naming.images.add(interpolateCompose(image, variables).trim());
  for (const variable of document.sourceVariables) naming.variables.add(interpolateCompose(variable, variables));
  for (const mount of document.mounts) {
    const path = pathOf({ ...mount, text: interpolateCompose(mount.text, variables) });
    if (path?.startsWith(projectFolder) === true) naming.paths.add(normalise(`${project}/${path.slice(projectFolder.length)}`) || ".");
    else if (path !== undefined && !/^[/~]/.test(path))
      naming.paths.add(normalise(`${mount.form === "option" ? project : directory}/${path}`) || ".");
  }
}

/** The path that a mount refers to. Undefined for a volume, and for anything that is no path. */
function pathOf({ form, text }: WrittenMount): string | undefined {
  if (form === "option") return /^seccomp[:=](.+)$/.exec(text)?.[1];
  if (form === "path") return text === "" ? undefined : text;
  const [source = ""] = text.split(":");
  return text.includes(":") && /^[./~]/.test(source) ? source : undefined;
}
