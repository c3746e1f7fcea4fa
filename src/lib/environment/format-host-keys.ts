import type { HostKeys, KeyState } from "../adapters/ssh/host-trust.ts";

const states: Record<KeyState, string> = {
  known: "known already",
  new: "not known",
  changed: "NOT the known one of its type",
  revoked: "REVOKED",
  weak: "too weak: never trusted",
};

/** Formats a host's keys for people, with what to compare them with. */
export function formatHostKeys({ name, address, keys }: HostKeys): string {
  const width = Math.max(0, ...keys.map(({ type }) => type.length));
  return [
    `${name} (${address}) shows ${keys.length === 0 ? "no key of a type that is trusted" : "these keys"}:`,
    ...keys.map(({ type, fingerprint, state }) => `  ${type.padEnd(width)}  ${fingerprint}  ${states[state]}`),
    "Whoever is in between could show any key. Compare every line with what the server says on its own console:",
    '  for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$key"; done',
  ].join("\n");
}
