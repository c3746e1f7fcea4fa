import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A service that answers what it is told to, byte by byte, and keeps what it was sent. */
export interface RawService extends AsyncDisposable {
  port: number;
  /** What each connection has sent so far, the first one first. */
  received: string[];
}

/**
 * @param answer sees all that a connection has sent so far whenever more comes, and writes; nothing is decoded (latin1)
 */
export async function rawService(answer: (received: string, socket: Socket) => void): Promise<RawService> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const index = received.push("") - 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      received[index] += data.toString("latin1");
      answer(received[index] ?? "", socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const dispose = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
  return { port, received, [Symbol.asyncDispose]: dispose };
}

/** Sends text as it is, and gives all that comes until the other side closes, or until it is enough. */
export async function exchange(port: number, text: string, isEnough: (answer: string) => boolean = () => false): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text, "latin1");
  let answer = "";
  for await (const data of socket) {
    answer += (data as Buffer).toString("latin1");
    if (isEnough(answer)) break;
  }
  socket.destroy();
  return answer;
}
