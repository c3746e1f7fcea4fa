import { inspect } from "node:util";
import { redactor } from "./redactor.ts";

const shown = "[redacted]";

/** A value that prints as `[redacted]` wherever it ends up. `reveal()` is the only way to its content. */
export class Secret {
  readonly #value: string;

  /**
   * Registers the value with the redactor, so that no line that leaves the process can contain it.
   *
   * @param isHidden whether the whole value is a secret; the values of a dotenv are registered one by one instead
   * @param name what to call it if it cannot be kept out of output: a variable, or a place in coldtivate.yml
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
