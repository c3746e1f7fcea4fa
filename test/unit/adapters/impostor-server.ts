import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import ssh2, { type ServerConfig } from "ssh2";
import { listen, type KeyPair } from "./ssh-server.ts";

export interface ImpostorServer extends AsyncDisposable {
  port: number;
  /** How often somebody came as far as to log in. */
  logins: number;
  /** All that clients sent, as it was on the wire. */
  received: () => string;
}

/**
 * An SSH server that lets everybody in, and has a key of its own: the man in the middle.
 * @param onConnection gets each connection first; true: it takes care of it itself
 */
export async function startImpostorServer(
  key: KeyPair,
  config: Partial<ServerConfig> = {},
  onConnection: (socket: Socket, count: number) => boolean = () => false,
): Promise<ImpostorServer> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const ssh = new ssh2.Server({ hostKeys: [key.private], ...config }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (context) => {
      found.logins++;
      context.accept();
    });
  });
  let count = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    if (!onConnection(socket, ++count)) ssh.injectSocket(socket);
  });
  const found: ImpostorServer = {
    port: await listen(server),
    logins: 0,
    received: () => Buffer.concat(chunks).toString("latin1"),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return found;
}

/** Passes a connection on to another server. */
export function forwardConnection(socket: Socket, port: number): void {
  const other = connect(port, "127.0.0.1");
  other.on("error", () => socket.destroy());
  socket.pipe(other).pipe(socket);
}
