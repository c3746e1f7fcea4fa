import type { HostKeys, ShownKey } from "../adapters/ssh/host-trust.ts";
import type { HostAccess } from "../adapters/ssh/route/ssh-access.ts";
import type { HostConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";
import { formatHostKeys } from "./format-host-keys.ts";

export interface TrustPorts {
  access: HostAccess;
  announce: (text: string) => Promise<void>;
  /** Rejects unless the answer is yes. */
  confirm: (question: string) => Promise<void>;
}

export interface TrustedHost {
  host: string;
  keys: Pick<ShownKey, "type" | "fingerprint" | "state">[];
  /** How many keys were added. */
  stored: number;
  file: string;
}

/**
 * Shows the keys of hosts and of the jump hosts in front of them, and adds those that the user confirms.
 *
 * @throws ColdtivateError HOST_KEY_CHANGED or HOST_KEY_REVOKED if a host shows a wrong key; CONFIRMATION_NEEDED if nobody can be
 * asked; KNOWN_HOSTS_UNWRITABLE
 */
export async function trustHosts(hosts: readonly HostConfig[], { access, announce, confirm }: TrustPorts): Promise<TrustedHost[]> {
  const { addKnownHosts, showHostKeys } = await import("../adapters/ssh/host-trust.ts");
  const { shareAccess } = await import("../adapters/ssh/ssh.ts");
  const options = { ...access, shared: shareAccess(access) };
  const trusted: TrustedHost[] = [];
  for (const host of hosts) {
    for await (const shown of showHostKeys(host, options)) {
      if (trusted.some((one) => one.host === shown.name)) continue;
      await announce(`${formatHostKeys(shown)}\n`);
      refuseWrong(shown);
      const fresh = shown.keys.filter(({ state }) => state === "new");
      const stored = shown.decidedBy === "file" ? fresh : [];
      if (shown.decidedBy !== "file" && !shown.keys.some(({ state }) => state === "known")) throw elsewhere(shown);
      if (stored.length > 0) {
        if (access.askSecret === undefined) throw unasked(shown, stored);
        await confirm(`Did you compare them, and trust ${stored.length === 1 ? "this key" : "these keys"} of ${shown.name}?`);
        await addKnownHosts(
          shown.file,
          stored.map(({ line }) => line),
        );
      }
      const keys = shown.keys.map(({ type, fingerprint, state }) => ({ type, fingerprint, state }));
      trusted.push({ host: shown.name, keys, stored: stored.length, file: shown.file });
    }
  }
  return trusted;
}

function refuseWrong({ name, keys, file }: HostKeys): void {
  const wrong = keys.find(({ state }) => state === "changed" || state === "revoked");
  if (wrong === undefined) return;
  const isRevoked = wrong.state === "revoked";
  throw new ColdtivateError(`${name}: ${isRevoked ? "one of the host's keys was revoked" : "the host's key has changed"}`, {
    code: isRevoked ? "HOST_KEY_REVOKED" : "HOST_KEY_CHANGED",
    exit: "refused",
    details: [`presented  ${wrong.fingerprint} (${wrong.type})`],
    hint: isRevoked
      ? "Nothing was stored. Ask whoever runs the server for its new key"
      : `Nothing was stored. Somebody may be in between, or the server was installed anew: ask whoever runs it. Only then remove the old key from ${file} (ssh-keygen -R '${wrong.line.split(" ")[0]}') and run this again`,
  });
}

function elsewhere({ name, decidedBy, keys }: HostKeys): ColdtivateError {
  const isPinned = decidedBy === "fingerprint";
  return new ColdtivateError(`${name}: ${isPinned ? "fingerprint" : "known_hosts"} in coldtivate.yml decides, and has none of these keys`, {
    code: isPinned ? "HOST_KEY_CHANGED" : "HOST_KEY_UNKNOWN",
    exit: "refused",
    details: keys.filter(({ state }) => state === "new").map(({ fingerprint, line }) => (isPinned ? `fingerprint: ${fingerprint}` : line)),
    hint: `Nothing was stored. If they are right, change ${isPinned ? "fingerprint" : "known_hosts"} there to one of these`,
  });
}

function unasked({ name, file }: HostKeys, keys: readonly ShownKey[]): ColdtivateError {
  return new ColdtivateError(`${name}: nobody is at a terminal to say whether these keys are right`, {
    code: "CONFIRMATION_NEEDED",
    exit: "usage",
    details: keys.map(({ fingerprint, type }) => `fingerprint: ${fingerprint}  (${type})`),
    hint: `Nothing was stored. Run it at a terminal, which adds them to ${file}; for jobs, set fingerprint in coldtivate.yml to the right one`,
  });
}
