import { redactor } from "../config/redactor.ts";

/** The one JSON document of a command, with secrets taken out of every string, before the quotes go around it. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, redactField, 2)}\n`;
}

function redactField(_key: string, field: unknown): unknown {
  return typeof field === "string" ? redactor.redact(field) : field;
}
