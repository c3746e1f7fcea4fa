import type { Client } from "ssh2";

export type Signer = (data: Buffer, done: (signature: Buffer) => void) => void;

/**
 * The parts of ssh2's Protocol that we use and that its types leave out. `ssh2` is pinned to the version in which they were read.
 */
export interface Protocol {
  authPK: (user: string, key: object, algorithm?: string | Signer, sign?: Signer) => void;
  parse: (chunk: Buffer, at: number, length: number) => void;
  _authsQueue: string[];
  _kex: { sessionID: Buffer };
  _kexinit?: Buffer;
  _queue?: Buffer[];
  _cipher: { encrypt: (packet: Buffer) => void };
  _packetRW: { write: { allocStart: number; alloc: (size: number) => Buffer; finalize: (packet: Buffer) => Buffer } };
  _handlers: {
    EXT_INFO?: (self: unknown, extensions: readonly { name: string; algs?: string[] }[]) => void;
    USERAUTH_FAILURE?: (self: unknown, left: readonly string[], isPartial: boolean) => void;
  };
}

/** The protocol of a client whose `connect` was called. */
export function protocolOf(client: Client): Protocol {
  const found: unknown = Reflect.get(client, "_protocol");
  if (!isProtocol(found)) throw new TypeError("ssh2 is another version than the pinned one");
  return found;
}

function isProtocol(found: unknown): found is Protocol {
  return typeof found === "object" && found !== null && "authPK" in found && "_packetRW" in found;
}

/** Sends a message of the user authentication protocol, or queues it until keys have been exchanged. */
export function sendAuthentication(protocol: Protocol, content: Buffer): void {
  const { write } = protocol["_packetRW"];
  protocol["_authsQueue"].push("publickey");
  const start = write.allocStart;
  const packet = write.alloc(content.length);
  packet.set(content, start);
  if (protocol["_kexinit"] === undefined) protocol["_cipher"].encrypt(write.finalize(packet));
  else (protocol["_queue"] ??= []).push(packet);
}

/** Records what a host says in plain text before SSH begins. It may explain why SSH does not begin. */
export function recordGreeting(client: Client, greeting: { text: string }): void {
  const protocol = protocolOf(client);
  const { parse } = protocol;
  protocol.parse = (chunk, at, length) => {
    const text = chunk.toString("latin1", 0, Math.min(chunk.length, 300));
    if (text.startsWith("SSH-") || greeting.text.length > 300) protocol.parse = parse;
    else greeting.text += text.replace(/SSH-.*/s, "").replaceAll(/[^\x20-\x7e]+/g, " ");
    parse.call(protocol, chunk, at, length);
  };
}
