import { interpolate } from "../../common/interpolation.ts";
import { pathKey, type Path, type Problem } from "../../common/problem.ts";

/**
 * A part of the configuration that a command may need. Variables and secrets of the parts that it does not need are not loaded.
 */
export type ConfigPart = "registry" | "build" | "hosts" | "dotenv" | "hooks";

export interface Scope {
  env: NodeJS.ProcessEnv;
  /** The environment that the command works on. */
  environment?: string | undefined;
  needs: ReadonlySet<ConfigPart>;
}

/** Whether the command needs the value at this path. */
export function isNeeded(path: Path, { environment, needs }: Scope): boolean {
  const [section, name, key] = path;
  switch (section) {
    case "project":
      return true;
    case "registry":
      return name === "image" || name === "insecure" || needs.has("registry");
    case "build":
    case "images":
      return needs.has("build");
    case "services":
    case "front":
    case "tasks":
      return environment !== undefined;
    case "hooks":
    case "webhook":
      return needs.has("hooks");
    case "environments":
      return name === environment && needs.has(key === "dotenv" ? "dotenv" : "hosts");
    default:
      return true;
  }
}

/** Fills in variables, and remembers which path refers to which variables. */
export class Variables {
  readonly problems: Problem[] = [];
  readonly #scope: Scope;
  readonly #names = new Map<string, string[]>();
  readonly #unresolved = new Set<string>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * The text with its variables filled in. It stays as written if that is impossible, or if the result is empty and nobody needs
   * it.
   */
  rewrite = (text: string, path: Path): string => {
    if (!text.includes("$")) return text;
    const result = interpolate(text, this.#scope.env);
    this.#names.set(pathKey(path), result.variables);
    for (const message of result.mistakes) this.problems.push({ path, message });
    const needed = isNeeded(path, this.#scope);
    if (result.missing.length === 0 && result.mistakes.length === 0 && (needed || result.text !== "")) return result.text;
    this.#unresolved.add(pathKey(path));
    if (needed && !isCredential(path)) for (const name of result.missing) this.problems.push({ path, message: notSet(name) });
    return text;
  };

  /** Whether the value at the path is still as written. */
  isUnresolved(path: Path): boolean {
    return this.#unresolved.has(pathKey(path));
  }

  /** The variables that the value at the path refers to. */
  namesAt(path: Path): readonly string[] {
    return this.#names.get(pathKey(path)) ?? [];
  }
}

export function notSet(name: string): string {
  return `the variable ${name} is not set`;
}

/** Missing credentials have a meaning of their own: the user's own Docker login is used. */
function isCredential(path: Path): boolean {
  return path.length === 2 && path[0] === "registry" && (path[1] === "username" || path[1] === "password");
}
