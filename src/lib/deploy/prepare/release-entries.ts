import type { TarEntry } from "../../adapters/tar.ts";
import type { KeptPlan } from "../../plan/steps/kept-plan.ts";
import { showPlan, type HostPlan } from "../../plan/steps/plan.ts";
import { titleOf, wordsOf, type Step } from "../../plan/steps/step.ts";
import type { KeptRelease } from "../../host/kept-release.ts";
import type { Manifest } from "../../release/manifest.ts";
import type { ComposeModel } from "../../compose/model.ts";
import { farewellsText, parseTime } from "../../compose/stopping.ts";
import { unsetText } from "../../compose/unset-variables.ts";
import { followersText } from "../../compose/sharing.ts";
import type { Layout } from "../../mounts/placement.ts";
import type { Rendered } from "../../release/rendered.ts";

/**
 * File modes. Containers run as their own users and have to read what is mounted into them. The parent folder is closed to
 * others.
 */
const readable = { file: 0o644, executable: 0o755 };

export interface Who {
  user: string;
  /** The machine, or the CI job. */
  from: string;
}

export interface ReleasePlans {
  /** The steps that this host has to take now. */
  plan: HostPlan;
  /** The full plan: the steps for a host that runs anything else. */
  full: readonly Step[];
}

/** The content of a release's folder on a host. */
export function releaseEntries(
  rendered: Rendered,
  manifest: Manifest,
  plans: ReleasePlans,
  who: Who,
  script: readonly TarEntry[],
): TarEntry[] {
  return [
    ...script,
    { path: "compose.json", content: JSON.stringify(rendered.model) },
    { path: "images", content: imagesText(rendered.model) },
    { path: "stops", content: stopsText(rendered.model) },
    { path: "farewells", content: farewellsText(rendered.model.services) },
    { path: "followers", content: followersText(rendered.model.services) },
    { path: "unset", content: unsetText(rendered.model.services) },
    { path: "manifest.json", content: JSON.stringify(manifest) },
    { path: "plan", content: planText(plans.plan.steps) },
    { path: "plan.json", content: JSON.stringify(showPlan(plans.plan)) },
    { path: "titles", content: titlesText(plans.plan.steps) },
    { path: "plan.full", content: planText(plans.full) },
    ...Object.entries(rendered.fronts).flatMap(([service, { config, hold }]) => [
      { path: `fronts/${service}.cfg`, content: config },
      ...(hold === undefined ? [] : [{ path: `fronts/${service}.hold.cfg`, content: hold }]),
    ]),
    { path: "who", content: whoText(who, manifest, plans.plan) },
    ...(manifest.irreversible === true ? [{ path: "irreversible", content: "" }] : []),
    ...layoutEntries(rendered.layout),
    ...rendered.files.map(({ path, content, executable, link }) => ({
      path,
      content,
      mode: executable ? readable.executable : readable.file,
      ...(link === undefined ? {} : { link }),
    })),
  ];
}

/** The folders that the host prepares for mounts, and the commit's initial content for data. */
function layoutEntries(layout: Layout | undefined): TarEntry[] {
  if (layout === undefined) return [];
  const lines = [
    ...layout.watched.map((digest) => ["watched", digest]),
    ...layout.adopted.map((digest) => ["data", digest]),
    ...layout.parents.map((path) => ["parent", path]),
    ...layout.folders.map((path) => ["folder", path]),
    ...layout.seeds.map(({ place }, index) => ["seed", String(index), place]),
  ];
  if (lines.length === 0) return [];
  const seeds = layout.seeds.flatMap(({ files }, index) =>
    files.map(({ path, content, executable, link }) => ({
      path: path === "" ? `seeds/${index}` : `seeds/${index}/${path}`,
      content,
      mode: executable ? readable.executable : readable.file,
      ...(link === undefined ? {} : { link }),
    })),
  );
  return [{ path: "places", content: lines.map((words) => `${words.join("\t")}\n`).join("") }, ...seeds];
}

/** How a new release repeats one that a host already has: with other fronts, or to serve again. */
export interface Keeping {
  /** The command that repeats it and the release that it goes back to, for anyone who follows it. */
  again: Pick<KeptPlan, "again" | "target">;
  /** The release whose hooks it uses. The host already has them. */
  hooksOf: string;
}

/** The same for a release that a host already has. */
export function keptEntries(
  { model, full, configurations, hooks }: KeptRelease,
  manifest: Manifest,
  plan: HostPlan,
  who: Who,
  script: readonly TarEntry[],
  { again, hooksOf }: Keeping,
): TarEntry[] {
  return [
    ...script,
    ...(hooks.length === 0 ? [] : [{ path: "hooks.of", content: `${hooksOf}\n` }]),
    { path: "compose.json", content: JSON.stringify(model) },
    { path: "images", content: imagesText(model) },
    { path: "stops", content: stopsText(model) },
    { path: "farewells", content: farewellsText(model.services) },
    { path: "followers", content: followersText(model.services) },
    { path: "unset", content: unsetText(model.services) },
    { path: "manifest.json", content: JSON.stringify(manifest) },
    { path: "plan", content: planText(plan.steps) },
    { path: "plan.json", content: JSON.stringify({ ...showPlan(plan), ...again }) },
    { path: "titles", content: titlesText(plan.steps) },
    { path: "plan.full", content: full.map((line) => `${line}\n`).join("") },
    ...Object.entries(configurations).map(([file, content]) => ({ path: `fronts/${file}`, content })),
    { path: "who", content: whoText(who, manifest, plan) },
  ];
}

function whoText({ user, from }: Who, { commit, ref, rollback }: Manifest, { services }: HostPlan): string {
  const changed = services.filter(({ change }) => change !== "keep").map(({ service }) => service);
  return `${[user, from, commit, ref ?? "-", changed.join(" ") || "-", rollback ?? "-"].join("\t")}\n`;
}

/**
 * How long containers get to stop, for the script: one line per service, with seconds, if the Compose files or their program ask
 * for it.
 */
function stopsText({ services }: ComposeModel): string {
  return Object.entries(services)
    .flatMap(([name, service]) => {
      const limit = parseTime(service["stop_grace_period"]);
      return limit === undefined ? [] : [`${name}\t${limit}\n`];
    })
    .join("");
}

/** The images that the host keeps as long as it keeps the release. */
function imagesText({ services }: ComposeModel): string {
  const images = new Set(Object.values(services).flatMap(({ image }) => image ?? []));
  return [...images].map((image) => `${image}\n`).join("");
}

function planText(steps: readonly Step[]): string {
  return steps.map((step) => `${wordsOf(step).join("\t")}\n`).join("");
}

/** The titles of the plan's steps, for the script: it cannot read plan.json. */
function titlesText(steps: readonly Step[]): string {
  return steps.map((step) => `${titleOf(step)}\n`).join("");
}
