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
  /** The image of coldtivate.yml that it runs, if it is one of ours. */
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
  /** The image as it is configured. */
  reference: lineSchema,
  /** The image as it runs: `repository@sha256:…`. */
  image: lineSchema,
  /** The memory that it may use. */
  memory: lineSchema.optional(),
  /** For how many containers of the service it has the names; one, if it is not said. */
  names: z.number().int().min(0).max(10_000).optional(),
  /** Digest of its HAProxy configuration. */
  configuration: lineSchema,
  slots: z.array(z.enum(["blue", "green", "slot"])),
});

const placeSchema = z.object({
  kind: z.enum(["data", "watched", "content"]),
  /** Absolute path on the host. */
  place: lineSchema,
  /** Of content: which; of data: which the commit had for it. */
  digest: lineSchema.optional(),
});

const manifestSchema = z.object({
  version: z.literal(1),
  id: releaseSchema,
  project: thingSchema,
  environment: thingSchema,
  /** 40 characters. */
  commit: commitSchema,
  /** When it was committed to Git: ISO 8601, UTC. */
  committedAt: timeSchema.optional(),
  /** The tag or branch that it was asked for by. */
  ref: lineSchema.optional(),
  /** ISO 8601, UTC. */
  createdAt: timeSchema,
  /** The release that it repeats, where it goes back to one. */
  rollback: releaseSchema.optional(),
  /** Whether nobody goes back past it. */
  irreversible: z.boolean().optional(),
  /** By service: every one that is part of the release. */
  services: z.record(thingSchema, serviceSchema),
  /** By service: the fronts of those that have one. */
  fronts: z.record(thingSchema, frontSchema).default({}),
  /** By task: the digest of its definition. */
  tasks: z.record(lineSchema, lineSchema),
  /** By image as it runs: what the registry told of it, so that it is not asked again. */
  images: z.record(lineSchema, imageFactsSchema).default({}),
  /** By service and target: the volume that stands for one without a name. */
  volumes: z.record(lineSchema, z.record(lineSchema, lineSchema)).optional(),
  /** By path beside the Compose files: where it lies on the host. Absent in releases of an older coldtivate. */
  places: z.record(lineSchema, placeSchema).optional(),
  /** By network of the project: the definition that it was made with. */
  networks: z.record(lineSchema, z.unknown()).optional(),
  /** By task: the last run that counts, as of this release. */
  runs: z.record(lineSchema, z.object({ definition: lineSchema, release: releaseSchema })).optional(),
});

/** What a release consists of; kept beside it on every host, and read again by whatever comes after it. */
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestService = z.infer<typeof serviceSchema>;
export type ManifestFront = z.infer<typeof frontSchema>;

/** Reads a manifest that a host sent. Undefined when there is none, or when it is not one that this version understands. */
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
  release: Omit<Manifest, "version" | "services" | "fronts" | "tasks" | "images" | "volumes" | "places">,
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
    ...(Object.keys(rendered.volumeNames).length > 0 ? { volumes: rendered.volumeNames } : {}),
    ...(rendered.layout === undefined ? {} : { places: rendered.layout.places }),
  };
}
