import { LineCounter, visit, type Document } from "yaml";
import { readYaml, type YamlBounds } from "../../common/read-yaml.ts";
import { AliasReader, resolveAliases } from "../../common/aliased-yaml.ts";
import { interpolatedVariables } from "./interpolate.ts";

/** What a Compose file refers to. Paths are as written. */
export interface ComposeDocument {
  services: string[];
  /** The profiles of each service that has any. */
  profiles: Map<string, string[]>;
  includes: Include[];
  /** Files whose services are extended. */
  extended: string[];
  envFiles: EnvFile[];
  labelFiles: string[];
  /** Variables that its values refer to. */
  references: string[];
  /** Images of services. */
  images: string[];
  /** What services mount, and the sources of configs, secrets and volumes. */
  mounts: WrittenMount[];
  /** Variables that provide the content of configs and secrets. */
  sourceVariables: string[];
}

export interface WrittenMount {
  /** `path:target…`, just a path, or an option that ends with one. */
  form: "short" | "path" | "option";
  text: string;
}

export interface Include {
  /** Relative paths start from the folder of the first one. */
  paths: string[];
  projectDirectory?: string;
  /** If absent, the `.env` of that folder counts, if there is one. */
  envFiles?: string[];
}

export interface EnvFile {
  service: string;
  path: string;
  required: boolean;
  /** Whether its values are taken literally, with their quotes. */
  raw: boolean;
}

export interface DocumentFault {
  line: number;
  column: number;
  message: string;
}

/** Limits that ten thousand lines do not reach. */
const bounds: YamlBounds = { characters: 1024 * 1024, tokens: 80_000, depth: 60 };

/**
 * Reads what a Compose file refers to. Like Compose, it merges several documents in one file. It follows aliases but never
 * expands them: a file that would expand to more than any machine could hold is a fault.
 */
export function readComposeDocument(text: string): { document: ComposeDocument; faults: DocumentFault[] } {
  const lines = new LineCounter();
  const { documents, excess } = readYaml(text.replace(/^\uFEFF/, ""), { bounds, lines, merge: true });
  const faults: DocumentFault[] = [];
  const report = (offset: number, message: string): void => {
    const { line, col } = lines.linePos(offset);
    faults.push({ line: Math.max(line, 1), column: Math.max(col, 1), message: message.slice(0, longestMessage).replaceAll(/\s+/g, " ") });
  };
  const document: ComposeDocument = {
    services: [],
    profiles: new Map(),
    includes: [],
    extended: [],
    envFiles: [],
    labelFiles: [],
    references: [],
    images: [],
    mounts: [],
    sourceVariables: [],
  };
  for (const each of documents) {
    const [error] = each.errors;
    if (error !== undefined) report(error.pos[0], error.message);
    const aliases = resolveAliases(each, error === undefined ? report : () => {});
    if (aliases !== undefined) gather(each.contents, new AliasReader(aliases), document);
    document.references.push(...referencesOf(each));
    if (error !== undefined) break;
  }
  // Every object already has a property of that name, in every program that reads the model.
  if (document.services.includes("__proto__")) report(0, "a service cannot be called __proto__");
  if (excess !== undefined) report(excess.offset, excess.message);
  return { document, faults };
}

/** Longer messages repeat the file. */
const longestMessage = 300;

/** Finds the variables that values refer to. Comments and keys do not count. */
function referencesOf(document: Document): string[] {
  const found = new Set<string>();
  visit(document, {
    Scalar(key, { value }) {
      if (key === "key" || typeof value !== "string" || !value.includes("$")) return;
      for (const name of interpolatedVariables(value)) found.add(name);
    },
  });
  return [...found];
}

function gather(root: unknown, reader: AliasReader, document: ComposeDocument): void {
  for (const entry of reader.items(reader.at(root, "include"))) {
    const path = reader.text(entry);
    const projectDirectory = reader.text(reader.at(entry, "project_directory"));
    const written = reader.at(entry, "env_file");
    document.includes.push({
      paths: path === undefined ? reader.texts(reader.at(entry, "path")) : [path],
      ...(projectDirectory === undefined ? {} : { projectDirectory }),
      ...(written === undefined ? {} : { envFiles: reader.texts(written) }),
    });
  }
  for (const [name, service] of reader.pairs(reader.at(root, "services"))) {
    document.services.push(name);
    const profiles = reader.texts(reader.at(service, "profiles"));
    if (profiles.length > 0) document.profiles.set(name, [...(document.profiles.get(name) ?? []), ...profiles]);
    const extended = reader.text(reader.at(reader.at(service, "extends"), "file"));
    if (extended !== undefined) document.extended.push(extended);
    for (const entry of reader.items(reader.at(service, "env_file"))) {
      const path = reader.text(entry) ?? reader.text(reader.at(entry, "path"));
      if (path === undefined) continue;
      const raw = reader.text(reader.at(entry, "format")) === "raw";
      document.envFiles.push({ service: name, path, required: !reader.isFalse(reader.at(entry, "required")), raw });
    }
    document.labelFiles.push(...reader.texts(reader.at(service, "label_file")));
    gatherMounts(service, reader, document);
  }
  for (const kind of ["configs", "secrets"]) {
    for (const [, source] of reader.pairs(reader.at(root, kind))) {
      const [file, variable] = [reader.text(reader.at(source, "file")), reader.text(reader.at(source, "environment"))];
      if (file !== undefined) document.mounts.push({ form: "path", text: file });
      if (variable !== undefined) document.sourceVariables.push(variable);
    }
  }
  for (const [, volume] of reader.pairs(reader.at(root, "volumes"))) {
    const device = reader.text(reader.at(reader.at(volume, "driver_opts"), "device"));
    if (device !== undefined) document.mounts.push({ form: "path", text: device });
  }
}

/** Collects the image of a service, and the paths that its container sees. */
function gatherMounts(service: unknown, reader: AliasReader, { images, mounts }: ComposeDocument): void {
  const image = reader.text(reader.at(service, "image"));
  if (image !== undefined) images.push(image);
  for (const entry of reader.items(reader.at(service, "volumes"))) {
    const short = reader.text(entry);
    const source = short === undefined ? reader.text(reader.at(entry, "source")) : undefined;
    if (short !== undefined) mounts.push({ form: "short", text: short });
    if (source !== undefined && reader.text(reader.at(entry, "type")) !== "volume") mounts.push({ form: "path", text: source });
  }
  mounts.push(...reader.texts(reader.at(service, "security_opt")).map((text) => ({ form: "option" as const, text })));
}
