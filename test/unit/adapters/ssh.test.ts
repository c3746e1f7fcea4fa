import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { execa, execaSync } from "execa";
import { expect, test } from "vitest";
import { bash } from "../../../src/lib/adapters/ssh/remote-shell.ts";
import { connect, type AheadCommand } from "../../../src/lib/adapters/ssh/ssh.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { listen } from "./ssh-server.ts";
import { directory, fingerprint, giveEachTestADirectory, hostAt, otherKey, serve, userKey } from "./ssh-fixture.ts";

giveEachTestADirectory();

test("a command's output, lines and exit code come back", async () => {
  await using server = await serve({
    onExec(command, channel) {
      channel.write(`ran ${command}\nön`);
      channel.stderr.write("a word\n");
      channel.write("e\nlast");
      channel.exit(7);
      channel.end();
    },
  });
  await using connection = await connect(hostAt(server));
  const lines: string[] = [];
  expect(await connection.exec("date")).toEqual({ code: 7, stdout: Buffer.from("ran date\nöne\nlast"), stderr: "a word\n" });
  const { code, stdout } = await connection.exec("date", { onLine: (line) => lines.push(line) });
  expect([code, stdout.length]).toEqual([7, 0]);
  expect(lines).toEqual(["ran date", "öne", "last"]);
});

/** Runs commands as a host does whose user's shell says something at its start. */
const withLoginBanner = (banner: string) =>
  serve({
    onExec(command, channel) {
      channel.write(banner);
      const { stdout, exitCode } = execaSync("sh", ["-c", command], { reject: false, stripFinalNewline: false });
      for (const byte of Buffer.from(stdout)) channel.write(Buffer.of(byte));
      channel.exit(exitCode ?? 1);
      channel.end();
    },
  });

test.each(["Welcome to shop!\n", "no line", ""])("what a shell's start-up file prints is not the command's output: %j", async (banner) => {
  await using server = await withLoginBanner(banner);
  await using connection = await connect(hostAt(server));
  const lines: string[] = [];
  const command = bash('printf "one\\ntwo"; exit 4');
  await connection.exec(command, { onLine: (line) => lines.push(line) });
  const { code, stdout } = await connection.exec(command);
  expect([code, stdout.toString(), lines]).toEqual([4, "one\ntwo", ["one", "two"]]);
});

test.each([
  ["This account is currently not available.\n", 1, "login shell runs no commands"],
  ["This service allows sftp connections only.\n", 1, "something else runs there"],
  ["Have a nice day.\n", 0, "something else runs there"],
  ["", 1, "login shell runs no commands"],
])("what says %j in place of a command is named", async (said, code, message) => {
  await using server = await serve({
    onExec(_command, channel) {
      channel.write(said);
      channel.exit(code);
      channel.end();
    },
  });
  await using connection = await connect(hostAt(server));
  await expect(connection.exec(bash("true"))).rejects.toMatchObject({
    code: "LOGIN_SHELL_REFUSES",
    exit: "refused",
    message: expect.stringContaining(message) as string,
    details: said === "" ? [] : [said.trim()],
  });
});

test("a command that a signal ends has a shell's exit code", async () => {
  await using server = await serve({
    onExec(_command, channel) {
      channel.exit("KILL", false, "");
      channel.end();
    },
  });
  await using connection = await connect(hostAt(server));
  expect((await connection.exec("x")).code).toBe(137);
});

test.each(["buffer", "stream"])("what a command reads arrives: a %s", async (kind) => {
  const content = Buffer.alloc(3_000_000, "0123456789abcdef");
  await using server = await serve({
    async onExec(_command, channel) {
      const chunks: Buffer[] = [];
      for await (const chunk of channel) chunks.push(Buffer.from(chunk));
      channel.write(String(Buffer.concat(chunks).equals(content)));
      channel.exit(0);
      channel.end();
    },
  });
  await using connection = await connect(hostAt(server));
  const { stdout } = await connection.exec("cat", { stdin: kind === "buffer" ? content : Readable.from([content]) });
  expect(stdout.toString()).toBe("true");
});

