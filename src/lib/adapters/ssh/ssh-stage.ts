import { plainWords } from "../../common/host-answer.ts";

/** How far a connection got: name lookup, connecting, forwarding by a host in between, key exchange, login. */
export type Stage = "name" | "connect" | "forward" | "handshake" | "login";

/** Why a connection could not be made, and at which stage. */
export class StageError extends Error {
  readonly stage: Stage;
  /** The system's or ssh2's code, such as ECONNREFUSED; `timeout` after the given milliseconds. */
  readonly code: string;
  readonly milliseconds: number;

  constructor(stage: Stage, cause: unknown, milliseconds = 0) {
    super(plainWords(cause instanceof Error ? cause.message : String(cause)), { cause });
    this.stage = stage;
    this.milliseconds = milliseconds;
    this.code = cause instanceof Error ? codeOf(cause) : String(cause);
  }
}

/** The system's code, or SSH's number for a channel that was refused. */
function codeOf(cause: Error): string {
  const found: unknown = "code" in cause ? cause.code : "reason" in cause ? cause.reason : "";
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
}
