import type { Secret } from "../../../secrets/secret.ts";

/** A host to log in to, with everything that is needed: nothing is left to look up. */
export interface Endpoint {
  /** The host as the user calls it. */
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
  /** The configured key. If there is one, it alone is tried. */
  privateKey?: Secret;
  /** Private keys, or their public halves if an agent has the private ones. */
  files: readonly string[];
  certificates: readonly string[];
  /** Whether the agent's other keys are not used. */
  isOnly: boolean;
  /** The agent's socket. */
  agent?: string;
}

export interface TrustSettings {
  fingerprint?: string;
  /** known_hosts lines in the configuration, used instead of files. */
  knownHosts?: string;
  files: readonly string[];
  alias?: string;
  /** RevokedHostKeys. */
  revoked?: string;
}
