import { ColdtivateError } from "../../errors.ts";
import type { DeployInput } from "../../plan/plan-deploy.ts";
import type { MountReport } from "./examine-mounts.ts";

/**
 * Refuses a release if a host lacks files for it, or if it would leave data behind that containers wrote.
 *
 * @param leavesData whether the user wants to leave data behind
 * @throws ColdtivateError MOUNT_MISSING or DATA_LEFT_BEHIND, with every case on any host
 */
export function refuseMounts(reports: readonly MountReport[], leavesData: boolean): void {
  const missing = reports.flatMap((report) => report.missing);
  if (missing.length > 0) {
    throw new ColdtivateError("files that this release mounts are missing", {
      code: "MOUNT_MISSING",
      exit: "refused",
      details: [...new Set(missing)],
      hint: "Commit them, put them onto the host at the paths that are named, or correct the Compose files.",
    });
  }
  if (leavesData) return;
  const data = [...new Set(reports.flatMap((report) => report.data))];
  const content = [...new Set(reports.flatMap((report) => report.content.map(({ told }) => told)))];
  if (data.length === 0 && content.length === 0) return;
  throw new ColdtivateError("this release would leave behind what containers wrote", {
    code: "DATA_LEFT_BEHIND",
    exit: "refused",
    details: [...data, ...content.toSorted()],
    hint: [
      ...(content.length > 0 ? [contentAdvice] : []),
      ...(data.length > 0 ? [dataAdvice] : []),
      "To go on without it, which deletes nothing: --leave-data.",
    ].join(" "),
  });
}

const contentAdvice =
  "If containers are to write there, list the path as `data` of their service in coldtivate.yml: then it stays as it is, in all releases. If they are not, mount it with `:ro`: then the commit's content counts.";

const dataAdvice =
  "Mount what the containers have now, for instance by its absolute path, list the path as `data` of the service in coldtivate.yml, or move the files to where the release mounts them.";

/** The folders that a plan has to check again, and those that it marks as left behind. */
export function leavesOf({ unwritten, declared, content }: MountReport, leavesData: boolean): NonNullable<DeployInput["leaves"]> {
  return { unwritten, abandoned: [...declared, ...(leavesData ? content.map(({ digest }) => digest) : [])] };
}

/** Notes on a release's mounts, and on data that it leaves behind because the user asked for it. */
export function mountNotes({ notes, data, content }: MountReport, leavesData: boolean): string[] {
  const left = leavesData ? [...data, ...content.map(({ told }) => told)] : [];
  return [...notes, ...left.map((told) => `left behind, and kept on the host: ${told}`)];
}
