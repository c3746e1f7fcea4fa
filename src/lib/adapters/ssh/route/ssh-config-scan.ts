import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { readBounded, systemCode } from "../../../common/file.ts";
import { matchesHostPattern } from "../trust/known-hosts-line.ts";

/** The files that OpenSSH reads, the user's first: the first value of a setting counts. */
export interface ConfigFiles {
  user: string;
  system: string;
}

export interface ConfigScan {
  /** Whether any setting that we use may apply to the host; if false, that is certain. */
  mayMatter: boolean;
  /** Whether the configuration may say whom to log in as. */
  mayNameUser: boolean;
  /**
   * `file:line` of each `Match exec`, which would run if the configuration were read, and of everything that cannot be judged.
   */
  programs: string[];
}

export function configFiles(): ConfigFiles {
  return { user: join(homedir(), ".ssh", "config"), system: "/etc/ssh/ssh_config" };
}

/** The settings that decide how and as whom to reach a host, and what to compare its key with. */
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
 * Scans ssh_config without understanding all of it. It may take something for a setting that is not one, but never misses a
 * setting. So `ssh -G` is called only if it may matter, and nothing runs that was not allowed.
 *
 * @param host as the user calls it
 * @param decided settings, in lower case, that are decided elsewhere
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
  /** The folder that relative paths of Include start from. */
  folder: string;
  /** Whether the lines being read may apply to the host. */
  applies: boolean;
  depth: number;
}

async function scanFile(path: string, context: Context): Promise<void> {
  const { host, scan, decided } = context;
  let text: string;
  try {
    text = (await readBounded(path)).toString();
  } catch (cause) {
    // OpenSSH skips a file that does not exist. For any other error, OpenSSH itself says what it makes of it.
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

/** The words after a keyword. Some of them may be in quotes. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|[^\s"]+/g)].map(([word, quoted]) => quoted ?? word);
}

/** OpenSSH distinguishes case. A host that differs in nothing else may still be meant. */
function mayBe(host: string, patterns: readonly string[]): boolean {
  const isExcluded = patterns.some((pattern) => pattern.startsWith("!") && matchesHostPattern(host, pattern.slice(1)));
  return !isExcluded && patterns.some((pattern) => matchesHostPattern(host.toLowerCase(), pattern.toLowerCase()));
}

async function include(patterns: readonly string[], context: Context, place: string): Promise<void> {
  for (const pattern of patterns) {
    if (context.depth > deepest || /[%$\\']|^~[^/]/.test(pattern)) {
      // Only ssh knows what these mean.
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

/** The paths that match a pattern, as in glob(3): `*`, `?` and `[…]` within a part of the path. */
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
  // A character class is taken for any character: reading a file in vain does no harm.
  return matchesHostPattern(name, part.replaceAll(/\[[!^]?\]?[^\]]*\]/g, "?"));
}
