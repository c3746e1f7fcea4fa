import http from "node:http";
import http2, { type ClientHttp2Session } from "node:http2";
import https from "node:https";
import type { Readable, Writable } from "node:stream";
import type { Lane } from "./load.ts";

export interface Answer {
  status: number;
  text: string;
}

/** Sends one request. Rejects with the system's error, or with `timeout`. */
export type Ask = (method: string, path: string, body: Buffer | undefined) => Promise<Answer>;

export interface Connections {
  /** A client: over HTTP/1.1 with a connection of its own, over HTTP/2 with one that all of the lane share. */
  open: () => Ask;
  close: () => void;
}

/** Milliseconds after which nobody waits for an answer any more. */
const patience = 60_000;

const tls = { rejectUnauthorized: false, servername: "gateway.test" };

/** @param onRefused called when an HTTP/2 request is sent again because the server never began it */
export function connectLane(lane: Lane, onRefused: () => void): Connections {
  return lane.protocol === "h2" ? connectHttp2(lane, onRefused) : connectHttp1(lane);
}

function connectHttp1({ origin }: Lane): Connections {
  const isTls = origin.startsWith("https:");
  const agents: http.Agent[] = [];
  return {
    open() {
      const options = { keepAlive: true, maxSockets: 1 };
      const agent = isTls ? new https.Agent({ ...options, ...tls }) : new http.Agent(options);
      agents.push(agent);
      return async (method, path, body) => {
        const length = body === undefined ? {} : { "content-length": body.length };
        const request = (isTls ? https : http).request(`${origin}${path}`, { agent, method, headers: length });
        request.setTimeout(patience, () => request.destroy(new Error("timeout")));
        request.end(body);
        return readAnswer(request, (listen) => request.once("response", (response) => listen(response.statusCode ?? 0, response)));
      };
    },
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

function connectHttp2({ origin }: Lane, onRefused: () => void): Connections {
  let session: ClientHttp2Session | undefined;
  const current = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) session = openSession(origin);
    return session;
  };
  const ask: Ask = async (method, path, body) => {
    try {
      return await askStream(current(), method, path, body);
    } catch (error) {
      if (!isRefused(error)) throw error;
      onRefused();
      return askStream(current(), method, path, body);
    }
  };
  return { open: () => ask, close: () => session?.close() };
}

/** A session that takes no more requests once the server wants it to end. */
function openSession(origin: string): ClientHttp2Session {
  const session = http2.connect(origin, tls);
  // Streams tell their own errors.
  session.on("error", () => undefined);
  session.on("goaway", () => session.close());
  return session;
}

function askStream(session: ClientHttp2Session, method: string, path: string, body: Buffer | undefined): Promise<Answer> {
  const stream = session.request({ ":method": method, ":path": path }, { endStream: body === undefined });
  stream.setTimeout(patience, () => stream.destroy(new Error("timeout")));
  if (body !== undefined) stream.end(body);
  return readAnswer(stream, (listen) => stream.once("response", (headers) => listen(headers[":status"] ?? 0, stream)));
}

/** Resolves once the whole answer is there; rejects when what was asked, or the answer, ends before that. */
function readAnswer(request: Writable, onResponse: (listen: (status: number, body: Readable) => void) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cut = () => reject(new Error("cut off"));
    request.on("error", reject);
    request.once("close", () => setImmediate(cut));
    onResponse((status, body) => {
      const chunks: Buffer[] = [];
      body.on("data", (chunk: Buffer) => chunks.push(chunk));
      body.on("error", reject);
      body.once("end", () => resolve({ status, text: Buffer.concat(chunks).toString() }));
      body.once("close", () => setImmediate(cut));
    });
  });
}

/** Whether the server said that it did not begin the request, so that it can be sent again whatever it is. */
function isRefused(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ERR_HTTP2_GOAWAY_SESSION" || (code === "ERR_HTTP2_STREAM_ERROR" && /NGHTTP2_REFUSED_STREAM/.test(message));
}
