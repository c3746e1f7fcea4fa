import { healthTimes, type HealthTimes } from "../compose/health-times.ts";
import type { ImageFacts } from "../services/image-facts.ts";
import type { ComposeService } from "../compose/model.ts";

/** What decides that a service is up. */
export interface Checks {
  /** Whether a health check does. */
  checked: boolean;
  /** When that comes to a result; absent without one. */
  times?: HealthTimes;
}

/** Whether a health check decides that a service is up, and when: its own, and what that leaves out, the image's. */
export function checksOf({ healthcheck = {} }: ComposeService, image?: ImageFacts): Checks {
  const test = healthcheck.test?.length ? healthcheck.test : image?.healthcheck;
  const checked = test !== undefined && healthcheck.disable !== true && test[0] !== "NONE";
  return { checked, ...(checked ? { times: healthTimes(healthcheck, image?.checkTimes) } : {}) };
}
