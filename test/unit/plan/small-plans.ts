import type { ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { rendering } from "../release/arbitrary-model.ts";
import { carryOut, emptyHost } from "./simulated-host.ts";
import { formatStep } from "../../../src/lib/plan/steps/step.ts";

export type Services = Record<string, ComposeService>;

/** A service that nobody asks for anything, and one that goes in slots. */
export const base: ComposeService = { image: "ours", networks: { default: null } };
export const web: ComposeService = { ...base, healthcheck: { test: ["CMD", "curl", "-f", "http://localhost:8000/up"] } };
export const started = { condition: "service_started", required: true };
export const healthy = { condition: "service_healthy", required: true };

export const task = (service: string) => ({ tasks: [{ name: "load", service, run: ["load"], timeout: 1000 }] });
export const render = (services: Services, more: Parameters<typeof rendering>[2] = {}) => rendering({ services }, {}, more);

export function plan(rendered: Rendered, state: HostState = emptyHost, services: Record<string, ServiceConfig> = {}) {
  return planHost({ config: { services }, rendered, state, commit: "c", runsTasks: true });
}

/** What is worked on, in its order. */
export const steps = (rendered: Rendered, state?: HostState) =>
  plan(rendered, state)
    .steps.filter(({ verb }) => ["once", "task", "recreate", "start", "front", "switch", "open", "name"].includes(verb))
    .map(formatStep);

/** A host that serves a release. */
export function serving(rendered: Rendered, commit = "c1"): HostState {
  return carryOut(emptyHost, plan(rendered).steps, { rendered, commit });
}

export const edition = (service: ComposeService, name: string): ComposeService => ({ ...service, environment: { EDITION: name } });
