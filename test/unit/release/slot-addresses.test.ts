import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { slotAddresses } from "../../../src/lib/fronts/slot-addresses.ts";

const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const fixed = (address: string): ComposeService => ({ networks: { net: { ipv4_address: address } } });
const loose: ComposeService = { networks: { net: null } };

function addressesOf(
  services: Record<string, ComposeService>,
  config: object[] = [{ subnet: "10.9.0.0/24" }],
  slots = ["web-blue", "web-green"],
) {
  const model: ComposeModel = { services, networks: { net: { ipam: { config } } } };
  return slotAddresses(model, new Map([["web", slots]]), digest);
}

test("slots stay clear of addresses that others are given, and keep theirs", () => {
  const first = addressesOf({ web: fixed("10.9.0.2"), db: fixed("10.9.0.3") });
  const [blue, green] = ["web-blue", "web-green"].map((slot) => first.get(slot)?.["net"] ?? "");
  expect(new Set([blue, green]).size).toBe(2);
  for (const address of [blue, green]) expect(Number(/^10\.9\.0\.(\d+)$/.exec(address ?? "")?.[1])).toBeGreaterThan(127);
  expect(addressesOf({ web: fixed("10.9.0.2"), other: loose, db: fixed("10.9.0.9") })).toEqual(first);
  // Whoever has it already.
  const taken = addressesOf({ web: fixed("10.9.0.2"), db: fixed(blue ?? "") });
  expect(taken.get("web-blue")?.["net"]).not.toBe(blue);
  const gateway = addressesOf({ web: fixed("10.9.0.2") }, [{ subnet: "10.9.0.0/24", gateway: blue }]);
  expect(gateway.get("web-blue")?.["net"]).not.toBe(blue);
});

test.each<[string, Record<string, ComposeService>, object[]?]>([
  ["nobody has an address of his own", { web: loose, db: loose }],
  ["others are given theirs from a range", { web: fixed("10.9.0.2") }, [{ subnet: "10.9.0.0/24", ip_range: "10.9.0.128/25" }]],
  ["the network does not say which addresses it has", { web: fixed("10.9.0.2") }, []],
  ["there is no room", { web: fixed("10.9.0.2"), db: fixed("10.9.0.3") }, [{ subnet: "10.9.0.0/30" }]],
  ["there are several containers", { web: { ...loose, scale: 2 }, db: fixed("10.9.0.2") }],
  ["it is another network", { web: { networks: { other: null } }, db: fixed("10.9.0.2") }],
  ["the addresses are those of IPv6", { web: fixed("10.9.0.2") }, [{ subnet: "fd00::/64" }]],
])("any address will do where %s", (_why, services, config) => {
  expect(addressesOf(services, config).size).toBe(0);
});
