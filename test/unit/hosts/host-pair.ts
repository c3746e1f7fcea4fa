import type { ServerChannel } from "ssh2";
import { connect, type HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { ExecOptions } from "../../../src/lib/adapters/ssh/ssh-channel.ts";
import { mark } from "../../../src/lib/adapters/ssh/remote-shell.ts";
import { hostAt, serve } from "../adapters/ssh-fixture.ts";
import { questions, honestAnswers, type Question, type HostAnswer, type HostAnswers } from "./host-answers.ts";

/** What a host was sent. */
export interface ReceivedCommand {
  command: string;
  input: Buffer;
}

export interface HostPair extends AsyncDisposable {
  /** A host that forges answers, and an honest one. */
  connections: HostConnection[];
  /** Sets what both hosts answer, what the first one answers instead, and within how many milliseconds it has to. */
  answerWith(honest: HostAnswers, forged: Partial<HostAnswers>, within?: number): void;
  /** Everything that the honest host was sent since then. */
  received: ReceivedCommand[];
  /** Bytes of endless answers that the forging host has sent. */
  readonly sentBytes: number;
}

/** Two hosts in this process, of which the first one forges answers. */
export async function startHostPair(): Promise<HostPair> {
  const received: ReceivedCommand[] = [];
  const answersByHost = [honestAnswers, honestAnswers];
  let sentBytes = 0;
  let limits: Partial<Record<string, number>> = {};
  const servers = await Promise.all(
    [0, 1].map((index) => {
      const count = (bytes: number) => void (sentBytes += bytes);
      return serve({
        onExec: (command, channel) =>
          answer({ command, channel, answers: answersByHost[index]!, asked: index === 1 ? received : [], count }),
        onSocket: (_path, channel) => void channel.once("data", () => send(channel, answersByHost[index]!.engine, count)),
      });
    }),
  );
  const connections = await Promise.all(servers.map((server) => connect(hostAt(server))));
  return {
    connections: connections.map((connection, index) =>
      asHost(connection, index === 0 ? "forging" : "honest", (question) => (index === 0 ? limits[question] : undefined)),
    ),
    answerWith(honest, forged, within) {
      limits = within === undefined ? {} : Object.fromEntries(Object.keys(forged).map((question) => [question, within]));
      received.length = 0;
      sentBytes = 0;
      answersByHost.splice(0, 2, { ...honest, ...forged }, honest);
    },
    received,
    get sentBytes() {
      return sentBytes;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection.close()));
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

/**
 * Both listen on the loopback.
 * @param limitOf how long the host has for a question
 */
function asHost(connection: HostConnection, host: string, limitOf: (question: string) => number | undefined): HostConnection {
  const limit = (command: string, options: ExecOptions = {}): ExecOptions => {
    const timeout = limitOf(questionIn(command));
    return { ...options, ...(timeout === undefined ? {} : { timeout, sends: 0 }) };
  };
  return {
    host,
    exec: (command, options) => connection.exec(command, limit(command, options)),
    startAhead(command) {
      const ahead = connection.startAhead(command);
      return { exec: (options) => ahead.exec(limit(command, options)) };
    },
    reconnect: async (options) => asHost(await connection.reconnect(options), host, limitOf),
    openSocket: (path) => connection.openSocket(path),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function questionIn(command: string): Question {
  const [question] = Object.entries(questions).find(([, pattern]) => pattern.test(command)) ?? [];
  if (question === undefined) throw new Error(`nobody knows what this asks: ${command.slice(-200)}`);
  return question as Question;
}

interface Asked {
  command: string;
  channel: ServerChannel;
  answers: HostAnswers;
  asked: ReceivedCommand[];
  count: (bytes: number) => void;
}

function answer({ command, channel, answers, asked, count }: Asked): void {
  const entry = { command, input: Buffer.alloc(0) };
  asked.push(entry);
  channel.on("data", (chunk: Buffer) => (entry.input = Buffer.concat([entry.input, chunk])));
  channel.on("error", () => {});
  channel.write(mark);
  send(channel, answers[questionIn(command)], count);
}

function send(channel: ServerChannel, answered: HostAnswer, count: (bytes: number) => void): void {
  const {
    stdout = "",
    stderr = "",
    code = 0,
    isEndless = false,
    isSilent = false,
  } = typeof answered === "string" ? { stdout: answered } : answered;
  const end = () => {
    channel.exit(code);
    channel.end();
  };
  if (stderr !== "") channel.stderr.write(stderr);
  const more = (): void => {
    let isRoom = true;
    while (isRoom && !channel.destroyed && !channel.writableEnded) {
      count(stdout.length);
      isRoom = channel.write(stdout);
    }
    if (!isRoom) channel.once("drain", more);
  };
  if (isEndless) more();
  if (isEndless) return;
  channel.write(stdout);
  if (!isSilent) end();
}
