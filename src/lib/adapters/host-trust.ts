import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { mostListed, readBounded, systemCode } from "../config/file.ts";
import type { HostConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { fingerprintOf, typeOf } from "./fingerprint.ts";
import { isWeak, loadTrust, type Trust } from "./host-key.ts";
import { knownHostsLine } from "./host-key-error.ts";
import { scanAllKeys } from "./host-key-scan.ts";
import type { Endpoint } from "./ssh-endpoint.ts";
import type { EstablishOptions } from "./ssh-establish.ts";
import { connectError } from "./ssh-error.ts";
import { openWay, viaOf, type HeldHop } from "./ssh-hops.ts";
import { findRoute } from "./ssh-route.ts";
import { shareAccess, type ConnectOptions } from "./ssh.ts";
import { StageError } from "./ssh-stage.ts";

/** What is known of a key that a host shows. */
export type KeyState = "known" | "new" | "changed" | "revoked" | "weak";

export interface ShownKey {
  type: string;
  fingerprint: string;
  state: KeyState;
  /** The line that makes it known. */
  line: string;
}

/** A host, or one on the way to it, with all of its keys. Nothing of it is proven. */
export interface HostKeys {
  name: string;
  /** Where it was asked. */
  address: string;
  /** What decides whether it is trusted; only files can be written to. */
  decidedBy: "fingerprint" | "known_hosts" | "file";
  /** The file that keys are added to. */
  file: string;
  keys: ShownKey[];
}

/**
 * Shows the keys of a host, and of those on the way to it, the first one first; each of these has to be trusted before the
 * next one can be asked.
 *
 * @throws ColdtivateError what connecting throws
 */
export async function* showHostKeys(host: HostConfig, options: ConnectOptions = {}): AsyncGenerator<HostKeys> {
  const { hops, target } = await findRoute(host, options);
  const shared = options.shared ?? shareAccess(options);
  const access = { timeout: 10_000, patience: 12_000, ...options, keys: shared.keys };
  for (const [index, endpoint] of [...hops, target].entries()) {
    const before = await shared.hops.hold(hops.slice(0, index), access);
    try {
      yield await ask(endpoint, before, access);
    } finally {
      before?.release();
    }
  }
}

async function ask(endpoint: Endpoint, before: HeldHop | undefined, options: EstablishOptions): Promise<HostKeys> {
  const trust = await loadTrust(endpoint);
  const { name, host, port } = endpoint;
  try {
    const found = await scanAllKeys(async () => (await openWay(endpoint, before, options)).stream, options.timeout);
    return {
      name,
      address: `${host} port ${port}`,
      decidedBy: trust.pinned !== undefined ? "fingerprint" : endpoint.trust.knownHosts === undefined ? "file" : "known_hosts",
      file: trust.file,
      keys: found.map((key) => ({
        type: typeOf(key),
        fingerprint: fingerprintOf(key),
        state: stateOf(key, trust),
        line: knownHostsLine(trust.name, key),
      })),
    };
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (cause instanceof ColdtivateError) throw cause;
    const error = cause instanceof StageError ? cause : new StageError("handshake", cause);
    const none = { identities: [], descriptions: [] };
    throw connectError(endpoint, none, { ...viaOf(options, before), cause: error, said: "", lacks: [], attempts: 1 });
  }
}

function stateOf(key: Buffer, { pinned, known, revoked }: Trust): KeyState {
  if (revoked.some((one) => one.key.equals(key))) return "revoked";
  if (isWeak(key)) return "weak";
  if (pinned !== undefined) return fingerprintOf(key) === pinned ? "known" : "new";
  if (known.some((one) => one.key.equals(key))) return "known";
  return known.some((one) => typeOf(one.key) === typeOf(key)) ? "changed" : "new";
}

/**
 * Adds lines to a known_hosts file, which only its user can write to if it is made here.
 * @throws ColdtivateError KNOWN_HOSTS_UNWRITABLE
 */
export async function addKnownHosts(file: string, lines: readonly string[]): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const before = await readBounded(file, undefined, mostListed).then(String, (cause: unknown) => {
      if (systemCode(cause) === "ENOENT") return "";
      throw cause;
    });
    const gap = before === "" || before.endsWith("\n") ? "" : "\n";
    await appendFile(file, `${gap}${lines.map((line) => `${line}\n`).join("")}`, { mode: 0o600 });
  } catch (cause) {
    throw new ColdtivateError(`${file} cannot be written to`, {
      code: "KNOWN_HOSTS_UNWRITABLE",
      exit: "refused",
      details: [...lines],
      hint: "Nothing was stored. Add these lines yourself, or let the file be writable.",
      cause,
    });
  }
}
