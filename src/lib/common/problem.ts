/** Keys and indexes from the top of the file to a value. */
export type Path = readonly (string | number)[];

export interface Position {
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
}

/** Something wrong in the configuration, and where. */
export interface Problem {
  path: Path;
  message: string;
  /** Points at the key instead of its value. */
  atKey?: boolean;
  /** For an unknown key: the key that was probably meant. */
  meant?: string;
  /** The path to locate it by, if it is read under another key. */
  at?: Path;
  /** For something that is missing: full paths, any of which would do. */
  lacks?: readonly Path[];
  /** For a problem without a path, such as a syntax error. */
  position?: Position;
}

/** `tasks[0].service` */
export function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}

/** A path as one string, for use as a key in a lookup. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/**
 * Drops the problems that only follow from another one: a key that is missing because it is misspelt, or a value that does not
 * fit the key that a misspelt key was taken for.
 */
export function withoutEchoes(problems: readonly Problem[]): Problem[] {
  const taken = new Set(problems.flatMap(({ at }) => (at === undefined ? [] : [pathKey(at)])));
  const misspelt = new Set(problems.flatMap(({ path, meant }) => (meant === undefined ? [] : [pathKey([...path.slice(0, -1), meant])])));
  return problems.filter(
    ({ path, at, lacks = [] }) => !lacks.some((each) => misspelt.has(pathKey(each))) && (at !== undefined || !taken.has(pathKey(path))),
  );
}

/** One line per problem, in the order of the file: `FILE:LINE:COLUMN  path.to.key: message`. */
export function formatProblems(file: string, problems: readonly Problem[], locate: (problem: Problem) => Position): string[] {
  const lines = problems
    .map((problem) => ({ problem, position: problem.position ?? locate(problem) }))
    .toSorted((a, b) => a.position.line - b.position.line || a.position.column - b.position.column)
    .map(({ problem, position }) => {
      const subject = problem.path.length === 0 ? "" : `${formatPath(problem.path)}: `;
      return `${file}:${position.line}:${position.column}  ${subject}${problem.message}`;
    });
  return [...new Set(lines)];
}

/** Maximum number of lines. Further lines are only counted: nobody corrects so many one by one. */
const mostLines = 200;

/** The first of many lines, and how many more there are. */
export function firstOf(lines: readonly string[]): string[] {
  return lines.length <= mostLines ? [...lines] : [...lines.slice(0, mostLines), `and ${lines.length - mostLines} more`];
}
