import { expect, test } from "vitest";
import { levels } from "../../../src/lib/compose/order.ts";

const services = {
  gateway: { links: ["web:api", "farmer"] },
  web: { depends_on: { db: {} } },
  farmer: {},
  db: {},
};

test("each level depends only on earlier ones", () => {
  expect(levels(services, ["gateway", "web", "farmer", "db"])).toEqual([["db", "farmer"], ["web"], ["gateway"]]);
});

test("what is not asked for does not count", () => {
  expect(levels(services, ["gateway", "web"])).toEqual([["web"], ["gateway"]]);
});

test("a circle ends up in one level", () => {
  expect(levels({ a: { depends_on: { b: {} } }, b: { depends_on: { a: {} } } }, ["a", "b"])).toEqual([["a", "b"]]);
});
