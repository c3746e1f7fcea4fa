import { createServer as createHttp2Server, connect as connectHttp2, type ServerHttp2Stream } from "node:http2";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { frontConfig, type FrontSettings } from "../../../src/lib/fronts/front-config.ts";
import { freePort, runFront, until } from "./haproxy.ts";
import { exchange, rawService } from "./raw-http.ts";

const settings: FrontSettings = {
  ports: [{ port: 8000, mode: "http", proxyProtocol: false }],
  containers: 1,
  drain: 30_000,
  requestTimeout: 600_000,
  openPorts: [],
  trustedProxies: [],
  ipv6: false,
  headers: ["X-CamelCase", "X-eXotic"],
};
const ended = (received: string) => received.includes("\r\n\r\n");
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What a service behind a front gets, and what its client does. */
async function through(request: string, response = ok): Promise<{ received: string; answer: string }> {
  await using service = await rawService((received, socket) => {
    if (ended(received)) socket.end(response, "latin1");
  });
  await using front = await runFront(frontConfig(settings), service.port);
  const answer = await exchange(front.port, request);
  return { received: service.received.join(""), answer };
}

describe("a front leaves HTTP as it is:", () => {
  test("the letters of names, in requests and answers, those of the service's own as well", async () => {
    const { received, answer } = await through(
      "GET / HTTP/1.1\r\nHost: shop\r\nUser-Agent: x\r\nX-CSRFToken: 1\r\nX-eXotic: 2\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-CamelCase: yes\r\nETag: 1\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
    );
    for (const line of ["Host: shop", "User-Agent: x", "X-CSRFToken: 1", "X-eXotic: 2"]) expect(received).toContain(`\r\n${line}\r\n`);
    for (const line of ["Content-Type: text/plain", "X-CamelCase: yes", "ETag: 1", "WWW-Authenticate: Basic"])
      expect(answer).toContain(`\r\n${line}\r\n`);
  });

  test("several headers of one name, in their order", async () => {
    const { received, answer } = await through(
      "GET / HTTP/1.1\r\nHost: shop\r\nCookie: a=1\r\nAccept: x\r\nCookie: b=2\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
    );
    expect(received).toMatch(/Cookie: a=1\r\nAccept: x\r\nCookie: b=2/);
    expect(answer).toMatch(/Set-Cookie: a=1\r\nSet-Cookie: b=2/);
  });

  test.each([
    ["raw UTF-8", "/caf\u00c3\u00a9?q=\u00c3\u00bc"],
    ["a fragment", "/page?x=1#part"],
    ["brackets, quotes, backslashes and pipes", '/a[1]{2}|3"4\\5^6`7<8>'],
    ["percent signs that encode nothing", "/100%/%zz"],
    ["dots and doubled slashes", "//a/../b/./c//"],
    ["a whole URL", "http://shop/a"],
    ["an asterisk", "*"],
  ])("a target with %s", async (_name, target) => {
    const method = target === "*" ? "OPTIONS" : "GET";
    const { received, answer } = await through(`${method} ${target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(received.split("\r\n", 1)).toEqual([`${method} ${target} HTTP/1.1`]);
  });

  test("any method", async () => {
    const { received } = await through("PURGE /x HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    expect(received).toMatch(/^PURGE \/x /);
  });

  test("headers of 50 kB, and 400 of them", async () => {
    const many = Array.from({ length: 400 }, (_, index) => `X-N-${index}: ${index}\r\n`).join("");
    const large = `X-Large: ${"x".repeat(50_000)}\r\n`;
    const { received, answer } = await through(
      `GET / HTTP/1.1\r\nHost: shop\r\n${large}${many}Connection: close\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n${large}${many}Content-Length: 0\r\n\r\n`,
    );
    expect(received.length).toBeGreaterThan(50_000);
    expect(received.toLowerCase()).toContain("\r\nx-n-399: 399\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer.toLowerCase()).toContain("\r\nx-n-399: 399\r\n");
  });

  test("values beyond ASCII", async () => {
    const { received, answer } = await through(
      "GET / HTTP/1.1\r\nHost: shop\r\nX-Name: J\u00c3\u00bcrgen\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=\u00fc.txt\r\nContent-Length: 0\r\n\r\n",
    );
    expect(received).toMatch(/x-name: J\u00c3\u00bcrgen/i);
    expect(answer).toContain("filename=\u00fc.txt");
  });

  test("whoever expects 100 Continue gets it from the service, before the body", async () => {
    await using service = await rawService((received, socket) => {
      if (received.endsWith("\r\n\r\n")) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      if (received.endsWith("body")) socket.end(ok);
    });
    await using front = await runFront(frontConfig(settings), service.port);
    const socket = connect(front.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (data) => (answer += String(data)));
    socket.write("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await until(() => answer.includes("100 Continue"));
    expect(service.received[0]).toContain("Expect: 100-continue");
    socket.write("body");
    await until(() => answer.includes("200 OK"));
    socket.destroy();
  });

  test("early hints", async () => {
    const { answer } = await through(
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n",
      `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${ok}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n/);
    expect(answer).toContain("HTTP/1.1 200 OK");
  });

  test("trailers, both ways", async () => {
    await using service = await rawService((received, socket) => {
      if (!/X-Sum: 1\r\n\r\n$/i.test(received)) return;
      socket.end("HTTP/1.1 200 OK\r\nTrailer: X-CamelCase\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-CamelCase: 9\r\n\r\n");
    });
    await using front = await runFront(frontConfig(settings), service.port);
    const answer = await exchange(
      front.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
      (text) => /x-camelcase: 9\r\n\r\n$/i.test(text),
    );
    expect(answer).toMatch(/X-CamelCase: 9\r\n\r\n$/);
    expect(service.received[0]?.toLowerCase()).toContain("te: trailers");
  });

  test("a client of HTTP/1.0, without a Host", async () => {
    const { received, answer } = await through("GET /x HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(received).toMatch(/^GET \/x HTTP\/1\.0\r\n/);
    expect(received).not.toMatch(/^host:/im);
    expect(answer).toMatch(/^HTTP\/1\.[01] 200 OK\r\n[^]*\r\n\r\nok$/);
  });

  test("requests that are sent at once are answered in their order", async () => {
    await using service = await rawService((received, socket) => {
      const path = /^GET (\S+)/.exec(received)?.[1] ?? "";
      if (ended(received)) socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
    });
    await using front = await runFront(frontConfig(settings), service.port);
    const ask = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: shop\r\n${more}\r\n`;
    const answer = await exchange(front.port, ask("/1") + ask("/2") + ask("/3", "Connection: close\r\n"));
    expect(answer.match(/(?<=\r\n\r\n)\/\d/g)).toEqual(["/1", "/2", "/3"]);
  });

  test("an upgrade to anything", async () => {
    await using service = await rawService((received, socket) => {
      if (received.endsWith("\r\n\r\n"))
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello");
      if (received.endsWith("ping")) socket.end("pong");
    });
    await using front = await runFront(frontConfig(settings), service.port);
    const socket = connect(front.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (data) => (answer += String(data)));
    socket.write("POST /containers/x/attach HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    await until(() => answer.endsWith("hello"));
    expect(service.received[0]).toMatch(/Connection: Upgrade\r\n/i);
    socket.write("ping");
    await until(() => answer.endsWith("pong"));
    socket.destroy();
  });

  test("a service is not told that its connection is used for one request", async () => {
    await using service = await rawService((received, socket) => {
      if (ended(received)) socket.end(ok);
    });
    await using front = await runFront(frontConfig(settings), service.port);
    await exchange(front.port, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n", (text) => text.endsWith("ok"));
    expect(service.received[0]).not.toMatch(/^connection:/im);
  });

  test("HTTP/2 without TLS, for clients that begin with it: so gRPC", async () => {
    const service = createHttp2Server().on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(`${String(headers[":path"])} ${String(headers["te"])}`);
    });
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    await using front = await runFront(frontConfig(settings), (service.address() as AddressInfo).port);
    const client = connectHttp2(`http://127.0.0.1:${front.port}`);
    const stream = client.request({ ":method": "POST", ":path": "/pkg.Service/Call", te: "trailers", "content-type": "application/grpc" });
    let trailers = {};
    stream.on("trailers", (given) => (trailers = given));
    stream.end("x");
    const text = Buffer.concat(await stream.toArray()).toString();
    expect(text).toBe("/pkg.Service/Call trailers");
    expect(trailers).toMatchObject({ "grpc-status": "0" });
    client.destroy();
    service.close();
  });

  test("where nothing is behind it, its answer says whose front it is", async () => {
    await using front = await runFront(frontConfig(settings), await freePort());
    const answer = await exchange(front.port, "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n[^]*X-Coldtivate-Front: web\r\n/i);
    expect(answer).toContain("No server is available to handle this request.");
  });
});
