import { createHash } from "node:crypto";
import http from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { ColdtivateError } from "../errors.ts";
import { findAuthorities, isUntrusted } from "./registry-trust.ts";

export interface HttpRequest {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  url: URL;
  headers: http.OutgoingHttpHeaders;
  body?: Buffer;
  /** The most bytes that the answer may have; a longer one is an error. */
  limit?: number;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

type Speaker = Pick<typeof http, "request"> & { agent: http.Agent };

export type Send = (request: HttpRequest) => Promise<HttpAnswer>;

export interface HttpOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds before each further attempt. */
  backoff?: readonly number[] | undefined;
  /** Milliseconds of silence that count as a dead connection. */
  timeout?: number | undefined;
}

const passing = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN"]);
const mostRedirects = 3;

/**
 * A client that keeps its connections, and asks again after a passing fault. Certificates that Node.js does not trust are
 * looked at with the eyes of Docker.
 * @throws ColdtivateError REGISTRY_UNREACHABLE once the attempts are used up
 */
export function openHttp({ signal, backoff = [300, 1000], timeout = 10_000 }: HttpOptions = {}) {
  const settings = { keepAlive: true, maxSockets: 16, proxyEnv: process.env };
  const agents = new Map<string, http.Agent>();

  /** What speaks with a URL's host; TLS takes 4 ms to load. */
  const speakerFor = ({ protocol }: URL): Speaker => {
    const { request, Agent } = protocol === "https:" ? process.getBuiltinModule("node:https") : http;
    const agent = agents.get(protocol) ?? new Agent(settings);
    agents.set(protocol, agent);
    return { request, agent };
  };

  /** By host: who may sign its certificate, where Node.js alone does not trust it. */
  const authorities = new Map<string, string[]>();

  const once = (request: HttpRequest) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const { method, body } = request;
      const headers = body === undefined ? request.headers : { ...request.headers, "content-length": body.length };
      const ca = authorities.get(request.url.host);
      const { request: open, agent } = speakerFor(request.url);
      const options = { method, headers, agent, timeout, ...(signal && { signal }), ...(ca && { ca }) };
      const outgoing = open(request.url, options, (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length > (request.limit ?? Number.POSITIVE_INFINITY)) incoming.destroy(new Error("its answer is longer than it can be"));
        });
        incoming.on("error", reject);
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }));
      });
      outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })));
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

/** The digest of a body, as registries write it. */
export function digestOfBytes(body: Buffer): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

function followRedirects(send: Send): Send {
  return async (first) => {
    let request = first;
    for (let hop = 0; ; hop++) {
      const answer = await send(request);
      const { location } = answer.headers;
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined || hop === mostRedirects) return answer;
      const url = new URL(location, request.url);
      // Credentials are for the registry, not for where it sends us.
      const { authorization, ...open } = request.headers;
      request = { ...request, url, headers: url.host === request.url.host && authorization ? request.headers : open };
    }
  };
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
      : "Nothing was changed. See that the registry is up and can be reached from here, then run the command again.",
    cause,
  });
}

function unknownAuthority(url: URL, cause: unknown): ColdtivateError {
  return new ColdtivateError(`the registry ${url.host} shows a certificate of an authority that is not known here`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: `Nothing was changed. Put the authority's certificate into /etc/docker/certs.d/${url.host}/ca.crt, or name its file in NODE_EXTRA_CA_CERTS; Docker needs the first one, here and on the hosts.`,
    cause,
  });
}
