import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import { makeFrontsProject, release, removeFrontsProject } from "../support/projects/fronts-project.ts";

/** When a container of the singleton lived, by what it wrote down; in milliseconds since the epoch. */
interface Run {
  container: string;
  edition: string;
  first: number;
  last: number;
  /** The longest time between two signs of life. */
  pause: number;
}

async function readRuns(): Promise<Run[]> {
  const text = await onHost("staging", "cat /var/lib/docker/volumes/small-staging_heartbeats/_data/beats");
  const runs = new Map<string, Run>();
  for (const line of text.split("\n")) {
    const [time = "", container = "", edition = ""] = line.split("\t");
    const at = Number(time) / 1000;
    const run = runs.get(container) ?? { container, edition, first: at, last: at, pause: 0 };
    runs.set(container, { ...run, last: at, pause: Math.max(run.pause, at - run.last) });
  }
  return [...runs.values()].toSorted((a, b) => a.first - b.first);
}

let clone: string;
beforeAll(async () => {
  clone = await makeFrontsProject();
  await release(clone, {});
});
afterAll(removeFrontsProject);

test("two of a singleton never live at once, and the gap that a release tells is the real one", async () => {
  const told: number[] = [];
  for (const edition of ["second", "third", "fourth"]) {
    // The shop's slots warm up, and switch, around it.
    const output = await release(clone, { scheduler: edition, shop: edition });
    told.push(Number(/nothing of scheduler ran for (\d+) ms/.exec(output)?.[1]));
  }
  const runs = await readRuns();
  expect(runs.map(({ edition }) => edition)).toEqual(["first", "second", "third", "fourth"]);
  const gaps = runs.slice(1).map(({ first }, index) => first - runs[index]!.last);
  console.info("gaps by heartbeats", gaps.map(Math.round), "as told", told);
  for (const [index, gap] of gaps.entries()) {
    expect(gap).toBeGreaterThan(0);
    // A machine that is busy delays signs of life, too.
    const doubt = 100 + runs[index]!.pause + runs[index + 1]!.pause;
    expect(Math.abs(gap - told[index]!)).toBeLessThan(doubt);
  }
});
