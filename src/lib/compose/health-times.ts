import { parseDuration } from "../common/duration.ts";

/** When a container can become healthy, in milliseconds after its start. */
export interface HealthTimes {
  /** When the first check begins. */
  first: number;
  /** Failures before this time do not count. */
  startPeriod: number;
  /** When Docker has given up, if no check ever succeeded. */
  verdict: number;
}

/** The times of a health check: text in a Compose file, nanoseconds in an image's configuration. */
export type HealthCheckTimes = Partial<Record<"interval" | "timeout" | "start_period" | "start_interval" | "retries", unknown>>;

/** Docker's defaults, if a health check does not set them. The start interval exists since Engine 25. */
const defaults = { interval: 30_000, timeout: 30_000, startInterval: 5000, retries: 3 };

/**
 * Computes when the engine checks and when it gives up. The first check comes after `start_interval` if there is a
 * `start_period`, else after `interval`. The engine gives up after `retries` counted failures in a row, each of which may have
 * taken the whole `timeout`.
 *
 * @param image the times from its image, used wherever the service sets none
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

/** Milliseconds of a duration such as `1m30s`, or of a number of nanoseconds. 0 if there is none. */
function duration(value: unknown): number {
  return typeof value === "number" ? value * 1e-6 : (parseDuration(value) ?? 0);
}
