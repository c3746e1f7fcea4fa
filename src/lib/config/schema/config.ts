import type { Secret } from "../../secrets/secret.ts";

/** How many releases a host keeps, images included, unless the configuration says otherwise. */
export const defaultKeptReleases = 5;

/**
 * coldtivate.yml after validation, interpolation and defaults. Each path is absolute or relative to `directory`, as documented.
 */
export interface Config {
  /** The absolute path of the file itself. */
  path: string;
  /** The folder that contains the file. Every path in the file is relative to it. */
  directory: string;
  project: string;
  registry: RegistryConfig;
  build: BuildConfig;
  content: ContentConfig;
  /** By name, in the file's order. */
  images: Record<string, ImageConfig>;
  /** By Compose service; only the services that the file mentions. */
  services: Record<string, ServiceConfig>;
  /** Variables of the deploying user that Compose files may interpolate. */
  composeVariables: string[];
  front: FrontConfig;
  tasks: TaskConfig[];
  /** Whether rolling back past the releases made with this configuration is forbidden. */
  irreversible: boolean;
  /** How many releases the hosts keep. */
  keepReleases: number;
  hooks: HooksConfig;
  /** The variables from which the file takes secrets, in all environments. No program that we start gets them. */
  secretVariables: string[];
  /** The address that is notified of how each deploy ended. */
  webhook?: Secret;
  /**
   * Complete for the environment that the command works on. In the others, a value that needs an unset variable may be missing,
   * or as written.
   */
  environments: Record<string, EnvironmentConfig>;
}

export interface RegistryConfig {
  /** The beginning of every image name: `registry.example.com/group/backend`. */
  image: string;
  /** Its host, with the port if there is one. */
  host: string;
  /** Plain HTTP. */
  insecure: boolean;
  /** Absent: the user's own Docker login is used. */
  credentials?: Credentials;
}

export interface Credentials {
  username: string;
  password: Secret;
}

export interface BuildConfig {
  /** Tag of the registry cache, one cache per image; absent: no registry cache. */
  cache?: string;
  submodules: boolean;
  /** Forward the user's ssh-agent to the build. */
  ssh: boolean;
  /** The content of a private key for an ssh-agent of the build's own. */
  sshKey?: Secret;
  /** Build arguments of every image; as written if the command does not build. */
  args: Record<string, string>;
  /** BuildKit secrets of every image, by id; empty if the command does not build. */
  secrets: Record<string, Secret>;
  platforms: string[];
  /** How much build provenance is attached to an image; absent: none. */
  provenance?: "min" | "max";
  /** The image that generates the SBOM of an image, or `true` for BuildKit's own generator; absent: no SBOM is attached. */
  sbom?: string | true;
}

/** When an image is built again although its content has not changed. */
export interface ContentConfig {
  /** Milliseconds after which it is built again; absent: never. */
  ttl?: number;
}

export interface ImageConfig {
  name: string;
  /** Relative to the configuration's folder, normalised (`Gateway`, `.`). */
  context: string;
  /** Relative to the context; default `Dockerfile`. */
  dockerfile: string;
  target?: string;
  /**
   * Additional contexts by name: a folder, relative to the configuration's folder, or an address that BuildKit accepts
   * (`docker-image://…`).
   */
  contexts?: Record<string, string>;
  args: Record<string, string>;
  secrets: Record<string, Secret>;
  /** Compose services that run it, if that cannot be inferred from the Compose files. */
  services?: string[];
}

/**
 * How a new version takes over: in a second slot behind a front; in place of the old version, which stops first; in place of the
 * old version, behind a front that lets requests wait; or by running to completion before the services that need it.
 */
export type Rollout = "blue-green" | "recreate" | "hold" | "once";

/** How a front forwards a port: request by request, or connection by connection. */
export type PortMode = "http" | "tcp";

/**
 * Settings of a Compose service. A setting that is absent is inferred, or has a default (release/rollout.ts, release/front.ts).
 */
