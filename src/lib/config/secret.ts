import { inspect } from "node:util";
import { redactor } from "./redactor.ts";

/** A value that prints as `***` wherever it ends up; `reveal()` is the only way to its content. */
export class Secret {
  readonly #value: string;

  /** Registers the value with the redactor, so that no line that leaves the process can carry it. */
  constructor(value: string) {
    this.#value = value;
    redactor.add(value);
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}
