import { afterAll, beforeAll, describe, test } from "vitest";
import { publish } from "../support/clones.ts";
import { deployToFleet, strikeFleet } from "../support/faults/fleet-strike.ts";
import { runTableCell, wantedKinds, wantedSteps } from "../support/faults/series.ts";
import { bringUpFleet, makeFleetProject, removeFleetProject } from "../support/projects/fleet-project.ts";
import { setVariables } from "../support/projects/fronts-project.ts";

const barriers = ["barrier pulled", "barrier healthy", "barrier switched"];

let clone: string;
let env: Record<string, string>;
let edition = 0;

beforeAll(async () => {
  if (wantedKinds("fleet").length === 0) return;
  env = await bringUpFleet();
  await removeFleetProject();
  clone = await makeFleetProject();
  await next();
});
afterAll(async () => {
  if (wantedKinds("fleet").length > 0) await removeFleetProject();
});

async function publishNext(): Promise<void> {
  await setVariables(clone, "shop", { EDITION: `edition ${++edition}` });
  await publish(clone, `feat: edition ${edition}`);
}

async function next(): Promise<void> {
  await publishNext();
  await deployToFleet(clone, env);
}

describe.each(wantedKinds("fleet"))("%s of a host among others", (kind) => {
  test.each(wantedSteps(barriers))("at %i: %s", async (_, step) => {
    await publishNext();
    const strike = async () => ({ ...(await strikeFleet(clone, env, kind, step)), serving: undefined });
    await runTableCell({ series: "fleet", steps: barriers, kind, step, strike, renew: next });
  });
});
