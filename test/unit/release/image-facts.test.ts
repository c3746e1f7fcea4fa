import { expect, test } from "vitest";
import { exposedPorts, parseImageFacts } from "../../../src/lib/services/image-facts.ts";

test("an image's configuration tells what its containers get without being asked", () => {
  const text = JSON.stringify({
    architecture: "amd64",
    config: {
      ExposedPorts: { "9100/tcp": {}, "8000/tcp": {}, "53/udp": {}, "7000-7001": {} },
      Volumes: { "/var/lib/app": {}, "/data": {} },
      Entrypoint: ["/entrypoint.sh"],
      Cmd: ["serve"],
      Env: ["PORT=8000", "EMPTY=", "A=b=c", `LONG=${"x".repeat(300)}`],
      Healthcheck: { Test: ["CMD", "true"], Interval: 90_000_000_000, Timeout: 0, StartPeriod: 5_000_000_000, Retries: 2 },
      StopSignal: "SIGINT",
    },
  });
  expect(parseImageFacts(text)).toEqual({
    ports: [7000, 7001, 8000, 9100],
    otherPorts: ["53/udp"],
    volumes: ["/data", "/var/lib/app"],
    entrypoint: ["/entrypoint.sh"],
    command: ["serve"],
    environment: { PORT: "8000", EMPTY: "", A: "b=c", LONG: "" },
    healthcheck: ["CMD", "true"],
    checkTimes: { interval: 90_000_000_000, start_period: 5_000_000_000, retries: 2 },
    stopSignal: "SIGINT",
  });
});

test.each([
  ["an image that says nothing", "{}"],
  ["one whose parts are null", JSON.stringify({ config: { ExposedPorts: null, Volumes: null, Cmd: null, Entrypoint: null, Env: null } })],
  ["one without a health check", JSON.stringify({ config: { Healthcheck: { Test: ["NONE"] } } })],
])("%s has no facts, which are known", (_name, text) => {
  expect(parseImageFacts(text)).toEqual({ ports: [], volumes: [], entrypoint: [], command: [], environment: {} });
});

test("what is no configuration tells nothing", () => {
  expect(parseImageFacts("<html>")).toBeUndefined();
  expect(parseImageFacts("[]")).toBeUndefined();
});

test.each<[string, number[]]>([
  ["8000", [8000]],
  ["8000/tcp", [8000]],
  ["8000/udp", []],
  ["8000-8002/tcp", [8000, 8001, 8002]],
  ["x", []],
  ["8002-8000", []],
  ["65534-99999", [65_534, 65_535]],
  ["70000", []],
])("the TCP ports in %s", (written, expected) => {
  expect(exposedPorts([written])).toEqual(expected);
});

test("ports come once, as written, however many ranges there are", () => {
  expect(exposedPorts(["9000", "8000-8002", "8001-8004/tcp", "9000/tcp", "7000"])).toEqual([9000, 8000, 8001, 8002, 8003, 8004, 7000]);
  const ranges = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`${index % 99_999}-${99_999 - (index % 7)}/tcp`, {}]));
  expect(parseImageFacts(JSON.stringify({ config: { ExposedPorts: ranges } }))?.ports).toHaveLength(65_536);
});
