import { isMapping } from "../common/plain.ts";
import { clean } from "./clean.ts";

/** Formats the single JSON document of a command. Every text is cleaned before it is quoted. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, cleanField, 2)}\n`;
}

/** JSON.stringify passes each value before it visits its fields, so nested texts are cleaned afterwards. */
function cleanField(_key: string, field: unknown): unknown {
  if (typeof field === "string") return clean(field);
  return isMapping(field) ? Object.fromEntries(Object.entries(field).map(([name, inner]) => [clean(name), inner])) : field;
}
