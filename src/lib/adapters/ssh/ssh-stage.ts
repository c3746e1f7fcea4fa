import { plainWords } from "../../common/host-answer.ts";

/** How far a connection had got: its name looked up, connected, passed on by a host in between, keys exchanged, logged in. */
export type Stage = "name" | "connect" | "forward" | "handshake" | "login";

/** Why a connection was not made, and at which stage. */
export class StageError extends Error {
  readonly stage: Stage;
  /** The system's or ssh2's name for it, such as ECONNREFUSED; `timeout` after the given milliseconds. */
  readonly code: string;
  readonly milliseconds: number;

  constructor(stage: Stage, cause: unknown, milliseconds = 0) {
    super(plainWords(cause instanceof Error ? cause.message : String(cause)), { cause });
    this.stage = stage;
    this.milliseconds = milliseconds;
    this.code = cause instanceof Error ? codeOf(cause) : String(cause);
  }
}

/** The system's name, or the number that SSH has for a channel that was refused. */
function codeOf(cause: Error): string {
  const found: unknown = "code" in cause ? cause.code : "reason" in cause ? cause.reason : "";
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
}
