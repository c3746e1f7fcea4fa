import { dirname, relative } from "node:path";
import { ColdtivateError } from "../errors.ts";
import { findVariableProblems } from "./values/compose-variables.ts";
import type { Config } from "./schema/config.ts";
import { parseSource, type SourceDocument } from "./mistakes/document.ts";
import { findConfig, readConfig } from "./find.ts";
import { describeIssues } from "./mistakes/issues.ts";
import { correctionsFor, findMisspelt, misspeltProblems, type Misspelt } from "./mistakes/misspelt.ts";
import { hideDotenv } from "./values/dotenv.ts";
import { hideEnvironment } from "../secrets/hide-environment.ts";
import { didYouMean } from "../common/nearest.ts";
import { readPublicWords } from "./values/public-words.ts";
import { Secret } from "../secrets/secret.ts";
import { asMapping, dropEmpty, isMapping, valueAt } from "../common/plain.ts";
import { firstOf, formatProblems, withoutEchoes, type Problem } from "../common/problem.ts";
import { findReferenceProblems } from "./references.ts";
import { resolveConfig } from "./resolve.ts";
import { schema } from "./schema/schema.ts";
import { loadSecrets, peekDotenv } from "./values/secrets.ts";
import { notSet, Variables, type ConfigPart, type Scope } from "./values/variables.ts";

export interface LoadOptions {
  env: NodeJS.ProcessEnv;
  /** The folder to search from; the process's working directory by default. */
  cwd?: string;
  /** The environment that the command works on. */
  environment?: string | undefined;
  /**
   * The parts that the command needs. Variables and secrets of all other parts are not loaded. By default: registry, hosts,
   * dotenv and hooks with an environment, registry without one. `build` includes registry and hooks.
   */
  needs?: readonly ConfigPart[];
  signal?: AbortSignal | undefined;
}

const defaultRegistry = { image: "${CI_REGISTRY_IMAGE}", username: "${CI_REGISTRY_USER}", password: "${CI_REGISTRY_PASSWORD}" };

/**
 * Reads coldtivate.yml: the given file, or the nearest at or above the working directory.
 * Throws ColdtivateError (exit `usage`): CONFIG_MISSING, CONFIG_UNREADABLE, FILE_TOO_LARGE, UNKNOWN_ENVIRONMENT, CONFIG_UNTRUSTED
 * (exit `refused`), or CONFIG_INVALID with one detail per problem.
 */
export async function loadConfig(file: string | undefined, options: LoadOptions): Promise<Config> {
  const cwd = options.cwd ?? process.cwd();
  const path = await findConfig(file, cwd);
  const directory = dirname(path);
  const scope = scopeOf(options);
  hideEnvironment(scope.env);
  const { source, variables, misspelt } = readSource(await readConfig(path, options.signal), scope);
  const name = relative(cwd, path);
  if (!source.readable) throw invalid(name, source, source.problems);

  const value = withRegistry(dropEmpty(source.value ?? {}), variables);
  const isUnresolved = variables.isUnresolved.bind(variables);
  // Compiling the schema takes longer than parsing this one file with it.
  const parsed = schema.safeParse(value, { jitless: true });
  const issues = parsed.success ? [] : describeIssues(parsed.error.issues, value).filter((problem) => !isUnresolved(problem.path));
  const problems = [
    ...source.problems,
    ...misspeltProblems(misspelt),
    ...variables.problems,
    ...issues,
    ...findCredentialProblems(value, scope, variables),
    ...findVariableProblems(value, variables),
    ...(await findReferenceProblems(value, {
      directory,
      isUnresolved,
      dotenvOf: (environment) => peekDotenv(value, environment, { directory, scope, variables }),
    })),
  ];
  const strange = unknownEnvironment(value, options.environment);
  if (strange !== undefined && problems.length === 0) throw refuseEnvironment(strange, name);
  if (strange !== undefined) problems.push({ path: ["environments"], atKey: true, message: strange.message });
  const secrets = await loadSecrets(value, { directory, scope, variables, runCommands: problems.length === 0, signal: options.signal });
  problems.push(...secrets.problems);
  if (!parsed.success || problems.length > 0) throw invalid(name, source, problems);
  const config = resolveConfig(parsed.data, { path, directory, secrets, isUnresolved });
  await hideUnneeded(config, value, { directory, scope, variables });
  return config;
}

