import { healthTimes, type HealthTimes } from "../compose/health-times.ts";
import type { ImageFacts } from "../services/image-facts.ts";
import type { ComposeService } from "../compose/model.ts";

/** How we know that a service is up. */
export interface Checks {
  /** Whether a health check decides it. */
  checked: boolean;
  /** When the health check has a result; absent without one. */
  times?: HealthTimes;
}

/**
 * Whether a health check decides that a service is up, and when. The service's own check counts; the image's fills in what it
 * leaves out.
 */
export function checksOf({ healthcheck = {} }: ComposeService, image?: ImageFacts): Checks {
  const test = healthcheck.test?.length ? healthcheck.test : image?.healthcheck;
  const checked = test !== undefined && healthcheck.disable !== true && test[0] !== "NONE";
  return { checked, ...(checked ? { times: healthTimes(healthcheck, image?.checkTimes) } : {}) };
}
