import { expect, test } from "vitest";
import { farewellsOf, parseTime, withTimeToStop } from "../../../src/lib/compose/stopping.ts";

test.each([
  ["35s", 35],
  ["1m30s", 90],
  ["1h0m0s", 3600],
  ["500ms", 1],
  ["1m0.5s", 61],
  ["soon", undefined],
  [undefined, undefined],
])("%s is %s seconds", (written, expected) => {
  expect(parseTime(written)).toBe(expected);
});

test("what runs in a container before it stops is a command of docker exec", () => {
  const hooks = [
    { command: ["leave", "$$NOW"], user: "root", privileged: true, working_dir: "/app", environment: { A: "b", C: null } },
    { command: "leave; sleep 1" },
    { command: ["two\nlines"] },
  ];
  expect(farewellsOf({ pre_stop: hooks })).toEqual([
    ["--user", "root", "--privileged", "--workdir", "/app", "--env", "A=b", "--env", "C", "--", "leave", "$NOW"],
    ["--", "sh", "-c", "leave; sleep 1"],
    ["--", "two\nlines"],
  ]);
  expect(farewellsOf({})).toEqual([]);
});

test("what has state of its own has a minute to stop, unless the Compose file says how long", () => {
  expect(withTimeToStop({ image: "db" }, { isStateful: true })).toEqual({ image: "db", stop_grace_period: "1m0s" });
  expect(withTimeToStop({ stop_grace_period: "5s" }, { isStateful: true })).toEqual({ stop_grace_period: "5s" });
  for (const other of [undefined, {}, { isStateful: false }]) expect(withTimeToStop({ image: "web" }, other)).toEqual({ image: "web" });
});
