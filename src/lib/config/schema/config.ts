import type { Secret } from "../../secrets/secret.ts";

/** coldtivate.yml after validation, interpolation and defaults. Paths are absolute or relative to `directory`, as said. */
export interface Config {
  /** The file itself, absolute. */
  path: string;
  /** The folder that holds it; every path in it is relative to this one. */
  directory: string;
  project: string;
  registry: RegistryConfig;
  build: BuildConfig;
  content: ContentConfig;
  /** By name, in the file's order. */
  images: Record<string, ImageConfig>;
  /** By Compose service; only the services that the file mentions. */
  services: Record<string, ServiceConfig>;
  /** Variables of whoever deploys that Compose files may interpolate. */
  composeVariables: string[];
  front: FrontConfig;
  tasks: TaskConfig[];
  /** Whether nobody is to roll back past the releases that are made with it. */
  irreversible: boolean;
  /** How many releases the hosts keep. */
  keepReleases: number;
  hooks: HooksConfig;
  /** The variables that the file takes secrets from, those of all environments: no program that we start gets them. */
  secretVariables: string[];
  /** The address that is told how deploys end. */
  webhook?: Secret;
  /** Complete for the one that the command is about; of the others, what needs a variable that is not set may be missing or as written. */
  environments: Record<string, EnvironmentConfig>;
}

export interface RegistryConfig {
  /** What every image name starts with: `registry.example.com/group/backend`. */
  image: string;
  /** Its host, with the port if there is one. */
  host: string;
  /** Plain HTTP. */
  insecure: boolean;
  /** Absent: the user's own Docker login counts. */
  credentials?: Credentials;
}

export interface Credentials {
  username: string;
  password: Secret;
}

export interface BuildConfig {
  /** Tag of the registry cache, one an image; absent: no registry cache. */
  cache?: string;
  submodules: boolean;
  /** Forward the user's ssh-agent to the build. */
  ssh: boolean;
  /** A key for an agent of the build's own: the key's content. */
  sshKey?: Secret;
  /** Build arguments of every image; as written when the command does not build. */
  args: Record<string, string>;
  /** BuildKit secrets of every image, by id; none when the command does not build. */
  secrets: Record<string, Secret>;
  platforms: string[];
  /** How much of how it was built is attached to an image; absent: nothing. */
  provenance?: "min" | "max";
  /** The image that lists what is in an image, or `true` for BuildKit's own; absent: no list is attached. */
  sbom?: string | true;
}

/** When an image with the same content is built again all the same. */
export interface ContentConfig {
  /** Milliseconds after which it is; absent: never. */
  ttl?: number;
}

export interface ImageConfig {
  name: string;
  /** Relative to the configuration's folder, normalised (`Gateway`, `.`). */
  context: string;
  /** Relative to the context; default `Dockerfile`. */
  dockerfile: string;
  target?: string;
  /** Additional contexts by name: a folder, relative to the configuration's, or what BuildKit takes (`docker-image://…`). */
  contexts?: Record<string, string>;
  args: Record<string, string>;
  secrets: Record<string, Secret>;
  /** Compose services that run it, where that cannot be inferred from the Compose files. */
  services?: string[];
}

/**
 * How a new version takes over: in a second slot behind a front; instead of the old one, which stops first; instead of the
 * old one behind a front that lets requests wait; or by running to its end, before whatever needs it.
 */
export type Rollout = "blue-green" | "recreate" | "hold" | "once";

/** How a front passes a port on: request by request, or connection by connection. */
export type PortMode = "http" | "tcp";

/** Settings of a Compose service; what is absent is inferred, or has a default (release/rollout.ts, release/front.ts). */
export interface ServiceConfig {
  rollout?: Rollout;
  /** The ports that take requests inside the container. */
  ports?: PortConfig[];
  /** Of the ports that do not say it themselves. */
  mode?: PortMode;
  /** Milliseconds. */
  healthyWithin?: number;
  /** Milliseconds. */
  drain?: number;
  drainSignal?: DrainSignal;
  /** Of the ports that do not say it themselves. */
  proxyProtocol?: boolean;
  /** Addresses and networks in front of a published port, whose X-Forwarded headers are believed. */
  trustedProxies?: string[];
  /** Names of headers as the service writes them, where others would not guess that. */
  headers?: string[];
  /** Milliseconds. */
  requestTimeout?: number;
  /** Milliseconds. */
  holdLimit?: number;
  /** Mounts that are data, whatever the commit has there: paths in the repository, or in the container. */
  data?: string[];
  /** Mounts that are content of the commit, although the service may write to them; likewise. */
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
  /** What its clients are given to notice, in milliseconds. */
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
  /** Takes it back when the release is undone. */
  undo?: string[];
  /** Whether it runs although its last run was the same; absent: it does not. */
  when?: "changed" | "always";
  /** Milliseconds, of each of the two. */
  timeout: number;
}

export type HookName = `${"before" | "after"}_${"build" | "deploy" | "rollback"}` | "on_failure";
export type HostHookName = `${"before" | "after"}_${"deploy" | "rollback"}` | "on_failure";

export interface HooksConfig {
  /** What runs here: a program and its arguments, in the configuration's folder. */
  client: Partial<Record<HookName, string[]>>;
  /** What runs on each host: paths in the repository, relative to the configuration's folder. */
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
  /** The dotenv's content; see config/dotenv.ts for its values. */
  dotenv?: Secret;
  /** Where the dotenv came from, for messages: a path, or the variable's name; of several, all of them. */
  dotenvSource?: string;
  /** Where its parts came from, if there are several. */
  dotenvSources?: string[];
  /** Compose files, relative to the configuration's folder; absent: those that are found by their names. */
  compose?: string[];
}

export interface HostConfig {
  /** What the user calls it: a name or an address, or a name of ssh_config. */
  host: string;
  /** Absent: ssh_config decides, or 22. */
  port?: number;
  /** Absent: ssh_config decides, or the user's own name. */
  user?: string;
  /** The key's content; absent: ssh_config decides, or the user's ssh-agent and default keys. */
  privateKey?: Secret;
  /** `SHA256:…`; absent: known_hosts decides. */
  fingerprint?: string;
  /** known_hosts lines of its own instead of the user's files. */
  knownHosts?: string;
  /** Hosts to go through, the first one first; none: directly, whatever ssh_config says; absent: ssh_config decides. */
  jump?: HostConfig[];
  /** `trust`: what ssh_config has run counts without a terminal, too; `ignore`: ssh_config is not read. */
  sshConfig?: SshConfigUse;
}

export type SshConfigUse = "trust" | "ignore";
