import type { FrontConfig, Rollout, ServiceConfig, TaskConfig } from "../config/schema/config.ts";
import type { VolumeNames } from "../mounts/anonymous-volumes.ts";
import type { Checks } from "../fronts/checks.ts";
import type { FrontImage, Slot } from "../fronts/fronts.ts";
import type { ImageFacts } from "../services/image-facts.ts";
import type { ComposeModel } from "../compose/model.ts";
import type { ObservedContainer } from "../common/observed.ts";
import type { Layout, PlacementInput } from "../mounts/placement.ts";
import type { FrontPort } from "../services/ports.ts";
import type { KeptFile } from "../compose/sources.ts";

export interface PinnedImage {
  /** `repository@sha256:…` */
  image: string;
  /** Its name in coldtivate.yml, if the project builds it. */
  built?: string;
}

export interface RenderInput extends PlacementInput {
  /** Name of the Compose project. */
  project: string;
  /** By the reference that the Compose files, or the fronts' settings, write. */
  images: ReadonlyMap<string, PinnedImage>;
  /** By image as it runs: what it says of itself; one that nobody could be asked about is missing. */
  imageFacts?: ReadonlyMap<string, ImageFacts>;
  /** By name of an image that the project builds: what it is built from, as references. */
  bases?: ReadonlyMap<string, readonly string[]>;
  /** What the host runs. */
  containers?: readonly ObservedContainer[];
  /** By service with a front: the slot that it points at. */
  live?: Readonly<Record<string, Slot>>;
  /** Volumes that stand for such without a name in the release that serves. */
  knownVolumes?: VolumeNames | undefined;
  /** What the fronts that are there run, by service: a release does not change it. */
  runningFronts?: Readonly<Record<string, FrontImage>>;
  front: FrontConfig;
  /** Settings of services, by name. */
  services: Readonly<Record<string, ServiceConfig>>;
  tasks: readonly TaskConfig[];
  /** Active Compose profiles. */
  profiles: readonly string[];
}

/** A release as the host will run it. */
export interface Rendered {
  /** Fed to `docker compose -f` as it is. */
  model: ComposeModel;
  /** The services that are part of the release, by the names that the Compose files give them. */
  services: Record<string, RenderedService>;
  /** The fronts of those that have one, by service. */
  fronts: Record<string, RenderedFront>;
  tasks: Record<string, RenderedTask>;
  /** What has to be reached before it commits, in the words of reach.ts. */
  reach: string[];
  /** What is known of the services' images, by image as it runs. */
  images: Record<string, ImageFacts>;
  /** Volumes that stand for such without a name. */
  volumeNames: VolumeNames;
  files: KeptFile[];
  /** Where its mounts lie; absent for a kept release, which the host has prepared for. */
  layout?: Layout;
  notes: string[];
}

export interface RenderedService extends Checks {
  /** Of its containers, whichever slot they are in. */
  definition: string;
  reference: string;
  image: string;
  built?: string;
  /** Services with fronts that it restarts with; the model says nothing of it, because fronts restart for reasons of their own. */
  restarts?: string[];
  /** Digest of each variable's value. */
  environment: Record<string, string>;
  rollout: Rollout;
  /** Why that rollout, in the user's words. */
  rolloutReason: string;
}

export interface RenderedFront extends FrontImage {
  definition: string;
  slots: Slot[];
  ports: FrontPort[];
  /** HAProxy's configuration, a template. */
  config: string;
  /** The one for the time in which the slot is replaced, if that is how it is rolled out. */
  hold?: string;
  /** Digest of both. */
  configuration: string;
  /** What the Compose files give to the service, and its front holds. */
  moved: string[];
  /** What its successor cannot have as long as it is there; with none, that one takes over without a gap. */
  exclusive: string[];
}

export interface RenderedTask {
  /** The service that it runs with. */
  service: string;
  definition: string;
  image: string;
  /** Milliseconds. */
  timeout: number;
  /** Whether another command takes it back. */
  hasUndo: boolean;
  /** Whether it runs although its last run was the same. */
  runsAlways?: boolean;
  /** The services that the one it runs in depends on. */
  needs: string[];
}
