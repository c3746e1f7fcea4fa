import { readFile } from "node:fs/promises";

export interface AttributeList {
  /** Where the schema is from. */
  source: string;
  /** Paths such as `services.*.build.args`, in order. A star stands for a name that the user chooses. */
  attributes: string[];
}

/** As much of JSON Schema as that of the Compose specification is made of. */
export interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  definitions?: Record<string, Schema>;
  $defs?: Record<string, Schema>;
}

/** Every attribute that a schema of the Compose specification names. Items of a list have the path of the list. */
export function attributesOf(root: Schema): string[] {
  const found = new Set<string>();
  const visit = (node: Schema, path: string): void => {
    if (node.$ref !== undefined) visit(definition(root, node.$ref), path);
    for (const part of [...(node.oneOf ?? []), ...(node.anyOf ?? []), ...(node.allOf ?? [])]) visit(part, path);
    if (node.items !== undefined) visit(node.items, path);
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      const at = path === "" ? name : `${path}.${name}`;
      found.add(at);
      visit(child, at);
    }
    const patterns = Object.entries(node.patternProperties ?? {}).filter(([pattern]) => pattern !== "^x-");
    const named = typeof node.additionalProperties === "object" ? [node.additionalProperties] : [];
    for (const child of [...patterns.map(([, pattern]) => pattern), ...named]) visit(child, `${path}.*`);
  };
  visit(root, "");
  return [...found].toSorted();
}

function definition(root: Schema, reference: string): Schema {
  const name = reference.split("/").at(-1) ?? "";
  const found = (root.$defs ?? root.definitions)?.[name];
  if (found === undefined) throw new Error(`the schema has no ${reference}`);
  return found;
}

const programs = [
  "/usr/libexec/docker/cli-plugins/docker-compose",
  "/usr/lib/docker/cli-plugins/docker-compose",
  "/usr/local/lib/docker/cli-plugins/docker-compose",
  "/usr/local/libexec/docker/cli-plugins/docker-compose",
];

/** The schema by which the Compose that is installed here checks its files: it is part of the program. Undefined without one. */
export async function installedSchema(): Promise<Schema | undefined> {
  for (const path of programs) {
    const program = await readFile(path).catch(() => undefined);
    const mark = program?.indexOf("compose_spec.json") ?? -1;
    if (program === undefined || mark < 0) continue;
    const start = program.lastIndexOf("{", mark);
    return readSchema(balanced(program.subarray(start, start + 1_000_000).toString("latin1")));
  }
  return undefined;
}

export function readSchema(text: string): Schema {
  const schema: Schema = JSON.parse(text);
  return schema;
}

/** The JSON object that a text begins with. */
function balanced(text: string): string {
  let depth = 0;
  for (const { 0: mark, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (mark === "{") depth += 1;
    if (mark === "}") depth -= 1;
    if (depth === 0) return text.slice(0, index + 1);
  }
  throw new Error("the schema has no end");
}
