import { readComposeDocument, type ComposeDocument, type DocumentFault, type EnvFile } from "./compose-document.ts";
import { noteNames, type ComposeNaming } from "./compose-naming.ts";
import { readEnvFile } from "./env-file.ts";
import { interpolateCompose } from "./interpolate.ts";

type Variables = Readonly<Record<string, string>>;

/** Reads a file; undefined when it is not there. */
export type ReadSource = (path: string) => Promise<Uint8Array | undefined>;

export interface VisitedFile {
  path: string;
  content: Uint8Array;
  text: string;
  /** Of a Compose file. */
  document?: ComposeDocument;
  /** Whether its services are the project's; those of a file that is only extended are not. */
  isOwn: boolean;
}

/** A file that another one names. */
export interface NamedFile {
  path: string;
  /** The Compose file that names it. */
  by: string;
  /** Which of the listed files led there. */
  listed: number;
}

export interface ComposeWalk {
  /** In the order in which they were found; each once. */
  visited: VisitedFile[];
  /** Files that have to be there, and are not. */
  missing: (NamedFile & { isListed: boolean })[];
  faults: (DocumentFault & Pick<NamedFile, "path" | "listed">)[];
  /** Env files of services, there or not. */
  envFiles: (NamedFile & Pick<EnvFile, "service" | "required" | "raw">)[];
  /** What is named and lies elsewhere: paths of the host, remote ones, and those that leave the folder. */
  elsewhere: NamedFile[];
  /** What the files name; nothing where there are no variables to know it by. */
  naming: ComposeNaming;
}

/** Files that Compose files lead to, and characters of one of their paths: Linux takes no longer one. */
const mostFiles = 1000;
/** Times that Compose files name another file: the same one may be named by many. */
const mostMentions = 20_000;
const longestPath = 4096;
/** Characters of all Compose files together. */
const mostCharacters = 4 * 1024 * 1024;

interface Visit extends NamedFile {
  role: "own" | "extended" | "variables";
  /** Where its relative paths start. */
  directory: string;
  /** Where those of the project start. */
  project: string;
  variables: Variables | undefined;
  isListed: boolean;
  /** Whether Compose insists on it. */
  required: boolean;
}

/**
 * Follows Compose files to everything that merging them reads, as Compose does: relative paths start from the folder of the
 * first file, in an included file from its project directory, in an extended one from its own folder; an included file has the
 * variables of its `.env`, where the project's own do not come first.
 *
 * @param listed in the order in which they are merged
 * @param variables for interpolation in paths; absent: paths with variables are left out
 */
export async function walkComposeFiles(
  listed: readonly string[],
  read: ReadSource,
  variables: Variables | undefined,
): Promise<ComposeWalk> {
  const naming: ComposeNaming = { services: new Set(), images: new Set(), paths: new Set(), variables: new Set() };
  const walk: ComposeWalk = { visited: [], missing: [], faults: [], envFiles: [], elsewhere: [], naming };
  const reading = readOnce(read);
  const directory = folderOf(normalise(listed[0] ?? ""));
  const paths = listed.map(normalise);
  const queue: Visit[] = paths.map((path, index) => ({
    path,
    by: "",
    listed: index,
    role: "own",
    directory,
    project: directory,
    variables,
    isListed: true,
    required: true,
  }));
  for (const path of paths) void reading(path);
  const seen = new Set<string>();
  let characters = 0;
  const budget = { mentions: 0 };
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const passed = passedBound(seen.size, budget.mentions, characters);
    if (passed !== undefined) {
      walk.faults.push(excess(next, passed));
      break;
    }
    const key = JSON.stringify([next.path, next.role, next.directory, next.variables]);
    if (seen.has(key)) continue;
    seen.add(key);
    const content = await reading(next.path);
    if (content === undefined) {
      const { path, by, isListed } = next;
      if (next.required && !walk.missing.some((other) => other.path === path))
        walk.missing.push({ path, by, listed: next.listed, isListed });
      continue;
    }
    characters += content.length;
    for (const visit of await follow(next, content, walk, reading, budget)) queue.push(visit);
  }
  return walk;
}

function passedBound(files: number, mentions: number, characters: number): string | undefined {
  if (files >= mostFiles) return `${mostFiles} files`;
  if (mentions > mostMentions) return `${mostMentions} names of files`;
  return characters > mostCharacters ? `${mostCharacters} characters` : undefined;
}

/** What is told of where the walk ends for good. */
function excess({ path, by, listed }: Visit, what: string) {
  return { path: by === "" ? path : by, listed, line: 1, column: 1, message: `with all that it names it comes to more than ${what}` };
}

