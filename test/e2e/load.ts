import http from "node:http";
import { setTimeout as wait } from "node:timers/promises";

export interface LoadResult {
  /** Requests that were answered with 200. */
  answered: number;
  /** What went wrong, one entry a request: a status or a system error. */
  failures: string[];
  /** Every commit that answered, in the order of its first answer. */
  commits: string[];
}

export interface Load {
  /** Lets requests in flight end, and tells what came of all. */
  stop(): Promise<LoadResult>;
}

/** Asks addresses over and over on connections that are kept alive, each from one client. */
export function startLoad(urls: readonly string[]): Load {
  const agent = new http.Agent({ keepAlive: true });
  const result: LoadResult = { answered: 0, failures: [], commits: [] };
  const ended = new AbortController();
  const clients = urls.map(async (url) => {
    while (!ended.signal.aborted) {
      try {
        const { status, body } = await get(url, agent);
        if (status === 200) note(result, body);
        else result.failures.push(`${url}: ${status}`);
      } catch (error) {
        result.failures.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
      }
      await wait(5);
    }
  });
  return {
    async stop() {
      ended.abort();
      await Promise.all(clients);
      agent.destroy();
      return result;
    },
  };
}

function note(result: LoadResult, body: string): void {
  result.answered++;
  const commit = /"commit": ?"([0-9a-f]{40})"/.exec(body)?.[1];
  if (commit !== undefined && !result.commits.includes(commit)) result.commits.push(commit);
}

function get(url: string, agent: http.Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, timeout: 30_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 30 s")));
    request.on("error", reject);
  });
}
