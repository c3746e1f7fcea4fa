import type { ComposeModel, ComposeService, ComposeSource } from "./model.ts";
import { mapValues } from "./record.ts";
import { keepTree, pathInSource, type Digest, type KeptFile, type SourceTree } from "./sources.ts";

export interface PlacementInput {
  model: ComposeModel;
  /** Absolute path on the host. */
  stateDirectory: string;
  /** What the model's relative paths were resolved against, absolute on the host. */
  sourceDirectory: string;
  /** By path in the repository; a path that the commit does not have is missing here. */
  sources: ReadonlyMap<string, SourceTree>;
  /** Values for secrets and configs that come from variables. */
  variables: Readonly<Record<string, string>>;
  digest: Digest;
}

/** A model whose files lie where they do on the host. */
export interface Placed {
  configs: Record<string, ComposeSource>;
  secrets: Record<string, ComposeSource>;
  services: Record<string, ComposeService>;
  files: KeptFile[];
  notes: string[];
}

/** Gives every file of a model its place on the host: content of the commit by its digest, anything else in the state's `data`. */
export function placeFiles(input: PlacementInput): Placed {
  const files = new Map<string, KeptFile>();
  const notes = new Set<string>();
  const keep = (kept: readonly KeptFile[]): void => {
    for (const file of kept) files.set(file.path, file);
  };

  const place = (absolute: string, user: string): string => {
    const path = pathInSource(absolute, input.sourceDirectory);
    if (path === undefined) return absolute;
    const tree = input.sources.get(path);
    if (tree === undefined) {
      notes.add(`${user} mounts ./${path}, which the commit does not have: it is kept on the host, in data/${path}`);
      return `${input.stateDirectory}/data/${path}`;
    }
    const found = keepTree(path, tree, input.digest);
    keep(found.kept);
    return `${input.stateDirectory}/${found.place}`;
  };

  const placeSource = (source: ComposeSource, name: string): ComposeSource => {
    if (source.file !== undefined) return { ...source, file: place(source.file, name) };
    if (source.environment === undefined) return source;
    const { environment, ...rest } = source;
    const content = new TextEncoder().encode(input.variables[environment] ?? "");
    const found = keepTree(name, { files: [{ path: "", executable: false, content }] }, input.digest);
    keep(found.kept);
    return { ...rest, file: `${input.stateDirectory}/${found.place}` };
  };

  const placeMounts = (service: ComposeService): ComposeService => {
    const volumes = service.volumes?.map((mount) =>
      mount.type === "bind" && mount.source !== undefined ? { ...mount, source: place(mount.source, mount.target) } : mount,
    );
    return volumes === undefined ? service : { ...service, volumes };
  };

  const { model } = input;
  const configs = mapValues(model.configs ?? {}, placeSource);
  const secrets = mapValues(model.secrets ?? {}, placeSource);
  const services = mapValues(model.services, placeMounts);
  return { configs, secrets, services, files: [...files.values()], notes: [...notes] };
}

/** Whether a placed path is content of a commit, which never changes. */
export function isPlacedContent(path: string, stateDirectory: string): boolean {
  return path.startsWith(`${stateDirectory}/files/`);
}
