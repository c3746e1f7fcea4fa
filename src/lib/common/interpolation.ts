export interface Interpolation {
  text: string;
  /** Every variable that the text refers to. */
  variables: string[];
  /** Those of them that are not set and have no default. */
  missing: string[];
  /** A sentence for each reference that cannot be understood. */
  mistakes: string[];
}

/** Limits for nested references, and for the length of a path in Compose files: Linux gives no program a longer argument. */
const deepest = 20;
const longest = 128 * 1024;

/**
 * How references are written. In coldtivate.yml (`strict`): `${NAME}`, `${NAME:-default}` (unset or empty) and `${NAME-default}`
 * (unset); anything else is a mistake. In Compose files also `$NAME`, and `+` or `?` in place of `-`; what cannot be read stays as
 * written. In both, `$$` is one dollar sign, and a default may contain references itself.
 */
type Dialect = "strict" | "compose";

type Values = Readonly<Record<string, string | undefined>>;

/** The text to read, and how deep it is nested in other references. */
interface Reading {
  source: string;
  env: Values;
  dialect: Dialect;
  depth: number;
  /** The closing brace of each `${` that has one, by the offset of the `$`. */
  closing: ReadonlyMap<number, number>;
}

/** Replaces references to variables. What is too long for a path is cut off in Compose files. */
export function interpolate(source: string, env: Values, dialect: Dialect = "strict", depth = 0): Interpolation {
  const result: Interpolation = { text: "", variables: [], missing: [], mistakes: [] };
  const reading: Reading = { source, env, dialect, depth, closing: closingBraces(source) };
  const most = dialect === "compose" ? longest : Infinity;
  let at = 0;
  while (at < source.length && result.text.length < most) {
    const dollar = source.indexOf("$", at);
    if (dollar < 0) break;
    result.text += source.slice(at, dollar);
    at = replaceReference(reading, dollar, result);
  }
  result.text = (result.text + source.slice(at)).slice(0, most);
  return result;
}

/** The value of a variable; undefined if it is not set. Properties that every object has, such as `constructor`, do not count. */
export function variableOf(env: Values, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

/** Appends the value of the reference at `dollar`; returns the offset after it. */
function replaceReference(reading: Reading, dollar: number, result: Interpolation): number {
  const { source, env, dialect } = reading;
  const keep = (mistake?: string) => {
    if (mistake !== undefined) result.mistakes.push(mistake);
    result.text += "$";
    return dollar + 1;
  };
  if (source[dollar + 1] === "$") return keep() + 1;
  const bareName = /[A-Za-z_]\w*/y;
  bareName.lastIndex = dollar + 1;
  const [bare] = bareName.exec(source) ?? [];
  if (bare !== undefined && dialect === "compose") {
    result.text += variableOf(env, bare) ?? "";
    return dollar + 1 + bare.length;
  }
  if (bare !== undefined) return keep(`write \${${bare}} for the variable, or $$${bare} for the text`);
  if (source[dollar + 1] !== "{") return keep();
  const end = reading.closing.get(dollar);
  if (end === undefined) {
    const next = keep("a ${ has no closing }");
    return dialect === "strict" ? source.length : next;
  }
  const pattern = dialect === "strict" ? /^([A-Za-z_]\w*)(?:(:?-)([^]*))?$/ : /^([A-Za-z_]\w*)(?:(:?[-+?])([^]*))?$/;
  const reference = pattern.exec(source.slice(dollar + 2, end));
  if (reference === null) return keep("a reference is ${NAME}, ${NAME:-default} or ${NAME-default}; write $$ for a dollar sign");
  result.text += valueOf(reference, reading, result);
  return end + 1;
}

function valueOf([, name = "", operator = "", word = ""]: RegExpExecArray, reading: Reading, result: Interpolation): string {
  const { env, dialect, depth } = reading;
  result.variables.push(name);
  const value = variableOf(env, name);
  const isThere = value !== undefined && !(operator.startsWith(":") && value === "");
  if (operator.endsWith("+") ? !isThere : isThere) return isThere ? value : "";
  if (operator === "") result.missing.push(name);
  if (operator === "" || operator.endsWith("?")) return "";
  if (depth >= deepest) {
    result.mistakes.push(`references are nested too deep: ${deepest} of them within each other are read`);
    return "";
  }
  const inner = interpolate(word, env, dialect, depth + 1);
  for (const key of ["variables", "missing", "mistakes"] as const) for (const each of inner[key]) result[key].push(each);
  return inner.text;
}

/** The closing brace of each `${` that has one, by the offset of the `$`. Takes one pass, however many braces are open. */
function closingBraces(source: string): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < source.length; at++) {
    if (source.startsWith("${", at)) open.push(at);
    else if (source[at] === "}") {
      const dollar = open.pop();
      if (dollar !== undefined) closing.set(dollar, at);
    }
  }
  return closing;
}
