import type { ComposePort } from "./model.ts";

/** An address and port of a host. */
export interface HostPort {
  protocol: "tcp" | "udp";
  /** `127.0.0.1`, `0.0.0.0`, `::`, or another IPv6 address as 32 hexadecimal digits. */
  address: string;
  port: number;
}

const everyIpv4 = "0.0.0.0";
const everyIpv6 = "::";

/** Parses a socket as written in /proc/net: `tcp6`, `0000…0000:0050`. Returns undefined for an unknown table. */
export function parseSocket(table: string, text: string): HostPort | undefined {
  const [, protocol] = /^(tcp|udp)6?$/.exec(table) ?? [];
  const [, digits, port] = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(text) ?? [];
  if ((protocol !== "tcp" && protocol !== "udp") || digits === undefined || port === undefined) return undefined;
  // Each word of four bytes is written as the number that it has on a little-endian machine.
  const bytes = (digits.match(/.{8}/g) ?? []).map((word) => (word.match(/../g) ?? []).toReversed().join("")).join("");
  return { protocol, address: readable(bytes.toLowerCase()), port: parseInt(port, 16) };
}

/** Parses the ports in `docker ps`: `0.0.0.0:80->80/tcp, [::]:80->80/tcp, 443/tcp`. */
export function parsePublished(text: string): HostPort[] {
  return text.split(", ").flatMap((part) => {
    const [, address, from, to, protocol] = /^(.*):(\d+)(?:-(\d+))?->[\d-]+\/(tcp|udp)$/.exec(part) ?? [];
    if (address === undefined || (protocol !== "tcp" && protocol !== "udp")) return [];
    return range(Number(from), Number(to ?? from)).map((port) => ({ protocol, address: canonical(address), port }));
  });
}

/**
 * The host ports that a Compose port asks for: a list of choices, each with all ports that have to be free. Empty if any port
 * will do. With `published: 8000-8009` one of ten will do. Without a host address both address families are taken.
 */
export function wantedPorts({ published, protocol, host_ip: address }: ComposePort): HostPort[][] {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(published ?? "") ?? [];
  if (from === undefined || Number(from) === 0 || (protocol ?? "tcp").match(/^(?:tcp|udp)$/) === null) return [];
  const addresses = address === undefined || address === "" ? [everyIpv4, everyIpv6] : [canonical(address)];
  return range(Number(from), Number(to ?? from)).map((port) =>
    addresses.map((own) => ({ protocol: protocol === "udp" ? "udp" : "tcp", address: own, port })),
  );
}

/** Whether an existing socket prevents another one. A socket for all of IPv6 usually serves IPv4, too. */
export function blocks(held: HostPort, wanted: HostPort): boolean {
  if (held.protocol !== wanted.protocol || held.port !== wanted.port) return false;
  if (held.address === wanted.address || held.address === everyIpv6) return true;
  if (wanted.address === everyIpv6) return !isIpv4(held.address);
  return isIpv4(wanted.address) && (held.address === everyIpv4 || (wanted.address === everyIpv4 && isIpv4(held.address)));
}

function isIpv4(address: string): boolean {
  return address.includes(".");
}

/** Normalises an address as people write it. */
function canonical(written: string): string {
  const plain = written.replace(/^\[(.*)\]$/, "$1");
  if (!plain.includes(":")) return plain;
  const address = plain.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) => `${hex(a)}${hex(b)}:${hex(c)}${hex(d)}`,
  );
  const [head = [], tail = []] = address.split("::", 2).map((half) => half.split(":").filter(Boolean));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  const groups = [...head, ...zeros, ...tail];
  return readable(groups.map((group) => group.toLowerCase().padStart(4, "0")).join(""));
}

function hex(byte: string): string {
  return Number(byte).toString(16).padStart(2, "0");
}

/** Formats an address from hexadecimal digits. An IPv4 address that is mapped to IPv6 is written as IPv4. */
function readable(digits: string): string {
  if (/^0{32}$/.test(digits)) return everyIpv6;
  const [, quad] = /^(?:0{20}ffff)?([0-9a-f]{8})$/.exec(digits) ?? [];
  return quad === undefined ? digits : (quad.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).join(".");
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}
