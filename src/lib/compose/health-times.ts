import { parseDuration } from "../common/duration.ts";

/** When a container can turn healthy, in milliseconds after its start. */
export interface HealthTimes {
  /** The first check begins. */
  first: number;
  /** Until then failures do not count. */
  startPeriod: number;
  /** Docker has given up, if no check ever succeeded. */
  verdict: number;
}

/** What a health check says of its times: in a Compose file as text, in an image's configuration in nanoseconds. */
export type HealthCheckTimes = Partial<Record<"interval" | "timeout" | "start_period" | "start_interval" | "retries", unknown>>;

/** Docker's own, where a health check does not say it; since Engine 25 for the start interval. */
const defaults = { interval: 30_000, timeout: 30_000, startInterval: 5000, retries: 3 };

/**
 * When the engine checks: first after `start_interval` if there is a `start_period`, else after `interval`; and when it has
 * given up: after `retries` failures in a row that count, each of which may have taken the whole `timeout`.
 *
 * @param image what its image says, which counts wherever the service says nothing
 */
export function healthTimes(check: HealthCheckTimes, image: HealthCheckTimes = {}): HealthTimes {
  const time = (name: keyof HealthCheckTimes, otherwise = 0) => duration(check[name]) || duration(image[name]) || otherwise;
  const interval = time("interval", defaults.interval);
  const startPeriod = time("start_period");
  const retries = Number(check.retries ?? 0) || Number(image.retries ?? 0) || defaults.retries;
  return {
    first: startPeriod > 0 ? time("start_interval", defaults.startInterval) : interval,
    startPeriod,
    verdict: startPeriod + retries * (interval + time("timeout", defaults.timeout)),
  };
}

/** Milliseconds of a duration such as `1m30s`, or of nanoseconds; 0 where there is none. */
function duration(value: unknown): number {
  return typeof value === "number" ? value * 1e-6 : (parseDuration(value) ?? 0);
}
