import { readDotenvLines } from "./dotenv-lines.ts";

/**
 * Names of a dotenv's variables that would get another value if a shell read the file (`set -a; . ./.env`), in the file's order.
 * Such a value contains a `$`, a quote, a blank or another character that a shell interprets. Whatever a shell takes from outside
 * the file's own variables is unknown here, and counts as another value.
 */
export function changedByShell(text: string): string[] {
  const sourced = new ShellReader(text).read();
  return readDotenvLines(text)
    .assignments.filter(({ name, value }) => sourced.get(name) !== value)
    .map(({ name }) => name);
}

/** The value of a part of a word; undefined if it is unknown. */
type Value = string | undefined;

interface Word {
  /** The word as written, used to recognise assignments and commands. */
  raw: string;
  value: Value;
  /** For an assignment: the variable that it assigns to. */
  assigns?: string;
}

/** Variables that a shell sets itself, or does not let anybody set. */
const own = /^(?:UID|EUID|PPID|RANDOM|SRANDOM|SECONDS|LINENO|GROUPS|FUNCNAME|DIRSTACK|HISTCMD|EPOCH\w+|BASH\w*|SHELLOPTS|_)$/;

/** Commands and keywords after which the result of the rest of a file cannot be predicted. */
const beyond =
  /^(?:[{}!]|\[\[|if|then|else|elif|fi|for|while|until|do|done|case|esac|select|function|time|coproc|exit|return|exec|eval|\.|source|unset|declare|typeset|readonly|local|read|set|shopt|trap|let|printf|mapfile|readarray|getopts|alias|builtin|command|cd|pushd|popd|break|continue|shift|enable|wait)$/;

/** Ends the reading: the effect of the rest is unknown. */
class Stop extends Error {}

/** Evaluates the assignments of a text as bash would. */
class ShellReader {
  readonly #text: string;
  readonly #variables = new Map<string, Value>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The variables that are set in the end. Unknown values are undefined. */
  read(): Map<string, Value> {
    try {
      while (this.#at < this.#text.length) this.#command();
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      // The rest may assign any of them again.
      const rest = new Set(this.#text.slice(this.#at).match(/\w+/g));
      for (const name of this.#variables.keys()) if (rest.has(name)) this.#assign(name, undefined);
    }
    return this.#variables;
  }

  get #here(): string {
    return this.#text[this.#at] ?? "";
  }

  /** Reads up to the end of a line, or up to the next separator between two commands in it. */
  #command(): void {
    const words: Word[] = [];
    for (;;) {
      const here = this.#here;
      if (here === " " || here === "\t") this.#at++;
      else if (this.#text.startsWith("\\\n", this.#at)) this.#at += 2;
      else if (here === "#") this.#at = endOfLine(this.#text, this.#at);
      else if (here === "" || here === "\n") {
        this.#at++;
        return this.#run(words);
      } else if (/[;&|<>()]/.test(here)) return this.#operator(words);
      else words.push(this.#word());
    }
  }

  #operator(words: readonly Word[]): void {
    const [operator = ""] = /^(?:&&|\|\||;;|&>|[;&|<>()])/.exec(this.#text.slice(this.#at)) ?? [];
    if (words.length === 0 || operator === ";;" || operator === "(" || operator === ")") throw new Stop();
    if (operator === ";") {
      this.#at++;
      return this.#run(words);
    }
    // In the background and in a pipe, a subshell makes the assignments. The effect of other operators depends on exit codes and
    // files.
    if (operator === "&" && this.#text[this.#at + 1] !== ">") {
      const command = words.find(({ assigns }) => assigns === undefined);
      if (command !== undefined && beyond.test(command.raw)) throw new Stop();
      this.#at++;
      return;
    }
    this.#doubt(words);
    throw new Stop();
  }

  #run(words: readonly Word[]): void {
    const command = words.findIndex(({ assigns }) => assigns === undefined);
    if (command === -1) for (const { assigns, value } of words) this.#assign(assigns, value);
    else if (command === 0 && words[0]?.raw === "export") {
      for (const { raw, assigns, value } of words.slice(1)) {
        if (raw.startsWith("-")) throw new Stop();
        this.#assign(assigns, /\{.*(?:,|\.\.).*\}/s.test(raw) ? undefined : value);
      }
    } else if (words[command]?.value === undefined || beyond.test(words[command].value)) {
      this.#doubt(words);
      // An unknown name may turn out to be empty. Then this is no command, and the assignments remain.
      if (words[command]?.value !== undefined) throw new Stop();
    }
  }

  #assign(name: string | undefined, value: Value): void {
    if (name !== undefined) this.#variables.set(name, own.test(name) ? undefined : value);
  }

  #doubt(words: readonly Word[]): void {
    for (const { assigns } of words) this.#assign(assigns, undefined);
  }

  #word(): Word {
    const start = this.#at;
    const rest = this.#text.slice(start);
    // A subscript continues up to its bracket, across blanks and lines.
    if (/^[A-Za-z_]\w*\[/.test(rest)) throw new Stop();
    const [prefix = "", assigns] = /^([A-Za-z_]\w*)=/.exec(rest) ?? [];
    this.#at += prefix.length;
    if (prefix !== "" && this.#here === "(") throw new Stop();
    let value: Value = prefix === "" ? "" : prefix;
    const add = (part: Value) => (value = value === undefined || part === undefined ? undefined : value + part);
    while (!/^[\s;&|<>()]?$/.test(this.#here) || /[\r\v\f\u0085-\uffff]/.test(this.#here)) {
      const here = this.#here;
      const before = this.#text[this.#at - 1] ?? "";
      if (here === "'") add(this.#single());
      else if (here === '"') add(this.#double());
      else if (here === "\\") add(this.#escaped());
      else if (here === "$") add(this.#dollar(false));
      else if (here === "`") add(this.#backtick());
      else if (here === "~" && prefix !== "" && (this.#at === start + prefix.length || before === ":")) {
        this.#at++;
        add(undefined);
      } else {
        this.#at++;
        add(here);
      }
    }
    const raw = this.#text.slice(start, this.#at);
    if (assigns === undefined) return { raw, value };
    return { raw, assigns, value: value?.slice(prefix.length) };
  }

  #single(): string {
    const end = this.#find("'", this.#at + 1);
    const value = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return value;
  }

  #double(): Value {
    let value: Value = "";
    const add = (part: Value) => (value = value === undefined || part === undefined ? undefined : value + part);
    this.#at++;
    for (;;) {
      const here = this.#here;
      if (here === "") throw new Stop();
      if (here === '"') {
        this.#at++;
        return value;
      }
      const next = this.#text[this.#at + 1] ?? "";
      if (here === "\\" && /^[$`"\\\n]$/.test(next)) {
        this.#at += 2;
        add(next === "\n" ? "" : next);
      } else if (here === "$") add(this.#dollar(true));
      else if (here === "`") add(this.#backtick());
      else {
        this.#at++;
        add(here);
      }
    }
  }

  /** The character after a backslash outside of quotes. */
  #escaped(): Value {
    const next = this.#text[this.#at + 1];
    this.#at += 2;
    if (next === undefined) return undefined;
    return next === "\n" ? "" : next;
  }

  #dollar(isQuoted: boolean): Value {
    const rest = this.#text.slice(this.#at + 1);
    const [name = ""] = /^[A-Za-z_]\w*/.exec(rest) ?? [];
    if (name !== "") {
      this.#at += 1 + name.length;
      return this.#variables.get(name);
    }
    if (rest.startsWith("{")) {
      const end = this.#find("}", this.#at);
      const inside = this.#text.slice(this.#at + 2, end);
      // Quotes and braces in there may move its end elsewhere.
      if (/['"`\\${]/.test(inside)) throw new Stop();
      this.#at = end + 1;
      return /^[A-Za-z_]\w*$/.test(inside) ? this.#variables.get(inside) : undefined;
    }
    if (rest.startsWith("(") || rest.startsWith("[") || (rest.startsWith("'") && !isQuoted)) throw new Stop();
    if (rest.startsWith('"') && !isQuoted) {
      this.#at++;
      return "";
    }
    const isSpecial = /^[0-9@*#?$!-]/.test(rest);
    this.#at += isSpecial ? 2 : 1;
    return isSpecial ? undefined : "$";
  }

  #backtick(): Value {
    let end = this.#find("`", this.#at + 1);
    while (this.#text[end - 1] === "\\") end = this.#find("`", end + 1);
    this.#at = end + 1;
    return undefined;
  }

  /** The next offset of a character. If there is none, the shell would search up to the end of the file and find nothing. */
  #find(character: string, from: number): number {
    const found = this.#text.indexOf(character, from);
    if (found < 0) throw new Stop();
    return found;
  }
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}
