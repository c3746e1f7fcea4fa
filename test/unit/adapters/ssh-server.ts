import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import ssh2, { type AuthContext, type Connection, type ServerChannel } from "ssh2";

export interface KeyPair {
  private: string;
  /** `type base64` */
  public: string;
}

/** A new key of a type. */
export function makeKey(type: "ed25519" | "ecdsa" | "rsa" = "ed25519"): KeyPair {
  const pair = generate(type);
  return { private: pair.private, public: pair.public.split(" ").slice(0, 2).join(" ") };
}

function generate(type: "ed25519" | "ecdsa" | "rsa"): KeyPair {
  if (type === "rsa") return ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });
  return type === "ecdsa" ? ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }) : ssh2.utils.generateKeyPairSync("ed25519");
}

/** Listens on a free port of the loopback. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return address.port;
}

export interface TestServer extends AsyncDisposable {
  port: number;
  /** Cuts every connection without a word. */
  drop(): void;
  /** Stops answering without closing anything. */
  freeze(): void;
  connections: number;
}

export interface ServerOptions {
  hostKeys: KeyPair[];
  /** Public keys that may log in: `type base64`. */
  authorized: string[];
  onExec?: (command: string, channel: ServerChannel) => void;
  /** In place of letting users in. */
  onAuthentication?: (context: AuthContext) => void;
  /** Opens a session, or does not; without it, all are. */
  onSession?: (open: () => void, refuse: () => void) => void;
  /** A stream that the client opens to a Unix socket; without it, none can be opened. */
  onSocket?: (path: string, channel: ServerChannel) => void;
}

/** An SSH server in this process, on a free port of the loopback. */
export async function startServer({
  hostKeys,
  authorized,
  onExec,
  onSocket,
  onAuthentication,
  onSession,
}: ServerOptions): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const accept = (client: Connection) => {
    client.on("error", () => {});
    client.on("authentication", (context) => {
      if (onAuthentication) return onAuthentication(context);
      const known = context.method === "publickey" && authorized.includes(`${context.key.algo} ${context.key.data.toString("base64")}`);
      if (known) context.accept();
      else context.reject(["publickey"]);
    });
    client.on("openssh.streamlocal", (acceptStream, reject, { socketPath }) =>
      onSocket ? onSocket(socketPath, acceptStream()) : reject(),
    );
    client.on("ready", () => {
      client.on("session", (acceptSession, rejectSession) => {
        const take = () => acceptSession().on("exec", (acceptExec, _reject, { command }) => onExec?.(command, acceptExec()));
        if (onSession) onSession(take, rejectSession);
        else take();
      });
    });
  };
  const ssh = new ssh2.Server({ hostKeys: hostKeys.map((key) => key.private) }, accept);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.setNoDelay(true);
    ssh.injectSocket(socket);
  });
  const port = await listen(server);
  return {
    port,
    get connections() {
      return sockets.size;
    },
    drop: () => sockets.forEach((socket) => socket.resetAndDestroy()),
    freeze: () => sockets.forEach((socket) => socket.pause().removeAllListeners("data")),
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}
