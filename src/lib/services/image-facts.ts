import * as z from "zod";

/** What an image says about how its containers run. Also kept in manifests, so that it has to be looked up only once. */
export const imageFactsSchema = z.object({
  /** TCP ports that it exposes. */
  ports: z.array(z.number()),
  /** Ports of other protocols, as the image has them: `53/udp`. Absent if there are none. */
  otherPorts: z.array(z.string()).optional(),
  /** Folders that get a volume of their own in every container, unless something else is mounted there. */
  volumes: z.array(z.string()),
  entrypoint: z.array(z.string()),
  command: z.array(z.string()),
  /** Values that are too long for a port or a folder are left empty. */
  environment: z.record(z.string(), z.string()),
  /** The test of its health check, as Compose writes it. Absent if there is none. */
  healthcheck: z.array(z.string()).optional(),
  /** The times of its health check, in nanoseconds, with Compose's names. Absent without a health check. */
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

/** The image configuration, as in OCI and Docker. */
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

/** Reads an image's configuration. Returns undefined if it is none. */
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

/** Whether a port uses another protocol than TCP: `53/udp`. */
export function isOtherPort(written: string): boolean {
  return /^\d{1,5}(?:-\d{1,5})?\/(?!tcp$)\w+$/.test(written);
}

const lastPort = 65_535;

/**
 * The TCP ports in `8000`, `8000/tcp`, `8000-8003`. Each port appears once, in the order written: a registry or a host may name any
 * number of ranges.
 */
export function exposedPorts(written: readonly string[]): number[] {
  const ports: number[] = [];
  /** For each port that was named: a later port on the way to the next one that was not. */
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

/** A time of zero counts as not set. */
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

/** The known facts about the images that services use, by image reference, in the order of these references. */
export function factsInUse(
  services: readonly { image: string }[],
  known: ReadonlyMap<string, ImageFacts> | undefined,
): Record<string, ImageFacts> {
  const used = new Set(services.map(({ image }) => image));
  return Object.fromEntries([...(known ?? [])].filter(([image]) => used.has(image)).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
