import { expect, test } from "vitest";
import { Coordinator } from "../../../src/lib/deploy/apply/coordinator.ts";

const go = (barrier: string) => ["a", "b", "c"].map((host) => ({ host, message: `go ${barrier}` }));
const abort = ["a", "b", "c"].map((host) => ({ host, message: "abort" }));

function arriveAll(coordinator: Coordinator, ...barriers: string[]) {
  return barriers.flatMap((barrier) => ["a", "b", "c"].flatMap((host) => coordinator.arrive(host, barrier)));
}

test("hosts go past a barrier once all have come to it", () => {
  const coordinator = new Coordinator(["a", "b", "c"]);
  expect([coordinator.arrive("c", "pulled"), coordinator.arrive("a", "pulled")]).toEqual([[], []]);
  expect(coordinator.arrive("b", "pulled")).toEqual(go("pulled"));
  expect([coordinator.arrive("b", "healthy"), coordinator.arrive("a", "healthy")]).toEqual([[], []]);
  expect(coordinator.isDecided).toBe(false);
});

test("one that fails before the decision has all of them undo, once", () => {
  const coordinator = new Coordinator(["a", "b", "c"]);
  arriveAll(coordinator, "pulled");
  coordinator.arrive("a", "healthy");
  expect(coordinator.stop()).toEqual(abort);
  expect(coordinator.stop()).toEqual([]);
  expect([coordinator.arrive("b", "healthy"), coordinator.arrive("c", "healthy")]).toEqual([[], []]);
  expect(coordinator).toMatchObject({ isDecided: false, isStopped: true });
});

test("the decision is that all go past the last barrier: from then on nobody is told to undo", () => {
  const coordinator = new Coordinator(["a", "b", "c"]);
  expect(arriveAll(coordinator, "pulled", "healthy", "switched")).toEqual([...go("pulled"), ...go("healthy"), ...go("switched")]);
  expect(coordinator.stop()).toEqual([]);
  expect(coordinator).toMatchObject({ isDecided: true, isStopped: false });
});

test("a host that has nothing to wait for can be told to undo", () => {
  expect(new Coordinator(["a"]).stop()).toEqual([{ host: "a", message: "abort" }]);
});
