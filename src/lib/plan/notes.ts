import type { Config } from "../config/schema/config.ts";
import type { FrontPort } from "../services/ports.ts";
import type { Rendered, RenderedService } from "../release/rendered.ts";
import { notOurs } from "./steps/differences.ts";
import { healthNotes } from "./steps/health-limit.ts";
import type { HostPlan, ServiceChange } from "./steps/plan.ts";
import { stepsOf } from "./steps/step.ts";
import { settleSeconds } from "./steps/steps.ts";

/** Notes on a host that the user should read before the deploy starts. */
export function hostNotes({ host, services, steps }: HostPlan, rendered: Rendered, config: Pick<Config, "services">): string[] {
  const changed = services.filter(({ change }) => change === "create" || change === "update").map(({ service }) => service);
  return [
    ...foreignNotes(host, services, rendered),
    ...stepsOf(steps, "front")
      .flatMap(({ services: made }) => made)
      .flatMap((service) => {
        const moved = rendered.fronts[service]?.moved ?? [];
        return moved.length === 0 ? [] : [`${service}: its front has its ${moved.join(", ")}`];
      }),
    ...stepsOf(steps, "switch").flatMap(({ service }) => {
      const sealed = sealedPorts(service, rendered);
      if (sealed === "" || config.services[service]?.drainSignal !== undefined) return [];
      return [`${service}: connections to port ${sealed} that are still open when the old one stops are cut; a drain_signal avoids it`];
    }),
    ...stepsOf(steps, "hold").flatMap(({ service, within }) => {
      const sealed = sealedPorts(service, rendered);
      if (sealed === "" || config.services[service]?.drainSignal !== undefined) return [];
      return [
        `${service}: while connections to port ${sealed} are open, for ${within} s at most, new ones wait, and what is open then is cut; a drain_signal shortens it`,
      ];
    }),
    ...stepsOf(steps, "probe").flatMap(({ service }) => modeNotes(service, rendered)),
    ...changed.flatMap((service) => (isUnchecked(rendered.services[service]) ? [uncheckedNote(service, rendered)] : [])),
    ...healthNotes(changed, { config, rendered }),
  ];
}

/** Ports of a service where the front forwards connections rather than requests. */
function sealedPorts(service: string, { fronts }: Rendered): string {
  return portsIn("tcp", fronts[service]?.ports ?? []);
}

/** Notes on how a front treats ports that may not speak HTTP. */
function modeNotes(service: string, { fronts }: Rendered): string[] {
  const { ports = [] } = fronts[service] ?? {};
  const [bytes, open] = [portsIn("tcp", ports), portsIn("auto", ports)];
  return [
    ...(bytes === "" ? [] : [`${service}: connections to port ${bytes} are passed on byte by byte`]),
    ...(open === ""
      ? []
      : [`${service}: port ${open} is tried out: requests are passed on if the new container answers in HTTP, otherwise connections`]),
  ];
}

function portsIn(wanted: FrontPort["mode"], ports: readonly FrontPort[]): string {
  return ports
    .filter(({ mode }) => mode === wanted)
    .map(({ port }) => port)
    .join(", ");
}

/** Compose gives a container_name to one container only, so it has to remove the one that has it. */
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

/** Notes fronts that differ from the configuration. A release does not change the image of existing fronts. */
export function otherFronts({ fronts }: Rendered, { front }: Pick<Config, "front">): string[] {
  const others = Object.values(fronts).filter(({ reference, memory }) => reference !== front.image || memory !== front.memory);
  if (others.length === 0) return [];
  const running = [...new Set(others.map(({ reference, memory }) => describeFront(reference, memory)))].join(", ");
  return [`fronts go on with ${running}; \`coldtivate fronts\` updates them to ${describeFront(front.image, front.memory)}`];
}

function describeFront(image: string, memory: string | undefined): string {
  return memory === undefined ? image : `${image} with ${memory}`;
}

/** One-shots need no check: they are up once they have completed. */
function isUnchecked(service: RenderedService | undefined): boolean {
  return service !== undefined && !service.checked && service.rollout !== "once";
}

function uncheckedNote(service: string, { fronts }: Rendered): string {
  const [port] = fronts[service]?.ports ?? [];
  const answers = port === undefined ? "" : ` and port ${port.port} takes connections`;
  return `${service} has no health check: it counts as up once it has run ${settleSeconds} s${answers}`;
}
