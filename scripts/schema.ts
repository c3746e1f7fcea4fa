// Writes schema.json from the configuration's schema; a test fails when the two differ.
import { writeFileSync } from "node:fs";
import { jsonSchema } from "../src/lib/config/schema/json-schema.ts";

writeFileSync(new URL("../schema.json", import.meta.url), jsonSchema());
