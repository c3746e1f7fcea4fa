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
  /** By reference as written in the Compose files or in the fronts' settings. */
  images: ReadonlyMap<string, PinnedImage>;
  /** By image as it runs: what it declares about itself. Missing if the registry could not be asked. */
  imageFacts?: ReadonlyMap<string, ImageFacts>;
  /** By name of an image that the project builds: the references of its base images. */
  bases?: ReadonlyMap<string, readonly string[]>;
  /** What the host runs. */
  containers?: readonly ObservedContainer[];
  /** By service with a front: the slot that it points at. */
  live?: Readonly<Record<string, Slot>>;
  /** Names that the serving release gives to anonymous volumes. */
  knownVolumes?: VolumeNames | undefined;
  /** By service: the image of the running fronts. A release does not change it. */
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
  /** By service: its front, if it has one. */
  fronts: Record<string, RenderedFront>;
  tasks: Record<string, RenderedTask>;
  /** The reach check before the commit, in the words of reach.ts. */
  reach: string[];
  /** What is known about the services' images, by image as it runs. */
  images: Record<string, ImageFacts>;
  /** Names for anonymous volumes. */
  volumeNames: VolumeNames;
  files: KeptFile[];
  /** Where its mounts lie; absent for a kept release, because the host is already prepared for it. */
  layout?: Layout;
  notes: string[];
}

export interface RenderedService extends Checks {
  /** The definition digest of its containers, the same for every slot. */
  definition: string;
  reference: string;
  image: string;
  built?: string;
  /**
   * Services with fronts that it restarts with. The model does not contain this, because fronts restart for reasons of their own.
   */
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
  /** The template of HAProxy's configuration. */
  config: string;
  /** The configuration while the slot is replaced, if the rollout is `hold`. */
  hold?: string;
  /** Digest of both. */
  configuration: string;
  /** Settings of the service in the Compose files that move to its front. */
  moved: string[];
  /** What a successor cannot have while this front exists. If empty, the successor takes over without a gap. */
  exclusive: string[];
}

export interface RenderedTask {
  /** The service that it runs with. */
  service: string;
  definition: string;
  image: string;
  /** Milliseconds. */
  timeout: number;
  /** Whether it has an undo command. */
  hasUndo: boolean;
  /** Whether it runs even if it has not changed since its last run. */
  runsAlways?: boolean;
  /** The services that its own service depends on. */
  needs: string[];
}
