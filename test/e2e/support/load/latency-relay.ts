// Passes TCP connections on, and holds everything back for a while each way, as a distant client's network would.
// Started by startLatencyRelay: gets a LatencyRelayBrief as a message, answers with the ports that it listens on, ends when told.
import { fork } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo, type Socket } from "node:net";

/** Where to pass connections on to, one port each, and how many milliseconds later. */
export interface LatencyRelayBrief {
  host: string;
  ports: number[];
  delay: number;
}

export interface LatencyRelay {
  /** The local port that leads to a port of the brief. */
  portOf: (port: number) => number;
  stop: () => Promise<void>;
}

/** Starts a relay in a process of its own, so that nobody's work holds it up. */
export async function startLatencyRelay(brief: LatencyRelayBrief): Promise<LatencyRelay> {
  const child = fork(import.meta.filename, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  child.send(brief);
  const [listening] = (await once(child, "message")) as [number[]];
  return {
    portOf: (port) => listening[brief.ports.indexOf(port)]!,
    async stop() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}

async function main(): Promise<void> {
  const [{ host, ports, delay }] = (await once(process, "message")) as [LatencyRelayBrief];
  const listening = await Promise.all(ports.map((port) => listen(host, port, delay)));
  process.once("disconnect", () => process.exit());
  process.send!(listening);
}

async function listen(host: string, port: number, delay: number): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
    pass(near, far, delay);
    pass(far, near, delay);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What one end says, half closes and resets included, the other hears later and in the same order. */
function pass(from: Socket, to: Socket, delay: number): void {
  from.on("data", (chunk) => setTimeout(() => to.writable && to.write(chunk), delay));
  from.on("end", () => setTimeout(() => to.end(), delay));
  from.on("error", () => setTimeout(() => to.resetAndDestroy(), delay));
}

if (import.meta.main) await main();
