import { spawn } from "node:child_process";
import { connect, isIP } from "node:net";
import { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { environmentOfSsh } from "./route/ssh-config.ts";
import { StageError } from "./ssh-stage.ts";

/** A transport for bytes to a host. */
export interface Transport {
  stream: Duplex;
  /** The last output of a program in between, for errors. */
  said?: () => string;
}

export interface TransportOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds until the connection must be there. */
  timeout: number;
}

/** A resolver asks several servers, several times each: Debian's gives up after 20 s for two of them. */
const namePatience = 30_000;

/** Node.js gives each of a name's addresses only 250 ms, too little for a distant one to answer. */
const addressPatience = 3000;

/**
 * Opens a TCP connection.
 * @throws StageError
 */
export async function openSocket(host: string, port: number, { signal, timeout }: TransportOptions): Promise<Transport> {
  const socket = connect({ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: Math.min(addressPatience, timeout) });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = (stage: "name" | "connect", after: number) => setTimeout(() => reject(new StageError(stage, "timeout", after)), after);
  let timer = isIP(host) === 0 ? giveUp("name", namePatience) : giveUp("connect", timeout);
  socket.once("lookup", () => {
    clearTimeout(timer);
    timer = giveUp("connect", timeout);
  });
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  socket.once("connect", resolve);
  socket.once("error", (cause) => reject(new StageError("connect", cause)));
  try {
    signal?.throwIfAborted();
    await promise;
    return { stream: socket };
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * Lets a host that we are logged in to forward bytes.
 * @throws StageError
 */
export async function openForward(client: Client, host: string, port: number, { signal, timeout }: TransportOptions): Promise<Transport> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  let isSettled = false;
  const timer = setTimeout(() => reject(new StageError("forward", "timeout", timeout)), timeout);
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    client.forwardOut("127.0.0.1", 0, host, port, (cause, channel) => {
      if (cause) return reject(new StageError("forward", cause));
      channel.on("error", () => {});
      // Too late: nobody waits for it any more.
      if (isSettled) channel.close();
      resolve(channel);
    });
    return { stream: await promise };
  } catch (error) {
    throw error instanceof Error && error.message === "Not connected" ? new StageError("forward", error) : error;
  } finally {
    isSettled = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Runs a shell command whose input and output are the connection, as in ProxyCommand. */
export function openCommand(command: string): Transport {
  const shell = process.env["SHELL"] || "/bin/sh";
  const child = spawn(shell, ["-c", `exec ${command}`], { stdio: ["pipe", "pipe", "pipe"], env: environmentOfSsh() });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-1000)));
  const stream = new Duplex({
    read: () => child.stdout.resume(),
    write: (chunk, _encoding, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdout.on("data", (chunk) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.once("error", (cause) => stream.destroy(cause));
  // All of its output is available only now.
  child.once("close", () => {
    stream.push(null);
    stream.destroy();
  });
  for (const part of [child.stdin, child.stdout, child.stderr]) part.on("error", () => {});
  return { stream, said: () => said.trim() };
}
