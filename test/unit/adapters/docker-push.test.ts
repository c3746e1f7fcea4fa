import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { openLocalDocker } from "../../../src/lib/adapters/docker/docker-local.ts";
import { inspectImage, pushImage } from "../../../src/lib/adapters/docker/docker-push.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import type { PushRecord } from "../../../src/lib/images/push-layers.ts";

const credentials = { username: "robot", password: new Secret("pass-word-1") };
const name = "r.example.com/shop/web:main";
const { signal } = new AbortController();

afterEach(() => vi.unstubAllEnvs());

/** An engine in this process, behind a `docker system dial-stdio` that carries bytes to it. */
async function serveEngine(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-engine-"));
  const socket = join(directory, "engine.sock");
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const client = `#!${process.execPath}
if (process.argv.slice(2).join(" ") !== "system dial-stdio") process.exit(64);
const connection = require("node:net").connect(${JSON.stringify(socket)});
process.stdin.pipe(connection).pipe(process.stdout);
`;
  writeFileSync(join(directory, "docker"), client, { mode: 0o755 });
  vi.stubEnv("PATH", `${directory}${delimiter}${process.env["PATH"]}`);
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  };
}

async function push(lines: object[]) {
  const headers: string[] = [];
  const close = await serveEngine((request, response) => {
    headers.push(String(request.headers["x-registry-auth"]), request.url ?? "");
    response.writeHead(200);
    for (const line of lines) response.write(`${JSON.stringify(line)}\r\n`);
    response.end();
  });
  const records: PushRecord[] = [];
  const outcome = await pushImage(openLocalDocker(), name, { credentials, signal, onRecord: (record) => records.push(record) }).catch(
    (error: unknown) => error,
  );
  await close();
  return { outcome, records, headers };
}

test("a push goes through the engine, with the credentials in a header of it", async () => {
  const { outcome, records, headers } = await push([
    { status: "The push refers to repository" },
    { id: "aaaaaaaaaaaa", status: "Pushing", progressDetail: { current: 1, total: 2 } },
    { progressDetail: {}, aux: { Tag: "main", Digest: "sha256:1f", Size: 1 } },
  ]);
  expect(outcome).toBeUndefined();
  expect(records).toHaveLength(3);
  expect(records[1]).toEqual({ id: "aaaaaaaaaaaa", status: "Pushing", progressDetail: { current: 1, total: 2 } });
  expect(JSON.parse(Buffer.from(headers[0] ?? "", "base64url").toString())).toMatchObject({
    username: "robot",
    password: "pass-word-1",
    serveraddress: "r.example.com",
  });
  expect(headers[1]).not.toContain("pass-word-1");
});

test.each([
  ["unauthorized: authentication required", "REGISTRY_UNAUTHORIZED"],
  ["denied: requested access to the resource is denied", "REGISTRY_DENIED"],
  ["push access denied, repository does not exist or may require authorization: insufficient_scope", "REGISTRY_DENIED"],
  ["dial tcp 10.0.0.1:5000: connect: connection refused", "REGISTRY_UNREACHABLE"],
  ["received unexpected HTTP status: 503 Service Unavailable", "REGISTRY_UNREACHABLE"],
  [
    'Head "https://r.example.com/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    "REGISTRY_UNREACHABLE",
  ],
  ['Get "https://r.example.com/v2/": http: server gave HTTP response to HTTPS client', "REGISTRY_UNREACHABLE"],
  ["something else", "PUSH_FAILED"],
])("a push that ends with %j is %s", async (error, code) => {
  const { outcome } = await push([{ status: "x" }, { errorDetail: { message: error }, error }]);
  expect(outcome).toMatchObject({ code, exit: "failed", details: [error] });
});

test("an image is known by its id and the digests that it goes by; one that is not there is undefined", async () => {
  const close = await serveEngine((request, response) => {
    if (!request.url?.includes("web")) return response.writeHead(404).end(JSON.stringify({ message: "No such image" }));
    return response.end(JSON.stringify({ Id: "sha256:1f", RepoDigests: ["r.example.com/shop/web@sha256:2f"] }));
  });
  const docker = openLocalDocker();
  expect(await inspectImage(docker, name)).toEqual({ id: "sha256:1f", digests: ["sha256:1f", "sha256:2f"] });
  expect(await inspectImage(docker, "r.example.com/shop/api:main")).toBeUndefined();
  await close();
});

test("an engine that does not answer is an error with the client's own words", async () => {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-engine-"));
  writeFileSync(join(directory, "docker"), "#!/bin/sh\necho 'dial unix /x: no such file' >&2\nexit 1\n", { mode: 0o755 });
  vi.stubEnv("PATH", `${directory}${delimiter}${process.env["PATH"]}`);
  await expect(inspectImage(openLocalDocker(), name)).rejects.toMatchObject({
    code: "DOCKER_UNREACHABLE",
    details: [expect.stringContaining("dial unix /x: no such file")],
  });
  rmSync(directory, { recursive: true });
});

test("an engine that goes away in the middle of a push is no success", async () => {
  const close = await serveEngine((request, response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write(`${JSON.stringify({ status: "x" })}\r\n`, () => request.socket.destroy());
  });
  const run = pushImage(openLocalDocker(), name, { credentials, signal, onRecord: () => {} });
  await expect(run).rejects.toMatchObject({ code: "PUSH_FAILED", exit: "failed" });
  await close();
});
