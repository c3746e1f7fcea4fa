import type { Slot } from "../../../src/lib/fronts/fronts.ts";
import { labels } from "../../../src/lib/fronts/labels.ts";
import type { HostState, ObservedContainer } from "../../../src/lib/host/host-state.ts";
import { manifestOf } from "../../../src/lib/release/manifest.ts";
import { replicas, type ComposeModel } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { wordsOf, type Step } from "../../../src/lib/plan/steps/step.ts";

export const emptyHost: HostState = {
  host: "10.0.0.1",
  stateDirectory: "/state",
  sourceDirectory: "/in",
  engine: "26.1",
  compose: "2.26",
  current: "",
  locked: "",
  running: "",
  unsettled: [],
  containers: [],
  fronts: {},
  model: { services: {} },
  warnings: [],
};

/** A host on which plain Compose runs a model. */
export function plainHost({ services }: ComposeModel): HostState {
  return { ...emptyHost, containers: Object.keys(services).map((service) => container(service, "", 0)) };
}

/**
 * Carries out a plan as the script does.
 *
 * @param commit of the release
 * @param see is told the host after each step
 */
export function carryOut(
  state: HostState,
  steps: readonly Step[],
  { rendered, commit }: { rendered: Rendered; commit: string },
  see: (state: HostState, step: Step) => void = () => {},
): HostState {
  const was = state.fronts;
  const idle = (service: string): Slot =>
    rendered.fronts[service]?.slots.includes("slot") ? "slot" : was[service] === "blue" ? "green" : "blue";
  const without = (containers: readonly ObservedContainer[], services: readonly string[]) =>
    containers.filter(({ service }) => !services.includes(service));
  const up = (now: HostState, services: readonly string[]): HostState => {
    const started = services.flatMap((service) => {
      const wanted = rendered.model.services[service];
      if (wanted === undefined) throw new Error(`${service} is not in the release`);
      return Array.from({ length: replicas(wanted) }, (_, index) => container(service, wanted.labels?.[labels.definition] ?? "", index));
    });
    return { ...now, containers: [...without(now.containers, services), ...started] };
  };
  const ended = (now: HostState, service: string): HostState => ({
    ...now,
    containers: now.containers.map((found) => (found.service === service ? { ...found, status: "exited" } : found)),
  });
  const acts: Record<string, (now: HostState, args: readonly string[]) => HostState> = {
    recreate: up,
    once: (now, [service = ""]) => ended(up(now, [service]), service),
    start: (now, services) =>
      up(
        now,
        services.map((service) => `${service}-${idle(service)}`),
      ),
    front: (now, services) => {
      const made = services.filter((service) => now.fronts[service] === undefined);
      return { ...up(now, services), fronts: { ...now.fronts, ...Object.fromEntries(made.map((service) => [service, idle(service)])) } };
    },
    join: (now, services) => {
      const joined = services.map((service) => container(service, rendered.fronts[service]?.definition ?? "", 1));
      return { ...now, containers: [...now.containers, ...joined] };
    },
    leave: (now, [, ...services]) => ({
      ...now,
      containers: now.containers.filter(
        ({ service, definition }) => !services.includes(service) || definition === rendered.fronts[service]?.definition,
      ),
    }),
    switch: (now, [service = ""]) => ({ ...now, fronts: { ...now.fronts, [service]: idle(service) } }),
    open: (now, [service = ""]) => ({ ...now, fronts: { ...now.fronts, [service]: "slot" } }),
    remove: (now, services) => ({ ...now, containers: without(now.containers, services) }),
    stop: (now, parts) => {
      const services = parts.map((part) => part.replace("@was", "")).filter((service) => was[service] !== undefined);
      const old = services.filter((service) => was[service] !== idle(service)).map((service) => `${service}-${was[service]}`);
      return { ...now, containers: without(now.containers, old) };
    },
    commit: (now) => ({
      ...now,
      current: commit,
      manifest: manifestOf(rendered, { id: commit, project: "shop", environment: "staging", commit, createdAt: "" }),
    }),
    prune: (now) => ({ ...now, fronts: Object.fromEntries(Object.entries(now.fronts).filter(([service]) => rendered.fronts[service])) }),
  };
  return steps.reduce((now, step) => {
    const [verb, ...args] = wordsOf(step);
    const next = acts[verb]?.(now, args) ?? now;
    see(next, step);
    return next;
  }, state);
}

function container(service: string, definition: string, index: number): ObservedContainer {
  return {
    id: `${service}-${index}`,
    name: `shop-staging-${service}-${index + 1}`,
    service,
    image: "",
    definition,
    state: "",
    status: "running",
    health: "",
    oneOff: false,
  };
}
