import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** HAProxy, which scripts/setup.sh installs; another version where COLDTIVATE_TEST_HAPROXY names it. */
export const haproxy = process.env["COLDTIVATE_TEST_HAPROXY"] ?? "/usr/sbin/haproxy";

export interface Front extends AsyncDisposable {
  /** Where it listens, on this machine. */
  port: number;
  /** Replaces its configuration, and returns when the new one serves. */
  load: (config: string) => Promise<void>;
}

/** A free port of this machine. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Runs a front's configuration for port 8000 here, in front of a service on another port. */
export async function runFront(config: string, service: number): Promise<Front> {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-front-"));
  const path = join(directory, "haproxy.cfg");
  const [port, gate] = [await freePort(), await freePort()];
  const place = (text: string) =>
    writeFileSync(
      path,
      text
        .replace("bind :8000", `bind 127.0.0.1:${port}`)
        .replaceAll("127.0.0.1:8999", `127.0.0.1:${gate}`)
        .replaceAll("@SLOT@:8000", `127.0.0.1:${service}`)
        .replaceAll("@FRONT@", "web")
        .replaceAll("@INIT@", "last,libc,none"),
    );
  place(config);
  const child = spawn(haproxy, ["-W", "-db", "-f", path], { stdio: ["ignore", "ignore", "pipe"] });
  const output = readOutput(child);
  await until(() => output.text.includes("Loading success"));
  const load = async (next: string) => {
    place(next);
    const before = output.text.length;
    const isHeard = () => output.text.includes("Reloading", before);
    // One that comes while HAProxy still starts is lost; a second one while its new worker starts cuts connections.
    await until(async () => {
      if (!isHeard()) child.kill("SIGUSR2");
      for (const deadline = Date.now() + 3000; !isHeard() && Date.now() < deadline;) await wait(20);
      return output.text.includes("Loading success", before);
    });
  };
  const dispose = async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true });
  };
  return { port, load, [Symbol.asyncDispose]: dispose };
}

function readOutput(child: ChildProcess): { text: string } {
  const output = { text: "" };
  child.stderr?.on("data", (data) => (output.text += String(data)));
  return output;
}

/** Polls, for a minute at most. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error("it took longer than a minute");
    await wait(20);
  }
}
