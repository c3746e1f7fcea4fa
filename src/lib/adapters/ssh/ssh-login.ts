import { NodeSSH } from "node-ssh";
import type ssh2 from "ssh2";
import type { Client } from "ssh2";
import { accepts, algorithmsFor, type Trust } from "./trust/host-key.ts";
import type { Identities } from "./ssh-identity.ts";
import type { Endpoint } from "./trust/ssh-endpoint.ts";
import { StageError } from "./ssh-stage.ts";
import type { Transport } from "./ssh-transport.ts";
import { recordGreeting } from "./ssh-protocol.ts";
import { agentOf, useIdentities, type Identity } from "./ssh-user-auth.ts";

export interface LoginOptions {
  trust: Trust;
  identities: Identities;
  /** Keys that the host showed before and that were not accepted. */
  refused: readonly Buffer[];
  signal?: AbortSignal | undefined;
  /** Milliseconds until the host must have shown its key; the login may take three times as long. */
  timeout: number;
  /** Milliseconds until a host that no longer answers counts as lost. */
  patience: number;
}

/** The outcome of an attempt. */
export type Attempt =
  | { client: Client }
  /** The key that was not trusted. */
  | { presented: Buffer }
  | { error: StageError; said: string; lacks: readonly string[] };

/** Keep-alives that may go unanswered; the connection ends one interval later. */
const keepaliveCountMax = 2;

/**
 * What we offer: OpenSSH's defaults, as far as ssh2 supports them, without SHA-1. The ciphers are those of ssh2, all of which
 * OpenSSH has, the faster ones first.
 */
const algorithms = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
  ] satisfies ssh2.KexAlgorithm[],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"] satisfies ssh2.MacAlgorithm[],
  compress: ["none"] satisfies ssh2.CompressionAlgorithm[],
};

/** Logs in over a stream, after the host's key was found to be the right one. Rejects only if it is aborted. */
export async function logInOver(endpoint: Endpoint, { stream, said }: Transport, options: LoginOptions): Promise<Attempt> {
  const { trust, identities, refused, signal, timeout, patience } = options;
  let presented: Buffer | undefined;
  let stage: "handshake" | "login" = "handshake";
  let lacks: readonly string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const deadline = new Deadline((after) => reject(new StageError(stage, "timeout", after)));
  const faults: string[] = [];
  const ssh = new NodeSSH();
  let client: Client | undefined;
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const greeting = { text: "" };
  try {
    signal?.throwIfAborted();
    deadline.start(timeout);
    const queue = inTurn(identities.identities).map((identity) => withoutDeadline(identity, deadline));
    // The outcome is observed below, in more detail.
    ssh
      .connect({
        sock: stream,
        username: endpoint.user,
        readyTimeout: 0,
        keepaliveCountMax,
        keepaliveInterval: patience / (keepaliveCountMax + 1),
        algorithms: { ...algorithms, serverHostKey: algorithmsFor(trust, refused) },
        authHandler: (_left, _partial, next) => {
          const identity = queue.shift();
          const agent = identity && agentOf(identity, (fault) => faults.push(`${identity.description}: ${fault.message}`));
          // @ts-expect-error: ssh2's types do not know false, which ends the attempts.
          next(agent === undefined ? false : { type: "agent", username: endpoint.user, agent });
        },
        hostVerifier: (key: Buffer) => {
          const accepted = accepts(trust, key);
          if (!accepted) presented = key;
          return accepted;
        },
      })
      .catch(() => {});
    client = ssh.connection!;
    // The handler stays: an error without a handler ends the process.
    client.on("error", (cause: Error & { level?: string }) => {
      if (cause.level !== "agent") reject(new StageError(stage, cause));
    });
    client.on("close", () => reject(new StageError(stage, "closed")));
    client.once("handshake", () => {
      stage = "login";
      deadline.start(timeout * 3);
    });
    client.once("ready", resolve);
    useIdentities(client, (left) => (lacks = left));
    recordGreeting(client, greeting);
    // Small packets that wait for acknowledgements cost 90 ms per command.
    client.setNoDelay(true);
    await promise;
    return { client };
  } catch (cause) {
    client?.destroy();
    stream.destroy();
    signal?.throwIfAborted();
    if (presented) return { presented };
    const error = cause instanceof StageError ? cause : new StageError(stage, cause);
    return { error, said: [said?.() ?? "", greeting.text, ...faults].filter(Boolean).join("\n"), lacks };
  } finally {
    deadline.stop();
    signal?.removeEventListener("abort", abort);
  }
}

/** The attempts that sshd allows before it hangs up: MaxAuthTries less one. It still answers the last of them. */
const mostAttempts = 5;

/**
 * The keys to try. A server lists the hashes that it knows, not those that it accepts (PubkeyAcceptedAlgorithms). So RSA keys are
 * tried with the other hash once nothing else has helped, as far as the server still listens.
 */
function inTurn(identities: readonly Identity[]): Identity[] {
  const again = identities.flatMap((identity) =>
    identity.algorithms.length > 1 ? [{ ...identity, algorithms: identity.algorithms.slice(1) }] : [],
  );
  return identities.length + again.length > mostAttempts ? [...identities] : [...identities, ...again];
}

/** Stops the deadline while signing: somebody may have to type a passphrase, or touch a security key, and that takes its time. */
function withoutDeadline(identity: Identity, deadline: Deadline): Identity {
  return {
    ...identity,
    async sign(data, algorithm) {
      deadline.stop();
      try {
        return await identity.sign(data, algorithm);
      } finally {
        deadline.resume();
      }
    },
  };
}

class Deadline {
  readonly #onPassed: (milliseconds: number) => void;
  #milliseconds = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(onPassed: (milliseconds: number) => void) {
    this.#onPassed = onPassed;
  }

  start(milliseconds: number): void {
    this.#milliseconds = milliseconds;
    this.resume();
  }

  resume(): void {
    this.stop();
    this.#timer = setTimeout(() => this.#onPassed(this.#milliseconds), this.#milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