test("a command that ends without reading its input is no error", async () => {
  await using server = await serve({
    onExec(_command, channel) {
      channel.exit(3);
      channel.close();
    },
  });
  await using connection = await connect(hostAt(server));
  expect((await connection.exec("true", { stdin: Buffer.alloc(5_000_000) })).code).toBe(3);
});

test("a connection that drops while a command runs is lost, not an exit code", async () => {
  await using server = await serve({ onExec: () => server.drop() });
  const connection = await connect(hostAt(server));
  await expect(connection.exec("sleep 60")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await expect(connection.exec("true")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await connection.close();
});

test("a command whose channel closes without an exit status is lost", async () => {
  await using server = await serve({ onExec: (_command, channel) => channel.close() });
  await using connection = await connect(hostAt(server));
  await expect(connection.exec("x")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
});

test("an aborted command is told to stop and no longer waited for", async () => {
  const controller = new AbortController();
  await using server = await serve({
    onExec() {
      controller.abort(new Error("stop"));
    },
  });
  await using connection = await connect(hostAt(server));
  await expect(connection.exec("sleep 60", { signal: controller.signal })).rejects.toThrow("stop");
});

test.each(["another way", "ahead of time"])("a command that is given up while it starts does not run on: started %s", async (way) => {
  const ended = Promise.withResolvers<string>();
  let openSession = () => {};
  const asked = Promise.withResolvers<void>();
  await using server = await serve({
    onSession(take) {
      openSession = take;
      asked.resolve();
    },
    onExec(_command, channel) {
      channel.on("close", () => ended.resolve("ended"));
      channel.resume();
    },
  });
  await using connection = await connect(hostAt(server));
  const controller = new AbortController();
  const command = way === "ahead of time" ? connection.startAhead("sleep 60") : undefined;
  const { signal } = controller;
  const running = command === undefined ? connection.exec("sleep 60", { signal }) : command.exec({ signal });
  await asked.promise;
  controller.abort(new Error("stop"));
  await expect(running).rejects.toThrow("stop");
  openSession();
  expect(await ended.promise).toBe("ended");
});

test("a command that waits gets its input, and runs anew if it is used again or had to make room", async () => {
  let running = 0;
  const commands: string[] = [];
  await using server = await serve({
    onSession: (take, refuse) => (running < 1 ? take() : refuse()),
    onExec(command, channel) {
      running++;
      commands.push(command);
      channel.on("data", (chunk: Buffer) => channel.write(chunk));
      channel.on("end", () => {
        running--;
        channel.exit(0);
        channel.end();
      });
    },
  });
  await using connection = await connect(hostAt(server));
  const saidTo = async (command: AheadCommand, text: string) => (await command.exec({ stdin: Buffer.from(text) })).stdout.toString();
  const first = connection.startAhead("first");
  expect(await saidTo(first, "once")).toBe("once");
  expect(await saidTo(first, "again")).toBe("again");
  const second = connection.startAhead("second");
  await expect.poll(() => commands).toEqual(["first", "first", "second"]);
  expect((await connection.exec("third", { stdin: Buffer.from("x") })).stdout.toString()).toBe("x");
  expect(await saidTo(second, "late")).toBe("late");
  expect(commands).toEqual(["first", "first", "second", "third", "second"]);
});

test("a host that still counts a session which has ended is asked again", async () => {
  let sessions = 0;
  await using server = await serve({
    onSession: (take, refuse) => (++sessions === 1 || sessions > 3 ? take() : refuse()),
    onExec(_command, channel) {
      channel.exit(0);
      channel.end();
    },
  });
  await using connection = await connect(hostAt(server));
  expect((await connection.exec("true")).code).toBe(0);
  expect((await connection.exec("true")).code).toBe(0);
  expect(sessions).toBe(4);
});

test("a host that opens no session is an error of its own, and so is a connection that has just ended", async () => {
  await using server = await serve({ onSession: (_take, refuse) => refuse() });
  const connection = await connect(hostAt(server));
  await expect(connection.exec("true")).rejects.toMatchObject({ code: "SSH_SESSION_REFUSED", exit: "refused" });
  await expect(connection.openSocket("/run/x.sock")).rejects.toMatchObject({ code: "SOCKET_UNREACHABLE" });
  const closing = connection.close();
  await expect(connection.exec("true")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await expect(connection.openSocket("/run/x.sock")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  await closing;
});

test("a host that stops answering is lost", async () => {
  await using server = await serve({ onExec: () => server.freeze() });
  const connection = await connect(hostAt(server), { patience: 300 });
  await expect(connection.exec("sleep 60")).rejects.toMatchObject({ code: "CONNECTION_LOST", message: /no longer answers/ });
  await connection.close();
});

test("a key that the host does not let in is named by its fingerprint", async () => {
  await using server = await serve({ authorized: [otherKey.public] });
  const refused = await connect(hostAt(server)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "SSH_AUTHENTICATION_FAILED", exit: "refused", message: "127.0.0.1: it does not let deploy in" });
  expect(JSON.stringify(refused)).toContain(fingerprint(userKey));
});

test("a key that cannot be used is an error before anything is sent", async () => {
  await using server = await serve();
  const encrypted = join(directory, "key");
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "a passphrase", "-f", encrypted]);
  const failure = async (key: string) => {
    const error = await connect(hostAt(server, { privateKey: new Secret(key) })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "SSH_KEY_INVALID", exit: "refused" });
    return String(error);
  };
  expect(await failure(await readFile(encrypted, "utf8"))).toContain("encrypted");
  expect(await failure(await readFile(`${encrypted}.pub`, "utf8"))).toContain("public key");
  expect(await failure("nonsense")).toContain("no private key");
  expect(server.connections).toBe(0);
});

test("a host that refuses, one that says nothing and one that does not exist are three errors", async () => {
  const closed = createServer();
  const port = await listen(closed);
  closed.close();
  await once(closed, "close");
  await expect(connect(hostAt({ port }))).rejects.toMatchObject({ code: "HOST_UNREACHABLE", message: /refused/ });
  await expect(connect(hostAt({ port }, { host: "no-such-host.invalid" }))).rejects.toMatchObject({ code: "HOST_UNKNOWN" });

  const silent = createServer();
  const silentPort = await listen(silent);
  const slow = connect(hostAt({ port: silentPort }), { timeout: 200 });
  await expect(slow).rejects.toMatchObject({ code: "HOST_UNREACHABLE", message: /no answer within 0.2 s/ });
  silent.close();
});

test("connecting ends when it is aborted", async () => {
  const silent = createServer();
  const port = await listen(silent);
  const controller = new AbortController();
  const connecting = connect(hostAt({ port }), { signal: controller.signal });
  setImmediate(() => controller.abort(new Error("stop")));
  await expect(connecting).rejects.toThrow("stop");
  silent.close();
});

test("without a configured key the ssh-agent's keys count", async () => {
  const { stdout } = await execa("ssh-agent", ["-s"]);
  const [, socket] = /SSH_AUTH_SOCK=([^;]+)/.exec(stdout)!;
  const [, pid] = /SSH_AGENT_PID=(\d+)/.exec(stdout)!;
  const { SSH_AUTH_SOCK: before, HOME: home } = process.env;
  try {
    await execa("ssh-add", ["-q", "-"], { input: userKey.private, env: { SSH_AUTH_SOCK: socket } });
    Object.assign(process.env, { SSH_AUTH_SOCK: socket, HOME: directory });
    await using server = await serve();
    const { privateKey: _none, ...host } = hostAt(server);
    await using connection = await connect(host);
    expect(connection.host).toBe("127.0.0.1");

    process.env.SSH_AUTH_SOCK = join(directory, "dead");
    await expect(connect(host)).rejects.toMatchObject({ code: "SSH_KEY_MISSING" });
  } finally {
    process.kill(Number(pid));
    Object.assign(process.env, { SSH_AUTH_SOCK: before, HOME: home });
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
  }
});

test("a host that never lets a command run is silent, and so is one that runs it without a word", async () => {
  await using deaf = await serve();
  await using connection = await connect(hostAt(deaf), { openWithin: 50 });
  await expect(connection.exec("true")).rejects.toMatchObject({ code: "HOST_SILENT", exit: "refused" });
  await using mute = await serve({ onExec: () => {} });
  await using other = await connect(hostAt(mute));
  await expect(other.exec("true", { timeout: 50 })).rejects.toMatchObject({ code: "HOST_SILENT" });
});
