/**
 * All shell that runs on a host before the script does. It brings the script there, checks that it is the one that was sent, and
 * starts it. Everything else is a verb of the script, or the part `survey.sh`.
 */
import { createHash } from "node:crypto";
import { scriptName } from "./host-script.ts";
import { bash, inOctal, shellWord } from "../ssh/remote-shell.ts";
import type { TarEntry } from "../tar.ts";

const partsFolder = scriptName.replace(/\.sh$/, "");

/** The part of the script that asks the engine, and that is sent ahead of the rest. */
const askingPart = "prefetch.sh";

/** The programs that the script runs, besides bash and Docker. */
const tools = [
  "awk",
  "base64",
  "comm",
  "date",
  "df",
  "flock",
  "gzip",
  "head",
  "mktemp",
  "setsid",
  "sed",
  "sha256sum",
  "sort",
  "stat",
  "tar",
  "timeout",
];

/** How a host reports the programs that it lacks. */
const lacking = "missing here:";

/** What the CLI sends to `incoming.*`, and what the script creates there: files and folders. */
const sent = {
  files: [askingPart, scriptName, "dotenv", "defaults", "environment", "arguments", "key", "model", "error", "past"],
  folders: ["compose", partsFolder],
};

/** Reports the programs that the host lacks, and then exits with 3. */
const checkTools = `for t in ${tools.join(" ")}; do command -v $t >/dev/null || m="$m $t"; done; [ -z "$m" ] || { echo "${lacking}$m" >&2; exit 3; }`;

/**
 * Removes, in the background, what a power cut left of earlier questions: it contains a dotenv. Anything from there that an older
 * coldtivate mounted into containers stays.
 */
const sweep =
  `sweep() { while IFS= read -r p; do rm -f "$p"/{${sent.files.join(",")}}; rm -rf "$p"/{${sent.folders.join(",")}}; rmdir "$p"; done; }; ` +
  `find "$HOME/.coldtivate" -mindepth 1 -maxdepth 1 -name "incoming.*" -mmin +60 -print 2>/dev/null | sweep >/dev/null 2>&1 &`;

/** Asks the engine at once, then waits for a first line. If none comes, the host stays as it is. */
export function observeCommand(project: string, script: readonly TarEntry[]): string {
  const name = shellWord(project);
  return bash(
    `${evaluate(script, askingPart)}; r=$(readlink "$HOME/.coldtivate/${name}/current") || r=-; ask_engine ${name} "\${r##*/}"; ` +
      `umask 077; read -r _ || exit 0; ${checkTools}; check_state "$HOME/.coldtivate/${name}" || exit; mkdir -p "$HOME/.coldtivate" && { ${sweep} ` +
      `d=$(mktemp -d "$HOME/.coldtivate/incoming.XXXXXX") && trap "rm -rf \\"$d\\"" EXIT && ` +
      `tar -xzf - -C "$d" && { ${checkScript(script)}; } && bash "$d/${scriptName}" -p ${name} observe "$d"; }`,
  );
}

/** Reads the release's name and the length of its tar from the first line. No line means that there is nothing to do. */
export function applyCommand(project: string, script: readonly TarEntry[]): string {
  const name = shellWord(project);
  return bash(
    `umask 077; read -r release length || exit 0; d="$HOME/.coldtivate/${name}/releases/$release"; mkdir -p "\${d%/*}" && ` +
      `{ mkdir "$d" 2>/dev/null || { [ ! -e "$d" ] && mkdir "$d"; } || { printf "0\\t0\\trefused\\tbusy\\n"; echo "Another deploy of this commit began in the same second." >&2; exit 3; }; } && ` +
      `{ head -c "$length" | tar -xpzf - -C "$d" || { rm -rf "$d"; exit 3; }; } && { (${checkScript(script)}) || { rm -rf "$d"; exit 3; }; } && ` +
      `exec bash "$d/${scriptName}" -p ${name} -c deploy "$release"`,
  );
}

/** Answers questions on standard input with the script's part `survey.sh`. */
export function surveyCommand(script: readonly TarEntry[]): string {
  return bash(`export LC_ALL=C; ${evaluate(script, "survey.sh")}; survey`);
}

/** The exit code of a verb where nothing was ever deployed. The script itself never uses it. */
export const nothingDeployed = 77;

/** Where the script is stored while it runs a verb. */
const verbFolder = "coldtivate-script.";

/**
 * Runs a verb with the script that begins standard input.
 *
 * @param length of the script's tar in bytes
 * @param needsState whether the verb is refused where nothing was ever deployed
 */
export function verbCommand(
  project: string,
  words: readonly string[],
  { script, length, needsState }: { script: readonly TarEntry[]; length: number; needsState: boolean },
): string {
  const name = shellWord(project);
  const state = `$HOME/.coldtivate/${name}`;
  const check = `[ -e "${state}/${scriptName}" ] || compgen -G "${state}/releases/*/" >/dev/null || exit ${nothingDeployed}; `;
  // In memory: a full disk may be the very thing that somebody wants to look into.
  return bash(
    `umask 077; ${needsState ? check : ""}` +
      `find /dev/shm -maxdepth 1 -name "${verbFolder}*" -mtime +0 -exec rm -rf {} + 2>/dev/null; ` +
      `d=$(mktemp -d /dev/shm/${verbFolder}XXXXXX 2>/dev/null) || d=$(mktemp -d) || exit 3; trap "rm -rf \\"$d\\"" EXIT; ` +
      `{ head -c ${length} | tar -xzf - -C "$d" && { ${checkScript(script)}; }; } || exit 3; ` +
      `bash "$d/${scriptName}" -p ${name} -c ${words.map(shellWord).join(" ")}`,
  );
}

/** Defines the functions of one of the script's parts. */
function evaluate(script: readonly TarEntry[], part: string): string {
  const content = script.find(({ path }) => path.endsWith(`/${part}`))?.content.toString() ?? "";
  return `printf -v asking %b "${inOctal(content)}"; eval "$asking"`;
}

/** Exits with 3 unless the script in `$d` is, byte for byte, the one that was sent. */
function checkScript(entries: readonly TarEntry[]): string {
  const parts = entries.filter(({ path }) => path === scriptName || path.startsWith(`${partsFolder}/`));
  const hash = createHash("sha256");
  for (const { content } of parts) hash.update(content);
  const names = parts.map(({ path }) => path.replace(`${partsFolder}/`, "$p/"));
  return (
    `p=${partsFolder}; [ "$(cd "$d" && cat ${names.join(" ")} | sha256sum)" = "${hash.digest("hex")}  -" ] || ` +
    `{ echo "The script is not what was sent: it is not run." >&2; exit 3; }`
  );
}
