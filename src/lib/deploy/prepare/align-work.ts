import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import { alignHosts } from "../../plan/steps/barriers.ts";
import { tellOnce } from "../../plan/steps/choose-tasks.ts";
import type { HostPlan } from "../../plan/steps/plan.ts";

/** The work of a host before its peers' plans are known. */
export interface HostDraft {
  connection: HostConnection;
  plan: HostPlan;
  /** The images that the host has to pull. */
  images: string[];
  /** The files to send for the final plan. */
  entriesFor: (plan: HostPlan) => TarEntry[];
}

export interface AlignedWork {
  connection: HostConnection;
  plan: HostPlan;
  images: string[];
  entries: TarEntry[];
}

/** Aligns the plans of hosts; keeps their order. */
export function alignWork(drafts: readonly HostDraft[]): AlignedWork[] {
  const plans = alignHosts(tellOnce(drafts.map(({ plan }) => plan)));
  return drafts.map(({ connection, images, entriesFor }, index) => {
    const plan = plans[index]!;
    return { connection, plan, images, entries: plan.steps.length === 0 ? [] : entriesFor(plan) };
  });
}
