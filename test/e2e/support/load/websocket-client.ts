import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** Websockets to one address, one after the other: as soon as one is cut the next one is opened. */
export interface Conversation {
  /** What came of each websocket, in order; the last one may be open. */
  calls: Call[];
  /** Ends the last one, and resolves once nothing is left. */
  end: () => Promise<void>;
}

export interface Call {
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
export async function startConversation(url: string): Promise<Conversation> {
  const ended = new AbortController();
  const calls: Call[] = [];
  const first = Promise.withResolvers<void>();
  const talking = (async () => {
    while (!ended.signal.aborted && calls.every(({ opened }) => opened)) {
      const call: Call = { opened: false, answered: 0, last: 0, wrong: 0, cut: false };
      calls.push(call);
      await talk(url, call, ended.signal, first.resolve);
    }
  })();
  await Promise.race([first.promise, talking]);
  return {
    calls,
    async end() {
      ended.abort();
      await talking;
    },
  };
}

async function talk(url: string, call: Call, signal: AbortSignal, onAnswer: () => void): Promise<void> {
  const socket = new WebSocket(url);
  const closed = Promise.withResolvers<void>();
  socket.addEventListener("close", () => closed.resolve());
  socket.addEventListener("error", () => closed.resolve());
  socket.addEventListener("open", () => (call.opened = true));
  await Promise.race([once(socket, "open"), closed.promise]);
  for (let hours = 1; socket.readyState === WebSocket.OPEN && !signal.aborted; hours++) {
    socket.send(String(hours));
    const answer = await Promise.race([once(socket, "message") as Promise<[MessageEvent]>, closed.promise]);
    if (answer === undefined) break;
    const { hours: told } = JSON.parse(String(answer[0].data)) as { hours?: unknown };
    if (told === hours) call.answered++;
    else call.wrong++;
    call.last = Date.now();
    onAnswer();
    await wait(100);
  }
  call.cut = !signal.aborted;
  socket.close();
  await closed.promise;
}
