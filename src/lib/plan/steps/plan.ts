import type { Rollout } from "../../config/schema/config.ts";

/** What a deploy will do: plain, serialisable data that the dry run, the question, the tests and the executor all read. */
export interface Plan {
  environment: string;
  /** Name of the Compose project on the hosts. */
  project: string;
  release: ReleaseSummary;
  hosts: HostPlan[];
  /** What the user should know before it starts. */
  notes: string[];
}

export interface ReleaseSummary {
  id: string;
  commit: string;
  /** The tag or branch it was asked for by, if any. */
  ref?: string;
  /** The release that it repeats, where it goes back to one. */
  rollback?: string;
}

export interface HostPlan {
  host: string;
  /** The release that the plan was made against; "-" when there is none. Another one there makes the plan stale. */
  expect: string;
  services: ServiceChange[];
  /** Tasks that are left out because their last run was the same; absent without any. */
  unchanged?: UnchangedTask[];
  /** In the order in which they run; empty when the host serves the release already. */
  steps: Step[];
}

export interface UnchangedTask {
  task: string;
  /** The release that it ran in last. */
  since: string;
}

export interface ServiceChange {
  service: string;
  change: "create" | "update" | "remove" | "keep";
  /** What differs, in the user's words: `image sha256:1f… → sha256:9c…`, `environment DEBUG`, `configuration`. */
  reasons: string[];
  /** How its new version takes over, and why so; absent when it is removed. */
  rollout?: Rollout;
  rolloutReason?: string;
}

/** One line of the script's plan: a verb and its arguments, which are not empty and have no tab. */
export interface Step {
  verb: string;
  args: string[];
  title: string;
}
