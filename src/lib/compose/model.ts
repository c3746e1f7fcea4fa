import type { HealthCheckTimes } from "./health-times.ts";

/** The merged Compose model, as printed by `docker compose config --format json`. Only what the renderer reads is typed. */
export interface ComposeModel {
  name?: string;
  services: Record<string, ComposeService>;
  configs?: Record<string, ComposeSource>;
  secrets?: Record<string, ComposeSource>;
  models?: Record<string, unknown>;
  networks?: Record<string, unknown>;
  volumes?: Record<string, unknown>;
  [key: string]: unknown;
}

export interface ComposeService {
  image?: string;
  command?: string[] | null;
  container_name?: string;
  depends_on?: Record<string, ComposeDependency>;
  deploy?: {
    replicas?: number;
    restart_policy?: { condition?: string; [key: string]: unknown };
    resources?: { reservations?: { memory?: string | number }; [key: string]: unknown };
    [key: string]: unknown;
  };
  entrypoint?: string[] | null;
  environment?: Record<string, string | null>;
  expose?: string[];
  external_links?: string[];
  /** Lines `name=address`, or addresses by name. */
  extra_hosts?: string[] | Record<string, string | string[]>;
  healthcheck?: HealthCheckTimes & { disable?: boolean; test?: string[]; [key: string]: unknown };
  hostname?: string;
  labels?: Record<string, string>;
  cgroup?: string;
  ipc?: string;
  links?: string[];
  mac_address?: string;
  models?: Record<string, unknown>;
  mem_reservation?: string | number;
  network_mode?: string;
  networks?: Record<string, ComposeAttachment | null>;
  pid?: string;
  ports?: ComposePort[];
  profiles?: string[];
  restart?: string;
  scale?: number;
  security_opt?: string[];
  uts?: string;
  volumes?: ComposeMount[];
  volumes_from?: string[];
  configs?: ComposeSourceUse[];
  secrets?: ComposeSourceUse[];
  [key: string]: unknown;
}

/** How a service is attached to a network. */
export interface ComposeAttachment {
  aliases?: string[];
  ipv4_address?: string;
  ipv6_address?: string;
  link_local_ips?: string[];
  mac_address?: string;
  [key: string]: unknown;
}

export interface ComposeDependency {
  condition?: string;
  restart?: boolean;
  required?: boolean;
}

/** A published port. Compose writes one for each port of a range. */
export interface ComposePort {
  target: number;
  /** A port, a range to choose from, or absent for any port. */
  published?: string;
  protocol?: string;
  host_ip?: string;
  [key: string]: unknown;
}

export interface ComposeMount {
  type: string;
  source?: string;
  target: string;
  read_only?: boolean;
  [key: string]: unknown;
}

/** A config or secret. Its content comes from a file, from a variable, or is written inline. */
export interface ComposeSource {
  file?: string;
  environment?: string;
  content?: string;
  external?: boolean;
  [key: string]: unknown;
}

/** Where a service gets a config or secret. */
export interface ComposeSourceUse {
  source: string;
  target?: string;
  uid?: string;
  gid?: string;
  /** A number, or text in octal, as newer versions of Compose write it. */
  mode?: number | string;
}

/** The name that Compose gives a service's container, unless the file sets one. */
export function defaultContainerName(project: string, service: string, number = 1): string {
  return `${project}-${service}-${number}`;
}

/** How many containers a service asks for. */
export function replicas(service: ComposeService): number {
  return service.scale ?? service.deploy?.replicas ?? 1;
}

/** A service is part of a release unless a profile hides it or it is scaled to nothing. */
export function isActive(service: ComposeService, profiles: readonly string[]): boolean {
  const shown = !service.profiles?.length || service.profiles.some((profile) => profiles.includes(profile) || profiles.includes("*"));
  return shown && replicas(service) > 0;
}
