export interface Interpolation {
  text: string;
  /** Every variable that the text refers to. */
  variables: string[];
  /** Those of them that are not set and have no default. */
  missing: string[];
  /** A sentence for each reference that cannot be understood. */
  mistakes: string[];
}

/** Maximum depth of references within references. */
const deepest = 20;

/** The text to read, and how deep it is nested in other references. */
interface Reading {
  source: string;
  env: NodeJS.ProcessEnv;
  depth: number;
  /** The closing brace of each `${` that has one, by the offset of the `$`. */
  closing: ReadonlyMap<number, number>;
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` (unset or empty), `${NAME-default}` (unset) and `$$` (one dollar sign). A default may
 * contain references itself.
 */
export function interpolate(source: string, env: NodeJS.ProcessEnv, depth = 0): Interpolation {
  const result: Interpolation = { text: "", variables: [], missing: [], mistakes: [] };
  const reading: Reading = { source, env, depth, closing: closingBraces(source) };
  let at = 0;
  while (at < source.length) {
    const dollar = source.indexOf("$", at);
    if (dollar < 0) break;
    result.text += source.slice(at, dollar);
    at = replaceReference(reading, dollar, result);
  }
  result.text += source.slice(at);
  return result;
}

/** The value of a variable; undefined if it is not set. Properties that every object has, such as `constructor`, do not count. */
export function variableOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

/** Appends the value of the reference at `dollar`; returns the offset after it. */
function replaceReference(reading: Reading, dollar: number, result: Interpolation): number {
  const { source } = reading;
  if (source[dollar + 1] === "$") {
    result.text += "$";
    return dollar + 2;
  }
  if (source[dollar + 1] !== "{") {
    const name = /^[A-Za-z_]\w*/.exec(source.slice(dollar + 1, dollar + 100))?.[0];
    if (name !== undefined) result.mistakes.push(`write \${${name}} for the variable, or $$${name} for the text`);
    result.text += "$";
    return dollar + 1;
  }
  const end = reading.closing.get(dollar);
  if (end === undefined) {
    result.mistakes.push("a ${ has no closing }");
    return source.length;
  }
  const reference = /^([A-Za-z_]\w*)(?:(:?-)([^]*))?$/.exec(source.slice(dollar + 2, end));
  if (reference) result.text += valueOf(reference, reading, result);
  else result.mistakes.push("a reference is ${NAME}, ${NAME:-default} or ${NAME-default}; write $$ for a dollar sign");
  return end + 1;
}

function valueOf([, name = "", operator, fallback = ""]: RegExpExecArray, { env, depth }: Reading, result: Interpolation): string {
  result.variables.push(name);
  const value = variableOf(env, name);
  if (value !== undefined && !(operator === ":-" && value === "")) return value;
  if (operator === undefined) {
    result.missing.push(name);
    return "";
  }
  if (depth >= deepest) {
    result.mistakes.push(`references are nested too deep: ${deepest} of them within each other are read`);
    return "";
  }
  const inner = interpolate(fallback, env, depth + 1);
  for (const key of ["variables", "missing", "mistakes"] as const) for (const each of inner[key]) result[key].push(each);
  return inner.text;
}

/** The closing brace of each `${` that has one, by the offset of the `$`. Takes one pass, however many braces are open. */
export function closingBraces(source: string): Map<number, number> {
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
