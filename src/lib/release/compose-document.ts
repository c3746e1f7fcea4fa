import { isAlias, isMap, isScalar, isSeq, LineCounter, visit, type Alias, type Document, type Node } from "yaml";
import { endlessAlias, findTargets, lostAlias, readYaml, type YamlBounds } from "../config/read-yaml.ts";
import { interpolatedVariables } from "./interpolate.ts";

/** What a Compose file says of other files; paths are as they are written. */
export interface ComposeDocument {
  services: string[];
  includes: Include[];
  /** Files whose services are extended. */
  extended: string[];
  envFiles: EnvFile[];
  labelFiles: string[];
  /** Variables that its values refer to. */
  references: string[];
  /** Of services. */
  images: string[];
  /** What services mount, and what configs, secrets and volumes come from. */
  mounts: WrittenMount[];
  /** Variables that configs and secrets come from. */
  sourceVariables: string[];
}

export interface WrittenMount {
  /** `path:target…`, a path alone, or an option that ends with one. */
  form: "short" | "path" | "option";
  text: string;
}

export interface Include {
  /** The first one decides where relative paths start. */
  paths: string[];
  projectDirectory?: string;
  /** Absent: the `.env` of that folder, if there is one. */
  envFiles?: string[];
}

export interface EnvFile {
  service: string;
  path: string;
  required: boolean;
  /** Whether its values are taken as they are, quotes and all. */
  raw: boolean;
}

export interface DocumentFault {
  line: number;
  column: number;
  message: string;
}

/** Ten thousand lines stay below them. */
const bounds: YamlBounds = { characters: 1024 * 1024, tokens: 80_000, depth: 60 };
/** So many values no honest file stands for. */
const mostValues = 1_000_000;

/**
 * Reads what a Compose file refers to. Several documents in one file count together, as for Compose. Aliases are followed
 * where they lead, and never written out: a file that stands for more than any machine could hold is a fault.
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
    if (aliases !== undefined) gather(each.contents, new Reader(aliases), document);
    document.references.push(...referencesOf(each));
    if (error !== undefined) break;
  }
  // Every object has something of that name, in every program that reads the model.
  if (document.services.includes("__proto__")) report(0, "a service cannot be called __proto__");
  if (excess !== undefined) report(excess.offset, excess.message);
  return { document, faults };
}

/** Longer ones repeat the file. */
const longestMessage = 300;

type Aliases = ReadonlyMap<Alias, Node>;

/** Where each alias leads; undefined, and reported, where that is nowhere, into itself, or to more than can be. */
function resolveAliases(document: Document, report: (offset: number, message: string) => void): Aliases | undefined {
  const refuse = (offset: number, message: string): undefined => {
    report(offset, message);
    return undefined;
  };
  const { targets: aliases, lost, double } = findTargets(document);
  if (lost !== undefined) return refuse(lost.range?.[0] ?? 0, lostAlias(lost));
  // What else it names is found all the same.
  if (double !== undefined) report(double.range?.[0] ?? 0, "Map keys must be unique");

  const sizes = new Map<Node, number>();
  const open = new Set<Node>();
  let fault: { alias: Alias; message: string } | undefined;
  const sizeOf = (node: unknown): number => {
    if (isAlias(node)) {
      const target = aliases.get(node)!;
      if (open.has(target)) fault ??= { alias: node, message: endlessAlias(node) };
      const size = open.has(target) ? 1 : sizeOf(target);
      if (size > mostValues) fault ??= { alias: node, message: `the alias *${node.source} stands for more than ${mostValues} values` };
      return size;
    }
    if (!isMap(node) && !isSeq(node)) return 1;
    const known = sizes.get(node);
    if (known !== undefined) return known;
    open.add(node);
    let size = 1;
    if (isMap(node)) for (const { value } of node.items) size += 1 + sizeOf(value);
    else for (const item of node.items) size += sizeOf(item);
    open.delete(node);
    sizes.set(node, size);
    return size;
  };
  const size = sizeOf(document.contents);
  if (fault !== undefined) return refuse(fault.alias.range?.[0] ?? 0, fault.message);
  if (size > mostValues) return refuse(0, `its aliases stand for more than ${mostValues} values`);
  return aliases;
}

/** A comment refers to nothing, nor does a key. */
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

/** Looks things up in a document without writing its aliases out. */
class Reader {
  readonly #aliases: Aliases;

  constructor(aliases: Aliases) {
    this.#aliases = aliases;
  }

  /** The pairs of a mapping, merged ones at the end; none of anything else. */
  pairs(node: unknown): [key: string, value: unknown][] {
    const map = this.#follow(node);
    if (!isMap(map)) return [];
    const all = map.items.flatMap(({ key, value }) => (isScalar(key) ? [{ key: key.value, value }] : []));
    const merges = all.filter(({ key }) => isMerge(key)).flatMap(({ value }) => this.#merged(value));
    return [...all.filter(({ key }) => !isMerge(key)).map(({ key, value }): [string, unknown] => [String(key), value]), ...merges];
  }

  at(node: unknown, key: string): unknown {
    return this.pairs(node).find(([name]) => name === key)?.[1];
  }

  /** The items of a list; something else counts as a list of itself, nothing as an empty one. */
  items(node: unknown): unknown[] {
    const list = this.#follow(node);
    if (isSeq(list)) return list.items;
    return list === undefined || list === null || (isScalar(list) && list.value === null) ? [] : [list];
  }

  text(node: unknown): string | undefined {
    const scalar = this.#follow(node);
    return isScalar(scalar) && typeof scalar.value === "string" ? scalar.value : undefined;
  }

  texts(node: unknown): string[] {
    return this.items(node)
      .map((item) => this.text(item))
      .filter((text) => text !== undefined);
  }

  isFalse(node: unknown): boolean {
    const scalar = this.#follow(node);
    return isScalar(scalar) && String(scalar.value) === "false";
  }

  #merged(node: unknown): [string, unknown][] {
    return this.items(node).flatMap((item) => this.pairs(item));
  }

  #follow(node: unknown): unknown {
    return isAlias(node) ? this.#follow(this.#aliases.get(node)) : node;
  }
}

/** The key `<<`, which the reader of YAML gives as a symbol. */
function isMerge(key: unknown): boolean {
  return key === "<<" || (typeof key === "symbol" && key.description === "<<");
}

function gather(root: unknown, reader: Reader, document: ComposeDocument): void {
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

/** What a service runs, and gets to see. */
function gatherMounts(service: unknown, reader: Reader, { images, mounts }: ComposeDocument): void {
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
