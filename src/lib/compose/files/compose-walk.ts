import { readComposeDocument, type ComposeDocument, type DocumentFault, type EnvFile } from "./compose-document.ts";
import { noteNames, type ComposeNaming } from "./compose-naming.ts";
import { readEnvFile } from "./env-file.ts";
import { interpolateCompose } from "./interpolate.ts";

type Variables = Readonly<Record<string, string>>;

/** Reads a file. Returns undefined if it does not exist. */
export type ReadSource = (path: string) => Promise<Uint8Array | undefined>;

export interface VisitedFile {
  path: string;
  content: Uint8Array;
  text: string;
  /** Only set for a Compose file. */
  document?: ComposeDocument;
  /** Whether its services belong to the project. Those of a file that is only extended do not. */
  isOwn: boolean;
}

/** A file that another one names. */
export interface NamedFile {
  path: string;
  /** The Compose file that names it. */
  by: string;
  /** The listed file that led to it, by index. */
  listed: number;
}

export interface ComposeWalk {
  /** In the order in which they were found, each of them once. */
  visited: VisitedFile[];
  /** Required files that do not exist. */
  missing: (NamedFile & { isListed: boolean })[];
  faults: (DocumentFault & Pick<NamedFile, "path" | "listed">)[];
  /** Env files of services, whether they exist or not. */
  envFiles: (NamedFile & Pick<EnvFile, "service" | "required" | "raw">)[];
  /** Named files that lie elsewhere: paths of the host, remote ones, and those that leave the folder. */
  elsewhere: NamedFile[];
  /** What the files name. Empty without variables, because names depend on them. */
  naming: ComposeNaming;
}

/** Limits: how many files Compose files may lead to, and how many characters one of their paths may have, as on Linux. */
const mostFiles = 1000;
/** How often Compose files may name another file. Many of them may name the same one. */
const mostMentions = 20_000;
const longestPath = 4096;
/** How many characters all Compose files may have together. */
const mostCharacters = 4 * 1024 * 1024;

interface Visit extends NamedFile {
  role: "own" | "extended" | "variables";
  /** Where its relative paths start. */
  directory: string;
  /** Where the project's relative paths start. */
  project: string;
  variables: Variables | undefined;
  isListed: boolean;
  /** Whether Compose requires it. */
  required: boolean;
}

/**
 * Follows Compose files to everything that the merge reads, as Compose does. Relative paths start:
 * - in listed files, from the folder of the first one
 * - in an included file, from its project directory
 * - in an extended file, from its own folder
 *
 * An included file has the variables of its `.env`, unless the project's own variables override them.
 *
 * @param listed in the order in which they are merged
 * @param variables for interpolation in paths; if absent, paths with variables are left out
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

/** The fault that is reported where the walk has to stop. */
function excess({ path, by, listed }: Visit, what: string) {
  return { path: by === "" ? path : by, listed, line: 1, column: 1, message: `with all that it names it comes to more than ${what}` };
}

/** Reads a file and returns the files that it leads to. */
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

  // Compose ignores `include` in a file that is only extended.
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

/** Content that was read once is not parsed again for each environment that uses it. */
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

/** Reads each file only once. Reads can start early, before anybody waits for them. */
function readOnce(read: ReadSource): ReadSource {
  const begun = new Map<string, ReturnType<ReadSource>>();
  return (path) => {
    const reading = begun.get(path) ?? read(path);
    // Marks the promise as handled. The code that awaits it still gets the error.
    reading.catch(() => {});
    begun.set(path, reading);
    return reading;
  };
}

/** Whether a path belongs to the host, or is one that Compose fetches from elsewhere. */
function isElsewhere(path: string): boolean {
  return /^[/~]|^[a-z][\w+.-]*:\/\/|^oci:|^git@/i.test(path);
}

export function folderOf(path: string): string {
  return path.split("/").slice(0, -1).join("/");
}

/** Removes `.`, `..` and doubled slashes from a relative path. A path that leaves the repository keeps its leading `..`. */
export function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
