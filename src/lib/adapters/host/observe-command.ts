import { checkScript, scriptName } from "./host-script.ts";
import { bash, inOctal, shellWord } from "../ssh/remote-shell.ts";
import type { TarEntry } from "../tar.ts";

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
  folders: ["compose", scriptName.replace(/\.sh$/, "")],
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
  const asking = script.find(({ path }) => path.endsWith(`/${askingPart}`))?.content.toString() ?? "";
  return bash(
    `printf -v asking %b "${inOctal(asking)}"; eval "$asking"; r=$(readlink "$HOME/.coldtivate/${name}/current") || r=-; ask_engine ${name} "\${r##*/}"; ` +
      `umask 077; read -r _ || exit 0; ${checkTools}; check_state "$HOME/.coldtivate/${name}" || exit; mkdir -p "$HOME/.coldtivate" && { ${sweep} ` +
      `d=$(mktemp -d "$HOME/.coldtivate/incoming.XXXXXX") && trap "rm -rf \\"$d\\"" EXIT && ` +
      `tar -xzf - -C "$d" && { ${checkScript(script)}; } && bash "$d/${scriptName}" -p ${name} observe "$d"; }`,
  );
}
