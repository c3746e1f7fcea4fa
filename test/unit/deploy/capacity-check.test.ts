import { expect, test } from "vitest";
import { refuseShortages } from "../../../src/lib/deploy/prepare/capacity-check.ts";

const port = { code: "PORT_TAKEN", details: ["10.0.0.1: tcp port 80 is taken"], advice: "End it." } as const;
const disk = { code: "DISK_FULL", details: ["10.0.0.2: 1 MiB is free"], advice: "Make room." } as const;

test("everything that is missing on any host is told at once, each advice once", () => {
  expect(() => refuseShortages([])).not.toThrow();
  expect(() => refuseShortages([port, { ...port, details: ["10.0.0.2: tcp port 80 is taken"] }])).toThrow(
    expect.objectContaining({
      code: "PORT_TAKEN",
      exit: "refused",
      details: ["10.0.0.1: tcp port 80 is taken", "10.0.0.2: tcp port 80 is taken"],
      hint: "End it.",
    }),
  );
  expect(() => refuseShortages([port, disk])).toThrow(expect.objectContaining({ code: "CAPACITY_SHORT", hint: "End it. Make room." }));
});
