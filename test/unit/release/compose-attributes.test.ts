import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { attributesOf, installedSchema, type AttributeList } from "../../../scripts/compose-schema/attributes.ts";

/** Of the newest schema that somebody looked at; `npm run compose-schema` writes it. */
const { attributes } = JSON.parse(readFileSync("test/unit/release/compose-attributes.json", "utf8")) as AttributeList;

interface Row {
  attributes: string[];
  fate: string;
}

/** The rows of docs/compose.md. A second-level heading in code says what their attributes are below: `services.NAME`. */
function documented(): Row[] {
  return readFileSync("docs/compose.md", "utf8")
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const [, below = ""] = /^`(.+)\.NAME`/.exec(section) ?? [];
      const prefix = below === "" ? "" : `${below}.*.`;
      return section
        .split("\n")
        .filter((line) => line.startsWith("| `"))
        .map((line) => {
          const [, names = "", fate = ""] = line.split("|").map((cell) => cell.trim());
          return { attributes: [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => prefix + name), fate };
        });
    });
}

describe("docs/compose.md", () => {
  test("has every attribute of the specification once, and none that does not exist", () => {
    expect(
      documented()
        .flatMap((row) => row.attributes)
        .toSorted(),
    ).toEqual(attributes);
  });

  test.each(documented())("says what becomes of $attributes", ({ fate }) => {
    expect(fate).toMatch(/^(As in Compose|Changed|Refused)\b/);
    expect(fate).toMatch(/\.$/);
    if (fate.startsWith("Refused")) expect(fate).toMatch(/`[A-Z]+(_[A-Z]+)+`/);
  });

  test("names errors that exist", () => {
    const troubles = readFileSync("docs/troubleshooting.md", "utf8");
    const codes = documented().flatMap(({ fate }) => fate.match(/(?<=`)[A-Z]+_[A-Z_]+(?=`)/g) ?? []);
    expect(
      codes.filter((code) => !["COLDTIVATE_SLOT", "COMPOSE_PROFILES"].includes(code) && !troubles.includes(`\n### ${code}\n`)),
    ).toEqual([]);
  });
});

test("the Compose that is installed here takes no attribute that the list does not have", async () => {
  const schema = await installedSchema();
  const known = new Set(attributes);
  expect(schema === undefined ? [] : attributesOf(schema).filter((attribute) => !known.has(attribute))).toEqual([]);
});

describe("the attributes of a schema", () => {
  test("are found through references, alternatives, lists and names of the user's choice", () => {
    const schema = {
      properties: { services: { patternProperties: { "^[a-z]+$": { $ref: "#/$defs/service" } } }, version: {} },
      patternProperties: { "^x-": {} },
      $defs: {
        service: {
          properties: {
            ports: { items: { oneOf: [{ type: "string" }, { properties: { target: {} } }] } },
            labels: { $ref: "#/$defs/map" },
          },
        },
        map: { oneOf: [{ additionalProperties: { properties: { value: {} } } }] },
      },
    };
    expect(attributesOf(schema)).toEqual([
      "services",
      "services.*.labels",
      "services.*.labels.*.value",
      "services.*.ports",
      "services.*.ports.target",
      "version",
    ]);
  });
});
