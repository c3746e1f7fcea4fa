import type { HostCapacity } from "./capacity.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { Slot } from "../fronts/fronts.ts";
import type { Manifest } from "../release/manifest.ts";
import type { ComposeModel } from "../compose/model.ts";
import type { ObservedContainer, WrittenContent } from "../common/observed.ts";
import type { Past } from "./past.ts";

export type { ObservedContainer, ObservedMount, WrittenContent } from "../common/observed.ts";

/** What a host has and runs, as the script's `observe` found it. */
export interface HostState {
  host: string;
  /** Absolute path. */
  stateDirectory: string;
  /** What the model's relative paths were resolved against, absolute. */
  sourceDirectory: string;
  engine: string;
  /** Empty where it was not asked: it merged the model. */
  compose: string;
  /** Id of the release that serves; empty when there is none. */
  current: string;
  manifest?: Manifest;
  /** Who locked it, and why; empty when nobody did. */
  locked: string;
  /** Who deploys what right now, since when and how far, in a line; empty when nobody does. */
  running: string;
  /** Releases that began and did not end. */
  unsettled: string[];
  containers: ObservedContainer[];
  /** By service with a front: the slot that it points at. */
  fronts: Readonly<Record<string, Slot>>;
  /** Content that containers wrote to. */
  written?: WrittenContent[];
  /** Images that the engine has, by digest; unknown where this is absent. */
  images?: string[];
  capacity?: HostCapacity;
  /** Networks, volumes and containers of anybody's; where they were asked for, and are all known. */
  elsewhere?: Elsewhere;
  /** Where it was asked for. */
  past?: Past;
  model: ComposeModel;
  /** What `docker compose config` complained about without failing. */
  warnings: string[];
}
