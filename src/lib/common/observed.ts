export interface ObservedContainer {
  id: string;
  name: string;
  service: string;
  image: string;
  /** Value of the definition label; empty on a container that coldtivate did not make. */
  definition: string;
  /** Value of the state label, likewise. */
  state: string;
  /** `running`, `exited`, `restarting`, … */
  status: string;
  /** `healthy`, `unhealthy`, `starting`; empty without a health check. */
  health: string;
  oneOff: boolean;
  /** `host`, `none`, or a network's name. */
  network?: string;
  /** The folder that Compose took relative paths from; absent where no Compose made the container. */
  workingDirectory?: string;
  /** What is mounted into it, as the engine knows it; absent where that could not be read. */
  mounts?: ObservedMount[];
}

/** Content in which a host found that containers wrote to it. */
export interface WrittenContent {
  /** Absolute path of what is mounted. */
  place: string;
  /** Files in it that were changed, added or removed; some of them where they are many. */
  files: string[];
  /** How many there are. */
  count: number;
}

/** A mount as the engine knows it, whatever the Compose files say by now. */
export interface ObservedMount {
  /** `bind`, `volume`, `tmpfs`, … */
  type: string;
  /** Absolute path on the host; of a volume, where the engine keeps it. */
  source: string;
  /** Path in the container. */
  target: string;
  writable: boolean;
  /** Name of the volume: 64 hexadecimal digits where nobody gave it one. */
  name?: string;
}
