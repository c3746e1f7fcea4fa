import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** Websockets to one address, one after the other: as soon as one is cut the next one is opened. */
export interface WebsocketClient {
  /** What came of each websocket, in order; the last one may be open. */
  connections: Connection[];
  /** Ends the last one, and resolves once nothing is left. */
  end: () => Promise<void>;
}

export interface Connection {
  /** Whether it was opened at all. */
  opened: boolean;
  /** How many messages were answered. */
  answered: number;
  /** When the last of them was, in milliseconds since the epoch. */
  last: number;
  /** Answers that were not those to what was said. */
  wrong: number;
  cut: boolean;
}

/** Talks to the twin of the example's cold room: says a number every tenth of a second, and expects it in the answer. */
export async function startWebsocketClient(url: string): Promise<WebsocketClient> {
  const ended = new AbortController();
  const connections: Connection[] = [];
  const first = Promise.withResolvers<void>();
  const talking = (async () => {
    while (!ended.signal.aborted && connections.every(({ opened }) => opened)) {
      const connection: Connection = { opened: false, answered: 0, last: 0, wrong: 0, cut: false };
      connections.push(connection);
      await talk(url, connection, ended.signal, first.resolve);
    }
  })();
  await Promise.race([first.promise, talking]);
  return {
    connections,
    async end() {
      ended.abort();
      await talking;
    },
  };
}

async function talk(url: string, connection: Connection, signal: AbortSignal, onAnswer: () => void): Promise<void> {
  const socket = new WebSocket(url);
  const closed = Promise.withResolvers<void>();
  socket.addEventListener("close", () => closed.resolve());
  socket.addEventListener("error", () => closed.resolve());
  socket.addEventListener("open", () => (connection.opened = true));
  await Promise.race([once(socket, "open"), closed.promise]);
  for (let hours = 1; socket.readyState === WebSocket.OPEN && !signal.aborted; hours++) {
    socket.send(String(hours));
    const answer = await Promise.race([once(socket, "message") as Promise<[MessageEvent]>, closed.promise]);
    if (answer === undefined) break;
    const { hours: told } = JSON.parse(String(answer[0].data)) as { hours?: unknown };
    if (told === hours) connection.answered++;
    else connection.wrong++;
    connection.last = Date.now();
    onAnswer();
    await wait(100);
  }
  connection.cut = !signal.aborted;
  socket.close();
  await closed.promise;
}
