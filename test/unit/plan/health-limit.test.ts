import { describe, expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import { healthLimit, healthNotes } from "../../../src/lib/plan/steps/health-limit.ts";
import { healthTimes, type HealthCheckTimes } from "../../../src/lib/compose/health-times.ts";
import type { RenderedService } from "../../../src/lib/release/rendered.ts";

function facts(check: HealthCheckTimes | undefined, config: ServiceConfig = {}, rollout: RenderedService["rollout"] = "recreate") {
  const service: RenderedService = {
    definition: "d",
    reference: "web",
    image: "web@sha256:1",
    environment: {},
    checked: check !== undefined,
    ...(check === undefined ? {} : { times: healthTimes(check) }),
    rollout,
    rolloutReason: "",
  };
  return { config: { services: { web: config } }, rendered: { services: { web: service } } };
}

describe("how long a new container is waited for", () => {
  test.each([
    ["a minute where nothing is checked", undefined, 60_000],
    ["a minute where Docker gives up sooner", { interval: "1s", timeout: "1s", retries: 3 }, 60_000],
    ["as long as Docker itself needs for its verdict", { interval: "90s", timeout: "5s", retries: 1 }, 120_000],
    ["Docker's defaults", {}, 180_000],
    ["the start period counts", { start_period: "5m", interval: "5s", timeout: "1s", retries: 5 }, 330_000],
    ["not longer than ten minutes", { interval: "10s", timeout: "10s", retries: 120 }, 600_000],
    ["unless the start period or the first check is later", { interval: "30m", retries: 3 }, 1_830_000],
    ["unless the start period is longer", { start_period: "20m" }, 1_230_000],
  ])("%s", (_name, check, expected) => {
    expect(healthLimit("web", facts(check))).toBe(expected);
  });

  test("as long as coldtivate.yml says, whatever the check", () => {
    expect(healthLimit("web", facts({ interval: "90s" }, { healthyWithin: 5000 }))).toBe(5000);
  });

  test("a service that nobody knows gets a minute", () => {
    expect(healthLimit("other", facts({}))).toBe(60_000);
  });
});

describe("what the plan says of it", () => {
  test("nothing where the first check comes soon", () => {
    expect(healthNotes(["web"], facts({ interval: "5s" }))).toEqual([]);
    expect(healthNotes(["web"], facts(undefined))).toEqual([]);
    expect(healthNotes(["web"], facts({ interval: "30s" }))).toEqual([]);
    expect(healthNotes(["web"], facts({ interval: "90s", start_period: "1m" }))).toEqual([]);
  });

  test("how long it takes at least, and at most", () => {
    expect(healthNotes(["web"], facts({ interval: "90s", timeout: "10s" }))).toEqual([
      "web: its first health check comes 90 s after the start, so that it takes at least that long, and at most 300 s; a start_interval with a start_period in its health check has it looked at sooner",
    ]);
  });

  test("that it cannot become healthy within what coldtivate.yml gives it", () => {
    const [note, ...more] = healthNotes(["web"], facts({ interval: "90s" }, { healthyWithin: 60_000 }));
    expect(note).toMatch(
      /^web cannot become healthy within its healthy_within of 60 s: its first health check comes 90 s after the start;/,
    );
    expect(more).toEqual([]);
    expect(healthNotes(["web"], facts({ interval: "60s" }, { healthyWithin: 60_000 }))[0]).toMatch(/cannot become healthy/);
  });

  test("that its start period is longer than what it is given", () => {
    expect(healthNotes(["web"], facts({ start_period: "2m" }, { healthyWithin: 60_000 }))).toEqual([
      "web may need longer than its healthy_within of 60 s: its health check has a start_period of 120 s",
    ]);
  });

  test("that requests do not wait as long as the first check takes", () => {
    const check = { interval: "90s" };
    expect(healthNotes(["web"], facts(check, {}, "hold"))[0]).toMatch(
      /^web: its first .* 90 s .* requests wait for 60 s only: later ones fail;/,
    );
    expect(healthNotes(["web"], facts(check, { holdLimit: 120_000 }, "hold"))[0]).toMatch(/takes at least that long/);
    expect(healthNotes(["web"], facts({ interval: "30s" }, { holdLimit: 20_000 }, "hold"))[0]).toMatch(/later ones fail/);
  });
});
