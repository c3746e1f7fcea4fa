import { inspect } from "node:util";
import { redactor } from "./redactor.ts";

const shown = "[redacted]";

/** A value that prints as `[redacted]` wherever it ends up; `reveal()` is the only way to its content. */
export class Secret {
  readonly #value: string;

  /**
   * Makes the value known to the redactor, so that no line that leaves the process can carry it.
   *
   * @param isHidden whether it is a secret as a whole: of a dotenv, the values are made known one by one
   * @param name what to call it where it cannot be kept out of output: a variable, or a place in coldtivate.yml
   */
  constructor(value: string, name?: string, isHidden = true) {
    this.#value = value;
    if (isHidden) redactor.add(value, name);
  }

  /** The value itself. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.toPrimitive](): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
