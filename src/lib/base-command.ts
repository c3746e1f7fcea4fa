import { Command } from "@oclif/core/command";
import * as Flags from "@oclif/core/flags";
import type * as Interfaces from "@oclif/core/interfaces";
import { changes } from "./changes.ts";
import type { HostAccess } from "./adapters/ssh/route/ssh-access.ts";
import { redactor } from "./secrets/redactor.ts";
import { clean } from "./report/clean.ts";
import { takeControl, type DeployControl } from "./control.ts";
import { ColdtivateError, exitCodes, type Exit } from "./errors.ts";
import { cleaningTime, listenForInterruption, type Interruption } from "./interruption.ts";
import { askHidden, askOnTerminal } from "./report/question.ts";
import { describeFailure, exitCodeOf, type Failure } from "./report/failure.ts";
import { failureDocument, formatFailure } from "./report/failure-text.ts";
import { formatJson } from "./report/json.ts";
import { chooseMode, wantsColor } from "./report/mode.ts";
import { flushOutput, guardOutput } from "./report/output.ts";
import { createPalette } from "./report/palette.ts";
import type { Reporter, ScreenReporter } from "./report/progress.ts";
import { loadReporter } from "./report/reporters/reporter.ts";
import { askOnKeys } from "./report/reporters/interrupt-choice.ts";

type Values = Record<string, unknown>;

