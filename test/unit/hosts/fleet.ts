import type { ServerChannel } from "ssh2";
import { connect, type HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import type { ExecOptions } from "../../../src/lib/adapters/ssh/ssh-channel.ts";
import { mark } from "../../../src/lib/adapters/ssh/remote-shell.ts";
import { hostAt, serve } from "../adapters/ssh-world.ts";
import { questions, truth, type Question, type Saying, type Telling } from "./answers.ts";

/** What a host was sent. */
export interface Heard {
  command: string;
  input: Buffer;
}

export interface Fleet extends AsyncDisposable {
  /** The liar, and an honest host. */
  connections: HostConnection[];
  /** Begins anew: what both say, what the liar says instead, and in how many milliseconds it has to. */
  tell(truths: Telling, lies: Partial<Telling>, within?: number): void;
  /** All that the honest host was sent since. */
  heard: Heard[];
  /** Bytes of what has no end that the liar has got rid of. */
  readonly said: number;
}

/** Two hosts in this process, of which the first one says what it likes. */
export async function startFleet(): Promise<Fleet> {
  const heard: Heard[] = [];
  const tellings = [truth, truth];
  let said = 0;
  let limits: Partial<Record<string, number>> = {};
  const servers = await Promise.all(
    [0, 1].map((index) => {
      const count = (bytes: number) => void (said += bytes);
      return serve({
        onExec: (command, channel) => answer({ command, channel, telling: tellings[index]!, asked: index === 1 ? heard : [], count }),
        onSocket: (_path, channel) => void channel.once("data", () => speak(channel, tellings[index]!.engine, count)),
      });
    }),
  );
  const connections = await Promise.all(servers.map((server) => connect(hostAt(server))));
  return {
    connections: connections.map((connection, index) =>
      asHost(connection, index === 0 ? "liar" : "honest", (question) => (index === 0 ? limits[question] : undefined)),
    ),
    tell(truths, lies, within) {
      limits = within === undefined ? {} : Object.fromEntries(Object.keys(lies).map((question) => [question, within]));
      heard.length = 0;
      said = 0;
      tellings.splice(0, 2, { ...truths, ...lies }, truths);
    },
    heard,
    get said() {
      return said;
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
  telling: Telling;
  asked: Heard[];
  count: (bytes: number) => void;
}

function answer({ command, channel, telling, asked, count }: Asked): void {
  const entry = { command, input: Buffer.alloc(0) };
  asked.push(entry);
  channel.on("data", (chunk: Buffer) => (entry.input = Buffer.concat([entry.input, chunk])));
  channel.on("error", () => {});
  channel.write(mark);
  speak(channel, telling[questionIn(command)], count);
}

function speak(channel: ServerChannel, saying: Saying, count: (bytes: number) => void): void {
  const {
    stdout = "",
    stderr = "",
    code = 0,
    isEndless = false,
    isSilent = false,
  } = typeof saying === "string" ? { stdout: saying } : saying;
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
