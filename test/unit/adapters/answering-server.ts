import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import { join } from "node:path";

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A server in this process. */
export interface AnsweringServer extends AsyncDisposable {
  /** With its port. */
  host: string;
  /** Requests so far: method and path. */
  requests: string[];
  /** What each of them brought along to say who asks. */
  authorizations: (string | undefined)[];
}

/** A registry in this process that answers as the test says, in plain HTTP. */
export function serve(answer: Answer): Promise<AnsweringServer> {
  return listen(http.createServer(), "127.0.0.1", answer);
}

/**
 * The same over TLS, at an address that nobody speaks plain HTTP to.
 * @param directory of the Docker configuration, which the server's certificate is trusted by
 */
export async function serveTls(directory: string, answer: Answer): Promise<AnsweringServer> {
  const subject = ["-subj", "/CN=registry", "-addext", "subjectAltName=IP:0.0.0.0"];
  const [key, certificate] = ["key.pem", "ca.crt"].map((name) => join(directory, name)) as [string, string];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key];
  execFileSync("openssl", ["req", "-x509", ...kind, ...subject, "-out", certificate], { stdio: "ignore" });
  const server = await listen(https.createServer({ key: readFileSync(key), cert: readFileSync(certificate) }), "0.0.0.0", answer);
  mkdirSync(join(directory, "certs.d", server.host), { recursive: true });
  copyFileSync(certificate, join(directory, "certs.d", server.host, "ca.crt"));
  return server;
}

async function listen(server: http.Server | https.Server, address: string, answer: Answer): Promise<AnsweringServer> {
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`);
    authorizations.push(request.headers.authorization);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  const stop = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    host: `${address}:${typeof bound === "object" ? bound?.port : ""}`,
    requests,
    authorizations,
    [Symbol.asyncDispose]: stop,
  };
}
