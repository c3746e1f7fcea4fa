import { Chalk, type ChalkInstance } from "chalk";

/** The colours of the display, by meaning. */
export interface Palette {
  good: (text: string) => string;
  bad: (text: string) => string;
  caution: (text: string) => string;
  strong: (text: string) => string;
  faint: (text: string) => string;
}

/** Creates the palette. Without colour, every function returns its text unchanged. */
export function createPalette(color: boolean): Palette {
  const chalk: ChalkInstance = new Chalk({ level: color ? 1 : 0 });
  return {
    good: (text) => chalk.green(text),
    bad: (text) => chalk.red(text),
    caution: (text) => chalk.yellow(text),
    strong: (text) => chalk.bold(text),
    faint: (text) => chalk.dim(text),
  };
}
