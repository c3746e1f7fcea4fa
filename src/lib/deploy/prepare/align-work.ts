import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import { alignHosts } from "../../plan/steps/barriers.ts";
import { tellOnce } from "../../plan/steps/choose-tasks.ts";
import type { HostPlan } from "../../plan/steps/plan.ts";

/** What a host is to do, before its peers' plans are known. */
export interface HostDraft {
  connection: HostConnection;
  plan: HostPlan;
  /** What the host has to pull. */
  images: string[];
  /** What it is to be sent for the plan that it gets in the end. */
  entriesFor: (plan: HostPlan) => TarEntry[];
}

export interface AlignedWork {
  connection: HostConnection;
  plan: HostPlan;
  images: string[];
  entries: TarEntry[];
}

/** Aligns the plans of hosts, in their order. */
export function alignWork(drafts: readonly HostDraft[]): AlignedWork[] {
  const plans = alignHosts(tellOnce(drafts.map(({ plan }) => plan)));
  return drafts.map(({ connection, images, entriesFor }, index) => {
    const plan = plans[index]!;
    return { connection, plan, images, entries: plan.steps.length === 0 ? [] : entriesFor(plan) };
  });
}
