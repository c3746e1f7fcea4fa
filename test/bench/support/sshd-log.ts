import { onStaging } from "./machine.ts";

export interface SshUse {
  connections: number;
  execs: number;
}

/** What the staging host's SSH server has let in and started since it began to keep its log. */
export async function readSshUse(): Promise<SshUse> {
  const log = await onStaging("cat /var/log/sshd.log");
  return { connections: count(log, /Accepted publickey for /g), execs: count(log, /Starting session: command /g) };
}

function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}