/**
 * Hides the secrets of the dotenv even if the command does not need it. Containers print them, for example while a release is
 * followed or rolled back.
 */
async function hideUnneeded(config: Config, value: unknown, options: Parameters<typeof peekDotenv>[2]): Promise<void> {
  const { scope } = options;
  const environment = config.environments[scope.environment ?? ""];
  if (environment === undefined || scope.needs.has("dotenv")) return;
  const text = await peekDotenv(value, environment.name, { ...options, scope: { ...scope, needs: new Set([...scope.needs, "dotenv"]) } });
  if (typeof text !== "string") return;
  hideDotenv(text, await readPublicWords(config, { ...environment, dotenv: new Secret(text, undefined, false) }));
}

function scopeOf({
  env,
  environment,
  needs = environment === undefined ? ["registry"] : ["registry", "hosts", "dotenv", "hooks"],
}: LoadOptions): Scope {
  return { env, environment, needs: new Set(needs.includes("build") ? [...needs, "registry", "hooks"] : needs) };
}

function withRegistry(value: unknown, variables: Variables): unknown {
  if (!isMapping(value) || value["registry"] !== undefined) return value;
  const registry = Object.entries(defaultRegistry).map(([key, text]) => [key, variables.rewrite(text, ["registry", key])]);
  return { ...value, registry: dropEmpty(Object.fromEntries(registry), ["registry"]) };
}

/** Reads the file's text. A misspelt key is read as the key that was meant, so that mistakes below it are found, too. */
function readSource(text: string, scope: Scope): { source: SourceDocument; variables: Variables; misspelt: Misspelt[] } {
  const variables = new Variables(scope);
  const source = parseSource(text, variables.rewrite);
  const misspelt = findMisspelt(source.value);
  if (misspelt.length === 0) return { source, variables, misspelt };
  const meant = new Variables(scope);
  return { source: parseSource(text, meant.rewrite, correctionsFor(misspelt)), variables: meant, misspelt };
}

interface UnknownEnvironment {
  message: string;
  known: string[];
}

/** The environment that the command works on, if the file does not define it. */
function unknownEnvironment(value: unknown, environment: string | undefined): UnknownEnvironment | undefined {
  const known = Object.keys(asMapping(asMapping(value)["environments"]));
  if (environment === undefined || known.includes(environment)) return undefined;
  return { message: `there is no environment ${environment}${didYouMean(environment, known)}`, known };
}

function refuseEnvironment({ message, known }: UnknownEnvironment, file: string): ColdtivateError {
  return new ColdtivateError(`${message.replace(/^t/, "T")}.`, {
    code: "UNKNOWN_ENVIRONMENT",
    exit: "usage",
    hint: known.length === 0 ? `${file} has none: add it under environments.` : `${file} has: ${known.join(", ")}.`,
  });
}

/** Without username and password, the user's own Docker login is used. One of them alone is a mistake. */
function findCredentialProblems(value: unknown, { needs }: Scope, variables: Variables): Problem[] {
  if (!needs.has("registry")) return [];
  const lacks = (key: string): boolean => valueAt(value, ["registry", key]) === undefined || variables.isUnresolved(["registry", key]);
  const problem = (key: string, other: string): Problem => {
    const path = ["registry", key];
    const names = variables.namesAt(path);
    const what =
      names.length === 0 ? "is missing" : variables.isUnresolved(path) ? notSet(names.join(", ")) : `${names.join(", ")} is empty`;
    return { path, message: `${what}, although registry.${other} is there: give both, or neither to use your own Docker login` };
  };
  if (lacks("username") === lacks("password")) return [];
  return [lacks("username") ? problem("username", "password") : problem("password", "username")];
}

function invalid(file: string, { locate }: SourceDocument, problems: readonly Problem[]): ColdtivateError {
  const lines = formatProblems(file, withoutEchoes(problems), locate);
  const count = lines.length === 1 ? "a mistake" : `${lines.length} mistakes`;
  return new ColdtivateError(`${file} has ${count}; nothing was done.`, {
    code: "CONFIG_INVALID",
    exit: "usage",
    details: firstOf(lines),
    hint: "docs/configuration.md explains every key.",
  });
}
