import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { pipeline, type Duplex, type Readable, type Writable } from "node:stream";
import { createServer as createSecureServer } from "node:tls";
import { inject } from "vitest";
import { top } from "./repository.ts";
import { jobEnvironment, must, sandbox } from "./run.ts";

export interface Relay extends AsyncDisposable {
  port: number;
}

/** The other end of a connection. */
interface End {
  readable: Readable;
  writable: Writable;
}

export interface Certificates {
  cert: Buffer;
  key: Buffer;
  /** Who signs the client's. */
  ca: Buffer;
}

/** Passes connections to a port of loopback on to somewhere else; with certificates over TLS, as Docker-in-Docker does. */
export async function relay(open: () => End | Promise<End>, certificates?: Certificates): Promise<Relay> {
  const sockets = new Set<Socket>();
  const connectEnds = async (near: Duplex) => {
    near.on("error", () => {});
    const far = await open();
    pipeline(near, far.writable, () => {});
    pipeline(far.readable, near, () => {});
  };
  const pass = (near: Duplex) => void connectEnds(near).catch(() => near.destroy());
  const server = certificates === undefined ? createServer(pass) : createSecureServer({ ...certificates, requestCert: true }, pass);
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The engine that builds. */
export function openEngine(): End {
  const socket = connect(engineSocket());
  return { readable: socket, writable: socket };
}

/** The path of its socket. */
export function engineSocket(): string {
  return sandbox()["DOCKER_HOST"]!.replace("unix://", "");
}

/** The BuildKit in it, by itself: what a builder of the driver `remote` talks to. */
export async function openBuildKit(): Promise<End> {
  const socket = connect(engineSocket());
  socket.write("POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  let head = Buffer.alloc(0);
  while (!head.includes("\r\n\r\n")) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    head = Buffer.concat([head, chunk]);
  }
  socket.pause();
  if (!head.toString().startsWith("HTTP/1.1 101")) throw new Error(head.toString());
  socket.unshift(head.subarray(head.indexOf("\r\n\r\n") + 4));
  return { readable: socket, writable: socket };
}

/** A builder of the driver `remote`, without an engine: what the environment and the command line need for it. */
export async function useBuildKit(folder: string): Promise<AsyncDisposable & { env: Record<string, string>; builder: string[] }> {
  const buildKit = await relay(openBuildKit);
  const env = { DOCKER_HOST: "unix:///tmp/no-such-docker.sock", BUILDX_CONFIG: join(folder, "buildx") };
  const words = ["buildx", "create", "--name", "far", "--driver", "remote", `tcp://127.0.0.1:${buildKit.port}`];
  await must("docker", words, { env: jobEnvironment(env), extendEnv: false });
  return { env, builder: ["--builder", "far"], [Symbol.asyncDispose]: () => buildKit[Symbol.asyncDispose]() };
}

/** The engine of a host, which keeps images in its own store and not in containerd's. */
export function openHostEngine(): End {
  const words = ["scripts/sandbox.sh", "exec", "--net", inject("net"), "staging", "docker", "system", "dial-stdio"];
  const child = spawn("bash", words, { cwd: top, stdio: ["pipe", "pipe", "ignore"] });
  return { readable: child.stdout, writable: child.stdin };
}
