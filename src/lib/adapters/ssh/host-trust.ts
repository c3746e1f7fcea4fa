import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { mostListed, readBounded, systemCode } from "../../common/file.ts";
import type { HostConfig } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import { fingerprintOf, typeOf } from "./keys/fingerprint.ts";
import { isWeak, loadTrust, type Trust } from "./trust/host-key.ts";
import { knownHostsLine } from "./trust/host-key-error.ts";
import { scanAllKeys } from "./trust/host-key-scan.ts";
import type { Endpoint } from "./trust/ssh-endpoint.ts";
import type { EstablishOptions } from "./ssh-establish.ts";
import { connectError } from "./ssh-error.ts";
import { openWay, viaOf, type HeldHop } from "./ssh-hops.ts";
import { findRoute } from "./route/ssh-route.ts";
import { shareAccess, type ConnectOptions } from "./ssh.ts";
import { StageError } from "./ssh-stage.ts";

/** What is known about a key that a host presents. */
export type KeyState = "known" | "new" | "changed" | "revoked" | "weak";

export interface ShownKey {
  type: string;
  fingerprint: string;
  state: KeyState;
  /** The known_hosts line that makes it known. */
  line: string;
}

/** A host, or a jump host on the way to it, with all of its keys. None of this is verified. */
export interface HostKeys {
  name: string;
  /** The address that was asked. */
  address: string;
  /** What decides whether the host is trusted. Keys can be added only to a file. */
  decidedBy: "fingerprint" | "known_hosts" | "file";
  /** The file that keys are added to. */
  file: string;
  keys: ShownKey[];
}

/**
 * Shows the keys of the jump hosts on the way to a host, in order, and then those of the host itself. Each of them has to be
 * trusted before the next one can be asked.
 *
 * @throws ColdtivateError the same errors as connecting
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
 * Adds lines to a known_hosts file. If the file is created here, only its user can write to it.
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
