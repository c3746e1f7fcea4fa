import type { Who } from "../deploy/prepare/release-entries.ts";
import { describeWho } from "../environment/who.ts";
import type { Revision } from "../git/revision.ts";
import type { Plan } from "../plan/steps/plan.ts";
import type { HookEvent } from "./hook-event.ts";

/** The event of a build, for hooks. `changed` are the images to build. */
export function buildHookEvent(revision: Revision, changed: readonly string[], who: Who): HookEvent {
  return {
    action: "build",
    commit: revision.commit,
    ...(revision.ref === undefined ? {} : { ref: revision.ref }),
    by: describeWho(who),
    changed: [...changed],
    hosts: [],
  };
}

/** The event of a deploy or a rollback, for hooks and the chat. */
export function releaseHookEvent(action: "deploy" | "rollback", { environment, release, hosts }: Plan, who: Who): HookEvent {
  const changed = hosts.flatMap(({ services }) => services.filter(({ change }) => change !== "keep").map(({ service }) => service));
  return {
    action,
    environment,
    release: release.id,
    commit: release.commit,
    ...(release.ref === undefined ? {} : { ref: release.ref }),
    by: describeWho(who),
    changed: [...new Set(changed)].toSorted(),
    hosts: hosts.map(({ host }) => host),
  };
}
