import type { Secret } from "./secret.ts";

/** coldtivate.yml after validation, interpolation and defaults. Paths are absolute or relative to `directory`, as said. */
export interface Config {
  /** The file itself, absolute. */
  path: string;
  /** The folder that holds it; every path in it is relative to this one. */
  directory: string;
  project: string;
  registry: RegistryConfig;
  build: BuildConfig;
  /** By name, in the file's order. */
  images: Record<string, ImageConfig>;
  /** By Compose service; only the services that the file mentions. */
  services: Record<string, ServiceConfig>;
  tasks: TaskConfig[];
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
}

export interface ImageConfig {
  name: string;
  /** Relative to the configuration's folder, normalised (`Gateway`, `.`). */
  context: string;
  /** Relative to the context; default `Dockerfile`. */
  dockerfile: string;
  target?: string;
  args: Record<string, string>;
  secrets: Record<string, Secret>;
  /** Compose services that run it, where that cannot be inferred from the Compose files. */
  services?: string[];
}

export type Rollout = "blue-green" | "recreate" | "hold";

export interface ServiceConfig {
  rollout?: Rollout;
  /** The port that takes requests inside the container. */
  port?: number;
  /** Milliseconds. */
  healthyWithin?: number;
  /** Milliseconds. */
  drain?: number;
}

export interface TaskConfig {
  name: string;
  service: string;
  run: string[];
  /** Milliseconds. */
  timeout: number;
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
  /** Where the dotenv came from, for messages: a path, or the variable's name. */
  dotenvSource?: string;
  /** Compose files, relative to the configuration's folder. */
  compose: string[];
}

export interface HostConfig {
  /** What the user calls it: the host's name or address. */
  host: string;
  port: number;
  user: string;
  /** The key's content; absent: the user's ssh-agent and default keys. */
  privateKey?: Secret;
  /** `SHA256:…`; absent: known_hosts decides. */
  fingerprint?: string;
  /** known_hosts lines of its own instead of the user's files. */
  knownHosts?: string;
}
