import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { expect, test } from "vitest";
import * as z from "zod";
import { jsonSchema } from "../../../src/lib/config/schema/json-schema.ts";
import { minimal } from "./project.ts";

const file = (path: string): Promise<string> => readFile(new URL(`../../../${path}`, import.meta.url), "utf8");

test("schema.json is in step with the schema (npm run schema writes it)", async () => {
  expect(await file("schema.json")).toBe(jsonSchema());
});

test("it accepts the example, with its variables, and the least that is valid", async () => {
  const schema = z.fromJSONSchema(JSON.parse(jsonSchema()));
  expect(schema.safeParse(parse(await file("example/coldtivate.yml")))).toMatchObject({ success: true });
  expect(schema.safeParse(parse(minimal))).toMatchObject({ success: true });
});

test("it refuses what the configuration refuses", () => {
  const schema = z.fromJSONSchema(JSON.parse(jsonSchema()));
  const lines = ["oops: 1", "build: { ssh: maybe }", "services: { web: { drain: 60 } }", "tasks: [{ name: a }]"];
  expect(lines.filter((line) => schema.safeParse(parse(`${minimal}${line}\n`)).success)).toEqual([]);
});

test("every key has a description, and the reference names it", async () => {
  const reference = await file("docs/configuration.md");
  const keys = keysOf(JSON.parse(jsonSchema()));
  expect(keys.filter(({ description }) => description === undefined)).toEqual([]);
  expect(keys.filter(({ key }) => !reference.includes(`\`${key}\``))).toEqual([]);
});

interface Described {
  description?: string;
  properties?: Record<string, Described>;
  additionalProperties?: Described | boolean;
  items?: Described;
  anyOf?: Described[];
}

function keysOf(schema: Described): { key: string; description: string | undefined }[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => [
    { key, description: value.description },
    ...keysOf(value),
  ]);
  const values = typeof schema.additionalProperties === "object" ? keysOf(schema.additionalProperties) : [];
  return [...own, ...values, ...(schema.items ? keysOf(schema.items) : []), ...(schema.anyOf ?? []).flatMap(keysOf)];
}
