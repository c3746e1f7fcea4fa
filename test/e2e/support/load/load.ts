import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { top } from "../repository.ts";

/** A way to a server: each of its routes gets a client that gets, and one that posts. */
export interface Lane {
  name: string;
  /** With scheme, host and port. Certificates are not checked. */
  origin: string;
  protocol: "h1" | "h2";
  /** `GET PATH` or `POST PATH`; a POST's answer has the length and the digest of what was sent. */
  requests: string[];
}

export interface LoadBrief {
  lanes: Lane[];
  /** Requests that all clients together begin in a second. */
  perSecond: number;
}

/** What came of a load. */
export interface LoadReport {
  /** Requests that were answered as they should be. */
  answered: number;
  /** How many were not, by kind: `status 502`, `ECONNRESET`, `timeout`, `wrong body`. */
  failures: Record<string, number>;
  /** The first few of them, with lane, request and when it began, in milliseconds since the load did. */
  examples: string[];
  /** Commits that answered GETs of a version, by service, in the order of their first answers. */
  commits: Record<string, string[]>;
  /**
   * HTTP/2 requests that the server refused as not begun when it closed the connection. As any client does, it asked again
   * on another connection.
   */
  refused: number;
  /** How long the slowest took, in milliseconds. */
  longest: number;
  /** When the last one that failed began, and when this report was made: milliseconds since the load did. */
  lastFailure?: number;
  clock: number;
}

export interface Load {
  /** What came of it so far. */
  look: () => Promise<LoadReport>;
  /** Lets requests in flight end, and tells what came of all. */
  stop: () => Promise<LoadReport>;
}

/** Asks over and over on connections that are kept alive, in a process of its own; once every client was answered, it resolves. */
export async function startLoad(brief: LoadBrief): Promise<Load> {
  const child = fork(join(top, "test/e2e/support/load/generator.ts"), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ask = async (question: unknown) => {
    const answer = once(child, "message");
    child.send(question as object);
    return ((await answer) as [LoadReport])[0];
  };
  await ask(brief);
  return {
    look: () => ask("look"),
    async stop() {
      const report = await ask("stop");
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
      return report;
    },
  };
}
