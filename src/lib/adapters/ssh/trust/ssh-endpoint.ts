import type { Secret } from "../../../secrets/secret.ts";

/** A host to log in to: all that is needed for it, with nothing left to look up. */
export interface Endpoint {
  /** What the user calls it. */
  name: string;
  host: string;
  port: number;
  user: string;
  login: LoginSettings;
  trust: TrustSettings;
  /** A shell command whose input and output are the connection. */
  proxyCommand?: string;
}

export interface LoginSettings {
  /** The configured key: it alone is tried. */
  privateKey?: Secret;
  /** Private keys, or their public halves where an agent has them. */
  files: readonly string[];
  certificates: readonly string[];
  /** Whether an agent's other keys are left out. */
  isOnly: boolean;
  /** The agent's socket. */
  agent?: string;
}

export interface TrustSettings {
  fingerprint?: string;
  /** Lines of known_hosts in the configuration, in place of files. */
  knownHosts?: string;
  files: readonly string[];
  alias?: string;
  /** RevokedHostKeys. */
  revoked?: string;
}
