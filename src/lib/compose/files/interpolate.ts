import { closingBraces } from "../../common/interpolation.ts";

type Variables = Readonly<Record<string, string>>;

/** Finds the names in `$NAME`, `${NAME}`, `${NAME:-…}`, including nested ones. `$$` is no variable. */
export function interpolatedVariables(text: string): string[] {
  return [...text.replaceAll("$$", "").matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1] ?? "");
}

/** Limits for nested references, and for the length of the result: Linux gives no program a longer argument. */
const deepest = 20;
const longest = 128 * 1024;

interface Reading {
  text: string;
  variables: Variables;
  depth: number;
  closing: ReadonlyMap<number, number>;
}

/**
 * Interpolates as Compose does, as far as paths need it: `$A`, `${A}`, and `-`, `+` or `?` after the name. With a colon before
 * these, an empty value counts as unset. `$$` is a dollar sign. Anything that cannot be read stays as written. Results that are
 * too long for a path are cut off.
 */
export function interpolateCompose(text: string, variables: Variables, depth = 0): string {
  const reading: Reading = { text, variables, depth, closing: closingBraces(text) };
  let result = "";
  for (let at = 0; at < text.length && result.length < longest;) {
    const dollar = text.indexOf("$", at);
    if (dollar === -1) return result + text.slice(at);
    const { value, end } = reference(reading, dollar);
    result += text.slice(at, dollar) + value;
    at = end;
  }
  return result.slice(0, longest);
}

function reference(reading: Reading, dollar: number): { value: string; end: number } {
  const { text, variables } = reading;
  if (text[dollar + 1] === "$") return { value: "$", end: dollar + 2 };
  const bareName = /[A-Za-z_]\w*/y;
  bareName.lastIndex = dollar + 1;
  const [bare] = bareName.exec(text) ?? [];
  if (bare !== undefined) return { value: valueIn(variables, bare) ?? "", end: dollar + 1 + bare.length };
  const close = reading.closing.get(dollar);
  if (close === undefined) return { value: "$", end: dollar + 1 };
  const [, name, operator = "", word = ""] = /^([A-Za-z_]\w*)(?:(:?[-+?])([^]*))?$/.exec(text.slice(dollar + 2, close)) ?? [];
  if (name === undefined) return { value: "$", end: dollar + 1 };
  return { value: valueOf(valueIn(variables, name), operator, word, reading), end: close + 1 };
}

function valueOf(value: string | undefined, operator: string, word: string, { variables, depth }: Reading): string {
  const isThere = value !== undefined && !(operator.startsWith(":") && value === "");
  const inner = () => (depth < deepest ? interpolateCompose(word, variables, depth + 1) : "");
  if (operator.endsWith("+")) return isThere ? inner() : "";
  if (isThere) return value;
  return operator.endsWith("-") ? inner() : "";
}

/** Properties of every object, such as `constructor`, are no variables. */
function valueIn(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}
