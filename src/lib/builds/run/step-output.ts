/** The output of a step, which comes in pieces. */
export interface StepOutput {
  /** Takes a piece and returns the lines that it completes. */
  take: (text: string) => string[];
  /** Returns what came after the last line break. */
  rest: () => string[];
}

/** Assembles lines from pieces. Of a line that overwrites itself, as progress bars do, only the final text counts. */
export function readStepOutput(): StepOutput {
  let open = "";
  return {
    take(text) {
      const lines = (open + text).split(/\r*\n/);
      open = lastWritten(lines.pop() ?? "");
      return lines.flatMap(shown);
    },
    rest() {
      const line = open;
      open = "";
      return shown(line);
    },
  };
}

/** A trailing carriage return overwrites nothing yet: a line feed may follow. */
function lastWritten(text: string): string {
  return text.slice(text.lastIndexOf("\r", text.length - 2) + 1);
}

function shown(line: string): string[] {
  const text = lastWritten(line).replace(/\r$/, "");
  return text.trim() === "" ? [] : [text];
}
