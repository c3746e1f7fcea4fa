import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { readBounded, systemCode } from "../config/file.ts";
import { matchesPattern } from "./known-hosts-line.ts";

/** The files that OpenSSH reads, the user's first: what one says first counts. */
export interface ConfigFiles {
  user: string;
  system: string;
}

export interface ConfigScan {
  /** Whether any setting that we use may apply to the host; where it is false, that is proven. */
  mayMatter: boolean;
  /** Whether it may say who to log in as. */
  mayNameUser: boolean;
  /** `file:line` of each `Match exec`, which reading the configuration would run, and of what cannot be judged. */
  programs: string[];
}

export function configFiles(): ConfigFiles {
  return { user: join(homedir(), ".ssh", "config"), system: "/etc/ssh/ssh_config" };
}

/** The settings that decide how and as whom a host is reached, and what its key is compared with. */
const settings = new Set([
  "hostname",
  "port",
  "user",
  "identityfile",
  "identityfile2",
  "identitiesonly",
  "identityagent",
  "certificatefile",
  "proxyjump",
  "proxycommand",
  "proxyusefdpass",
  "userknownhostsfile",
  "globalknownhostsfile",
  "hostkeyalias",
  "revokedhostkeys",
  "knownhostscommand",
  "pkcs11provider",
  "requiredrsasize",
  "canonicalizehostname",
]);

const deepest = 16;

/**
 * Looks into ssh_config without understanding all of it: it may take something for a setting that is none, never the
 * other way round. So `ssh -G` is asked only where something could come of it, and nothing runs that was not allowed.
 *
 * @param host as the user calls it
 * @param decided settings, in lower case, that somebody else has decided already
 */
export async function scanConfig(
  host: string,
  { user, system }: ConfigFiles,
  decided: ReadonlySet<string> = new Set(),
): Promise<ConfigScan> {
  const scan: ConfigScan = { mayMatter: false, mayNameUser: false, programs: [] };
  await scanFile(user, { host, scan, decided, folder: dirname(user), applies: true, depth: 0 });
  await scanFile(system, { host, scan, decided, folder: dirname(system), applies: true, depth: 0 });
  return scan;
}

interface Context {
  host: string;
  scan: ConfigScan;
  decided: ReadonlySet<string>;
  /** What relative paths of Include start from. */
  folder: string;
  /** Whether what is read may apply to the host. */
  applies: boolean;
  depth: number;
}

async function scanFile(path: string, context: Context): Promise<void> {
  const { host, scan, decided } = context;
  let text: string;
  try {
    text = (await readBounded(path)).toString();
  } catch (cause) {
    // OpenSSH passes over what is not there; what else it makes of it, it says itself.
    if (!["ENOENT", "ENOTDIR"].includes(systemCode(cause))) scan.mayMatter = scan.mayNameUser = true;
    return;
  }
  let { applies } = context;
  for (const [index, line] of text.split("\n").entries()) {
    const [, name = "", rest = ""] = /^\s*"?([A-Za-z0-9]+)"?[\s=]*(.*?)\s*$/.exec(line) ?? [];
    const keyword = name.toLowerCase();
    if (/^\s*match\b.*exec/i.test(line.replaceAll(/["'\\]/g, ""))) scan.programs.push(`${path}:${index + 1}`);
    if (keyword === "host") applies = context.applies && (/['\\]/.test(rest) || mayBe(host, wordsOf(rest)));
    else if (keyword === "match") ({ applies } = context);
    else if (keyword === "include") await include(wordsOf(rest), { ...context, applies, depth: context.depth + 1 }, `${path}:${index + 1}`);
    else if (applies && settings.has(keyword) && !decided.has(keyword)) {
      scan.mayMatter = true;
      scan.mayNameUser ||= keyword === "user";
    }
  }
}

/** What follows a keyword: words, some of them in quotes. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|[^\s"]+/g)].map(([word, quoted]) => quoted ?? word);
}

/** Case counts with OpenSSH; a host that differs in nothing else may be meant all the same. */
function mayBe(host: string, patterns: readonly string[]): boolean {
  const isExcluded = patterns.some((pattern) => pattern.startsWith("!") && matchesPattern(host, pattern.slice(1)));
  return !isExcluded && patterns.some((pattern) => matchesPattern(host.toLowerCase(), pattern.toLowerCase()));
}

async function include(patterns: readonly string[], context: Context, place: string): Promise<void> {
  for (const pattern of patterns) {
    if (context.depth > deepest || /[%$\\']|^~[^/]/.test(pattern)) {
      // Nobody but ssh knows what these are.
      context.scan.programs.push(place);
      if (context.applies) context.scan.mayMatter = context.scan.mayNameUser = true;
      continue;
    }
    const path = pattern.startsWith("~/")
      ? join(homedir(), pattern.slice(2))
      : pattern.startsWith("/")
        ? pattern
        : join(context.folder, pattern);
    for (const file of await filesLike(path)) await scanFile(file, context);
  }
}

/** The paths that a pattern stands for, as glob(3) has it: `*`, `?` and `[…]` within a part of the path. */
async function filesLike(pattern: string): Promise<string[]> {
  const [first = "", ...parts] = pattern.split("/");
  let paths = [first];
  for (const part of parts) {
    if (!/[*?[]/.test(part)) {
      paths = paths.map((path) => `${path}/${part}`);
      continue;
    }
    const found = await Promise.all(
      paths.map(async (path) => {
        const names = await readdir(`${path}/`).catch(() => []);
        return names.filter((name) => isLike(name, part)).map((name) => `${path}/${name}`);
      }),
    );
    paths = found.flat();
  }
  return paths;
}

function isLike(name: string, part: string): boolean {
  if (name.startsWith(".") && !part.startsWith(".")) return false;
  // A class of characters is taken for any character: what is read in vain does no harm.
  return matchesPattern(name, part.replaceAll(/\[[!^]?\]?[^\]]*\]/g, "?"));
}
