/**
 * A dotenv that Docker Compose reads back as exactly these values, as `env_file` and as `--env-file`. Single quotes preserve
 * everything but a backslash before a quote and a carriage return; double quotes preserve those, with escapes.
 */
export function quoteDotenv(values: ReadonlyMap<string, string>): string {
  return [...values].map(([name, value]) => `${name}=${quote(value)}\n`).join("");
}

function quote(value: string): string {
  if (!/\\(?:'|$)|\r/.test(value)) return `'${value.replaceAll("'", String.raw`\'`)}'`;
  const escaped = value
    .replaceAll("\\", "\\\\")
    .replaceAll('"', String.raw`\"`)
    .replaceAll("\r", String.raw`\r`)
    .replaceAll("$", "$$$$");
  return `"${escaped}"`;
}
