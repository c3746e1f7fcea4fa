import { describe, expect, test } from "vitest";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { rendering } from "./arbitrary-model.ts";

const base: ComposeService = { image: "ours", networks: { default: null } };

/** Whether another edition of `vpn` is another definition of a service. */
function isReplacedWithVpn(services: Record<string, ComposeService>, name = "crawler"): boolean {
  const definition = (edition: string) =>
    rendering({ services: { vpn: { ...base, environment: { EDITION: edition } }, ...services } }, {}).services[name]?.definition;
  expect(definition("1")).toBe(definition("1"));
  return definition("1") !== definition("2");
}

describe("a service is replaced with the one", () => {
  test.each<[string, ComposeService]>([
    ["whose network it uses", { image: "ours", network_mode: "service:vpn" }],
    ["whose processes it sees", { ...base, pid: "service:vpn" }],
    ["whose memory it uses", { ...base, ipc: "service:vpn" }],
    ["whose host name it has", { ...base, uts: "service:vpn" }],
    ["whose control group it is in", { ...base, cgroup: "service:vpn" }],
    ["whose volumes it has", { ...base, volumes_from: ["vpn:ro"] }],
    ["whose network it uses by the container's name", { image: "ours", network_mode: "container:shop-staging-vpn-1" }],
    ["with which the file says that it restarts", { ...base, depends_on: { vpn: { condition: "service_started", restart: true } } }],
    [
      "with whose health the file says that it restarts",
      { ...base, links: ["vpn"], depends_on: { vpn: { condition: "service_healthy", restart: true } } },
    ],
  ])("%s", (_name, crawler) => expect(isReplacedWithVpn({ crawler })).toBe(true));

  test("that it shares over another one", () => {
    expect(
      isReplacedWithVpn({ between: { image: "ours", network_mode: "service:vpn" }, crawler: { ...base, pid: "service:between" } }),
    ).toBe(true);
  });
});

describe("a service is not replaced with the one", () => {
  test.each<[string, ComposeService]>([
    ["that it only depends on", { ...base, depends_on: { vpn: { condition: "service_healthy" } } }],
    [
      "that it links to, whatever Compose makes of that",
      { ...base, links: ["vpn:api"], depends_on: { vpn: { condition: "service_started", restart: true, required: true } } },
    ],
    ["that has nothing to do with it", { image: "ours", network_mode: "container:somebody-elses" }],
  ])("%s", (_name, crawler) => expect(isReplacedWithVpn({ crawler })).toBe(false));
});
