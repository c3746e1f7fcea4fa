import { describe, expect, test } from "vitest";
import { healthTimes } from "../../../src/lib/compose/health-times.ts";
import { checksOf } from "../../../src/lib/fronts/checks.ts";

describe("when a container can turn healthy", () => {
  test.each([
    ["nothing but Docker's own", {}, { first: 30_000, startPeriod: 0, verdict: 180_000 }],
    ["zeros count as not written", { interval: "0s", timeout: "0s", retries: 0, start_period: "0s" }, { first: 30_000, verdict: 180_000 }],
    ["an interval alone", { interval: "90s" }, { first: 90_000, startPeriod: 0, verdict: 360_000 }],
    ["mixed units", { interval: "1m30s", timeout: "500ms", retries: 2 }, { first: 90_000, verdict: 181_000 }],
    [
      "a start interval counts with a start period",
      { interval: "1m", start_period: "20s", start_interval: "100ms" },
      { first: 100, startPeriod: 20_000 },
    ],
    [
      "a start period alone has the engine look every five seconds",
      { interval: "1m", start_period: "2m" },
      { first: 5000, startPeriod: 120_000 },
    ],
    ["a start interval without a start period counts for nothing", { interval: "40s", start_interval: "1s" }, { first: 40_000 }],
    ["hours and fractions", { interval: "1h0m0.5s" }, { first: 3_600_500 }],
    [
      "nanoseconds, as in an image's configuration",
      { interval: 5_000_000_000, timeout: 1_000_000_000, retries: 4 },
      { first: 5000, verdict: 24_000 },
    ],
  ])("%s", (_name, check, expected) => {
    expect(healthTimes(check)).toMatchObject(expected);
  });

  test("what the service leaves out is its image's", () => {
    const image = {
      interval: 90_000_000_000,
      timeout: 1_000_000_000,
      start_period: 10_000_000_000,
      start_interval: 2_000_000_000,
      retries: 2,
    };
    expect(healthTimes({}, image)).toEqual({ first: 2000, startPeriod: 10_000, verdict: 192_000 });
    expect(healthTimes({ interval: "5s", start_interval: "0s", retries: 1 }, image)).toEqual({
      first: 2000,
      startPeriod: 10_000,
      verdict: 16_000,
    });
  });
});

describe("whether anything is checked", () => {
  const image = {
    ports: [],
    volumes: [],
    entrypoint: [],
    command: [],
    environment: {},
    healthcheck: ["CMD", "true"],
    checkTimes: { interval: 90e9 },
  };

  test("by the service itself, or by its image", () => {
    expect(checksOf({})).toEqual({ checked: false });
    expect(checksOf({ healthcheck: { test: ["CMD", "true"] } })).toMatchObject({ checked: true, times: { first: 30_000 } });
    expect(checksOf({}, image)).toMatchObject({ checked: true, times: { first: 90_000 } });
    expect(checksOf({ healthcheck: { interval: "10s" } }, image)).toMatchObject({ checked: true, times: { first: 10_000 } });
  });

  test("not where it is switched off", () => {
    expect(checksOf({ healthcheck: { disable: true } }, image)).toEqual({ checked: false });
    expect(checksOf({ healthcheck: { test: ["NONE"] } }, image)).toEqual({ checked: false });
  });
});
