import dns from "node:dns";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as open, createServer, type Server } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { connect, type ConnectOptions } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { HostConfig } from "../../../src/lib/config/schema/config.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { makeKeyFile, realHost, startSshd } from "./real-sshd.ts";
import { listen } from "./ssh-server.ts";
import { directory, giveEachTestADirectory, hostAt, serve } from "./ssh-fixture.ts";

giveEachTestADirectory();

const pauses = [1, 1];

/** What goes wrong while a connection is set up: the message of one error, or that it works. */
async function outcome(host: HostConfig, options: ConnectOptions = {}): Promise<string> {
  try {
    await using connection = await connect(host, { pauses, ...options });
    return `works with ${connection.host}`;
  } catch (error) {
    if (!(error instanceof ColdtivateError)) throw error;
    expect(error).toMatchObject({
      code: expect.stringMatching(/^HOST_/) as string,
      exit: "refused",
      hint: expect.stringMatching(/\S/) as string,
    });
    return error.message;
  }
}

/** Passes connections on to a server; each is cut once so many bytes have come back, as long as there are cuts. */
async function startCuttingProxy(port: number, cuts: number[]): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => {
    const cut = cuts.shift();
    const other = open(port, "127.0.0.1");
    let left = cut ?? Infinity;
    for (const end of [socket, other]) end.on("error", () => {});
    socket.on("close", () => other.destroy());
    if (left === 0) socket.resetAndDestroy();
    else socket.pipe(other);
    other.on("data", (chunk: Buffer) => {
      socket.write(chunk.subarray(0, Math.min(chunk.length, left)));
      left -= chunk.length;
      if (left <= 0) socket.end(() => socket.destroy());
    });
    other.on("close", () => socket.destroy());
  });
  return { port: await listen(server), server };
}

test("a connection that drops at any byte while it is set up is one clear sentence", async () => {
  await using server = await serve();
  const places = [0, 1, 15, 30, 60, 200, 500, 800, 1000, 1100, 1200, 1250, 1300, 1350];
  const outcomes = await Promise.all(
    places.map(async (place) => {
      const cutter = await startCuttingProxy(server.port, Array<number>(3).fill(place));
      const said = await outcome(hostAt(cutter));
      cutter.server.close();
      return said;
    }),
  );
  for (const said of outcomes)
    expect(said).toMatch(
      /^(works with 127\.0\.0\.1|127\.0\.0\.1: cannot connect: it closed the connection (at once|while it was to let us in), 3 times)$/,
    );
  expect(outcomes[0]).toContain("at once");
});

test("a connection that drops twice works the third time", async () => {
  await using server = await serve();
  for (const place of [0, 30, 600]) {
    const cutter = await startCuttingProxy(server.port, [place, place]);
    expect(await outcome(hostAt(cutter))).toBe("works with 127.0.0.1");
    cutter.server.close();
  }
});

test("MaxStartups that leaves no room now leaves some later", async () => {
  const key = await makeKeyFile(directory, "key");
  await using sshd = await startSshd(directory, { authorized: [key.public], lines: ["MaxStartups 1:100:1"] });
  const holder = open(sshd.port, "127.0.0.1");
  await once(holder, "data");
  const host = realHost(sshd, await readFile(key.path, "utf8"));
  expect(await outcome(host, { pauses: [] })).toBe("127.0.0.1: cannot connect: it closed the connection at once, once");
  const connecting = outcome(host, { pauses: Array<number>(2000).fill(5) });
  await vi.waitFor(() => expect(sshd.log().match(/drop connection/g)?.length).toBeGreaterThan(1), { timeout: 30_000 });
  holder.destroy();
  expect(await connecting).toBe("works with 127.0.0.1");
});

test("what a server says before it hangs up is passed on, without what a terminal would obey", async () => {
  const server = createServer((socket) => socket.end("Not allowed at this time\u001B[2J\r\n"));
  const port = await listen(server);
  const refusal = await connect(hostAt({ port }), { pauses }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "HOST_UNREACHABLE", details: ["it said: Not allowed at this time [2J"] });
  server.close();
});

test("what does not speak SSH is said not to", async () => {
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const port = await listen(server);
  const refusal = await connect(hostAt({ port }), { pauses }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "HOST_UNREACHABLE", details: [expect.stringContaining("it said: HTTP/1.1 400 Bad Request")] });
  const noise = createServer((socket) => socket.on("error", () => {}).write(Buffer.alloc(70_000, "SSH-1.0-old\r\n")));
  expect(await outcome(hostAt({ port: await listen(noise) }))).toMatch(/it does not speak SSH as we do|closed the connection/);
  noise.close();
  server.close();
});

type Lookup = (name: string, options: object, done: (error: Error | null, addresses?: unknown, family?: number) => void) => void;

function lookUp(how: Lookup): void {
  vi.spyOn(dns, "lookup").mockImplementation(how as never);
}

const fakeTimers = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a name server that is slow is waited for, longer than a host is", async () => {
  await using server = await serve();
  const asked = Promise.withResolvers<() => void>();
  lookUp((_name, _options, done) => asked.resolve(() => done(null, [{ address: "127.0.0.1", family: 4 }])));
  fakeTimers();
  const connecting = outcome(hostAt(server, { host: "slow.example.com" }));
  const answer = await asked.promise;
  await vi.advanceTimersByTimeAsync(25_000);
  answer();
  expect(await connecting).toBe("works with slow.example.com");
});

test.each([
  ["EAI_AGAIN", "prod.example.com: its name cannot be looked up: the name server does not answer"],
  ["ENOTFOUND", "prod.example.com: there is no host of this name"],
])("a name server that answers %s is one clear sentence", async (code, message) => {
  lookUp((_name, _options, done) => done(Object.assign(new Error(`getaddrinfo ${code}`), { code })));
  expect(await outcome(hostAt({ port: 22 }, { host: "prod.example.com" }))).toBe(message);
});

test("a name server that says nothing is given up", async () => {
  lookUp(() => {});
  fakeTimers();
  const connecting = outcome(hostAt({ port: 22 }, { host: "prod.example.com" }));
  await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await connecting).toBe("prod.example.com: its name cannot be looked up: the name server does not answer");
});

test("a host that lets nobody in for long is given up", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await serve({ onAuthentication: () => asked.resolve() });
  fakeTimers();
  const connecting = outcome(hostAt(server));
  await asked.promise;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await connecting).toBe(`127.0.0.1: cannot connect: it did not let us in within 30 s (127.0.0.1 port ${server.port})`);
});