/** What a file leads to. */
async function follow(
  visit: Visit,
  content: Uint8Array,
  walk: ComposeWalk,
  reading: ReadSource,
  budget: { mentions: number },
): Promise<Visit[]> {
  const { path, listed, role, directory } = visit;
  const found: Visit[] = [];
  if (role === "variables") {
    note(walk, { path, content, text: new TextDecoder().decode(content), isOwn: false });
    return found;
  }
  const { text, document, faults } = parse(content);
  if (!walk.faults.some((fault) => fault.path === path)) walk.faults.push(...faults.map((fault) => ({ ...fault, path, listed })));
  note(walk, { path, content, text, document, isOwn: role === "own" });
  if (visit.variables !== undefined)
    noteNames(walk.naming, document, { variables: visit.variables, directory, project: visit.project, isOwn: role === "own", normalise });

  const locate = (mention: string): string | undefined => {
    if (++budget.mentions > mostMentions) return undefined;
    if (visit.variables === undefined && mention.includes("$")) return undefined;
    const named = interpolateCompose(mention.slice(0, longestPath + 1), visit.variables ?? {});
    if (named === "") return undefined;
    if (named.length > longestPath || named.includes("\0")) {
      const message = named.includes("\0") ? "a path has a NUL character" : `a path is longer than ${longestPath} characters`;
      if (!walk.faults.some((fault) => fault.path === path)) walk.faults.push({ path, listed, line: 1, column: 1, message });
      return undefined;
    }
    const isFar = isElsewhere(named);
    const resolved = isFar ? named : normalise(`${directory}/${named}`);
    if (isFar || resolved.startsWith("..")) walk.elsewhere.push({ path: resolved, by: path, listed });
    return isFar ? undefined : resolved;
  };
  const add = (at: string | undefined, more: Pick<Visit, "role" | "directory" | "required"> & Partial<Visit>): void => {
    if (at === undefined || found.length > mostFiles) return;
    void reading(at);
    found.push({ path: at, by: path, listed, variables: visit.variables, project: visit.project, isListed: false, ...more });
  };

  // Compose reads no `include` of a file that is only extended.
  for (const { paths, projectDirectory, envFiles } of role === "own" ? document.includes : []) {
    const located = paths.map((each) => locate(each));
    const project = projectDirectory === undefined ? located[0] && folderOf(located[0]) : locate(projectDirectory);
    if (project === undefined) continue;
    const given = envFiles?.filter((file) => file !== "/dev/null").map((file) => locate(file));
    let own: Variables = {};
    for (const file of given ?? [normalise(`${project}/.env`)]) {
      add(file, { role: "variables", directory: project, required: given !== undefined });
      const held = file === undefined ? undefined : await reading(file);
      if (held !== undefined) own = { ...own, ...readEnvFile(new TextDecoder().decode(held), { ...own, ...visit.variables }) };
    }
    const known = visit.variables && { ...own, ...visit.variables };
    for (const at of located) add(at, { role: "own", directory: project, required: true, variables: known });
  }
  for (const at of document.extended.map((each) => locate(each)))
    if (at !== undefined) add(at, { role: "extended", directory: folderOf(at), required: true });
  for (const { service, path: written, required, raw } of document.envFiles) {
    const at = locate(written);
    walk.envFiles.push({ path: at ?? interpolateCompose(written, visit.variables ?? {}), by: path, listed, service, required, raw });
    add(at, { role: "variables", directory, required: false });
  }
  for (const at of document.labelFiles.map((each) => locate(each))) add(at, { role: "variables", directory, required: false });
  return found;
}

interface Parsed extends ReturnType<typeof readComposeDocument> {
  text: string;
}

/** What was read once is not parsed again for each environment that has it. */
const parsed = new WeakMap<Uint8Array, Parsed>();

function parse(content: Uint8Array): Parsed {
  const known = parsed.get(content);
  if (known !== undefined) return known;
  const text = new TextDecoder().decode(content);
  const made = { text, ...readComposeDocument(text) };
  parsed.set(content, made);
  return made;
}

function note({ visited }: ComposeWalk, file: VisitedFile): void {
  const known = visited.find(({ path }) => path === file.path);
  if (known === undefined) visited.push(file);
  else if (file.document !== undefined) Object.assign(known, { document: file.document, isOwn: known.isOwn || file.isOwn });
}

/** Reads each file once; whoever asks early need not wait for it. */
function readOnce(read: ReadSource): ReadSource {
  const begun = new Map<string, ReturnType<ReadSource>>();
  return (path) => {
    const reading = begun.get(path) ?? read(path);
    // Whoever comes to use it hears of it.
    reading.catch(() => {});
    begun.set(path, reading);
    return reading;
  };
}

/** A path of the host, or one that Compose fetches from elsewhere. */
function isElsewhere(path: string): boolean {
  return /^[/~]|^[a-z][\w+.-]*:\/\/|^oci:|^git@/i.test(path);
}

export function folderOf(path: string): string {
  return path.split("/").slice(0, -1).join("/");
}

/** A relative path without `.`, `..` and doubled slashes; one that leaves the repository keeps its leading `..`. */
export function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
