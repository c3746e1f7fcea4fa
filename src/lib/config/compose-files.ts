import { readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { systemCode } from "./file.ts";
import { asMapping } from "./plain.ts";

export interface ComposeFiles {
  services: Set<string>;
  /** Absolute paths of the files that were read, included and extended ones too. */
  files: Set<string>;
  /** Sentences about what could not be read. */
  faults: string[];
}

/**
 * Reads which services a Compose file defines, and those of files that it includes. Reads only: nothing is merged or interpolated.
 * @param file absolute
 * @param directory what names in messages are relative to
 */
export async function readComposeFile(file: string, directory: string): Promise<ComposeFiles> {
  const found: ComposeFiles = { services: new Set(), files: new Set(), faults: [] };
  await visit(file, { directory, found, own: true });
  return found;
}

interface Visit {
  directory: string;
  found: ComposeFiles;
  /** Its services are the project's; those of a file that is only extended are not. */
  own: boolean;
}

async function visit(file: string, { directory, found, own }: Visit): Promise<void> {
  if (found.files.has(file)) return;
  found.files.add(file);
  const content = await read(file, directory, found.faults);
  if (content === undefined) return;
  const services = asMapping(asMapping(content)["services"]);
  if (own) for (const name of Object.keys(services)) found.services.add(name);
  for (const path of includedFiles(asMapping(content)["include"])) await visit(resolve(dirname(file), path), { directory, found, own });
  for (const service of Object.values(services)) {
    const extended = asMapping(asMapping(service)["extends"])["file"];
    if (isPath(extended)) await visit(resolve(dirname(file), extended), { directory, found, own: false });
  }
}

async function read(file: string, directory: string, faults: string[]): Promise<unknown> {
  const name = relative(directory, file);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    faults.push(systemCode(cause) === "ENOENT" ? `there is no file ${name}` : `cannot read ${name}`);
    return undefined;
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, merge: true, prettyErrors: false, logLevel: "error" });
  const [error] = document.errors;
  if (error === undefined) return document.toJS({ maxAliasCount: 1000 }) as unknown;
  const { line, col } = lineCounter.linePos(error.pos[0]);
  faults.push(`${name}:${line}:${col} is no valid YAML: ${error.message}`);
  return undefined;
}

/** `include` takes paths, and mappings whose `path` is one or several. */
function includedFiles(include: unknown): string[] {
  if (!Array.isArray(include)) return [];
  return include.flatMap((entry: unknown) => (typeof entry === "string" ? [entry] : [asMapping(entry)["path"]].flat())).filter(isPath);
}

/** A path with a variable in it is only known where Compose runs. */
function isPath(path: unknown): path is string {
  return typeof path === "string" && !path.includes("$") && !/^\w+:\/\//.test(path);
}
