import type { Config } from "../config/config.ts";
import type { HostState } from "../release/host-state.ts";
import { levels } from "../release/order.ts";
import type { Rendered } from "../release/render.ts";
import { compareServices, notOurs } from "./compare-services.ts";
import type { HostPlan, Step } from "./plan.ts";

/** How long a service may take to turn healthy, in milliseconds, unless the configuration says otherwise. */
const healthyWithin = 60_000;

/** How long a container without a health check must run without a restart to count as up, in seconds. */
const settleSeconds = 2;

/** How many releases a host keeps, images included. */
const keptReleases = 5;

export interface DeployInput {
  config: Pick<Config, "services">;
  rendered: Rendered;
  state: HostState;
  /** The release's commit. */
  commit: string;
  /** Tasks run once over all hosts: on the one where this is true. */
  runsTasks: boolean;
}

/**
 * Decides what a host has to do to run a release; touches nothing. Services that run it already are left alone. Services
 * that the project does not build (a database) come first, then the tasks, then the rest by dependency.
 */
export function planHost({ config, rendered, state, commit, runsTasks }: DeployInput): HostPlan {
  const services = compareServices(rendered, state);
  const changed = services.filter(({ change }) => change === "create" || change === "update").map(({ service }) => service);
  const removed = services.filter(({ change }) => change === "remove").map(({ service }) => service);
  const tasks = runsTasks && needsTasks(rendered, state, changed) ? Object.entries(rendered.tasks) : [];
  const isBuilt = (service: string) => rendered.services[service]?.built !== undefined;

  const start = (names: readonly string[]): Step[] =>
    levels(rendered.model.services, names).flatMap((level) => [
      { verb: "recreate", args: level, title: `replace ${level.length > 3 ? count(level.length, "service") : level.join(", ")}` },
      ...level.map((service) => healthy(service, config.services[service]?.healthyWithin ?? healthyWithin)),
    ]);
  const images = new Set([...changed.map((service) => rendered.services[service]?.image ?? ""), ...tasks.map(([, task]) => task.image)]);

  const steps: Step[] = [
    ...(images.size > 0 ? [{ verb: "pull", args: [...images].toSorted(), title: `pull ${count(images.size, "image")}` }] : []),
    ...start(changed.filter((service) => !isBuilt(service))),
    ...tasks.map(([name, task]) => ({ verb: "task", args: [name, seconds(task.timeout)], title: `task ${name}` })),
    ...start(changed.filter((service) => isBuilt(service))),
    ...(removed.length > 0 ? [{ verb: "remove", args: removed, title: `remove ${removed.join(", ")}` }] : []),
  ];
  return {
    host: state.host,
    expect: state.current === "" ? "-" : state.current,
    services,
    steps: serves(state, commit, steps) ? [] : frame(steps, state),
  };
}

/** Whether the host runs the release already, so that nothing is left to do; another commit is recorded even if it changes nothing. */
function serves(state: HostState, commit: string, steps: readonly Step[]): boolean {
  return steps.length === 0 && state.manifest?.commit === commit;
}

/** What the user should know of a host before it starts. */
export function hostNotes({ host, services }: HostPlan): string[] {
  const foreign = services.filter(({ change, reasons }) => change !== "keep" && reasons.includes(notOurs)).map(({ service }) => service);
  if (foreign.length === 0) return [];
  return [
    `${host}: ${foreign.join(", ")} ${foreign.length === 1 ? "was" : "were"} not started by coldtivate: if this release fails, these containers cannot be brought back`,
  ];
}

/** Tasks run when the release changes a service, or when they themselves changed. */
function needsTasks(rendered: Rendered, state: HostState, changed: readonly string[]): boolean {
  const known = state.manifest?.tasks ?? {};
  return changed.length > 0 || Object.entries(rendered.tasks).some(([name, task]) => known[name] !== task.definition);
}

function frame(steps: Step[], state: HostState): Step[] {
  return [
    { verb: "expect", args: [state.current === "" ? "-" : state.current], title: "check that nothing else was deployed meanwhile" },
    ...steps,
    { verb: "commit", args: [], title: "commit the release" },
    { verb: "prune", args: [String(keptReleases)], title: `keep ${keptReleases} releases` },
  ];
}

function healthy(service: string, within: number): Step {
  return { verb: "healthy", args: [service, seconds(within), String(settleSeconds)], title: `${service} is healthy` };
}

function seconds(milliseconds: number): string {
  return String(Math.max(1, Math.ceil(milliseconds / 1000)));
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
