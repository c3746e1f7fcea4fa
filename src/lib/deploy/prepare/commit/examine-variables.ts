import { hostVariables, jobCredentials } from "../../../config/values/compose-variables.ts";
import { ColdtivateError } from "../../../errors.ts";

export interface VariableUse {
  /** By name of a variable: the files that refer to it. */
  references: ReadonlyMap<string, readonly string[]>;
  /** The variables that the files get. */
  given: Readonly<Record<string, string>>;
  /** The process's own environment. */
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Checks variables that Compose files refer to but do not get, although they are set here. Returns notes on what may have been
 * meant.
 * @throws ColdtivateError COMPOSE_VARIABLE_REFUSED if a release would differ from what its files say, because they refer to a
 * job's credential, to another variable of the job, or to one that the host would fill in itself
 */
export function examineVariables({ references, given, env }: VariableUse): string[] {
  const details: string[] = [];
  const notes: string[] = [];
  for (const [name, files] of references) {
    const where = `${name} (${files.join(", ")})`;
    if (hostVariables.has(name)) {
      details.push(`${where}: it is the host's own; write what is meant, or use a variable of another name`);
      continue;
    }
    if (Object.hasOwn(given, name) || !Object.hasOwn(env, name) || env[name] === undefined || name === "PWD") continue;
    const allow = `\`compose_variables: [${name}]\` in coldtivate.yml`;
    if (jobCredentials.has(name)) {
      details.push(`${where}: a credential of the job, which no container gets; what a service needs goes into the environment's dotenv`);
    } else if (name.startsWith("CI_") && !name.startsWith("CI_COMMIT_")) {
      details.push(`${where}: it is set here, and not among those that Compose files get; ${allow} gives it to them`);
    } else notes.push(`${where} is set here, and Compose files do not get it; ${allow} gives it to them`);
  }
  if (details.length === 0) return notes;
  throw new ColdtivateError("Compose files refer to variables that they do not get", {
    code: "COMPOSE_VARIABLE_REFUSED",
    exit: "usage",
    details,
    hint: "docs/configuration.md lists the variables that Compose files get; $$ is a dollar sign that stays one.",
  });
}
