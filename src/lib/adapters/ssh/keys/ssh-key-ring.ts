import { readPrivateKey, keyFaults, type PrivateKey } from "./ssh-private-key.ts";

const mostAttempts = 3;

/**
 * Private keys that were unlocked with a passphrase. Each passphrase is asked for once, however many hosts need the key, and one
 * at a time.
 */
export class KeyRing {
  readonly #unlocked = new Map<string, Promise<PrivateKey>>();
  #asking: Promise<unknown> = Promise.resolve();

  /**
   * Decrypts an encrypted key.
   *
   * @param source what to call it: a path, or where it is configured
   * @param ask shows a question and returns what was typed
   * @throws Error after three wrong passphrases
   */
  unlock(content: string, source: string, ask: (question: string) => Promise<string>): Promise<PrivateKey> {
    const known = this.#unlocked.get(content);
    if (known !== undefined) return known;
    const unlocking = this.#asking.then(() => askFor(content, source, ask));
    this.#asking = unlocking.catch(() => {});
    this.#unlocked.set(content, unlocking);
    return unlocking;
  }
}

async function askFor(content: string, source: string, ask: (question: string) => Promise<string>): Promise<PrivateKey> {
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const passphrase = await ask(`Passphrase of ${source}${attempt > 1 ? " (that was not it)" : ""}: `);
    if (passphrase === "") break;
    const key = readPrivateKey(content, passphrase);
    if (typeof key !== "string") return key;
    if (key !== "passphrase") throw new Error(`${source} cannot be used: ${keyFaults[key]}`);
  }
  throw new Error(`${source} cannot be used: its passphrase was not given`);
}
