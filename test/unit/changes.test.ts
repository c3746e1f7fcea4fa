import { expect, test } from "vitest";
import { createChanges } from "../../src/lib/changes.ts";

test("what came about is told, what was refused is not, and what nobody has heard of may have come about", () => {
  const { begin, told } = createChanges();
  expect(told()).toEqual([]);
  begin("pushed", "web").done();
  begin("pushed", "db").dropped();
  begin("pushed", "cache");
  begin("locked", "prod-1").done();
  expect(told()).toEqual(["pushed: web", "perhaps pushed, which nobody has confirmed: cache", "locked: prod-1"]);
});

test("another attempt at the same tells of the first one only where it comes about", () => {
  const { begin, told } = createChanges();
  begin("removed", "web");
  begin("removed", "web").dropped();
  expect(told()).toEqual(["perhaps removed, which nobody has confirmed: web"]);
  begin("removed", "web").done();
  begin("removed", "web").dropped();
  expect(told()).toEqual(["removed: web"]);
});

test("what is taken back is not told", () => {
  const { begin, told } = createChanges();
  begin("locked", "a").done();
  begin("locked", "b").done();
  begin("unlocked", "a", "locked").done();
  expect(told()).toEqual(["locked: b"]);
  begin("unlocked", "b", "locked").dropped();
  begin("unlocked", "c", "locked").done();
  expect(told()).toEqual(["locked: b", "unlocked: c"]);
});

test("of many the first are named", () => {
  const { begin, told } = createChanges();
  for (let index = 1; index <= 8; index++) begin("pushed", String(index)).done();
  expect(told()).toEqual(["pushed: 1, 2, 3, 4, 5 and 3 more"]);
});
