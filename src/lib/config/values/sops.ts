import { writeDotenv } from "./dotenv.ts";
import { asMapping, isMapping, parseJson } from "../../common/plain.ts";

/** A format, as sops names it. */
type SopsType = "binary" | "dotenv" | "json" | "yaml";

/**
 * How to read and print an encrypted file. This is recognised by the part that sops adds, `sops`, with a checksum (sops'
 * stores/). Mappings are printed as JSON, which preserves every value.
 *
 * @returns undefined if sops did not encrypt the text
 */
export function sopsTypes(text: string): { input: SopsType; output: SopsType } | undefined {
  if (/^sops_mac=/m.test(text)) return { input: "dotenv", output: "dotenv" };
  const json = parseJson(text);
  if (isMapping(json)) {
    if (!("mac" in asMapping(json["sops"]))) return undefined;
    // For a file in any other format, sops makes a document that holds the file's content.
    const isBinary = Object.keys(json).every((key) => key === "data" || key === "sops");
    return isBinary ? { input: "binary", output: "binary" } : { input: "json", output: "json" };
  }
  return /^sops:\s*$/m.test(text) && /^\s+mac: /m.test(text) ? { input: "yaml", output: "json" } : undefined;
}

/** Turns JSON that sops printed into a dotenv: each name has a text, a number, true or false. */
export function fromSops(text: string): { content: string } | { fault: string } {
  const json = parseJson(text);
  if (!isMapping(json)) return { fault: "what sops prints is no mapping of names and values" };
  const values = Object.entries(json).map(([name, value]) => [name, /^[A-Za-z_][\w.-]*$/.test(name) ? textOf(value) : undefined] as const);
  const wrong = values.filter(([, value]) => value === undefined).map(([name]) => name);
  if (wrong.length > 0) return { fault: `no variables: ${wrong.join(", ")}. A dotenv has names, each with one value` };
  return { content: writeDotenv(new Map(values.map(([name, value = ""]) => [name, value]))) };
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value.includes("\0") ? undefined : value;
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  return value === null ? "" : undefined;
}
