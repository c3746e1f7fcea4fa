import { afterEach, expect, test, vi } from "vitest";
import { cleaningTime, listenForInterruption } from "../../src/lib/interruption.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Listens, with a process that stays. */
function listen() {
  vi.useFakeTimers();
  const exit = vi.spyOn(process, "exit").mockImplementation((() => undefined) as () => never);
  const told: string[] = [];
  const interruption = listenForInterruption({ onFirst: (name) => told.push(name), onLate: () => told.push("late") });
  return { exit, told, interruption };
}

test("work that does not end by itself is left when the time for cleaning up is over", () => {
  const { exit, told, interruption } = listen();
  process.emit("SIGHUP", "SIGHUP");
  expect(interruption.signal.aborted).toBe(true);
  vi.advanceTimersByTime(cleaningTime - 1);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["SIGHUP", "late"]);
  expect(exit).toHaveBeenCalledWith(130);
  interruption[Symbol.dispose]();
});

test("work that ends in time is not ended twice", () => {
  const { exit, told, interruption } = listen();
  process.emit("SIGHUP", "SIGHUP");
  interruption[Symbol.dispose]();
  vi.advanceTimersByTime(2 * cleaningTime);
  expect(told).toEqual(["SIGHUP"]);
  expect(exit).not.toHaveBeenCalled();
});

test("who steers a release hears signals alone, however long it takes", () => {
  const { exit, told, interruption } = listen();
  const heard: string[] = [];
  const diverted = interruption.divert((name) => heard.push(name));
  process.emit("SIGHUP", "SIGHUP");
  vi.advanceTimersByTime(2 * cleaningTime);
  expect(heard).toEqual(["SIGHUP"]);
  expect(told).toEqual([]);
  expect(exit).not.toHaveBeenCalled();
  diverted[Symbol.dispose]();
  interruption[Symbol.dispose]();
});
