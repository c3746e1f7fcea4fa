import { isMapping } from "../common/plain.ts";
import { clean } from "./clean.ts";

/** The one JSON document of a command, with every text clean before the quotes go around it. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, cleanField, 2)}\n`;
}

/** What a field holds comes as JSON has it, and is looked into afterwards. */
function cleanField(_key: string, field: unknown): unknown {
  if (typeof field === "string") return clean(field);
  return isMapping(field) ? Object.fromEntries(Object.entries(field).map(([name, inner]) => [clean(name), inner])) : field;
}
