import { createHash } from "node:crypto";
import http from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { changes, type Change } from "../../changes.ts";
import { ColdtivateError } from "../../errors.ts";
import { invalidAnswer, mostAnswerBytes, type HttpAnswer, type HttpRequest, type Send } from "./registry-answer.ts";
import { followRedirects } from "./registry-redirects.ts";
import { findAuthorities, isUntrusted } from "./registry-trust.ts";

type Speaker = Pick<typeof http, "request"> & { agent: http.Agent };

export interface HttpOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds to wait before each further attempt. */
  backoff?: readonly number[] | undefined;
  /** Milliseconds of silence after which a connection counts as dead. */
  timeout?: number | undefined;
  /** Milliseconds until the last byte of an answer, counted from when there is a connection for the request. */
  deadline?: number | undefined;
}

const passing = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN"]);

/**
 * A client that keeps its connections, and tries again after a temporary fault. For certificates that Node.js does not trust, it
 * uses the authorities that Docker trusts. Every answer is limited: in bytes, in silence, and in time.
 * @throws ColdtivateError REGISTRY_UNREACHABLE once the attempts are used up, REGISTRY_ANSWER_INVALID
 */
export function openHttp({ signal, backoff = [300, 1000], timeout = 10_000, deadline = 60_000 }: HttpOptions = {}) {
  const settings = { keepAlive: true, maxSockets: 16, proxyEnv: process.env };
  const agents = new Map<string, http.Agent>();

  /** The module and the agent for a URL's host. TLS takes 4 ms to load. */
  const speakerFor = ({ protocol }: URL): Speaker => {
    const { request, Agent } = protocol === "https:" ? process.getBuiltinModule("node:https") : http;
    const agent = agents.get(protocol) ?? new Agent(settings);
    agents.set(protocol, agent);
    return { request, agent };
  };

  /** By host: the authorities for its certificate, where Node.js alone does not trust it. */
  const authorities = new Map<string, string[]>();

  const once = (request: HttpRequest) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const { method, body, url, limit = mostAnswerBytes } = request;
      const headers = body === undefined ? request.headers : { ...request.headers, "content-length": body.length };
      const ca = authorities.get(url.host);
      const { request: open, agent } = speakerFor(url);
      const options = { method, headers, agent, timeout, ...(signal && { signal }), ...(ca && { ca }) };
      const change = noteChange(request);
      const outgoing = open(url, options, (incoming) => {
        const { statusCode: status = 0 } = incoming;
        change.answered(status);
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length <= limit) chunks.push(chunk);
          else giveUp(invalidAnswer(url.host, `gives an answer of more than ${limit} bytes`));
        });
        incoming.on("error", reject);
        incoming.on("end", () => resolve({ url, status, headers: incoming.headers, body: Buffer.concat(chunks) }));
      });
      const giveUp = (error: Error) => {
        reject(error);
        outgoing.destroy();
      };
      // While a request waits for a connection, it has not been sent yet.
      let clock: NodeJS.Timeout | undefined;
      outgoing.on("socket", () => {
        clock = setTimeout(giveUp, deadline, invalidAnswer(url.host, `gives no whole answer in ${deadline / 1000} s`));
      });
      outgoing.on("finish", change.sent);
      outgoing.on("close", () => clearTimeout(clock));
      outgoing.on("timeout", () => giveUp(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })));
      outgoing.on("error", reject);
      outgoing.end(body);
    });

  const onceTrusted = async (request: HttpRequest) => {
    try {
      return await once(request);
    } catch (error) {
      const { host } = request.url;
      if (!isUntrusted(codeOf(error))) throw error;
      if (!authorities.has(host)) authorities.set(host, await findAuthorities(host));
      return await once(request);
    }
  };

  const send: Send = async (request) => {
    for (let attempt = 0; ; attempt++) {
      const pause = backoff[attempt];
      try {
        const answer = await onceTrusted(request);
        if (!isPassing(answer.status)) return answer;
        if (pause === undefined)
          throw unreachable(request.url, `it answers ${answer.status} ${http.STATUS_CODES[answer.status] ?? ""}`.trim());
      } catch (cause) {
        if (cause instanceof ColdtivateError || signal?.aborted) throw cause;
        const code = codeOf(cause);
        const why = cause instanceof Error && cause.message !== "" ? cause.message : code;
        if (pause === undefined || !passing.has(code)) throw unreachable(request.url, why, cause);
      }
      await wait(pause, undefined, { signal });
    }
  };

  return {
    send: followRedirects(send),
    close: () => agents.forEach((agent) => agent.destroy()),
  };
}

/** Registers what a request changes, once all of it was sent. A request that was not sent whole changes nothing. */
function noteChange({ change: words }: HttpRequest) {
  let change: Change | undefined;
  let status = 0;
  const settle = () => {
    if (change === undefined || status === 0) return;
    // A request that fails inside the server may have made its change by then.
    if (status < 300) change.done();
    else if (status < 500) change.dropped();
    change = undefined;
  };
  return {
    sent: () => {
      if (words !== undefined) change = changes.begin(words.what, words.subject);
      settle();
    },
    answered: (said: number) => {
      status = said;
      settle();
    },
  };
}

/** The digest of a body, in the form that registries use. */
export function digestOfBytes(body: Buffer): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}

function codeOf(cause: unknown): string {
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
}

function unreachable(url: URL, why: string, cause?: unknown): ColdtivateError {
  if (isUntrusted(codeOf(cause))) return unknownAuthority(url, cause);
  const plain = /wrong version number|EPROTO|packet length too long/i.test(why);
  return new ColdtivateError(`the registry ${url.host} cannot be reached: ${plain ? "it does not speak TLS" : why}`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: plain
      ? "If it is meant to speak plain HTTP, set registry.insecure: true in coldtivate.yml."
      : "See that the registry is up and can be reached from here, then run the command again.",
    cause,
  });
}

function unknownAuthority(url: URL, cause: unknown): ColdtivateError {
  return new ColdtivateError(`the registry ${url.host} shows a certificate of an authority that is not known here`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: `Put the authority's certificate into /etc/docker/certs.d/${url.host}/ca.crt, or name its file in NODE_EXTRA_CA_CERTS; Docker needs the first one, here and on the hosts.`,
    cause,
  });
}
