/** The output of a step, which comes in pieces. */
export interface StepOutput {
  /** Takes a piece, and gives the lines that it completes. */
  take: (text: string) => string[];
  /** What came after the last end of a line. */
  rest: () => string[];
}

/** Makes lines of pieces: of a line that overwrites itself, as progress bars do, what stands there in the end counts. */
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

/** A carriage return at the end overwrites nothing yet: a line feed may follow. */
function lastWritten(text: string): string {
  return text.slice(text.lastIndexOf("\r", text.length - 2) + 1);
}

function shown(line: string): string[] {
  const text = lastWritten(line).replace(/\r$/, "");
  return text.trim() === "" ? [] : [text];
}
