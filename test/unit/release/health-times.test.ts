import { describe, expect, test } from "vitest";
import { healthTimes } from "../../../src/lib/release/health-times.ts";

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
});
