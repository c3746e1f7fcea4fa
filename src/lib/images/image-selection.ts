import type { Config, ImageConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";

/**
 * Selects the named images, in the configuration's order. Selects all of them if none is named.
 * @throws ColdtivateError UNKNOWN_IMAGE
 */
export function selectImages({ images }: Pick<Config, "images">, names: readonly string[]): ImageConfig[] {
  const unknown = names.filter((name) => !Object.hasOwn(images, name));
  if (unknown.length > 0) {
    throw new ColdtivateError(`there is no image ${unknown.map((name) => `"${name}"`).join(", ")} in coldtivate.yml`, {
      code: "UNKNOWN_IMAGE",
      exit: "usage",
      hint: `It has: ${Object.keys(images).join(", ")}.`,
    });
  }
  return Object.values(images).filter(({ name }) => names.length === 0 || names.includes(name));
}
