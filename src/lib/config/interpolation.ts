export interface Interpolation {
  text: string;
  /** Every variable that the text refers to. */
  variables: string[];
  /** Those of them that are not set and have no default. */
  missing: string[];
  /** References that cannot be understood, as sentences. */
  mistakes: string[];
}

/** Replaces `${NAME}`, `${NAME:-default}` (unset or empty), `${NAME-default}` (unset) and `$$` (one dollar sign). A default may hold references itself. */
export function interpolate(source: string, env: NodeJS.ProcessEnv): Interpolation {
  const result: Interpolation = { text: "", variables: [], missing: [], mistakes: [] };
  let at = 0;
  while (at < source.length) {
    const dollar = source.indexOf("$", at);
    if (dollar < 0) break;
    result.text += source.slice(at, dollar);
    at = replaceReference(source, dollar, env, result);
  }
  result.text += source.slice(at);
  return result;
}

/** Appends what the reference at `dollar` stands for; returns the offset after it. */
function replaceReference(source: string, dollar: number, env: NodeJS.ProcessEnv, result: Interpolation): number {
  if (source[dollar + 1] === "$") {
    result.text += "$";
    return dollar + 2;
  }
  if (source[dollar + 1] !== "{") {
    const name = /^[A-Za-z_]\w*/.exec(source.slice(dollar + 1))?.[0];
    if (name !== undefined) result.mistakes.push(`write \${${name}} for the variable, or $$${name} for the text`);
    result.text += "$";
    return dollar + 1;
  }
  const end = closingBrace(source, dollar + 2);
  if (end === undefined) {
    result.mistakes.push("a ${ has no closing }");
    return source.length;
  }
  const reference = /^([A-Za-z_]\w*)(?:(:?-)([^]*))?$/.exec(source.slice(dollar + 2, end));
  if (reference) result.text += valueOf(reference, env, result);
  else result.mistakes.push("a reference is ${NAME}, ${NAME:-default} or ${NAME-default}; write $$ for a dollar sign");
  return end + 1;
}

function valueOf([, name = "", operator, fallback = ""]: RegExpExecArray, env: NodeJS.ProcessEnv, result: Interpolation): string {
  result.variables.push(name);
  const value = env[name];
  if (value !== undefined && !(operator === ":-" && value === "")) return value;
  if (operator === undefined) {
    result.missing.push(name);
    return "";
  }
  const inner = interpolate(fallback, env);
  result.variables.push(...inner.variables);
  result.missing.push(...inner.missing);
  result.mistakes.push(...inner.mistakes);
  return inner.text;
}

function closingBrace(source: string, start: number): number | undefined {
  let depth = 1;
  for (let at = start; at < source.length; at++) {
    if (source.startsWith("${", at)) depth++;
    else if (source[at] === "}" && --depth === 0) return at;
  }
  return undefined;
}