/**
 * The base of all commands: flags, progress, results, errors, signals. `run()` does the work with `this.signal` and
 * `this.reporter`, prints the human form with `this.show()`, and returns the result, a plain object, for `--json`.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    config: Flags.string({
      char: "c",
      description: "Configuration file; the nearest coldtivate.yml unless said otherwise",
      env: "COLDTIVATE_CONFIG",
      helpValue: "FILE",
      helpGroup: "GLOBAL",
    }),
    plain: Flags.boolean({ description: "Progress as plain lines, nothing redrawn", helpGroup: "GLOBAL" }),
    verbose: Flags.boolean({
      char: "v",
      description: "Where each value of a connection came from; errors with where they happened; a plan with its steps",
      helpGroup: "GLOBAL",
    }),
  };

  /** The result as a plain object: under `--json` it is the document on standard output. */
  abstract override run(): Promise<object>;

  #flags: Values = {};
  #openReporter: (() => ScreenReporter) | undefined;
  #reporter: ScreenReporter | undefined;
  #interruption: Interruption | undefined;
  /** Output that waits until progress is no longer drawn. */
  readonly #waiting: { stream: NodeJS.WritableStream; text: string }[] = [];

  /** Aborts when the user wants to stop. Pass it to everything that takes time; that cleans up before it rejects. */
  protected get signal(): AbortSignal {
    return this.#interruption!.signal;
  }

  /** Progress, on standard error. */
  protected get reporter(): Reporter {
    return (this.#reporter ??= this.#openReporter!());
  }

  /** How to connect to hosts: how to ask for secrets, and where to report. */
  protected get access(): HostAccess & { signal: AbortSignal } {
    const hasTerminal = process.stdin.isTTY && process.stderr.isTTY;
    return {
      signal: this.signal,
      ...(hasTerminal && { askSecret: this.#askSecret }),
      warn: (text) => this.reporter.emit({ type: "warning", text }),
      ...(this.#flags["verbose"] === true && { explain: (line) => this.announce(line) }),
    };
  }

  /** One function for the whole command, because connections use it to share answers. */
  readonly #askSecret = async (question: string): Promise<string> => {
    await this.#settle();
    const answer = await askHidden(question, this.signal);
    redactor.add(answer);
    return answer;
  };

  /** Prints the human form of the result on standard output; nothing under `--json`. */
  protected show(text: string): void {
    if (!this.jsonEnabled()) this.#write(process.stdout, text);
  }

  /** Sets another exit code than 0 for a command that has a result. */
  protected endWith(exit: Exit): void {
    process.exitCode = exitCodes[exit].code;
  }

  /** Prints on standard error what a person should read before the work begins. */
  protected announce(text: string): void {
    this.#write(process.stderr, text);
  }

  /** The same in the middle of the work. It ends the progress shown so far. */
  protected async announceAnew(text: string): Promise<void> {
    await this.#settle();
    this.announce(text);
  }

  /**
   * Asks for confirmation before something important.
   * @param agreed whether the user already agreed with `--yes`
   * @throws ColdtivateError CONFIRMATION_NEEDED without a terminal, DECLINED unless the answer is yes
   */
  protected async confirm(question: string, agreed: boolean): Promise<void> {
    if (agreed) return;
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      const hint = "pass --yes to go ahead without a question";
      throw new ColdtivateError(`${question} No terminal to ask on`, { code: "CONFIRMATION_NEEDED", exit: "usage", hint });
    }
    await this.#settle();
    const answer = await askOnTerminal(`${clean(question)} [y/N] `, this.signal);
    if (/^y(es)?$/i.test(answer.trim())) return;
    throw new ColdtivateError("you said no", { code: "DECLINED", exit: "refused" });
  }

  /**
   * Runs work during which signals do not end the command. Instead they decide what becomes of the release that hosts are working
   * on.
   */
  protected async steer<Result>(work: (control: DeployControl) => Promise<Result>): Promise<Result> {
    this.signal.throwIfAborted();
    const hasTerminal = process.stdin.isTTY && process.stderr.isTTY;
    using control = takeControl(this.#interruption!, hasTerminal ? askOnKeys(process.stdin, this.reporter) : undefined);
    return await work(control);
  }

  protected override async init(): Promise<void> {
    guardOutput();
    changes.clear();
    this.#openReporter = await this.#loadReporter(true);
    const warn = (text: string) => this.reporter.emit({ type: "warning", text });
    this.#interruption = listenForInterruption({
      onFirst: () => warn("stopping, after cleaning up; interrupt once more to leave at once"),
      onLate: () => warn(`cleaning up took longer than ${cleaningTime / 1000} s, and was left`),
    });
    process.on("uncaughtException", this.#crash);
    redactor.onWeak = (name, weakness) => this.#warn(`${name} is ${weakness}: output will show it; a longer, random value is kept out`);
    await super.init();
  }

  protected override async parse<F extends Values, B extends Values, A extends Values>(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const output = await super.parse(options, argv);
    this.#flags = output.flags;
    this.#openReporter = await this.#loadReporter(output.flags["plain"] === true);
    return output;
  }

  protected override async catch(error: unknown): Promise<never> {
    const failure = await this.#fail(error);
    throw markAsReported(error, exitCodeOf(failure));
  }

  protected override async finally(): Promise<void> {
    await this.#settle();
    process.off("uncaughtException", this.#crash);
    this.#interruption?.[Symbol.dispose]();
  }

  override logJson(json: unknown): void {
    process.stdout.write(formatJson(json));
  }

  #loadReporter(plain: boolean): Promise<() => ScreenReporter> {
    const { stderr, env } = process;
    return loadReporter({ mode: chooseMode(stderr, env, plain), stream: stderr, color: wantsColor(stderr, env) });
  }

  #write(stream: NodeJS.WritableStream, text: string): void {
    const line = clean(text.endsWith("\n") ? text : `${text}\n`);
    if (this.#reporter) this.#waiting.push({ stream, text: line });
    else stream.write(line);
  }

  /** Draws the last progress and prints the output that waited for it. */
  async #settle(): Promise<void> {
    await this.#reporter?.close();
    this.#reporter = undefined;
    for (const { stream, text } of this.#waiting.splice(0)) stream.write(text);
  }

  /** Shows a warning, as part of the progress if that is being drawn. */
  #warn(text: string): void {
    if (this.#reporter) return this.#reporter.emit({ type: "warning", text });
    const { caution } = createPalette(wantsColor(process.stderr, process.env));
    process.stderr.write(`${caution(`warning: ${clean(text)}`)}\n`);
  }

  #describe(error: unknown): Failure {
    const flags = Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags, json: true }).map((name) => `--${name}`);
    const command = [this.config.bin, ...(this.id?.split(":") ?? [])].join(" ");
    const verbose = this.parsed ? this.#flags.verbose === true : this.argv.includes("--verbose") || this.argv.includes("-v");
    return describeFailure(error, { interruption: this.#interruption?.signal.reason, verbose, command, flags, changed: changes.told() });
  }

  /** Ends the progress and prints the error. For people, it leaves out output that they have just seen. */
  async #fail(error: unknown): Promise<Failure> {
    const failure = this.#describe(error);
    const seen = this.#reporter?.failedOutput() ?? new Set();
    await this.#settle();
    if (this.jsonEnabled()) {
      this.logJson(failureDocument(failure, exitCodeOf(failure)));
    } else {
      const details = failure.details.filter((detail) => !seen.has(clean(detail)));
      process.stderr.write(formatFailure({ ...failure, details }, createPalette(wantsColor(process.stderr, process.env))));
    }
    return failure;
  }

  /** Handles an uncaught error. The state of the work is unknown, so the process ends. */
  readonly #crash = (error: unknown): void => {
    void this.#end(error);
  };

  async #end(error: unknown): Promise<never> {
    const failure = await this.#fail(error);
    await flushOutput();
    process.exit(exitCodeOf(failure));
  }
}

/** Marks an error as printed, for the code that ends the process: `oclif.exit` is the exit code. */
function markAsReported(error: unknown, exit: number): Error {
  const marked = error instanceof Error ? error : new Error(String(error));
  Object.defineProperty(marked, "oclif", { value: { exit }, enumerable: false, configurable: true });
  Object.defineProperty(marked, "skipOclifErrorHandling", { value: true, enumerable: false, configurable: true });
  return marked;
}
