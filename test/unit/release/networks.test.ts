import { describe, expect, test } from "vitest";
import type { ObservedContainer } from "../../../src/lib/host/host-state.ts";
import type { Manifest } from "../../../src/lib/release/manifest.ts";
import type { ComposeModel } from "../../../src/lib/compose/model.ts";
import { networkNotes, ownNetworks, withNetworksAsMade } from "../../../src/lib/host/networks.ts";

const model = (networks: Record<string, unknown>): ComposeModel => ({ services: {}, networks });
const colored = (color: string, name = "shop_default") => model({ default: { name, ipam: {}, labels: { color } } });

/** A host on which a release with these networks serves. */
function serving({ networks }: ComposeModel, running = 1) {
  const manifest = { networks } as unknown as Manifest;
  return { manifest, containers: Array.from({ length: running }, () => ({}) as ObservedContainer) };
}

test("a network from elsewhere is none of the release's, and follows its definition", () => {
  const networks = { inner: { name: "shop_inner" }, edge: { name: "edge", external: true }, bare: null };
  expect(Object.keys(ownNetworks(model(networks)))).toEqual(["inner", "bare"]);
  const written = model({ edge: { name: "other", external: true } });
  expect(withNetworksAsMade(written, serving(model(networks)))).toBe(written);
});

describe("a network that is defined in another way", () => {
  const green = colored("green");

  test("stays as it was made while anything of the project is there, and every deploy says so", () => {
    const kept = withNetworksAsMade(green, serving(colored("red")));
    expect(kept.networks).toEqual(colored("red").networks);
    expect(networkNotes(green, kept)).toEqual([expect.stringMatching(/^network default stays as it was made/)]);
    expect(networkNotes(green, withNetworksAsMade(green, serving(kept)))).toHaveLength(1);
  });

  test("is made so where nothing is there, or nothing is known of how it was made", () => {
    expect(withNetworksAsMade(green, serving(colored("red"), 0))).toBe(green);
    expect(withNetworksAsMade(green, { manifest: {} as Manifest, containers: [{} as ObservedContainer] })).toBe(green);
    expect(withNetworksAsMade(green, { containers: [{} as ObservedContainer] })).toBe(green);
  });

  test("is no longer told of once it is defined as it is", () => {
    const kept = withNetworksAsMade(green, serving(colored("red")));
    expect(networkNotes(colored("red"), withNetworksAsMade(colored("red"), serving(kept)))).toEqual([]);
  });

  test("is a new one under another name", () => {
    const renamed = colored("green", "shop_green");
    expect(withNetworksAsMade(renamed, serving(colored("red")))).toBe(renamed);
  });
});

test("the order in which a definition is written does not matter", () => {
  const written = model({ inner: { driver: "bridge", name: "n" } });
  expect(networkNotes(written, withNetworksAsMade(written, serving(model({ inner: { name: "n", driver: "bridge" } }))))).toEqual([]);
});

test("a new network is made as it is defined, one that is no longer defined is forgotten", () => {
  const other = model({ other: { name: "shop_other" } });
  expect(withNetworksAsMade(other, serving(colored("red")))).toBe(other);
});
