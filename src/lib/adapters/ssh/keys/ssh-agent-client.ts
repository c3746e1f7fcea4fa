import { connect } from "node:net";
import { WireReader, wireString } from "./ssh-wire.ts";

/** A key that an ssh-agent holds, or a certificate for one. */
export interface AgentKey {
  /** In SSH's format. */
  blob: Buffer;
  comment: string;
}

const codes = { failure: 5, requestIdentities: 11, identities: 12, requestSignature: 13, signature: 14 };

/** Flags that choose the hash for an RSA signature. SHA-1 must not be used. */
const hashFlags: Record<string, number> = { "rsa-sha2-256": 2, "rsa-sha2-512": 4 };

/** An agent that does not answer within this many milliseconds counts as absent. */
const patience = 3000;
/** Signing may have to wait for a person who touches a security key, or confirms. */
const signaturePatience = 120_000;
const mostBytes = 1 << 20;

/** The keys of an agent, including security keys and certificates; empty if it does not answer. */
export async function listAgentKeys(socket: string): Promise<AgentKey[]> {
  try {
    const reader = new WireReader(await ask(socket, codes.identities, Buffer.of(codes.requestIdentities), patience));
    return Array.from({ length: Math.min(reader.uint32(), mostBytes / 8) }, () => ({ blob: reader.string(), comment: reader.text() }));
  } catch {
    return [];
  }
}

/**
 * Lets an agent sign.
 *
 * @returns the signature with its algorithm, in SSH's format
 * @throws Error if it refuses, or signs with another algorithm
 */
export async function signWithAgent(socket: string, key: Buffer, data: Buffer, algorithm: string): Promise<Buffer> {
  const flags = Buffer.alloc(4);
  flags.writeUInt32BE(hashFlags[algorithm] ?? 0);
  const request = Buffer.concat([Buffer.of(codes.requestSignature), wireString(key), wireString(data), flags]);
  const signature = new WireReader(await ask(socket, codes.signature, request, signaturePatience)).string();
  const used = new WireReader(signature).text();
  if (used !== algorithm) throw new Error(`the ssh-agent signs with ${used} in place of ${algorithm}`);
  return signature;
}

async function ask(path: string, expected: number, request: Buffer, timeout: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect(path);
  const timer = setTimeout(() => reject(new Error(`the ssh-agent did not answer within ${timeout / 1000} s`)), timeout);
  let answer = Buffer.alloc(0);
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("the ssh-agent closed the connection")));
  socket.on("data", (chunk: Buffer) => {
    answer = Buffer.concat([answer, chunk]);
    if (answer.length < 4) return;
    const length = answer.readUInt32BE(0);
    if (length > mostBytes || length === 0) reject(new Error("the ssh-agent's answer is too long"));
    if (answer.length >= 4 + length) resolve(answer.subarray(4, 4 + length));
  });
  socket.write(wireString(request));
  try {
    const message = await promise;
    if (message[0] !== expected) throw new Error("the ssh-agent refuses");
    return message.subarray(1);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
