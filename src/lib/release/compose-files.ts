import { parse } from "yaml";
import { ColdtivateError } from "../errors.ts";

/** Reads a file of the release's commit; undefined when the commit does not have it. */
export type ReadSource = (path: string) => Promise<Uint8Array | undefined>;

export interface ComposeFiles {
  /** What `docker compose config` needs to read, by path in the repository. */
  files: Map<string, Uint8Array>;
  /** Names of the variables that the files interpolate. */
  variables: Set<string>;
  /** Whether nothing that merging them reads is left out: with the same variables they come to the same anywhere. */
  isWhole: boolean;
}

/**
 * Collects the Compose files of an environment with everything that merging them reads: files that they include or
 * extend, env files and label files. A listed Compose file that the commit does not have is an error; an env file that it does not
 * have is left to Compose, which knows whether it is required.
 *
 * @param listed paths in the repository, in the order in which they are merged
 * @param variables for interpolation in the paths themselves
 */
export async function collectComposeFiles(
  listed: readonly string[],
  read: ReadSource,
  variables: Readonly<Record<string, string>>,
): Promise<ComposeFiles> {
  const found: ComposeFiles = { files: new Map(), variables: new Set(), isWhole: true };
  const missing: string[] = [];
  const reading = readOnce(read);
  const queue = listed.map((path) => ({ path: normalise(path), isCompose: true, by: "" }));
  for (const { path } of queue) void reading(path);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (found.files.has(next.path)) continue;
    const content = await reading(next.path);
    if (content === undefined) {
      if (next.isCompose) missing.push(next.by === "" ? next.path : `${next.path} (${next.by})`);
      continue;
    }
    found.files.set(next.path, content);
    const text = new TextDecoder().decode(content);
    for (const name of interpolatedVariables(text)) found.variables.add(name);
    if (!next.isCompose) continue;
    const { path } = next;
    const base = path.split("/").slice(0, -1).join("/");
    const mentioned = mentionedFiles(parseCompose(text, path));
    const add = (mention: string, isCompose: boolean) => {
      const named = interpolate(mention, variables);
      const resolved = normalise(`${base}/${named}`);
      if (/^[/~]/.test(named) || (resolved.startsWith("..") && named !== variables["DOT_ENV_PATH"])) found.isWhole = false;
      if (resolved === "" || resolved.startsWith("..")) return;
      queue.push({ path: resolved, isCompose, by: `named in ${path}` });
      void reading(resolved);
    };
    for (const mention of mentioned.compose) add(mention, true);
    for (const mention of mentioned.environment) add(mention, false);
  }
  if (missing.length > 0) {
    throw new ColdtivateError("the commit does not have every Compose file of the environment", {
      code: "COMPOSE_FILE_MISSING",
      exit: "usage",
      details: missing,
      hint: "Compose files are taken from the commit that is deployed: commit them, or correct `compose` in coldtivate.yml.",
    });
  }
  return found;
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

function parseCompose(text: string, path: string): unknown {
  try {
    return parse(text, { merge: true, logLevel: "silent" });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    throw new ColdtivateError(`${path}: ${message}`, { code: "COMPOSE_INVALID", exit: "usage", cause });
  }
}

function mentionedFiles(document: unknown): { compose: string[]; environment: string[] } {
  const compose: string[] = [];
  const environment: string[] = [];
  const root = asRecord(document);
  for (const entry of asList(root["include"])) {
    const include = asRecord(entry);
    compose.push(...asList(typeof entry === "string" ? entry : include["path"]).filter(isString));
    environment.push(...asList(include["env_file"]).filter(isString));
  }
  for (const value of Object.values(asRecord(root["services"]))) {
    const service = asRecord(value);
    const { file } = asRecord(service["extends"]);
    if (isString(file)) compose.push(file);
    for (const entry of [...asList(service["env_file"]), ...asList(service["label_file"])])
      environment.push(...[isString(entry) ? entry : asRecord(entry)["path"]].filter(isString));
  }
  return { compose, environment };
}

/** Names in `$NAME`, `${NAME}`, `${NAME:-…}`, nested ones included; `$$` is no variable. */
export function interpolatedVariables(text: string): string[] {
  return [...text.replaceAll("$$", "").matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1] ?? "");
}

/** Interpolation as far as paths need it: `${A}`, `$A`, `${A:-default}`, `${A-default}`. */
export function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(?:\{([A-Za-z_]\w*)(?:(:?)-([^}]*))?\}|([A-Za-z_]\w*))/g, (_whole, braced, colon, fallback, bare) => {
    const value = variables[String(braced ?? bare)];
    const isMissing = value === undefined || (colon === ":" && value === "");
    return isMissing ? String(fallback ?? "") : value;
  });
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

const isString = (value: unknown): value is string => typeof value === "string";
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
const isRecord = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object" && !Array.isArray(value);
const asRecord = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});
