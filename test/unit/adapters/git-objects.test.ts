import { expect, test } from "vitest";
import { openObjects } from "../../../src/lib/adapters/git/git-objects.ts";
import { createRepository } from "./git-repository.ts";

test("objects that are larger than was asked for are passed over, and those behind them arrive whole", async () => {
  using repository = createRepository();
  const large = "x".repeat(700_000);
  const commit = repository.commit({ a: "1", large, b: "2\n", empty: "" });
  using objects = openObjects(repository.directory);
  const read = (path: string, most?: number) => objects.read(`${commit}:${path}`, most);
  const all = await Promise.all([
    read("a", 1),
    read("large", 699_999),
    read("b", 2),
    read("none", 1),
    read("large"),
    read("b", 1),
    read("empty", 0),
  ]);
  expect(all.map((object) => object && [object.content.toString(), object.isTooLarge ?? false])).toEqual([
    ["1", false],
    ["", true],
    ["2\n", false],
    undefined,
    [large, false],
    ["", true],
    ["", false],
  ]);
});
