export interface ObservedContainer {
  id: string;
  name: string;
  service: string;
  image: string;
  /** Value of the definition label; empty if coldtivate did not create the container. */
  definition: string;
  /** Value of the state label; likewise empty. */
  state: string;
  /** `running`, `exited`, `restarting`, … */
  status: string;
  /** `healthy`, `unhealthy`, `starting`; empty without a health check. */
  health: string;
  oneOff: boolean;
  /** `host`, `none`, or a network's name. */
  network?: string;
  /** The folder that Compose resolved relative paths against; absent if Compose did not create the container. */
  workingDirectory?: string;
  /** The container's mounts, as the engine reports them; absent if they could not be read. */
  mounts?: ObservedMount[];
}

/** Mounted content that a host found containers had written to. */
export interface WrittenContent {
  /** Absolute path of the mounted content. */
  place: string;
  /** Files in it that were changed, added or removed; only some of them if there are many. */
  files: string[];
  /** The number of such files. */
  count: number;
}

/** A mount as the engine reports it, whatever the Compose files say now. */
export interface ObservedMount {
  /** `bind`, `volume`, `tmpfs`, … */
  type: string;
  /** Absolute path on the host; for a volume, where the engine keeps it. */
  source: string;
  /** Path in the container. */
  target: string;
  writable: boolean;
  /** Name of the volume: 64 hexadecimal digits if nobody named it. */
  name?: string;
}
