import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import { allOf } from "../../common/mark-handled.ts";
import { missingImages } from "../../plan/capacity/capacity-disk.ts";
import type { Shortage } from "../../plan/capacity/capacity.ts";
import { alignHosts } from "../../plan/steps/barriers.ts";
import { taskNames, tellOnce } from "../../plan/steps/choose-tasks.ts";
import { pulledImages, type HostPlan, type Plan } from "../../plan/steps/plan.ts";
import { isNamed } from "../../release/repositories.ts";
import { checkCapacity, refuseShortages } from "./capacity-check.ts";
import type { HostDraft, ReleaseDraft } from "./draft.ts";
import { makeUndoable } from "./images/ask-for-lost.ts";
import { projectOf, type Intent, type PreparePorts, type ReleaseRequest } from "./intent.ts";
import { draftDeploy } from "./prepare-deploy.ts";
import { draftFronts } from "./prepare-fronts.ts";
import { draftRollback } from "./prepare-rollback.ts";
import { refuseMounts } from "./refuse-mounts.ts";

/** What a host is sent. */
export interface HostWork {
  connection: HostConnection;
  plan: HostPlan;
  /** The images that it has to pull and that a login may be used for. */
  images: readonly string[];
  /** The content of the release's folder on the host. */
  entries: readonly TarEntry[];
}

export interface PreparedRelease {
  plan: Plan;
  /** In the order of the plan's hosts. */
  work: HostWork[];
}

/**
 * Asks every host what it runs, and decides what each one has to do. Changes nothing.
 * @throws ColdtivateError before any host is changed, if one of them cannot take the release
 */
export async function prepareRelease(intent: Intent, request: ReleaseRequest, ports: PreparePorts): Promise<PreparedRelease> {
  const { environment, leavesData } = intent;
  const draft = await draftRelease(intent, request, ports);
  const { release, lastNotes = () => Promise.resolve([]) } = draft;
  const hosts = await allOf(draft.hosts.map((host) => complete(host, draft)));
  refuseMounts(
    draft.hosts.flatMap(({ mounts }) => mounts ?? []),
    leavesData,
  );
  refuseShortages(hosts.flatMap(({ shortages }) => shortages));
  const plans = alignHosts(tellOnce(hosts.map(({ plan }) => plan)));
  const notes = new Set([...draft.notes, ...hosts.flatMap((host) => host.notes), ...(await lastNotes(plans))]);
  const tasks = taskNames(plans);
  const work = draft.hosts.map(({ connection, entriesFor }, index) => {
    const [{ images, isInTurn }, plan] = [hosts[index]!, plans[index]!];
    return { connection, plan, images, entries: plan.steps.length === 0 ? [] : entriesFor(plan, { isInTurn, tasks }) };
  });
  return {
    plan: { environment: environment.name, project: projectOf(intent.config, environment), release, hosts: plans, notes: [...notes] },
    work,
  };
}

function draftRelease(intent: Intent, request: ReleaseRequest, ports: PreparePorts): Promise<ReleaseDraft> {
  if (request.action === "deploy") return draftDeploy(intent, request, ports);
  return request.action === "rollback" ? draftRollback(intent, request, ports) : draftFronts(intent, request, ports);
}

interface CompletedPlan {
  plan: HostPlan;
  images: string[];
  isInTurn: boolean;
  shortages: Shortage[];
  notes: string[];
}

/** Makes sure that a host's plan can be undone, and that the host has room for it. */
async function complete({ state, plan: planned, rendered, notes }: HostDraft, { registry }: ReleaseDraft): Promise<CompletedPlan> {
  const { plan, notes: undoing } = await makeUndoable(planned, state, async () => (await registry()).client);
  const pulled = pulledImages(plan);
  // No other registry is asked, and no login is used for any other image.
  const opened = pulled.length === 0 ? undefined : await registry();
  const images = pulled.filter((image) => opened !== undefined && isNamed(image, opened.named));
  const asked = opened === undefined || images.length === 0 ? {} : { registry: opened.client };
  const capacity =
    rendered === undefined || plan.steps.length === 0 ? undefined : await checkCapacity({ state, rendered, images, ...asked });
  return {
    plan,
    images: missingImages(images, state),
    isInTurn: capacity?.isInTurn ?? false,
    shortages: capacity?.shortages ?? [],
    notes: [...undoing, ...notes, ...(capacity?.notes ?? [])],
  };
}
