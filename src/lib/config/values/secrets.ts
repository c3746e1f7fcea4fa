import { isAbsolute } from "node:path";
import { checkDotenv, mergeDotenvs } from "./dotenv.ts";
import type { SecretSource } from "../schema/fields.ts";
import { variableOf } from "../../common/interpolation.ts";
import { isFoldedKey } from "../../secrets/private-key.ts";
import { asList, asMapping, valueAt } from "../../common/plain.ts";
import { pathKey, type Path, type Problem } from "../../common/problem.ts";
import { redactor } from "../../secrets/redactor.ts";
import { Secret } from "../../secrets/secret.ts";
import { loadSecret, SecretFault, type LoadedValue, type SecretKind } from "./secret-source.ts";
import { isNeeded, type Scope, type Variables } from "./variables.ts";

/** The secrets that the command needs, by the path where they are written. */
export interface LoadedSecrets {
  at: (path: Path) => LoadedValue | undefined;
  secretAt: (path: Path) => Secret | undefined;
  problems: Problem[];
  /** Every variable that a secret comes from, needed or not. */
  variables: string[];
}

export interface SecretsOptions {
  directory: string;
  scope: Scope;
  variables: Variables;
  /**
   * Whether to run programs. They are not run for a configuration that is refused anyway: they may ask the user for something.
   */
  runCommands: boolean;
  signal?: AbortSignal | undefined;
}

/** Loads every secret that is needed. A fault in one is a problem at its path. */
export async function loadSecrets(
  value: unknown,
  { directory, scope, variables, runCommands, signal }: SecretsOptions,
): Promise<LoadedSecrets> {
  const loaded = new Map<string, LoadedValue>();
  const problems: Problem[] = [];
  hideVariables(value, scope, variables);
  const secretVariables = variablesOfSecrets(value, variables);
  for (const { path, kind } of findSecrets(value)) {
    const source = valueAt(value, path);
    if (!isSource(source) || !isNeeded(path, scope) || variables.isUnresolved(path)) continue;
    if (
      typeof source === "object" &&
      (Object.keys(source).some((key) => variables.isUnresolved([...path, key])) || (runsProgram(source) && !runCommands))
    )
      continue;
    const names = [...variables.namesAt(path), ...variables.namesAt([...path, "file"])];
    try {
      // Git and builds have nobody to ask for a passphrase.
      const mayAsk = path[0] === "environments" && process.stdin.isTTY && process.stderr.isTTY;
      const secret = await loadSecret(source, kind, { directory, env: scope.env, secretVariables, variables: names, signal, mayAsk });
      if (secret !== undefined) loaded.set(pathKey(path), secret);
    } catch (fault) {
      if (!(fault instanceof SecretFault)) throw fault;
      problems.push({ path, message: fault.message });
    }
  }
  problems.push(...findPartFaults(loaded, value, scope));
  const at = (path: Path): LoadedValue | undefined => loaded.get(pathKey(path));
  return {
    at,
    secretAt: (path) => {
      const found = at(path);
      return found && new Secret(found.content, variablesOf(value, path, variables)[0] ?? path.join("."));
    },
    problems,
    variables: secretVariables,
  };
}

/** Every variable that a secret comes from, whether or not it is needed. */
function variablesOfSecrets(value: unknown, variables: Variables): string[] {
  const secret = findSecrets(value).filter(({ kind }) => kind !== "known hosts");
  return [...new Set(secret.flatMap(({ path }) => variablesOf(value, path, variables)))];
}

/** Marks a value that is not known yet: only a program provides it, or the command does not need it. */
export const unknown = Symbol("unknown");

/** The text of an environment's dotenv, before secrets are loaded; undefined if it has none. */
export async function peekDotenv(
  value: unknown,
  environment: string,
  { directory, scope, variables }: Pick<SecretsOptions, "directory" | "scope" | "variables">,
): Promise<string | undefined | typeof unknown> {
  const written = valueAt(value, ["environments", environment]);
  if (asMapping(written)["dotenv"] === undefined) return undefined;
  const texts: string[] = [];
  for (const path of dotenvPaths(written, environment)) {
    const source = valueAt(value, path);
    if (!isSource(source) || runsProgram(source) || !isNeeded(path, scope) || variables.isUnresolved(path)) return unknown;
    const names = [...variables.namesAt(path), ...variables.namesAt([...path, "file"])];
    const loaded = await loadSecret(source, "dotenv", { directory, env: scope.env, variables: names }).catch(() => unknown);
    if (typeof loaded === "symbol") return unknown;
    if (loaded !== undefined) texts.push(loaded.content);
  }
  return texts.length === 1 ? texts[0] : mergeDotenvs(texts);
}

