import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onHost } from "../hosts.ts";
import { top } from "../repository.ts";

/** What one container sees, as look.py prints it. */
export interface Sight {
  id: string;
  name: string;
  inspect: Inspected;
  /** Absent where it does not run any more. */
  environment?: string[];
  arguments?: string[];
  directory?: string;
  oom?: string[];
  status?: Record<string, string>;
  limits?: Record<string, string>;
  mounts?: Record<string, string>;
  files?: Record<string, string>;
  removed?: string[];
  hosts?: Record<string, string[]>;
  resolv?: string[];
  hostname?: string[];
  network?: {
    names: Record<string, string[]>;
    ports: Record<string, string>;
    listening: number[];
    sysctls: Record<string, string>;
    error?: string;
  };
  /** Of one that does not run. */
  logs?: string[];
}

/** What the engine says of a container, as far as it is read here by name. */
export interface Inspected {
  Config: { Labels: Record<string, string>; Hostname: string; [key: string]: unknown };
  HostConfig: {
    [key: string]: unknown;
    Mounts?: Record<string, unknown>[] | null;
    PortBindings?: Record<string, PortBinding[] | null> | null;
    Ulimits?: Ulimit[] | null;
  };
  Mounts: { Type: string; Name?: string; Source: string; Destination: string; [key: string]: unknown }[];
  NetworkSettings: { Networks: Record<string, Attachment> };
  State: {
    Status: string;
    ExitCode: number;
    StartedAt: string;
    FinishedAt: string;
    Health?: { Status: string; Log: { End: string; ExitCode: number }[] | null };
  };
  Path: string;
  Args: string[];
  Image: string;
}

export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

export interface PortBinding {
  HostIp: string;
  HostPort: string;
}

export interface Attachment {
  IPAddress: string;
  Gateway: string;
  GlobalIPv6Address: string;
  Aliases: string[] | null;
  DNSNames: string[] | null;
  DriverOpts: Record<string, string> | null;
  IPAMConfig: Record<string, unknown> | null;
  Links: string[] | null;
  [key: string]: unknown;
}

/** What every container is asked for. */
export interface Questions {
  names: string[];
  /** By name: the ports to knock at. */
  ports: Record<string, number[]>;
  /** Addresses and ports of the host. */
  published: [string, string][];
}

/** A project as its containers see it. */
export interface View {
  containers: Sight[];
  published: Record<string, string>;
}

/** Takes projects away from a host, and where their files and states were. */
export async function remove(host: "staging" | "production", projects: readonly string[], folders: readonly string[]): Promise<void> {
  await onHost(host, `${await lookScript()} remove ${projects.join(" ")} >&2; rm -rf ${folders.join(" ")}`);
}

async function lookScript(): Promise<string> {
  const script = Buffer.from(await readFile(join(top, "test/e2e/support/differential/look.py"))).toString("base64");
  return `python3 <(base64 -d <<<'${script}')`;
}

/** Looks into all containers of a project, or only at them where nothing is asked. */
export async function look(host: "staging" | "production", project: string, questions: Questions): Promise<View> {
  const asked = Buffer.from(JSON.stringify(questions)).toString("base64");
  const printed = await onHost(host, `${await lookScript()} ${project} "$(base64 -d <<<'${asked}')"`);
  return JSON.parse(printed) as View;
}

/** Every name by which a container of a project may know another one, and every port that one of them listens on. */
export function questionsAbout(view: View): Questions {
  const names = new Set<string>(["nobody"]);
  const ports: Record<string, number[]> = {};
  const published: [string, string][] = [];
  for (const { name, inspect, network, hosts = {} } of view.containers) {
    const service = inspect.Config.Labels["com.docker.compose.service"] ?? name;
    for (const { Aliases, DNSNames, Links } of Object.values(inspect.NetworkSettings.Networks)) {
      const linked = (Links ?? []).map((link) => link.split(":").at(-1) ?? link);
      for (const each of [...(Aliases ?? []), ...(DNSNames ?? []), ...linked]) if (!/^[0-9a-f]{12}$/.test(each)) names.add(each);
    }
    for (const each of [service, name, ...Object.keys(hosts)]) if (!/^[0-9a-f]{12}$/.test(each)) names.add(each);
    if (network !== undefined) ports[service] = [...new Set([...(ports[service] ?? []), ...network.listening])];
    for (const bindings of Object.values(inspect.HostConfig.PortBindings ?? {}))
      for (const { HostIp, HostPort } of bindings ?? [])
        if (/^\d+$/.test(HostPort) && HostPort !== "0")
          published.push([HostIp === "" || HostIp === "0.0.0.0" ? "127.0.0.1" : HostIp, HostPort]);
  }
  return { names: [...names].toSorted(), ports, published };
}

export const noQuestions: Questions = { names: [], ports: {}, published: [] };
