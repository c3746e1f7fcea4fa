import { once } from "node:events";
import { createServer, request, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frontConfig, holdConfig, type FrontSettings } from "../../../src/lib/fronts/front-config.ts";
import { runFront, until } from "./haproxy.ts";

const settings: FrontSettings = {
  ports: [{ port: 8000, mode: "http", proxyProtocol: false }],
  containers: 1,
  drain: 30_000,
  requestTimeout: 600_000,
  openPorts: [],
  headers: [],
  trustedProxies: [],
  ipv6: false,
};
const spoofed = {
  host: "shop.example",
  "x-forwarded-for": "203.0.113.7",
  "x-forwarded-proto": "https",
  "x-forwarded-host": "shop.example",
};

let service: Server;
let port: number;
let served = 0;

beforeAll(async () => {
  service = createServer((asked, response) => {
    served += 1;
    if (asked.url === "/events") {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      return;
    }
    response.end(JSON.stringify(asked.headers));
  });
  service.on("upgrade", (_asked, socket) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
    socket.on("error", () => {}).pipe(socket);
  });
  service.listen(0, "127.0.0.1");
  await once(service, "listening");
  ({ port } = service.address() as AddressInfo);
});

afterAll(() => void service.close());

/** What the service was asked with. */
async function headersThrough(front: number, headers: Record<string, string>): Promise<IncomingHttpHeaders> {
  const asked = request({ port: front, host: "127.0.0.1", headers }).end();
  const [response] = await once(asked, "response");
  return JSON.parse(Buffer.concat(await response.toArray()).toString());
}

describe("a front", () => {
  test("between containers leaves the headers as the gateway wrote them, and adds what is missing", async () => {
    await using front = await runFront(frontConfig(settings), port);
    expect(await headersThrough(front.port, spoofed)).toMatchObject(spoofed);
    expect(await headersThrough(front.port, { host: "base_api:8000" })).toMatchObject({
      host: "base_api:8000",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "base_api:8000",
    });
  });

  test("at a published port says who asks, whatever the client claims", async () => {
    await using front = await runFront(frontConfig({ ...settings, openPorts: [8000] }), port);
    expect(await headersThrough(front.port, { ...spoofed, forwarded: "for=203.0.113.7" })).toEqual(
      expect.objectContaining({ "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": "shop.example" }),
    );
  });

  test("believes a trusted proxy, and appends to what it said", async () => {
    await using front = await runFront(frontConfig({ ...settings, openPorts: [8000], trustedProxies: ["127.0.0.0/8"] }), port);
    expect(await headersThrough(front.port, spoofed)).toMatchObject({
      "x-forwarded-for": "203.0.113.7, 127.0.0.1",
      "x-forwarded-proto": "https",
    });
  });

  test("passes events on as they come, and websockets both ways", async () => {
    await using front = await runFront(frontConfig(settings), port);
    const events = request({ port: front.port, host: "127.0.0.1", path: "/events" }).end();
    const [stream] = await once(events, "response");
    expect(String((await once(stream, "data"))[0])).toBe("data: 1\n\n");
    stream.destroy();
    const handshake = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const upgrade = request({ port: front.port, host: "127.0.0.1", headers: handshake }).end();
    const [, socket] = await once(upgrade, "upgrade");
    socket.write("ping");
    expect(String((await once(socket, "data"))[0])).toBe("ping");
    socket.destroy();
  });

  test("lets requests wait, and through, each once and with its own headers", async () => {
    const held = { ...settings, holdLimit: 20_000, openPorts: [8000] };
    await using front = await runFront(frontConfig(held), port);
    await front.load(holdConfig(held));
    const before = served;
    let answered = 0;
    const waiting = Array.from({ length: 5 }, async () => {
      const headers = await headersThrough(front.port, spoofed);
      answered += 1;
      return headers;
    });
    // Long enough for an answer, had there been one.
    await Promise.race([until(() => answered > 0), wait(500)]);
    expect([answered, served - before]).toEqual([0, 0]);
    await front.load(frontConfig(held));
    await until(() => answered === 5);
    expect(served - before).toBe(5);
    for (const headers of await Promise.all(waiting)) expect(headers["x-forwarded-for"]).toBe("127.0.0.1");
  });
});
