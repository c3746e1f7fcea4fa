import { Help } from "@oclif/core/help";
import { exitCodes } from "./lib/errors.ts";

/** oclif's help, with the meanings of the exit codes at its end. */
export default class ExitCodeHelp extends Help {
  override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(this.#exitCodes());
  }

  override formatCommand(command: Parameters<Help["formatCommand"]>[0]): string {
    return `${super.formatCommand(command).trimEnd()}\n\n${this.#exitCodes()}\n`;
  }

  #exitCodes(): string {
    const rows = Object.values(exitCodes).map(({ code, meaning }): [string, string] => [String(code), meaning]);
    return this.section("EXIT CODES", this.renderList(rows, { indentation: 2, stripAnsi: this.opts.stripAnsi ?? false }));
  }
}
