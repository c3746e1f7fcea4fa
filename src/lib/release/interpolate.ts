type Variables = Readonly<Record<string, string>>;

/** Names in `$NAME`, `${NAME}`, `${NAME:-…}`, nested ones included; `$$` is no variable. */
export function interpolatedVariables(text: string): string[] {
  return [...text.replaceAll("$$", "").matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1] ?? "");
}

/**
 * Interpolation as Compose does it, as far as paths need it: `$A`, `${A}`, with `-`, `+` and `?` behind the name, and with a
 * colon before those where an empty value is none; `$$` is a dollar sign. What cannot be read stays as it is written.
 */
export function interpolate(text: string, variables: Variables): string {
  let result = "";
  for (let at = 0; at < text.length;) {
    const dollar = text.indexOf("$", at);
    if (dollar === -1) return result + text.slice(at);
    const { value, end } = reference(text, dollar, variables);
    result += text.slice(at, dollar) + value;
    at = end;
  }
  return result;
}

function reference(text: string, dollar: number, variables: Variables): { value: string; end: number } {
  const rest = text.slice(dollar + 1);
  if (rest.startsWith("$")) return { value: "$", end: dollar + 2 };
  const [bare] = /^[A-Za-z_]\w*/.exec(rest) ?? [];
  if (bare !== undefined) return { value: variables[bare] ?? "", end: dollar + 1 + bare.length };
  const close = rest.startsWith("{") ? closingBrace(text, dollar + 2) : undefined;
  const [, name, operator = "", word = ""] = /^([A-Za-z_]\w*)(?:(:?[-+?])([^]*))?$/.exec(text.slice(dollar + 2, close)) ?? [];
  if (close === undefined || name === undefined) return { value: "$", end: dollar + 1 };
  return { value: valueOf(variables[name], operator, word, variables), end: close + 1 };
}

function valueOf(value: string | undefined, operator: string, word: string, variables: Variables): string {
  const isThere = value !== undefined && !(operator.startsWith(":") && value === "");
  if (operator.endsWith("+")) return isThere ? interpolate(word, variables) : "";
  if (isThere) return value;
  return operator.endsWith("-") ? interpolate(word, variables) : "";
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith("${", at)) depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return undefined;
}
