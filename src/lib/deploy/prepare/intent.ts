import type { Repository } from "../../adapters/git/git.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import type { Config, EnvironmentConfig } from "../../config/schema/config.ts";
import type { Revision } from "../../git/revision.ts";
import type { OpenRegistry } from "./images/open-registry.ts";
import type { Who } from "./release-entries.ts";

/** What the user asks for, before any host is asked. */
export interface Intent {
  config: Config;
  environment: EnvironmentConfig;
  /** Whether it may leave data behind that containers wrote. */
  leavesData: boolean;
  /** Whether the plan is only to be shown. */
  isDryRun: boolean;
  /** The script that runs on the hosts. */
  script: readonly TarEntry[];
  who: Who;
  now: Date;
}

/** The release of a commit. */
export interface DeployRequest {
  action: "deploy";
  revision: Revision;
  /** Whether the commit may be older than the one that serves. */
  allowsOlder: boolean;
  /** Whether rollbacks past this release are forbidden, in addition to what the configuration says. */
  isIrreversible: boolean;
  /** The variables of the environment's dotenv. */
  dotenv: ReadonlyMap<string, string>;
  env: NodeJS.ProcessEnv;
}

/** The return to a release that the hosts keep. */
export interface RollbackRequest {
  action: "rollback";
  /** Its id; by default, the one before the current one. */
  release?: string | undefined;
}

/** An update of fronts. */
export interface FrontsRequest {
  action: "fronts";
  /** The services whose fronts are updated; empty for all. */
  services: readonly string[];
}

export type ReleaseRequest = DeployRequest | RollbackRequest | FrontsRequest;

export interface PreparePorts {
  /** May still be connecting. */
  connections: Promise<readonly HostConnection[]>;
  /** A rollback only opens it if a host no longer has an image that it needs. */
  registry: OpenRegistry;
  /** Only a deploy opens it. */
  repository: () => Promise<Repository>;
  signal: AbortSignal;
}

/** Name of the Compose project of an environment, and of its state on a host. */
export function projectOf(config: Pick<Config, "project">, environment: Pick<EnvironmentConfig, "name">): string {
  return `${config.project}-${environment.name}`;
}
