import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { mayImport } from "./rooms.ts";

interface Module {
  /** Relative to the repository, as all paths here. */
  path: string;
  /** Files of our own. */
  files: string[];
  /** Packages and `node:` modules, other than for their types. */
  packages: string[];
  text: string;
}

const modules = globSync("src/**/*.ts").map(readModule);

function readModule(path: string): Module {
  const text = readFileSync(path, "utf8");
  const statements = [
    ...text.matchAll(/^(?:import|export)\b( type)?(?: [\w*{][^"';]*? from)? ["']([^"']+)["'];|\bimport\(["']([^"']+)["']\)/gm),
  ];
  const imports = statements.map(([, type, from, lazy]) => ({ name: from ?? lazy ?? "", isType: type !== undefined }));
  const files = imports.filter(({ name }) => name.startsWith(".")).map(({ name }) => normalize(join(dirname(path), name)));
  const packages = imports.filter(({ name, isType }) => !isType && !name.startsWith(".")).map(({ name }) => name);
  return { path, text, packages, files };
}

function isIn({ path }: Pick<Module, "path">, ...folders: string[]): boolean {
  return folders.some((folder) => path.startsWith(`src/${folder}`));
}

/** A module's text without its comments. */
function codeOf({ text }: Module): string {
  return text.replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, "");
}

/** `importer → imported`, for each import from some folders into others. */
function importsBetween(from: string[], to: string[]): string[] {
  return modules
    .filter((module) => isIn(module, ...from))
    .flatMap(({ path, files }) => files.filter((file) => isIn({ path: file }, ...to)).map((file) => `${path} → ${file}`));
}

function usersOf(packages: RegExp, ...allowed: string[]): string[] {
  return modules
    .filter((module) => module.packages.some((name) => packages.test(name)) && !isIn(module, ...allowed))
    .map(({ path }) => path);
}

const pure = [
  "lib/content/",
  "lib/images/",
  "lib/compose/",
  "lib/services/",
  "lib/fronts/",
  "lib/mounts/",
  "lib/release/",
  "lib/host/",
  "lib/plan/",
  "lib/git/",
];
const most = 15;

/** The folder that a file is in, as `rooms.ts` names it. */
function roomOf(path: string): string {
  const folder = dirname(path).replace(/^src\/?/, "");
  if (folder === "lib") return basename(path, ".ts");
  return folder.replace(/^lib\//, "") || "start";
}

test("a room imports from those rooms that it may import from, and from each of them", () => {
  const imported: Record<string, Set<string>> = {};
  for (const { path, files } of modules) {
    const from = (imported[roomOf(path)] ??= new Set());
    for (const to of files.map(roomOf)) if (to !== roomOf(path) && to !== "errors") from.add(to);
  }
  const { errors: _everyone, ...found } = Object.fromEntries(
    Object.entries(imported).map(([room, others]) => [room, [...others].toSorted()]),
  );
  expect(found).toEqual(mayImport);
});

test("a room imports only rooms that are listed before it", () => {
  const rooms = Object.keys(mayImport);
  const upward = Object.entries(mayImport).flatMap(([room, others]) =>
    others.filter((other) => rooms.indexOf(other) >= rooms.indexOf(room)).map((other) => `${room} → ${other}`),
  );
  expect(upward).toEqual([]);
});

test(`a room has at most ${most} files of its own`, () => {
  const counts = Map.groupBy(modules, ({ path }) => dirname(path));
  expect([...counts].filter(([, files]) => files.length > most).map(([folder]) => folder)).toEqual([]);
});

test("what decides knows no adapter, and no adapter knows what a host has to do", () => {
  expect(importsBetween(pure, ["lib/adapters/", "lib/deploy/", "lib/builds/", "lib/environment/"])).toEqual([]);
  expect(importsBetween(["lib/adapters/"], ["lib/plan/"])).toEqual([]);
});

test("what decides reads no clock, no randomness, no file and no environment", () => {
  expect(usersOf(/^node:/).filter((path) => isIn({ path }, ...pure))).toEqual([]);
  const impure = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID\(|\bperformance\.now\(|\bprocess\./;
  expect(modules.filter((module) => isIn(module, ...pure) && impure.test(codeOf(module))).map(({ path }) => path)).toEqual([]);
});

test("the display knows no adapter and no plan, and only its events are known to those who decide", () => {
  expect(importsBetween(pure, ["lib/report/"]).filter((found) => !found.endsWith("/progress.ts"))).toEqual([]);
  expect(importsBetween(["lib/report/"], ["lib/adapters/", "lib/plan/", "lib/deploy/", "lib/release/", "lib/host/"])).toEqual([]);
});

test("each outside program has its adapter, and colours and listr2 stay in the display", () => {
  // A secret may come from a command of the user's own.
  expect(usersOf(/^(execa|dockerode|node-ssh|ssh2|tar-stream)$/, "lib/adapters/", "lib/config/values/secret-source.ts")).toEqual([]);
  expect(usersOf(/^(chalk|listr2)$/, "lib/report/")).toEqual([]);
});

test("an error says that nothing was changed in one place, which knows", () => {
  const claim = /nothing was (?:changed|built|pushed|removed|done|deployed)\b/i;
  const claiming = modules.filter((module) => claim.test(codeOf(module))).map(({ path }) => path);
  expect(claiming.toSorted()).toEqual([
    // What is read before anything is begun.
    "src/lib/config/load.ts",
    "src/lib/config/values/dotenv.ts",
    // What hosts have undone, each of which has said so.
    "src/lib/deploy/apply/fleet-failure.ts",
    "src/lib/environment/format-history.ts",
    "src/lib/report/failure-text.ts",
  ]);
});

test("no exported name stands for two things", () => {
  const declaration = /^export (?:abstract |async |declare )*(?:function\*?|const|let|class|interface|type|enum) +(\w+)/gm;
  const homes = new Map<string, Set<string>>();
  for (const { path, text } of modules.filter((module) => isIn(module, "lib/")))
    for (const [, name = ""] of text.matchAll(declaration)) homes.set(name, (homes.get(name) ?? new Set()).add(path));
  expect([...homes].filter(([, paths]) => paths.size > 1).map(([name, paths]) => `${name}: ${[...paths].join(", ")}`)).toEqual([]);
});

test("no module imports itself in a circle", () => {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (finished.has(path) || trail.includes(path)) return;
    for (const file of byPath.get(path)?.files ?? []) visit(file, [...trail, path]);
    finished.add(path);
  };
  for (const { path } of modules) visit(path, []);
  expect(circles).toEqual([]);
});
