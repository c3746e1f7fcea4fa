import { setTimeout as wait } from "node:timers/promises";
import type { Client } from "ssh2";
import { algorithmsFor, loadTrust, type Trust } from "./trust/host-key.ts";
import { hostKeyError } from "./trust/host-key-error.ts";
import { certificateAlgorithms, scanHostKey } from "./trust/host-key-scan.ts";
import type { HostAccess } from "./route/ssh-access.ts";
import { hostCertificateFault, parseCertificate } from "./trust/ssh-certificate.ts";
import { connectError, isTurnedAway } from "./ssh-error.ts";
import { loadIdentities } from "./ssh-identity.ts";
import type { KeyRing } from "./keys/ssh-key-ring.ts";
import { logInOver } from "./ssh-login.ts";
import type { Endpoint } from "./trust/ssh-endpoint.ts";
import { StageError } from "./ssh-stage.ts";
import type { Transport } from "./ssh-transport.ts";

export interface EstablishOptions extends HostAccess {
  keys: KeyRing;
  /** Milliseconds until the host must have shown its key; the login may take three times as long. */
  timeout: number;
  /** Milliseconds until a host that no longer answers counts as lost. */
  patience: number;
  /** The name of the host that forwards bytes. */
  via?: string;
  /** Pauses, in milliseconds, before trying a host again that turned us away. */
  pauses?: readonly number[];
}

const usualPauses = [300, 800, 1500, 3000];

/**
 * Logs in to a host, once its key was found to be the known, pinned or certified one.
 *
 * @param open opens a new transport to it; called again for every further attempt
 * @throws ColdtivateError as connect
 */
export async function establish(endpoint: Endpoint, open: () => Promise<Transport>, options: EstablishOptions): Promise<Client> {
  const { signal, pauses = usualPauses } = options;
  let trust: Trust = await loadTrust(endpoint);
  const identities = await loadIdentities(endpoint, options);
  // A server has one key of each type, and a pinned fingerprint belongs to one of them. The others are asked for one after
  // another.
  const refused: Buffer[] = [];
  let certificate: CertificateCheck | undefined;
  let wantsCertificate = trust.known.length === 0 && trust.authorities.length > 0;
  for (let turn = 0; ;) {
    signal?.throwIfAborted();
    try {
      if (wantsCertificate && certificate === undefined) {
        certificate = await checkCertificate(endpoint, trust, open, options.timeout);
        trust = { ...trust, certified: certificate.certified };
      }
      const attempt = await logInOver(endpoint, await open(), { ...options, trust, identities, refused, signal });
      if ("client" in attempt) return attempt.client;
      if ("error" in attempt) throw Object.assign(attempt.error, attempt);
      refused.push(attempt.presented);
    } catch (cause) {
      signal?.throwIfAborted();
      if (!(cause instanceof StageError)) throw cause;
      // A busy sshd turns some connections away (MaxStartups), and accepts them a moment later.
      const pause = isTurnedAway(cause) ? pauses[turn] : undefined;
      if (pause === undefined && refused.length > 0) throw hostKeyError(endpoint, trust, refused, certificate?.faults);
      if (pause === undefined) throw connectError(endpoint, identities, { ...options, ...detailsOf(cause), cause, attempts: turn + 1 });
      turn++;
      await wait(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      continue;
    }
    if (trust.authorities.length > 0 && certificate === undefined) {
      wantsCertificate = true;
      refused.length = 0;
      continue;
    }
    const hasMore = trust.pinned !== undefined && algorithmsFor(trust, refused).length > 0;
    if (!hasMore) throw hostKeyError(endpoint, trust, refused, certificate?.faults);
  }
}

function detailsOf(error: StageError & { said?: string; lacks?: readonly string[] }): { said: string; lacks: readonly string[] } {
  return { said: error.said ?? "", lacks: error.lacks ?? [] };
}

interface CertificateCheck {
  /** Keys that a trusted authority certifies as the host's. */
  certified: Buffer[];
  /** Why a certificate of the host is not accepted. */
  faults: string[];
}

/**
 * Asks the host for its certificates and checks them here, because ssh2 cannot exchange keys with one. The key in a valid
 * certificate then counts as the known key, and the host proves at login that it has it.
 */
async function checkCertificate(
  endpoint: Endpoint,
  trust: Trust,
  open: () => Promise<Transport>,
  timeout: number,
): Promise<CertificateCheck> {
  const faults: string[] = [];
  let offered = certificateAlgorithms;
  while (offered.length > 0) {
    const blob = await scanHostKey((await open()).stream, offered, timeout).catch((cause: unknown) => {
      throw new StageError("handshake", cause);
    });
    if (blob === undefined) break;
    const certificate = parseCertificate(blob);
    if (certificate === undefined) break;
    const fault = hostCertificateFault(certificate, {
      name: endpoint.trust.alias ?? endpoint.host,
      authorities: trust.authorities.map(({ key }) => key),
      revoked: trust.revoked.map(({ key }) => key),
      now: Date.now(),
    });
    if (fault === undefined) return { certified: [certificate.key], faults };
    faults.push(`its certificate "${certificate.id}" does not count: ${fault}`);
    const isRsa = certificate.type.startsWith("ssh-rsa");
    offered = offered.filter((name) => (isRsa ? !name.startsWith("rsa-") : name !== certificate.type));
  }
  return { certified: [], faults: faults.length > 0 ? faults : ["it has no certificate"] };
}
