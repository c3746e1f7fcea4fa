import { observeHost, type Question } from "../../adapters/host/host.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import type { HostState } from "../../host/host-state.ts";
import type { HostPlan, ReleaseSummary } from "../../plan/steps/plan.ts";
import type { Rendered } from "../../release/rendered.ts";
import type { MountReport } from "./examine-mounts.ts";
import type { OpenedRegistry } from "./images/open-registry.ts";
import type { PreparePorts } from "./intent.ts";

/** A host that was asked. */
export interface ObservedHost {
  connection: HostConnection;
  state: HostState;
}

/** What a host has to do for a release, before its peers' plans are known. */
export interface HostDraft extends ObservedHost {
  plan: HostPlan;
  /** What it will run; absent if only fronts are updated, which needs neither memory nor ports. */
  rendered?: Rendered;
  /** Absent if mounts stay as they are. */
  mounts?: MountReport;
  notes: readonly string[];
  /** The files to send for the final plan. */
  entriesFor: (plan: HostPlan, facts: PlanFacts) => TarEntry[];
}

/** What is known once all hosts have a plan. */
export interface PlanFacts {
  /** Whether there is only enough memory to start one service at a time beside the running ones. */
  isInTurn: boolean;
  /** The tasks that run, on any host. */
  tasks: readonly string[];
}

/** A release, before it is known whether the hosts have room for it. */
export interface ReleaseDraft {
  release: ReleaseSummary;
  hosts: readonly HostDraft[];
  notes: Iterable<string>;
  registry: () => Promise<OpenedRegistry>;
  /** Asks for further notes, once it is known that no host refuses the release. */
  lastNotes?: (plans: readonly HostPlan[]) => Promise<string[]>;
}

/** Asks all hosts the same question at once. */
export async function observeHosts(question: Question, project: string, { connections, signal }: PreparePorts): Promise<ObservedHost[]> {
  const observe = async (connection: HostConnection) => ({ connection, state: await observeHost(connection, project, question, signal) });
  return Promise.all((await connections).map(observe));
}
