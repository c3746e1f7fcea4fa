import type { HostCapacity } from "./capacity.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { Slot } from "../fronts/fronts.ts";
import type { Manifest } from "../release/manifest.ts";
import type { ComposeModel } from "../compose/model.ts";
import type { ObservedContainer, WrittenContent } from "../common/observed.ts";
import type { Past } from "./past.ts";

export type { ObservedContainer, ObservedMount, WrittenContent } from "../common/observed.ts";

/** What a host has and runs, as found by the script's `observe`. */
export interface HostState {
  host: string;
  /** Absolute path. */
  stateDirectory: string;
  /** The folder that the model's relative paths were resolved against; absolute. */
  sourceDirectory: string;
  engine: string;
  /** Version of Docker Compose; empty if it was not asked for, for example because merging gave a model. */
  compose: string;
  /** Id of the release that serves; empty when there is none. */
  current: string;
  manifest?: Manifest;
  /** Who locked it, and why; empty if it is not locked. */
  locked: string;
  /** Who deploys what right now, since when and how far, in one line; empty if nobody deploys. */
  running: string;
  /** Releases that began but did not end. */
  unsettled: string[];
  containers: ObservedContainer[];
  /** By service with a front: the slot that it points at. */
  fronts: Readonly<Record<string, Slot>>;
  /** Content that containers wrote to. */
  written?: WrittenContent[];
  /** Images that the engine has, by digest; absent if unknown. */
  images?: string[];
  capacity?: HostCapacity;
  /** Networks, volumes and containers of any project; present if they were asked for and are all known. */
  elsewhere?: Elsewhere;
  /** Present if it was asked for. */
  past?: Past;
  model: ComposeModel;
  /** What `docker compose config` complained about without failing. */
  warnings: string[];
}