export interface ServiceConfig {
  rollout?: Rollout;
  /** The ports inside the container that take requests. */
  ports?: PortConfig[];
  /** For ports that do not set it themselves. */
  mode?: PortMode;
  /** Milliseconds. */
  healthyWithin?: number;
  /** Milliseconds. */
  drain?: number;
  drainSignal?: DrainSignal;
  /** For ports that do not set it themselves. */
  proxyProtocol?: boolean;
  /** Addresses and networks of proxies in front of a published port. Their X-Forwarded headers are trusted. */
  trustedProxies?: string[];
  /** Names of headers in the service's own spelling, where it cannot be guessed. */
  headers?: string[];
  /** Milliseconds. */
  requestTimeout?: number;
  /** Milliseconds. */
  holdLimit?: number;
  /** Mounts that are data, whatever the commit contains there: paths in the repository, or in the container. */
  data?: string[];
  /**
   * Mounts that are content of the commit although the service may write to them: likewise paths in the repository, or in the
   * container.
   */
  content?: string[];
}

export interface PortConfig {
  port: number;
  mode?: PortMode;
  proxyProtocol?: boolean;
}

/** How a service learns that its clients should go elsewhere: a file that appears, or a command in its container. */
export interface DrainSignal {
  signal: { file: string } | { command: string[] };
  /** How long its clients have to notice, in milliseconds. */
  wait: number;
}

export interface FrontConfig {
  /** The HAProxy image, as written. */
  image: string;
  /** The memory that each front may use, as Compose writes it; absent: no limit. */
  memory?: string;
}

export interface TaskConfig {
  name: string;
  service: string;
  run: string[];
  /** Reverts the task when the release is undone. */
  undo?: string[];
  /** Whether the task runs even if nothing about it changed since its last run; absent: it does not. */
  when?: "changed" | "always";
  /** Milliseconds, for each of the two commands. */
  timeout: number;
}

export type HookName = `${"before" | "after"}_${"build" | "deploy" | "rollback"}` | "on_failure";
export type HostHookName = `${"before" | "after"}_${"deploy" | "rollback"}` | "on_failure";

export interface HooksConfig {
  /** Hooks that run on this side: a program and its arguments, in the configuration's folder. */
  client: Partial<Record<HookName, string[]>>;
  /** Hooks that run on each host: paths in the repository, relative to the configuration's folder. */
  host: Partial<Record<HostHookName, string>>;
}

export interface EnvironmentConfig {
  name: string;
  /** Patterns with `*`; a release must be reachable from one of these branches. */
  branches: string[];
  /** Patterns with `*`; a release must be one of these tags. */
  tags: string[];
  /** Ask before a deploy. */
  confirm: boolean;
  hosts: HostConfig[];
  /** The dotenv's content; see config/values/dotenv.ts for its values. */
  dotenv?: Secret;
  /** Where the dotenv came from, for messages: a path, or the variable's name; if there are several, all of them. */
  dotenvSource?: string;
  /** Where its parts came from, if there are several. */
  dotenvSources?: string[];
  /** Compose files, relative to the configuration's folder; absent: those found by their default names. */
  compose?: string[];
}

export interface HostConfig {
  /** The host as the user names it: a name, an address, or a name in ssh_config. */
  host: string;
  /** Absent: ssh_config decides, or 22. */
  port?: number;
  /** Absent: ssh_config decides, or the user's own name. */
  user?: string;
  /** The key's content; absent: ssh_config decides, or the user's ssh-agent and default keys. */
  privateKey?: Secret;
  /** `SHA256:…`; absent: known_hosts decides. */
  fingerprint?: string;
  /** known_hosts lines for this host, used instead of the user's files. */
  knownHosts?: string;
  /** Jump hosts, in order from the first; empty: connect directly, whatever ssh_config says; absent: ssh_config decides. */
  jump?: HostConfig[];
  /** `trust`: commands in ssh_config may run even without a terminal; `ignore`: ssh_config is not read. */
  sshConfig?: SshConfigUse;
}

export type SshConfigUse = "trust" | "ignore";
