import * as z from "zod";

/** What an image says of itself, as far as it decides how its containers run; also kept in manifests, so that nobody asks twice. */
export const imageFactsSchema = z.object({
  /** TCP ports that it exposes. */
  ports: z.array(z.number()),
  /** Those of other protocols, as it has them: `53/udp`; absent: none. */
  otherPorts: z.array(z.string()).optional(),
  /** Folders for which every container gets a volume of its own, unless something else is mounted there. */
  volumes: z.array(z.string()),
  entrypoint: z.array(z.string()),
  command: z.array(z.string()),
  /** Values that are too long to name a port or a folder are empty. */
  environment: z.record(z.string(), z.string()),
  /** The test of its health check, as Compose writes it; absent: none. */
  healthcheck: z.array(z.string()).optional(),
  /** When it is checked, in nanoseconds, by the names that Compose has; absent without a health check. */
  checkTimes: z
    .object({
      interval: z.number().optional(),
      timeout: z.number().optional(),
      start_period: z.number().optional(),
      start_interval: z.number().optional(),
      retries: z.number().optional(),
    })
    .optional(),
  stopSignal: z.string().optional(),
});

export type ImageFacts = z.infer<typeof imageFactsSchema>;

const words = z.array(z.string()).nullish();
const count = z.number().nullish();
const keys = z.record(z.string(), z.unknown()).nullish();

/** The OCI image configuration, and Docker's. */
const configurationSchema = z.object({
  config: z
    .object({
      ExposedPorts: keys,
      Volumes: keys,
      Entrypoint: words,
      Cmd: words,
      Env: words,
      Healthcheck: z
        .object({ Test: words, Interval: count, Timeout: count, StartPeriod: count, StartInterval: count, Retries: count })
        .nullish(),
      StopSignal: z.string().nullish(),
    })
    .nullish(),
});

const longestValue = 200;

/** Reads an image's configuration; undefined when it is none. */
export function parseImageFacts(text: string): ImageFacts | undefined {
  try {
    const { config } = configurationSchema.parse(JSON.parse(text));
    const check = config?.Healthcheck;
    const test = check?.Test ?? [];
    const otherPorts = Object.keys(config?.ExposedPorts ?? {}).filter(isOtherPort);
    return {
      ports: exposedPorts(Object.keys(config?.ExposedPorts ?? {})).toSorted((a, b) => a - b),
      ...(otherPorts.length > 0 ? { otherPorts: otherPorts.toSorted() } : {}),
      volumes: Object.keys(config?.Volumes ?? {}).toSorted(),
      entrypoint: config?.Entrypoint ?? [],
      command: config?.Cmd ?? [],
      environment: Object.fromEntries((config?.Env ?? []).map(readVariable)),
      ...(test.length > 0 && test[0] !== "NONE" ? { healthcheck: test, checkTimes: readTimes(check ?? {}) } : {}),
      ...(config?.StopSignal ? { stopSignal: config.StopSignal } : {}),
    };
  } catch {
    return undefined;
  }
}

/** Whether a port is one of another protocol than TCP: `53/udp`. */
export function isOtherPort(written: string): boolean {
  return /^\d{1,5}(?:-\d{1,5})?\/(?!tcp$)\w+$/.test(written);
}

const lastPort = 65_535;

/** TCP ports in `8000`, `8000/tcp`, `8000-8003`; none of UDP. Each once, as written: a registry or a host may name any number of ranges. */
export function exposedPorts(written: readonly string[]): number[] {
  const ports: number[] = [];
  /** By port that was named: one on the way to the next that was not. */
  const next = new Map<number, number>();
  const open = (port: number): number => {
    let at = port;
    for (let after = next.get(at); after !== undefined; after = next.get(at)) {
      next.set(at, next.get(after) ?? after);
      at = after;
    }
    return at;
  };
  for (const each of written) {
    const [, from, to, protocol] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?$/.exec(each) ?? [];
    if (from === undefined || Number(from) > lastPort || (protocol !== undefined && protocol !== "tcp")) continue;
    const last = Math.min(Number(to ?? from), lastPort);
    for (let port = open(Number(from)); port <= last; port = open(port)) {
      ports.push(port);
      next.set(port, port + 1);
    }
  }
  return ports;
}

type WrittenTimes = Partial<Record<"Interval" | "Timeout" | "StartPeriod" | "StartInterval" | "Retries", number | null | undefined>>;

/** What is zero is as good as not written. */
function readTimes({ Interval, Timeout, StartPeriod, StartInterval, Retries }: WrittenTimes): NonNullable<ImageFacts["checkTimes"]> {
  return {
    ...(Interval ? { interval: Interval } : {}),
    ...(Timeout ? { timeout: Timeout } : {}),
    ...(StartPeriod ? { start_period: StartPeriod } : {}),
    ...(StartInterval ? { start_interval: StartInterval } : {}),
    ...(Retries ? { retries: Retries } : {}),
  };
}

function readVariable(line: string): [string, string] {
  const [name = "", ...value] = line.split("=");
  const whole = value.join("=");
  return [name, whole.length > longestValue ? "" : whole];
}

/** What is known of the images that services run, by image as it runs, in the order of their names. */
export function factsInUse(
  services: readonly { image: string }[],
  known: ReadonlyMap<string, ImageFacts> | undefined,
): Record<string, ImageFacts> {
  const used = new Set(services.map(({ image }) => image));
  return Object.fromEntries([...(known ?? [])].filter(([image]) => used.has(image)).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
