import type { Rendered } from "./render.ts";

/** What a release consists of; kept beside it on every host, and read again by whatever comes after it. */
export interface Manifest {
  version: 1;
  id: string;
  project: string;
  environment: string;
  /** 40 characters. */
  commit: string;
  /** The tag or branch that it was asked for by. */
  ref?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** By service: every one that is part of the release. */
  services: Record<string, ManifestService>;
  /** By task: the digest of its definition. */
  tasks: Record<string, string>;
}

export interface ManifestService {
  /** Digest of the rendered service with everything that it refers to. */
  definition: string;
  /** The image as the Compose file writes it. */
  reference: string;
  /** The image as it runs: `repository@sha256:…`. */
  image: string;
  /** The image of coldtivate.yml that it runs, if it is one of ours. */
  built?: string;
  /** By variable: a digest of its value, so that the next plan can name what changed. */
  environment?: Record<string, string>;
}

/** Reads a manifest that a host sent. Undefined when there is none, or when it is not one that this version understands. */
export function parseManifest(text: string): Manifest | undefined {
  if (text.trim() === "") return undefined;
  try {
    const manifest = JSON.parse(text) as Manifest;
    return manifest.version === 1 ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** The manifest of a rendered release. */
export function manifestOf(rendered: Rendered, release: Omit<Manifest, "version" | "services" | "tasks">): Manifest {
  const services = Object.entries(rendered.services).map(([name, { checked: _checked, ...service }]) => [name, service] as const);
  const tasks = Object.entries(rendered.tasks).map(([name, { definition }]) => [name, definition] as const);
  return { version: 1, ...release, services: Object.fromEntries(services), tasks: Object.fromEntries(tasks) };
}
