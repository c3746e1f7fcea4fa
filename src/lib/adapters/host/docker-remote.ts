import { request, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { ColdtivateError } from "../../errors.ts";
import { plainWords, readJson, unreadable } from "../../common/host-answer.ts";
import type { HostConnection } from "../ssh/ssh.ts";
import { excessError, silenceError } from "../ssh/ssh-error.ts";
import { TooMuch } from "../ssh/ssh-output.ts";

/** Where an engine listens by default. */
export const defaultSocket = "/var/run/docker.sock";

/** Maximum size of an engine's answer, in bytes. */
const mostSaid = 32 * 1024 * 1024;

export interface EngineOptions {
  signal: AbortSignal;
  /** Where the engine listens. */
  socket?: string;
  /** Milliseconds within which it has to answer. */
  timeout?: number;
}

/**
 * All containers of a Compose project, as the engine of a host lists them. The answer is not validated.
 * @throws ColdtivateError HOST_SILENT, HOST_ANSWER, SOCKET_UNREACHABLE, CONNECTION_LOST
 */
export function listProject(connection: HostConnection, project: string, options: EngineOptions): Promise<unknown> {
  const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] });
  return askEngine(connection, `/containers/json?${new URLSearchParams({ all: "true", filters }).toString()}`, options);
}

/** Asks the engine of a host over the existing connection. Redirects are not followed. */
async function askEngine(connection: HostConnection, path: string, options: EngineOptions): Promise<unknown> {
  const { signal, socket = defaultSocket, timeout = 60_000 } = options;
  const { host } = connection;
  signal.throwIfAborted();
  const answer = Promise.withResolvers<Buffer>();
  const onAbort = () => answer.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const deadline = setTimeout(() => answer.reject(silenceError(host, timeout)), timeout);
  let stream: Duplex | undefined;
  try {
    stream = await connection.openSocket(socket);
    stream.on("error", answer.reject);
    const asked = request({ path, headers: { host: "docker", connection: "close" }, createConnection: () => asSocket(stream!) });
    asked.on("error", answer.reject);
    asked.on("response", (response) => collect(response, host, answer));
    asked.end();
    return readJson(host, "its Docker daemon's answer", (await answer.promise).toString("utf8"));
  } catch (error) {
    if (error instanceof ColdtivateError || error === signal.reason) throw error;
    throw unreadable(host, `its Docker daemon says ${plainWords(error instanceof Error ? error.message : String(error)).slice(0, 200)}`);
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener("abort", onAbort);
    stream?.destroy();
  }
}

function collect(response: IncomingMessage, host: string, { resolve, reject }: PromiseWithResolvers<Buffer>): void {
  const chunks: Buffer[] = [];
  let said = 0;
  response.on("data", (chunk: Buffer) => {
    said += chunk.length;
    if (said <= mostSaid) chunks.push(chunk);
    else reject(excessError(host, new TooMuch(mostSaid)));
  });
  response.on("error", reject);
  response.on("end", () => {
    const body = Buffer.concat(chunks);
    if (response.statusCode === 200) return resolve(body);
    reject(new Error(`${response.statusCode} ${body.toString("utf8", 0, 200)}`));
  });
}

/** A channel has none of the socket methods that an HTTP client calls to keep a connection alive. */
function asSocket(stream: Duplex): Duplex {
  const nothing = () => stream;
  return Object.assign(stream, { setKeepAlive: nothing, setTimeout: nothing, setNoDelay: nothing, ref: nothing, unref: nothing });
}
