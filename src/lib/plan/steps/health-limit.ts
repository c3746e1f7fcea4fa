import type { Config } from "../../config/schema/config.ts";
import { holdLimit } from "../../fronts/front-settings.ts";
import type { Rendered } from "../../release/rendered.ts";

/** The shortest wait for a new container, in milliseconds, unless the configuration says otherwise. */
const least = 60_000;

/** The longest wait, in milliseconds, unless the first check or the end of the start_period comes later. */
const most = 600_000;

/** How much longer one check may take on a busy host, in milliseconds. */
const slack = 30_000;

/** A first check that comes later than this gets a note, in milliseconds. */
const noticeable = 30_000;

interface Facts {
  config: Pick<Config, "services">;
  rendered: Pick<Rendered, "services">;
}

/**
 * How long a new container of a service may take to become healthy, in milliseconds: as configured, or else until the engine
 * itself gives up, within bounds.
 */
export function healthLimit(service: string, { config, rendered }: Facts): number {
  const set = config.services[service]?.healthyWithin;
  if (set !== undefined) return set;
  const times = rendered.services[service]?.times;
  if (times === undefined) return least;
  return Math.max(least, Math.min(times.verdict, most), times.startPeriod + slack, times.first + slack);
}

/** Notes on the health checks of services that get new containers. */
export function healthNotes(services: readonly string[], { config, rendered }: Facts): string[] {
  return services.flatMap((service) => {
    const { times, rollout } = rendered.services[service] ?? {};
    if (times === undefined) return [];
    const set = config.services[service]?.healthyWithin;
    const limit = healthLimit(service, { config, rendered });
    const first = `its first health check comes ${tell(times.first)} after the start`;
    const advice = "a start_interval with a start_period in its health check has it looked at sooner";
    if (times.first >= limit) return [`${service} cannot become healthy within its healthy_within of ${tell(limit)}: ${first}; ${advice}`];
    if (times.startPeriod > limit && set !== undefined) {
      return [
        `${service} may need longer than its healthy_within of ${tell(limit)}: its health check has a start_period of ${tell(times.startPeriod)}`,
      ];
    }
    const waits = config.services[service]?.holdLimit ?? holdLimit;
    if (rollout === "hold" && times.first >= waits) {
      return [
        `${service}: ${first}, and requests wait for ${tell(waits)} only: later ones fail; ${advice}, and hold_limit lets them wait longer`,
      ];
    }
    if (times.first <= noticeable) return [];
    return [`${service}: ${first}, so that it takes at least that long, and at most ${tell(limit)}; ${advice}`];
  });
}

function tell(milliseconds: number): string {
  return `${Math.ceil(milliseconds / 1000)} s`;
}
