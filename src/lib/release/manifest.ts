import * as z from "zod";
import { commitSchema, lineSchema, readJson, releaseSchema, thingSchema, timeSchema } from "../common/host-answer.ts";
import { imageFactsSchema } from "../services/image-facts.ts";
import { mapValues } from "../common/plain.ts";
import type { Rendered } from "./rendered.ts";

const serviceSchema = z.object({
  /** Digest of the rendered service with everything that it refers to. */
  definition: lineSchema,
  /** The image as the Compose file writes it. */
  reference: lineSchema,
  /** The image as it runs: `repository@sha256:…`. */
  image: lineSchema,
  /** The image of coldtivate.yml that it runs, if the project builds it. */
  built: lineSchema.optional(),
  /** By variable: a digest of its value, so that the next plan can name what changed. */
  environment: z.record(lineSchema, lineSchema).optional(),
  /** The services with fronts that it is replaced with. */
  restarts: z.array(thingSchema).optional(),
  /** Whether it ran to its end before the release served. */
  once: z.literal(true).optional(),
});

const frontSchema = z.object({
  /** Digest of the rendered front, its image included. */
  definition: lineSchema,
  /** The image as configured. */
  reference: lineSchema,
  /** The image as it runs: `repository@sha256:…`. */
  image: lineSchema,
  /** The memory that it may use. */
  memory: lineSchema.optional(),
  /** The number of containers of the service whose names it has; 1 if absent. */
  names: z.number().int().min(0).max(10_000).optional(),
  /** Digest of its HAProxy configuration. */
  configuration: lineSchema,
  slots: z.array(z.enum(["blue", "green", "slot"])),
});

const milliseconds = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const wordSchema = lineSchema.min(1);
const signalSchema = z.object({
  signal: z.union([z.object({ file: wordSchema }), z.object({ command: z.array(wordSchema) })]),
  wait: milliseconds,
});

/** What a service's rollout needs, as it was when the release was made. */
const rolloutSchema = z.object({
  healthyWithin: z.exactOptional(milliseconds),
  drain: z.exactOptional(milliseconds),
  holdLimit: z.exactOptional(milliseconds),
  drainSignal: z.exactOptional(signalSchema),
  /** Where it must take connections if it has no health check. */
  ports: z.exactOptional(z.array(z.object({ port: z.number().int().min(1).max(65_535) }))),
});

const placeSchema = z.object({
  kind: z.enum(["data", "watched", "content"]),
  /** Absolute path on the host. */
  place: lineSchema,
  /** For content: its digest. For data: the digest of the commit's initial content for it. */
  digest: lineSchema.optional(),
});

const manifestSchema = z.object({
  version: z.literal(1),
  id: releaseSchema,
  project: thingSchema,
  environment: thingSchema,
  /** 40 characters. */
  commit: commitSchema,
  /** When the commit was made in Git: ISO 8601, UTC. */
  committedAt: timeSchema.optional(),
  /** The tag or branch that it was requested by. */
  ref: lineSchema.optional(),
  /** ISO 8601, UTC. */
  createdAt: timeSchema,
  /** The release that it repeats, if it is a rollback. */
  rollback: releaseSchema.optional(),
  /** Whether rollbacks past it are forbidden. */
  irreversible: z.boolean().optional(),
  /** By name: every service that is part of the release. */
  services: z.record(thingSchema, serviceSchema),
  /** By service: its front, if it has one. */
  fronts: z.record(thingSchema, frontSchema).default({}),
  /** By task: the digest of its definition. */
  tasks: z.record(lineSchema, lineSchema),
  /** By image as it runs: the facts from the registry, so that it is not asked again. */
  images: z.record(lineSchema, imageFactsSchema).default({}),
  /** By service and target: the volume that replaces one without a name. */
  volumes: z.record(lineSchema, z.record(lineSchema, lineSchema)).optional(),
  /** By path relative to the Compose files: its place on the host. Absent in releases of an older coldtivate. */
  places: z.record(lineSchema, placeSchema).optional(),
  /** By network of the project: the definition that it was created with. */
  networks: z.record(lineSchema, z.unknown()).optional(),
  /** By service. Absent in releases of an older coldtivate. */
  rollouts: z.record(thingSchema, rolloutSchema).optional(),
  /** The reach check before its commit, in the words of reach.ts. Absent in releases of an older coldtivate. */
  reach: z.array(wordSchema).optional(),
  /** By task: the last run that counts, as of this release. */
  runs: z.record(lineSchema, z.object({ definition: lineSchema, release: releaseSchema })).optional(),
});

/** What a release consists of. Every host stores it with the release, and later releases read it again. */
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestService = z.infer<typeof serviceSchema>;
export type ManifestRollout = z.infer<typeof rolloutSchema>;
export type ManifestFront = z.infer<typeof frontSchema>;

/** Reads a manifest that a host sent. Undefined if there is none, or if this version does not understand it. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    return manifestSchema.parse(readJson("", "its manifest", text));
  } catch {
    return undefined;
  }
}

/** The manifest of a rendered release. */
export function manifestOf(
  rendered: Rendered,
  release: Omit<Manifest, "version" | "services" | "fronts" | "tasks" | "images" | "volumes" | "places" | "reach">,
): Manifest {
  return {
    version: 1,
    ...release,
    services: mapValues(rendered.services, ({ checked: _checked, times: _times, rollout, rolloutReason: _reason, ...service }) => ({
      ...service,
      ...(rollout === "once" ? { once: true as const } : {}),
    })),
    fronts: mapValues(rendered.fronts, ({ definition, reference, image, memory, names, configuration, slots }) => ({
      definition,
      reference,
      image,
      ...(memory === undefined ? {} : { memory }),
      ...(names === undefined ? {} : { names }),
      configuration,
      slots,
    })),
    tasks: mapValues(rendered.tasks, ({ definition }) => definition),
    images: rendered.images,
    reach: rendered.reach,
    ...(Object.keys(rendered.volumeNames).length > 0 ? { volumes: rendered.volumeNames } : {}),
    ...(rendered.layout === undefined ? {} : { places: rendered.layout.places }),
  };
}
