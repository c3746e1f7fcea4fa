import { interpolate } from "../../common/interpolation.ts";

/** Finds the names in `$NAME`, `${NAME}`, `${NAME:-…}`, including nested ones. `$$` is no variable. */
export function interpolatedVariables(text: string): string[] {
  return [...text.replaceAll("$$", "").matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1] ?? "");
}

/** Interpolates as Compose does, as far as paths need it. */
export function interpolateCompose(text: string, variables: Readonly<Record<string, string>>): string {
  return interpolate(text, variables, "compose").text;
}
