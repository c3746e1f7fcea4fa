import * as z from "zod";
import { schema } from "./schema.ts";

/**
 * The JSON schema of coldtivate.yml for editors, as the text of schema.json. It describes what may be written, variables
 * included.
 */
export function jsonSchema(): string {
  const generated = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
  return `${JSON.stringify({ ...generated, title: "coldtivate.yml" }, undefined, 2)}\n`;
}
