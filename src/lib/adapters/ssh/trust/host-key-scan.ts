import { createECDH, generateKeyPairSync, getDiffieHellman, randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { typeOf } from "../keys/fingerprint.ts";
import { WireReader, wireNumber, wireString } from "../keys/ssh-wire.ts";

/** The algorithms that a host may be asked for: for plain keys, and for certificates of them. */
export const plainAlgorithms = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
] as const;
export const certificateAlgorithms = plainAlgorithms.map((name) => `${name}-cert-v01@openssh.com`);

const messages = { disconnect: 1, keyInit: 20, init: 30, reply: 31 };
const mostBytes = 256 * 1024;

/** The first message of a key exchange, by method. What we send is discarded with the connection. */
const openings: Record<string, () => Buffer> = {
  "curve25519-sha256": curve25519,
  "curve25519-sha256@libssh.org": curve25519,
  "ecdh-sha2-nistp256": () => wireString(createECDH("prime256v1").generateKeys()),
  "ecdh-sha2-nistp384": () => wireString(createECDH("secp384r1").generateKeys()),
  "ecdh-sha2-nistp521": () => wireString(createECDH("secp521r1").generateKeys()),
  "diffie-hellman-group14-sha256": () => wireNumber(getDiffieHellman("modp14").generateKeys()),
  "diffie-hellman-group16-sha512": () => wireNumber(getDiffieHellman("modp16").generateKeys()),
};

/**
 * Asks a host for its key or certificate, as ssh-keyscan does. This proves nothing, and sends nothing but the opening of a key
 * exchange (RFC 4253).
 *
 * @param algorithms the first one that the host has decides
 * @param timeout in milliseconds
 * @returns the key or certificate in SSH's format; undefined if the host has none of these
 * @throws Error if the host says nothing, or does not speak SSH
 */
export async function scanHostKey(stream: Duplex, algorithms: readonly string[], timeout: number): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeout / 1000} s`)), timeout);
  const scan = new Scan(stream, algorithms, resolve);
  stream.on("data", (chunk: Buffer) => {
    try {
      scan.read(chunk);
    } catch (cause) {
      reject(cause instanceof Error ? cause : new Error(String(cause)));
    }
  });
  stream.on("error", reject);
  for (const end of ["end", "close"]) stream.on(end, () => reject(new Error("it closed the connection")));
  stream.write("SSH-2.0-coldtivate\r\n");
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    stream.on("error", () => {});
    stream.destroy();
  }
}

class Scan {
  readonly #stream: Duplex;
  readonly #algorithms: readonly string[];
  readonly #found: (key: Buffer | undefined) => void;
  #bytes = Buffer.alloc(0);
  #isGreeted = false;

  constructor(stream: Duplex, algorithms: readonly string[], found: (key: Buffer | undefined) => void) {
    this.#stream = stream;
    this.#algorithms = algorithms;
    this.#found = found;
  }

  read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length > mostBytes) throw new Error("it says too much");
    if (!this.#isGreeted && !this.#readGreeting()) return;
    for (let message = this.#next(); message !== undefined; message = this.#next()) this.#take(message);
  }

  /** Other lines may precede the one that begins with SSH. */
  #readGreeting(): boolean {
    for (let end = this.#bytes.indexOf("\n"); end >= 0; end = this.#bytes.indexOf("\n")) {
      const line = this.#bytes.subarray(0, end).toString("latin1");
      this.#bytes = this.#bytes.subarray(end + 1);
      if (!line.startsWith("SSH-")) continue;
      this.#isGreeted = true;
      this.#send(keyInit(this.#algorithms));
      return true;
    }
    return false;
  }

  /** A packet consists of its length, the length of its padding, its content and the padding. */
  #next(): Buffer | undefined {
    if (this.#bytes.length < 5) return undefined;
    const length = this.#bytes.readUInt32BE(0);
    if (length > mostBytes || length < 2) throw new Error("it does not speak SSH");
    if (this.#bytes.length < 4 + length) return undefined;
    const message = this.#bytes.subarray(5, 4 + length - this.#bytes[4]!);
    this.#bytes = this.#bytes.subarray(4 + length);
    return message;
  }

  #take(message: Buffer): void {
    if (message[0] === messages.disconnect) throw new Error("it ended the conversation");
    if (message[0] === messages.reply) this.#found(new WireReader(message, 1).string());
    if (message[0] !== messages.keyInit) return;
    const reader = new WireReader(message, 17);
    const [methods, keys] = [reader.names(), reader.names()];
    if (!this.#algorithms.some((name) => keys.includes(name))) return this.#found(undefined);
    const method = Object.keys(openings).find((name) => methods.includes(name));
    if (method === undefined) throw new Error(`it exchanges keys in none of our ways: ${methods.join(", ")}`);
    this.#send(Buffer.concat([Buffer.of(messages.init), openings[method]!()]));
  }

  #send(content: Buffer): void {
    const padding = 8 - ((content.length + 5) % 8) + (8 - ((content.length + 5) % 8) < 4 ? 8 : 0);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(1 + content.length + padding);
    head[4] = padding;
    this.#stream.write(Buffer.concat([head, content, randomBytes(padding)]));
  }
}

function keyInit(algorithms: readonly string[]): Buffer {
  const ciphers = "aes128-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com";
  const macs = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
  const lists = [Object.keys(openings).join(), algorithms.join(), ciphers, ciphers, macs, macs, "none", "none", "", ""];
  return Buffer.concat([Buffer.of(messages.keyInit), randomBytes(16), ...lists.map(wireString), Buffer.alloc(5)]);
}

function curve25519(): Buffer {
  const { publicKey } = generateKeyPairSync("x25519");
  return wireString(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
}

/**
 * Asks for all of a host's keys, with one connection each.
 *
 * @param open makes a new connection
 * @returns one key per type
 * @throws Error if not even the first connection gives one
 */
export async function scanAllKeys(open: () => Promise<Duplex>, timeout: number): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for (;;) {
    const rest = plainAlgorithms.filter((name) => !found.some((key) => isFor(name, typeOf(key))));
    if (rest.length === 0) return found;
    const key = await scanHostKey(await open(), rest, timeout);
    if (key === undefined) return found;
    if (!rest.some((name) => isFor(name, typeOf(key)))) throw new Error("it shows a key that it was not asked for");
    found.push(key);
  }
}

function isFor(algorithm: string, type: string): boolean {
  return algorithm === type || (type === "ssh-rsa" && algorithm.startsWith("rsa-sha2-"));
}
