import { interpolate } from "./interpolate.ts";

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/** One assignment: a name, then a value in quotes, which may have several lines, or up to a comment or the line's end. */
const assignment =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*(?:'([^']*)'|"((?:\\[^]|[^"\\])*)"|([^\n]*?))[ \t]*(?:(?<=[\s'"])#[^\n]*)?$/gm;

/**
 * The variables of an env file that Compose reads by itself, such as the `.env` beside an included file. Unlike those of
 * the environment's dotenv they are interpolated, as Compose does it: by what is known before, and by what comes before.
 */
export function readEnvFile(text: string, known: Readonly<Record<string, string>> = {}): Record<string, string> {
  const found: Record<string, string> = {};
  const clean = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  for (const [, name = "", single, double, plain = ""] of clean.matchAll(assignment)) {
    const value = single ?? interpolate(double === undefined ? plain : unescape(double), { ...found, ...known });
    found[name] = value;
  }
  return found;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([nrt"\\$])/g, (_whole, letter: string) => (letter === "$" ? "$$" : (escapes[letter] ?? letter)));
}
