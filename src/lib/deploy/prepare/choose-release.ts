import { readRelease } from "../../adapters/host/host-release.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import { didYouMean } from "../../common/nearest.ts";
import { ColdtivateError } from "../../errors.ts";
import { isSameRelease } from "../../plan/plan-rollback.ts";
import type { HostState } from "../../host/host-state.ts";
import { parseRelease, type KeptRelease } from "../../host/kept-release.ts";
import { parseManifest, type Manifest } from "../../release/manifest.ts";
import { shortCommit } from "../../git/slug.ts";

export interface ReleaseChoice {
  connection: HostConnection;
  /** Observed with its past. */
  state: HostState;
  environment: string;
  project: string;
  /** The id of the requested release, if there is one. */
  release?: string | undefined;
}

export interface ChosenRelease {
  manifest: Manifest;
  kept: KeptRelease;
}

/**
 * Chooses the release that a host goes back to: the requested one, or else the last one that served and differs from the serving
 * one. A release that differs only in its fronts does not count, because going back leaves fronts as they are.
 * @throws ColdtivateError RELEASE_UNKNOWN, NO_EARLIER_RELEASE, RELEASE_INCOMPLETE
 */
export async function chooseRelease(choice: ReleaseChoice, signal: AbortSignal): Promise<ChosenRelease> {
  const { connection, state, project, release } = choice;
  const { releases = [], files = new Map<string, string>() } = state.past ?? {};
  const ids = releases.map(({ id }) => id);
  if (release !== undefined) {
    if (!ids.includes(release)) throw unknown(choice, release);
    return parse(state.host, release, files);
  }
  let known = files;
  for (const id of ids.filter((served) => served !== state.current)) {
    if (parseManifest(known.get("manifest.json") ?? "")?.id !== id) known = await readRelease(connection, project, id, signal);
    const chosen = parse(state.host, id, known);
    if (state.manifest === undefined || !isSameRelease(chosen.manifest, state.manifest)) return chosen;
  }
  throw new ColdtivateError(`${state.host} has no release to go back to`, {
    code: "NO_EARLIER_RELEASE",
    exit: "refused",
    details: [state.current === "" ? "no release serves there" : `${state.current} serves, and none that is kept differs from it`],
    hint: `What was deployed: coldtivate history ${choice.environment}`,
  });
}

function parse(host: string, id: string, files: ReadonlyMap<string, string>): ChosenRelease {
  const manifest = parseManifest(files.get("manifest.json") ?? "");
  if (manifest?.id === id) return { manifest, kept: parseRelease(host, files) };
  throw new ColdtivateError(`${host}: release ${id} cannot be read`, {
    code: "RELEASE_INCOMPLETE",
    exit: "refused",
    hint: "Its files are damaged, or from a version of coldtivate that this one does not know: deploy its commit again.",
  });
}

function unknown({ state, environment }: ReleaseChoice, release: string): ColdtivateError {
  const releases = state.past?.releases ?? [];
  const ids = releases.map(({ id }) => id);
  const kept = releases.map(({ id, commit, ref, repeats }) => {
    const star = id === state.current ? "  (serves now)" : "";
    const back = repeats === undefined ? "" : `, back to ${repeats}`;
    return `${id}  ${shortCommit(commit)}${ref === undefined ? "" : ` ${ref}`}${back}${star}`;
  });
  return new ColdtivateError(`${state.host} does not keep a release ${release}${didYouMean(release, ids)}`, {
    code: "RELEASE_UNKNOWN",
    exit: "usage",
    details: kept.length === 0 ? ["it keeps none"] : ["it keeps these, the last one that served first:", ...kept],
    hint: `What was deployed: coldtivate history ${environment}`,
  });
}
