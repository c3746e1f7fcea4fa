// Writes the list of the Compose specification's attributes, which docs/compose.md is checked against.
// usage: npm run compose-schema [-- FILE WHERE_FROM]   FILE: schema/compose-spec.json of compose-spec/compose-go; without it, of the installed Compose
import { readFile, writeFile } from "node:fs/promises";
import { attributesOf, installedSchema, readSchema, type AttributeList } from "./compose-schema/attributes.ts";

const target = new URL("../test/unit/release/compose-attributes.json", import.meta.url);
const [file, source = file] = process.argv.slice(2);
const schema = file === undefined ? await installedSchema() : readSchema(await readFile(file, "utf8"));
if (schema === undefined) throw new Error("Compose is not installed here: name a file");
const list: AttributeList = { source: source ?? "the installed Compose", attributes: attributesOf(schema) };
await writeFile(target, `${JSON.stringify(list, undefined, 2)}\n`);
process.stdout.write(`${list.attributes.length} attributes\n`);
