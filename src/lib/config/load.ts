import { dirname, relative } from "node:path";
import { ColdtivateError } from "../errors.ts";
import type { Config } from "./config.ts";
import { parseSource, type SourceDocument } from "./document.ts";
import { findConfig, readConfig } from "./find.ts";
import { describeIssues } from "./issues.ts";
import { didYouMean } from "./nearest.ts";
import { asMapping, dropEmpty, isMapping, valueAt } from "./plain.ts";
import { formatProblems, withoutEchoes, type Problem } from "./problem.ts";
import { findReferenceProblems } from "./references.ts";
import { resolveConfig } from "./resolve.ts";
import { schema } from "./schema.ts";
import { loadSecrets } from "./secrets.ts";
import { notSet, Variables, type Need, type Scope } from "./variables.ts";

export interface LoadOptions {
  env: NodeJS.ProcessEnv;
  /** Where to look from; the process's own unless said otherwise. */
  cwd?: string;
  /** The environment that the command is about. */
  environment?: string | undefined;
  /**
   * What the command works with; variables and secrets of all else are left alone.
   * Unless said otherwise: registry, hosts, dotenv and hooks with an environment, registry without. `build` brings registry and hooks along.
   */
  needs?: readonly Need[];
  signal?: AbortSignal | undefined;
}

const defaultRegistry = { image: "${CI_REGISTRY_IMAGE}", username: "${CI_REGISTRY_USER}", password: "${CI_REGISTRY_PASSWORD}" };

/**
 * Reads coldtivate.yml: the given file, or the nearest at or above the working directory.
 * Throws ColdtivateError (exit `usage`): CONFIG_MISSING, CONFIG_UNREADABLE, UNKNOWN_ENVIRONMENT, or CONFIG_INVALID with one detail a problem.
 */
export async function loadConfig(file: string | undefined, options: LoadOptions): Promise<Config> {
  const cwd = options.cwd ?? process.cwd();
  const path = await findConfig(file, cwd);
  const directory = dirname(path);
  const scope = scopeOf(options);
  const variables = new Variables(scope);
  const source = parseSource(await readConfig(path), variables.rewrite);
  const name = relative(cwd, path);
  if (!source.readable) throw invalid(name, source, source.problems);

  const value = withRegistry(dropEmpty(source.value ?? {}), variables);
  rejectUnknownEnvironment(value, options.environment, name);
  const isUnresolved = variables.isUnresolved.bind(variables);
  // Compiling it takes longer than reading the one file with it.
  const parsed = schema.safeParse(value, { jitless: true });
  const issues = parsed.success ? [] : describeIssues(parsed.error.issues, value).filter((problem) => !isUnresolved(problem.path));
  const problems = [
    ...source.problems,
    ...variables.problems,
    ...issues,
    ...findCredentialProblems(value, scope, variables),
    ...(await findReferenceProblems(value, { directory, isUnresolved })),
  ];
  const secrets = await loadSecrets(value, { directory, scope, variables, runCommands: problems.length === 0, signal: options.signal });
  problems.push(...secrets.problems);
  if (!parsed.success || problems.length > 0) throw invalid(name, source, problems);
  return resolveConfig(parsed.data, { path, directory, secrets, isUnresolved });
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

function rejectUnknownEnvironment(value: unknown, environment: string | undefined, file: string): void {
  const known = Object.keys(asMapping(asMapping(value)["environments"]));
  if (environment === undefined || known.includes(environment)) return;
  throw new ColdtivateError(`There is no environment ${environment}${didYouMean(environment, known)}.`, {
    code: "UNKNOWN_ENVIRONMENT",
    exit: "usage",
    hint: known.length === 0 ? `${file} has none: add it under environments.` : `${file} has: ${known.join(", ")}.`,
  });
}

/** With neither of the two your own Docker login counts; one alone is a mistake. */
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
  const details = formatProblems(file, withoutEchoes(problems), locate);
  const count = details.length === 1 ? "a mistake" : `${details.length} mistakes`;
  return new ColdtivateError(`${file} has ${count}; nothing was done.`, {
    code: "CONFIG_INVALID",
    exit: "usage",
    details,
    hint: "docs/configuration.md explains every key.",
  });
}
