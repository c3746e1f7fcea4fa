/** An instruction of a Dockerfile: its name in upper case, its flags without the dashes, and the rest as written. */
export interface Instruction {
  name: string;
  flags: string[];
  rest: string;
  /** The line where it begins, counted from 1. */
  line: number;
}

/** Splits a Dockerfile into instructions. Joins continued lines, and drops comments and the bodies of here-documents. */
export function readDockerfile(text: string): Instruction[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const escape = escapeOf(lines);
  const instructions: Instruction[] = [];
  const ends = new DocumentEnds(lines);
  for (let at = 0; at < lines.length; at++) {
    let last = (lines[at] ?? "").trim();
    if (last === "" || last.startsWith("#")) continue;
    const start = at + 1;
    const parts: string[] = [];
    while (last.endsWith(escape) && at + 1 < lines.length) {
      const next = (lines[++at] ?? "").trim();
      // A comment or an empty line within a continued one does not end it.
      if (next === "" || next.startsWith("#")) continue;
      parts.push(last.slice(0, -1));
      last = next;
    }
    const line = [...parts, last].join(" ");
    const [, name = "", after = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
    const instruction = { name: name.toUpperCase(), ...takeFlags(after), line: start };
    instructions.push(instruction);
    at = endOfDocuments(instruction, ends, at);
  }
  return instructions;
}

/** Whether an instruction copies the whole of the context. */
export function copiesContext(dockerfile: string): boolean {
  return readDockerfile(dockerfile).some(({ name, flags, rest }) => {
    if ((name !== "COPY" && name !== "ADD") || flags.some((flag) => flag.startsWith("from="))) return false;
    const words = rest.startsWith("[") ? [...rest.matchAll(/"([^"]*)"/g)].map(([, word = ""]) => word) : rest.split(/\s+/);
    return words.slice(0, -1).some((word) => /^(\.?\/?|\/?\.?\*)$/.test(word));
  });
}

/** Instructions that BuildKit numbers. */
const numbered = new Set(["RUN", "COPY", "ADD", "WORKDIR"]);

/** A step as BuildKit names it: `[builder 2/4] RUN make`. */
export interface NumberedStep {
  /** Absent if there is only one stage. */
  stage?: string;
  number: number;
  total: number;
  /** The instruction, with variables filled in. */
  text: string;
}

/**
 * Finds the line where a step begins. Returns undefined if that cannot be told. BuildKit's numbers count up to the end of the
 * stage. But if the stage's base is given as a context, the base has no number and still counts. The text of the step decides
 * between the two.
 */
export function lineOfStep(dockerfile: string, { stage, number, total, text }: NumberedStep): number | undefined {
  const stages: Instruction[][] = [];
  for (const instruction of readDockerfile(dockerfile)) {
    if (instruction.name === "FROM") stages.push([instruction]);
    else stages.at(-1)?.push(instruction);
  }
  const [from, ...rest] =
    (stage === undefined ? stages[0] : (stages.find((each) => stageName(each) === stage) ?? stages[stageIndex(stage)])) ?? [];
  if (text.startsWith("FROM ")) return from?.line;
  const steps = rest.filter(({ name }) => numbered.has(name));
  const candidates = [steps[steps.length - 1 - (total - number)], steps[number - 1]].flatMap((step) =>
    step === undefined ? [] : [{ line: step.line, likeness: likeness(step, text) }],
  );
  return candidates.toSorted((a, b) => b.likeness - a.likeness)[0]?.line;
}

/** How many leading characters an instruction shares with the text. */
function likeness({ name, flags, rest }: Instruction, text: string): number {
  const written = [name, ...flags.map((flag) => `--${flag}`), rest].join(" ").replace(/\s+/g, " ");
  let end = 0;
  while (end < written.length && written[end] === text[end]) end++;
  return end;
}

function stageName([from]: readonly Instruction[]): string | undefined {
  const [, as, name] = from?.rest.split(/\s+/) ?? [];
  return as?.toLowerCase() === "as" ? name?.toLowerCase() : undefined;
}

/** `stage-1` is the second stage. */
function stageIndex(name: string): number {
  return Number(/^stage-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
}

/** Reads the escape character. Directives are the comments at the top of a Dockerfile. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name, value = ""] = /^#\s*([A-Za-z]\w*)\s*=(.*)$/.exec(line.trim()) ?? [];
    if (name === undefined || value.trim() === "") break;
    if (name.toLowerCase() === "escape") return value.trim();
  }
  return "\\";
}

function takeFlags(text: string): Pick<Instruction, "flags" | "rest"> {
  const flags: string[] = [];
  const flag = /--(\S+)\s*/y;
  let end = 0;
  for (let found = flag.exec(text); found !== null; found = flag.exec(text)) {
    flags.push(found[1] ?? "");
    end = flag.lastIndex;
  }
  return { flags, rest: text.slice(end) };
}

/** The last line of the here-documents that an instruction starts: `RUN <<EOF`. */
function endOfDocuments({ name, rest }: Instruction, ends: DocumentEnds, start: number): number {
  if (!["RUN", "COPY", "ADD"].includes(name)) return start;
  let at = start;
  for (const [, dash = "", , word = ""] of rest.matchAll(/(?<!<)<<(-?)(["']?)([A-Za-z_]\w*)\2/g)) {
    const end = ends.after(at, word, dash !== "");
    if (end === undefined) return at;
    at = end;
  }
  return at;
}

/** Finds the lines that may end here-documents. A file can start one on every line and end none, so each line is read only once. */
class DocumentEnds {
  readonly #lines: readonly string[];
  /** Line numbers by text: of the line itself, and of the line without its leading tabs. */
  readonly #places = [false, true].map(() => new Map<string, number[]>());
  #isRead = false;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /** The first line after another one that consists of a word. */
  after(at: number, word: string, withTabs: boolean): number | undefined {
    if (!this.#isRead) this.#read();
    const places = this.#places[withTabs ? 1 : 0]?.get(word) ?? [];
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return places[low];
  }

  #read(): void {
    this.#isRead = true;
    for (const [index, line] of this.#lines.entries()) {
      for (const [places, text] of [line, line.replace(/^\t+/, "")].map((each, kind) => [this.#places[kind]!, each] as const)) {
        const known = places.get(text);
        if (known === undefined) places.set(text, [index]);
        else known.push(index);
      }
    }
  }
}
