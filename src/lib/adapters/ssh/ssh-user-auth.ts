import ssh2, { type Client, type ParsedKey, type SignCallback, type SigningRequestOptions } from "ssh2";
import { protocolOf, sendAuthentication } from "./ssh-protocol.ts";
import { wireString } from "./keys/ssh-wire.ts";

/** A key to log in with. */
export interface Identity {
  /** For messages: its fingerprint, type and where it is from. */
  description: string;
  /** What the server is shown: a public key or a certificate, in SSH's format. */
  blob: Buffer;
  /** Names of algorithms as a server lists them, the preferred first, with the signature's own. */
  algorithms: readonly { name: string; signature: string }[];
  /** Called once the server has said that it would take the key. */
  sign: (data: Buffer, algorithm: string) => Promise<Buffer>;
}

/** What an attempt is made with, by the key that stands for it with ssh2. */
const attempts = new WeakMap<object, { identity: Identity; algorithm: string }>();

/** The rest of a key that ssh2 has to see to take an object for one; nobody signs with it. */
const template = ssh2.utils.parseKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");

/**
 * An agent for ssh2 that holds one identity.
 * @param onFault told why it did not sign; the next identity is tried then
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
    // ssh2 chooses among RSA's algorithms by this name, SHA-1 included; we do that below.
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
 * Has a client log in with identities: ssh2 writes one name for a key's type, for the algorithm and for the signature's,
 * which is wrong for certificates and leaves out what security keys add. So these messages are ours (RFC 4252, section 7;
 * RFC 8332).
 *
 * @param client whose `connect` was called already
 * @param onRefusal told, each time, which ways to log in the server would still take
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
