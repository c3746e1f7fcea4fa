import { resolve } from "node:path";
import { baseNames } from "../compose/files/compose-names.ts";
import { createComposeReader, defaultComposeFiles, readComposeFiles, type ComposeReader } from "./values/compose-files.ts";
import { isExecutable, kindOf } from "../common/file.ts";
import { hooks as hookSchema } from "./schema/hook-schema.ts";
import { checkImage } from "./image-folders.ts";
import { didYouMean } from "../common/nearest.ts";
import { asList, asMapping } from "../common/plain.ts";
import type { Path, Problem } from "../common/problem.ts";
import { unknown } from "./values/secrets.ts";
import { findSubmodules } from "./submodules.ts";

export interface ReferenceScope {
  directory: string;
  /** Whether the value at a path refers to an unset variable that nobody needs now. */
  isUnresolved: (path: Path) => boolean;
  /** The text of an environment's dotenv; undefined if it has none. */
  dotenvOf: (environment: string) => Promise<string | undefined | typeof unknown>;
}

/**
 * Finds what the schema cannot see: files that are missing, services that no Compose file has, settings that exclude each other.
 * Works on the data as written, so that a wrong type in one place hides nothing in another.
 */
export async function findReferenceProblems(value: unknown, scope: ReferenceScope): Promise<Problem[]> {
  const { images, environments } = asMapping(value);
  const submodules = findSubmodules(scope.directory);
  const imageProblems = Object.entries(asMapping(images)).flatMap(([name, image]) =>
    checkImage(name, asMapping(image), { ...scope, submodules }),
  );
  const reader = createComposeReader(scope.directory);
  const compose = await Promise.all(
    Object.entries(asMapping(environments)).map(([name, environment]) => checkCompose(name, asMapping(environment), { ...scope, reader })),
  );
  const services = new Set(compose.flatMap((found) => [...found.services]));
  return [
    ...imageProblems,
    ...compose.flatMap((found) => found.problems),
    ...findDanglingServices(value, services),
    ...Object.entries(asMapping(environments)).flatMap(([name, environment]) => checkEnvironment(name, asMapping(environment))),
    ...findDoubleTasks(asMapping(value)["tasks"]),
    ...findMissingHooks(asMapping(value)["hooks"], scope),
  ];
}

/** Does not check a program that is given with its arguments: it may be a system program. */
function findMissingHooks(hooks: unknown, { directory, isUnresolved }: ReferenceScope): Problem[] {
  const { host, ...client } = asMapping(hooks);
  const { shape: known } = hookSchema;
  const named = [
    ...Object.entries(client).flatMap(([name, file]) => (name in known ? [{ path: ["hooks", name], file }] : [])),
    ...Object.entries(asMapping(host)).map(([name, file]) => ({ path: ["hooks", "host", name], file })),
  ];
  return named.flatMap(({ path, file }): Problem[] => {
    if (typeof file !== "string" || file === "" || isUnresolved(path)) return [];
    const full = resolve(directory, file);
    if (kindOf(full) !== "file") return [{ path, message: `there is no file ${file}` }];
    return isExecutable(full) ? [] : [{ path, message: `${file} is not executable: chmod +x ${file}` }];
  });
}

interface ComposeScope extends ReferenceScope {
  reader: ComposeReader;
}

async function checkCompose(name: string, environment: Record<string, unknown>, scope: ComposeScope) {
  const path = ["environments", name];
  const { isUnresolved } = scope;
  const written = environment["compose"];
  if (written === undefined) return checkDefaults(name, scope);
  const files = asList(written).flatMap((file, index) => {
    const place = [...path, "compose", index];
    return typeof file !== "string" || file === "" || isUnresolved(place) ? [] : [{ file, place }];
  });
  const { services, faults } = await readComposeFiles(
    files.map(({ file }) => file),
    scope.reader,
  );
  const problems = faults.map(({ message, listed }): Problem => ({ path: files[listed]?.place ?? path, message }));
  return { services, problems };
}

/** Checks an environment that names no Compose files. */
async function checkDefaults(name: string, { directory, dotenvOf, reader }: ComposeScope) {
  const path = ["environments", name];
  const dotenv = await dotenvOf(name);
  const files = await defaultComposeFiles(name, directory, dotenv === unknown ? "" : dotenv);
  if (files.length === 0) {
    const message = `there is no Compose file: none of ${baseNames.join(", ")}`;
    return { services: new Set<string>(), problems: dotenv === unknown ? [] : [{ path, message, atKey: true }] };
  }
  const { services, faults } = await readComposeFiles(files, reader);
  return { services, problems: faults.map(({ message }): Problem => ({ path, message, atKey: true })) };
}

/** If no service is known, the problem is in the Compose files. */
function findDanglingServices(value: unknown, known: ReadonlySet<string>): Problem[] {
  if (known.size === 0) return [];
  const { services, tasks, images } = asMapping(value);
  const problem = (path: Path, name: string, atKey = false): Problem => ({
    path,
    atKey,
    message: `no Compose file has a service ${name}${didYouMean(name, known)}`,
  });
  const check = (path: Path, name: unknown): Problem[] =>
    typeof name === "string" && name !== "" && !known.has(name) ? [problem(path, name)] : [];
  return [
    ...Object.keys(asMapping(services)).flatMap((name) => (known.has(name) ? [] : [problem(["services", name], name, true)])),
    ...asList(tasks).flatMap((task, index) => check(["tasks", index, "service"], asMapping(task)["service"])),
    ...Object.entries(asMapping(images)).flatMap(([image, settings]) =>
      asList(asMapping(settings)["services"]).flatMap((name, index) => check(["images", image, "services", index], name)),
    ),
  ];
}

/** Whether a list is absent or empty. The schema reports a value of the wrong kind. */
function isEmpty(list: unknown): boolean {
  return list === undefined || list === null || (Array.isArray(list) && list.length === 0);
}

function checkEnvironment(name: string, environment: Record<string, unknown>): Problem[] {
  const path = ["environments", name];
  const { host, hosts, branches, tags } = environment;
  const problems: Problem[] = [];
  const add = (message: string, lacks: readonly string[] = [], at: Path = path): void =>
    void problems.push({ path: at, message, atKey: true, lacks: lacks.map((key) => [...path, key]) });
  if (host === undefined && isEmpty(hosts))
    add("needs a host (or hosts)", ["host", "hosts"], hosts === undefined ? path : [...path, "hosts"]);
  if (host !== undefined && hosts !== undefined) add("host and hosts exclude each other", [], [...path, "hosts"]);
  if (isEmpty(branches) && isEmpty(tags)) add("needs branches or tags: which commits may be deployed", ["branches", "tags"]);
  return problems;
}

function findDoubleTasks(tasks: unknown): Problem[] {
  const seen = new Set<unknown>();
  return asList(tasks).flatMap((task, index) => {
    const { name } = asMapping(task);
    if (name === undefined || !seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: ["tasks", index, "name"], message: "another task has this name already" }];
  });
}
