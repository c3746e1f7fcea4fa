/** The merged Compose model, as `docker compose config --format json` gives it; only what the renderer reads is typed. */
export interface ComposeModel {
  name?: string;
  services: Record<string, ComposeService>;
  configs?: Record<string, ComposeSource>;
  secrets?: Record<string, ComposeSource>;
  networks?: Record<string, unknown>;
  volumes?: Record<string, unknown>;
  [key: string]: unknown;
}

export interface ComposeService {
  image?: string;
  command?: string[] | null;
  depends_on?: Record<string, { condition?: string; restart?: boolean; required?: boolean }>;
  deploy?: { replicas?: number; [key: string]: unknown };
  environment?: Record<string, string | null>;
  healthcheck?: { disable?: boolean; test?: string[]; [key: string]: unknown };
  labels?: Record<string, string>;
  links?: string[];
  networks?: Record<string, { aliases?: string[]; [key: string]: unknown } | null>;
  profiles?: string[];
  restart?: string;
  scale?: number;
  volumes?: ComposeMount[];
  configs?: { source: string }[];
  secrets?: { source: string }[];
  [key: string]: unknown;
}

export interface ComposeMount {
  type: string;
  source?: string;
  target: string;
  [key: string]: unknown;
}

/** A config or secret: its content comes from a file, from a variable, or is written in place. */
export interface ComposeSource {
  file?: string;
  environment?: string;
  content?: string;
  external?: boolean;
  [key: string]: unknown;
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
