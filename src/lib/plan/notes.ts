import type { Config } from "../config/config.ts";
import type { Rendered, RenderedService } from "../release/render.ts";
import { notOurs } from "./differences.ts";
import type { HostPlan, ServiceChange } from "./plan.ts";
import { settleSeconds } from "./steps.ts";

/** What the user should know of a host before it starts. */
export function hostNotes({ host, services, steps }: HostPlan, rendered: Rendered, config: Pick<Config, "services">): string[] {
  const changed = services.filter(({ change }) => change === "create" || change === "update").map(({ service }) => service);
  const stepped = (verb: string) => steps.filter((step) => step.verb === verb).flatMap(({ args }) => args);
  return [
    ...foreignNotes(host, services, rendered),
    ...stepped("front").flatMap((service) => {
      const moved = rendered.fronts[service]?.moved ?? [];
      return moved.length === 0 ? [] : [`${service}: its front has its ${moved.join(", ")}`];
    }),
    ...stepped("switch").flatMap((service) => {
      const sealed = (rendered.fronts[service]?.ports ?? []).filter(({ mode }) => mode === "tcp").map(({ port }) => port);
      if (sealed.length === 0 || config.services[service]?.drainSignal !== undefined) return [];
      return [
        `${service}: connections to port ${sealed.join(", ")} that are still open when the old one stops are cut; a drain_signal avoids it`,
      ];
    }),
    ...changed.flatMap((service) => (isUnchecked(rendered.services[service]) ? [uncheckedNote(service, rendered)] : [])),
  ];
}

/** Compose gives a container_name to one container only, so that it has to remove the one that has it. */
function foreignNotes(host: string, services: readonly ServiceChange[], { model }: Rendered): string[] {
  const foreign = services.filter(({ change, reasons }) => change !== "keep" && reasons.includes(notOurs)).map(({ service }) => service);
  const { lost = [], kept = [] } = Object.groupBy(foreign, (name) =>
    model.services[name]?.container_name === undefined ? "kept" : "lost",
  );
  const start = (names: string[]) => `${host}: ${names.join(", ")} ${names.length === 1 ? "was" : "were"} not started by coldtivate`;
  return [
    ...(kept.length > 0
      ? [`${start(kept)}: what runs now stops for this release, starts again if it fails, and is removed once it serves`]
      : []),
    ...(lost.length > 0
      ? [`${start(lost)}, and Compose replaces whatever has a container_name: if this release fails, what runs now cannot be brought back`]
      : []),
  ];
}

/** A release does not change what fronts run. */
export function otherFronts({ fronts }: Rendered, { front }: Pick<Config, "front">): string[] {
  const others = Object.values(fronts).filter(({ reference, memory }) => reference !== front.image || memory !== front.memory);
  if (others.length === 0) return [];
  const running = [...new Set(others.map(({ reference, memory }) => describeFront(reference, memory)))].join(", ");
  return [`fronts go on with ${running}; \`coldtivate fronts\` updates them to ${describeFront(front.image, front.memory)}`];
}

function describeFront(image: string, memory: string | undefined): string {
  return memory === undefined ? image : `${image} with ${memory}`;
}

/** What runs to its end is up when it has. */
function isUnchecked(service: RenderedService | undefined): boolean {
  return service !== undefined && !service.checked && service.rollout !== "once";
}

function uncheckedNote(service: string, { fronts }: Rendered): string {
  const [port] = fronts[service]?.ports ?? [];
  const answers = port === undefined ? "" : ` and port ${port.port} takes connections`;
  return `${service} has no health check: it counts as up once it has run ${settleSeconds} s${answers}`;
}
