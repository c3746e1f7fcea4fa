import { setTimeout as wait } from "node:timers/promises";
import { onHost, type Host } from "../hosts.ts";
import { hostProcesses, inHostNetwork, sandboxScript, type HostProcess } from "../machines.ts";

/** What a fault meets. */
export interface Target {
  /** The host that is at work. */
  machine: Host;
  /** The CLI's process. */
  client: number;
  /** The host's processes when the release began, with those of its executor. */
  processes: readonly HostProcess[];
  /** The process that carries the release out. */
  executor: number;
}

/** A way in which a release is disturbed. */
export interface Kind {
  title: string;
  /** Whether containers die of it, so that requests fail until they are back. */
  stopsService: boolean;
  /** What a host that is left alone comes to by itself; the other ones need a command. */
  comesToRest: "alone" | "by a command";
  strike: (target: Target) => Promise<void> | void;
  /** Takes the fault itself away once the client has ended. */
  mend?: (machine: Host) => Promise<void>;
}

const dropped = [
  ["INPUT", "--dport"],
  ["OUTPUT", "--sport"],
] as const;

const filterSsh = async (machine: Host, verb: "-I" | "-D") => {
  for (const [chain, port] of dropped) await inHostNetwork(machine, "iptables", verb, chain, "-p", "tcp", port, "22", "-j", "DROP");
};

export const kinds = {
  "kill-client": {
    title: "SIGKILL of the CLI",
    stopsService: false,
    comesToRest: "alone",
    strike: ({ client }) => end(client),
  },
  interrupt: {
    title: "SIGINT",
    stopsService: false,
    comesToRest: "alone",
    strike: ({ client }) => end(client, "SIGINT"),
  },
  cut: {
    title: "SSH connection cut",
    stopsService: false,
    comesToRest: "alone",
    strike: ({ processes }) => {
      for (const { pid, command } of processes) if (command.startsWith("sshd: deploy")) end(pid);
    },
  },
  freeze: {
    title: "link frozen",
    stopsService: false,
    comesToRest: "alone",
    strike: ({ machine }) => filterSsh(machine, "-I"),
    mend: (machine) => filterSsh(machine, "-D"),
  },
  "kill-executor": {
    title: "SIGKILL of the executor",
    stopsService: false,
    comesToRest: "by a command",
    strike: ({ executor }) => end(executor),
  },
  "kill-group": {
    title: "SIGKILL of its process group",
    stopsService: false,
    comesToRest: "by a command",
    strike: ({ executor }) => end(-executor),
  },
  "kill-engine": {
    title: "SIGKILL of dockerd, back after 3 s",
    stopsService: true,
    comesToRest: "alone",
    async strike({ machine, processes }) {
      end(processes.find(({ command }) => command.startsWith("dockerd"))!.pid);
      await wait(3000);
      await startEngine(machine);
    },
  },
  "power-cycle": {
    title: "power cycle",
    stopsService: true,
    comesToRest: "by a command",
    async strike({ machine }) {
      await sandboxScript("power-off", machine);
      await sandboxScript("power-on", machine);
    },
  },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

/** Starts the host's engine as its boot does, and waits until it answers. */
const startEngine = (machine: Host): Promise<string> =>
  onHost(machine, "setsid dockerd </dev/null >>/var/log/dockerd.log 2>&1 & until docker version >/dev/null 2>&1; do sleep 0.1; done");

/** What a kind needs to know of a release that has just begun. */
export async function aim(client: number, release: string, machine: Host = "staging"): Promise<Target> {
  const processes = await hostProcesses(machine);
  const executor = processes.find(({ command, leads }) => leads && command.includes(`\0execute\0${release}`));
  if (executor === undefined) throw new Error(`nobody carries out ${release}`);
  return { machine, client, processes, executor: executor.pid };
}

/** Ends a process, or, with a negative id, a group of them; one that has ended already stays so. */
function end(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
