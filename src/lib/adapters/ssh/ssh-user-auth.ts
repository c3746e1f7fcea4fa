import ssh2, { type Client, type ParsedKey, type SignCallback, type SigningRequestOptions } from "ssh2";
import { protocolOf, sendAuthentication } from "./ssh-protocol.ts";
import { wireString } from "./keys/ssh-wire.ts";

/** A key to log in with. */
export interface Identity {
  /** For messages: its fingerprint, its type and where it is from. */
  description: string;
  /** What the server gets to see: a public key or a certificate, in SSH's format. */
  blob: Buffer;
  /** Names of algorithms as a server lists them, the preferred first, each with the name of its signature. */
  algorithms: readonly { name: string; signature: string }[];
  /** Called once the server has said that it would accept the key. */
  sign: (data: Buffer, algorithm: string) => Promise<Buffer>;
}

/** What each attempt uses, by the key that represents it in ssh2. */
const attempts = new WeakMap<object, { identity: Identity; algorithm: string }>();

/** The parts of a key that ssh2 needs to recognise an object as one. Nothing is signed with it. */
const template = ssh2.utils.parseKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");

/**
 * An agent for ssh2 that holds one identity.
 * @param onFault receives the reason if it did not sign; the next identity is tried then
 */
export function agentOf(identity: Identity, onFault: (error: Error) => void): ssh2.BaseAgent<ParsedKey> {
  return new SingleAgent(identity, onFault);
}

class SingleAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #identity: Identity;
  readonly #onFault: (error: Error) => void;

  constructor(identity: Identity, onFault: (error: Error) => void) {
    super();
    this.#identity = identity;
    this.#onFault = onFault;
  }

  override getIdentities(done: (error?: Error, keys?: ParsedKey[]) => void): void {
    if (template instanceof Error) return done(template);
    // By this name ssh2 chooses among RSA's algorithms, including SHA-1. We choose below instead.
    const key: ParsedKey = Object.create(template, { type: { value: "coldtivate" } });
    attempts.set(key, { identity: this.#identity, algorithm: this.#identity.algorithms[0]!.signature });
    done(undefined, [key]);
  }

  override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    const done = typeof options === "function" ? options : callback;
    void this.#sign(key, data, done ?? (() => {}));
  }

  async #sign(key: object, data: Buffer, done: SignCallback): Promise<void> {
    const { identity, algorithm } = attempts.get(key)!;
    let signature: Buffer;
    try {
      signature = await identity.sign(data, algorithm);
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#onFault(error);
      return done(error);
    }
    done(undefined, signature);
  }
}

/**
 * Makes a client log in with identities. ssh2 writes the same name for the key's type, the algorithm and the signature. That is
 * wrong for certificates, and leaves out what security keys add. So we write these messages ourselves (RFC 4252, section 7; RFC
 * 8332).
 *
 * @param client a client whose `connect` was called already
 * @param onRefusal called each time with the methods that the server would still accept
 */
export function useIdentities(client: Client, onRefusal: (left: readonly string[]) => void): void {
  const protocol = protocolOf(client);
  const handlers = protocol["_handlers"];
  const { EXT_INFO: hear, USERAUTH_FAILURE: hearRefusal } = handlers;
  let accepted: readonly string[] | undefined;
  handlers.USERAUTH_FAILURE = (self, left, isPartial) => {
    onRefusal(left);
    hearRefusal?.(self, left, isPartial);
  };
  handlers.EXT_INFO = (self, extensions) => {
    accepted ??= extensions.find(({ name }) => name === "server-sig-algs")?.algs;
    hear?.(self, extensions);
  };
  protocol.authPK = (user, key, algorithm, sign) => {
    const attempt = attempts.get(key)!;
    const { identity } = attempt;
    const signer = typeof algorithm === "function" ? algorithm : sign;
    // A server that knows none of them says so itself.
    const { name, signature } = identity.algorithms.find((one) => accepted?.includes(one.signature) === true) ?? identity.algorithms[0]!;
    attempt.algorithm = signature;
    const request = Buffer.concat([
      Buffer.of(50),
      ...[user, "ssh-connection", "publickey"].map(wireString),
      Buffer.of(signer === undefined ? 0 : 1),
      wireString(name),
      wireString(identity.blob),
    ]);
    if (signer === undefined) return sendAuthentication(protocol, request);
    const data = Buffer.concat([wireString(protocol["_kex"].sessionID), request]);
    signer(data, (made) => sendAuthentication(protocol, Buffer.concat([request, wireString(made)])));
  };
}
