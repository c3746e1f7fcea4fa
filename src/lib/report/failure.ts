import * as Errors from "@oclif/core/errors";
import { exitAfter } from "../changes.ts";
import { ColdtivateError, exitCodes, type Exit } from "../errors.ts";
import { nearest } from "../common/nearest.ts";

/** An error as shown, to people or as JSON. Never contains a command line. */
export interface Failure {
  code: string;
  message: string;
  details: readonly string[];
  hint?: string;
  exit: Exit;
  /** What had been changed by then, one line for each kind of change. */
  changed: readonly string[];
  /** Where it happened; for bugs, and for all errors under --verbose. */
  stack?: string;
}

export interface FailureContext {
  /** Why the work was stopped, if the user interrupted it. Later failures are a result of that. */
  interruption?: unknown;
  verbose?: boolean;
  /** What was changed before the error. */
  changed?: readonly string[];
  /** The command to get help for: `coldtivate build`. */
  command?: string;
  /** Flags that exist, `--json` and the like. */
  flags?: readonly string[];
}

/** Turns anything that was thrown into what the user sees. */
export function describeFailure(error: unknown, context: FailureContext = {}): Failure {
  if (context.interruption !== undefined && !isMixed(error)) return describeInterruption(error, context);
  if (error instanceof ColdtivateError) return describeOwn(error, context);
  if (error instanceof Errors.CLIError) return describeUsage(error, context);
  return describeBug(error, context);
}

/** The exit code that a failure ends the process with. */
export function exitCodeOf(failure: Failure): number {
  return exitCodes[failure.exit].code;
}

function isMixed(error: unknown): boolean {
  return error instanceof ColdtivateError && error.exit === "mixed";
}

function describeInterruption(error: unknown, { interruption: reason, changed = [] }: FailureContext): Failure {
  const own = error instanceof ColdtivateError ? error : undefined;
  if (own?.exit === "interrupted") return describeOwn(own, { changed });
  const message = reason instanceof ColdtivateError ? reason.message : "interrupted";
  return { code: "INTERRUPTED", message, details: own ? [own.message, ...own.details] : [], exit: "interrupted", changed };
}

function describeOwn(error: ColdtivateError, { verbose, changed = [] }: FailureContext): Failure {
  const { code, message, details, hint } = error;
  const exit = exitAfter(error.exit, changed);
  return { code, message, details, exit, changed, ...(hint !== undefined && { hint }), ...(verbose && { stack: stackOf(error) }) };
}

function describeUsage(error: Errors.CLIError, { command = "coldtivate", flags = [] }: FailureContext): Failure {
  const [message = "", ...details] = error.message
    .replace(/\nSee more help with --help$/, "")
    .replace(/^Missing \d+ required args?:/, "an argument is missing")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const unknown = "flags" in error && Array.isArray(error.flags) ? error.flags.map(String) : [];
  const meant = unknown.flatMap((flag) => nearest(flag, flags) ?? []);
  const hint = `${meant.length > 0 ? `did you mean ${meant.join(", ")}? ` : ""}${command} --help shows what it takes`;
  return { code: "USAGE", message: decapitalise(message), details, hint, exit: "usage", changed: [] };
}

function describeBug(error: unknown, { changed = [] }: FailureContext): Failure {
  return {
    code: "BUG",
    message: `this is a bug in coldtivate: ${summarise(error)}`,
    details: [],
    hint: "please report it with the lines above",
    exit: "bug",
    changed,
    ...(error instanceof Error && { stack: stackOf(error) }),
  };
}

/** The message of an error, unless it may contain a command line: execa puts all of it there. */
function summarise(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!isChildError(error)) return error.message || error.name;
  const { exitCode, signal, code } = error;
  const end = exitCode !== undefined ? `with exit code ${exitCode}` : (signal ?? code ?? "for an unknown reason");
  return `a program that it runs ended ${end}`;
}

interface ChildError extends Error {
  exitCode?: number;
  signal?: string;
  code?: string;
}

function isChildError(error: Error): error is ChildError {
  return "escapedCommand" in error;
}

/** The stack frames of the error and of its causes, without messages that may contain a command line. */
function stackOf(error: Error): string {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const cause = error.cause instanceof Error ? [`caused by ${error.cause.name}: ${summarise(error.cause)}`, stackOf(error.cause)] : [];
  return [...frames, ...cause].join("\n");
}

function decapitalise(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