/** Whether a program has to run to get the secret. The program may ask the user for something. */
function runsProgram(source: SecretSource): boolean {
  return typeof source === "object" && ("command" in source || "sops" in source);
}

/** The variables that provide a value's content, or the path to it. */
function variablesOf(value: unknown, path: Path, variables: Variables): string[] {
  const { env } = asMapping(valueAt(value, path));
  return [...variables.namesAt(path), ...(typeof env === "string" ? [env] : [])];
}

/**
 * Keeps secrets that variables hold out of all output, including those that this command does not need: child processes have them
 * in their environment.
 */
function hideVariables(value: unknown, { env }: Scope, variables: Variables): void {
  for (const { path, kind } of findSecrets(value)) {
    for (const name of variablesOf(value, path, variables)) {
      const held = variableOf(env, name) ?? "";
      const isContent =
        kind === "private key" || kind === "dotenv" || kind === "known hosts"
          ? held.includes("\n") || isFoldedKey(held)
          : !isAbsolute(held);
      if (isContent) redactor.add(held);
    }
  }
}

/** The paths of all secrets in the configuration. */
export function placesOfSecrets(value: unknown): Path[] {
  return findSecrets(value).map(({ path }) => path);
}

interface Place {
  path: Path;
  kind: SecretKind;
}

function findSecrets(value: unknown): Place[] {
  const { build, images, environments } = asMapping(value);
  return [
    { path: ["registry", "password"], kind: "password" },
    { path: ["build", "ssh_key"], kind: "private key" },
    { path: ["webhook"], kind: "address" },
    ...buildSecretsOf(["build"], build),
    ...Object.entries(asMapping(images)).flatMap(([name, image]) => buildSecretsOf(["images", name], image)),
    ...Object.entries(asMapping(environments)).flatMap(([name, environment]) => [
      ...connectionOf(["environments", name], environment),
      ...asList(asMapping(environment)["hosts"]).flatMap((host, index) => connectionOf(["environments", name, "hosts", index], host)),
      ...dotenvPaths(environment, name).map((path) => ({ path, kind: "dotenv" as const })),
    ]),
  ];
}

/** The path of an environment's dotenv, or the paths of its parts. */
function dotenvPaths(environment: unknown, name: string): Path[] {
  const path = ["environments", name, "dotenv"];
  const { dotenv } = asMapping(environment);
  return Array.isArray(dotenv) ? dotenv.map((_, index) => [...path, index]) : [path];
}

/** Faults in dotenvs that are joined, with the line numbers of their parts. A single dotenv is checked later. */
function findPartFaults(loaded: ReadonlyMap<string, LoadedValue>, value: unknown, { environment }: Scope): Problem[] {
  if (environment === undefined || !Array.isArray(valueAt(value, ["environments", environment, "dotenv"]))) return [];
  return dotenvPaths(valueAt(value, ["environments", environment]), environment).flatMap((path) => {
    const { content, source } = loaded.get(pathKey(path)) ?? { content: "", source: "" };
    return checkDotenv(content).faults.map(({ line, message }) => ({ path, message: `${source}:${line}  ${message}` }));
  });
}

function buildSecretsOf(parent: Path, section: unknown): Place[] {
  return Object.keys(asMapping(asMapping(section)["secrets"])).map((id) => ({ path: [...parent, "secrets", id], kind: "build secret" }));
}

function connectionOf(parent: Path, connection: unknown): Place[] {
  const { jump } = asMapping(connection);
  const hops = Array.isArray(jump) ? jump.map((_, index) => [...parent, "jump", index]) : [[...parent, "jump"]];
  return [parent, ...hops].flatMap((path): Place[] => [
    { path: [...path, "private_key"], kind: "private key" },
    { path: [...path, "known_hosts"], kind: "known hosts" },
  ]);
}

function isSource(source: unknown): source is SecretSource {
  if (typeof source === "string") return true;
  const { command, file, env, sops } = asMapping(source);
  return (
    typeof file === "string" ||
    typeof sops === "string" ||
    typeof env === "string" ||
    (asList(command).length > 0 && asList(command).every((part) => typeof part === "string"))
  );
}
