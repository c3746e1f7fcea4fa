import { ColdtivateError } from "../../errors.ts";
import { plainWords } from "../../common/host-answer.ts";

const start = "bash -c '";

/** A command that runs in bash, whatever the user's login shell is. */
export function bash(script: string): string {
  return `${start}${script.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Checks that a word can be put into a script as it is, wherever it comes from.
 * @throws ColdtivateError HOST_ANSWER for a word that a shell would take for anything but a name
 */
export function shellWord(word: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(word)) return word;
  throw new ColdtivateError(`${JSON.stringify(plainWords(word).slice(0, 100))} is no name that a host can be sent`, {
    code: "HOST_ANSWER",
    exit: "refused",
    hint: "It was not sent. Names of releases and environments consist of letters, digits, dots, dashes and underscores. If a host said it, find out who has been on that host.",
  });
}

/** A text for printf's %b, without any character that a shell interprets. */
export function inOctal(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 _.,:/=+@{}()<>|&;-]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join(""),
  );
}

/** What a command prints before anything else. No start-up file prints it. */
export const mark = Buffer.from("\u0002coldtivate\u0003\n");

/**
 * A command that prints the mark first. Whatever precedes the mark on standard output comes from the login shell, which may have
 * a start-up file that greets everybody.
 *
 * @returns undefined for a command that `bash` did not make
 */
export function withMark(command: string): string | undefined {
  if (!command.startsWith(start)) return undefined;
  return `${start}printf "\\002coldtivate\\003\\n"; ${command.slice(start.length)}`;
}
