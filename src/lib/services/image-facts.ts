import * as z from "zod";

/** What an image says about how its containers run. Also kept in manifests, so that it has to be looked up only once. */
export const imageFactsSchema = z.object({
  /** TCP ports that it exposes. */
  ports: z.array(z.number()),
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
    return {
      ports: Object.keys(config?.ExposedPorts ?? {})
        .flatMap(exposedPorts)
        .toSorted((a, b) => a - b),
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

/** The TCP ports in `8000`, `8000/tcp`, `8000-8003`. Empty for UDP. */
export function exposedPorts(written: string): number[] {
  const [, from, to, protocol] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?$/.exec(written) ?? [];
  if (from === undefined || (protocol !== undefined && protocol !== "tcp")) return [];
  const first = Number(from);
  return Array.from({ length: Math.max(0, Number(to ?? from) - first + 1) }, (_, index) => first + index);
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
