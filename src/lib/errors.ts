/** The exit codes and their meanings. Help and docs print this map. */
export const exitCodes = {
  done: { code: 0, meaning: "done, or nothing to do" },
  bug: { code: 1, meaning: "a bug in coldtivate" },
  usage: { code: 2, meaning: "usage, configuration, dotenv, an unknown name, or no terminal and no --yes" },
  refused: {
    code: 3,
    meaning: "refused, nothing changed: lock, stale plan, image missing, ref not allowed, host unreachable, key, credentials",
  },
  failed: { code: 4, meaning: "work began and failed; what served before serves" },
  mixed: { code: 5, meaning: "hosts differ, or an undo failed: a person is needed" },
  interrupted: { code: 130, meaning: "detached or aborted by a signal" },
} as const;

export type Exit = keyof typeof exitCodes;

export interface ErrorOptions {
  /** Stable, upper-case name for machines, such as `BUILD_FAILED`. */
  code: string;
  exit: Exit;
  /** What to do next, as one or two sentences. */
  hint?: string;
  /** One problem per line, if there are several. Each is printed under the message. */
  details?: readonly string[];
  cause?: unknown;
}

/** An error that a user can act on: what happened (message), the details, what to do next (hint). */
export class ColdtivateError extends Error {
  override readonly name = "ColdtivateError";
  readonly code: string;
  readonly exit: Exit;
  readonly hint: string | undefined;
  readonly details: readonly string[];

  constructor(message: string, options: ErrorOptions) {
    super(message);
    this.code = options.code;
    this.exit = options.exit;
    this.hint = options.hint;
    this.details = options.details ?? [];
    // Not enumerable: a cause can carry a command line or a request, and serialisers copy own fields.
    Object.defineProperty(this, "cause", { value: options.cause, enumerable: false });
  }
}
