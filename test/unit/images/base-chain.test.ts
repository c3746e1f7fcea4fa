import { expect, test } from "vitest";
import { baseChain, type ChainInput } from "../../../src/lib/content/base-chain.ts";

const chain = (name: string, dockerfiles: Record<string, string>, more: Partial<ChainInput> = {}) =>
  baseChain(name, {
    images: Object.fromEntries(Object.keys(dockerfiles).map((each) => [each, { args: {} }])),
    registryImage: "registry.example/shop",
    args: {},
    dockerfiles: new Map(Object.entries(dockerfiles)),
    ...more,
  });

test.each<[string, string, string[]]>([
  ["the only stage", "FROM postgres:15\nRUN true", ["postgres:15"]],
  ["the last stage", "FROM node AS build\nRUN true\nFROM nginx\nCOPY --from=build /x /x", ["nginx"]],
  ["the last stage's stage", "FROM redis:7 AS base\nFROM node AS other\nFROM base AS x\nFROM x", ["redis:7"]],
  ["a stage that is called like the image before it", "FROM debian AS debian\nFROM debian", ["debian"]],
  ["an argument's default", "ARG BASE=mysql:8\nFROM ${BASE}", ["mysql:8"]],
  ["a platform", "FROM --platform=linux/amd64 mongo:7", ["mongo:7"]],
  ["scratch", "FROM scratch", []],
  ["what is not known", "ARG BASE\nFROM ${BASE}", []],
  ["no stage", "", []],
])("an image is built from %s", (_name, text, expected) => {
  expect(chain("db", { db: text })).toEqual(expected);
});

test("arguments count: those of all images, and its own", () => {
  const text = "ARG BASE=debian\nFROM $BASE";
  expect(chain("db", { db: text }, { args: { BASE: "redis" } })).toEqual(["redis"]);
  expect(chain("db", { db: text }, { images: { db: { args: { BASE: "mysql" } } }, args: { BASE: "redis" } })).toEqual(["mysql"]);
  expect(chain("db", { db: text }, { args: { BASE: "${NOT_KNOWN}" } })).toEqual([]);
});

test("the chain leads through the project's other images, and ends where it would go round", () => {
  const files = {
    db: "FROM registry.example/shop/base:main",
    base: "FROM postgres:15",
    a: "FROM registry.example/shop/b",
    b: "FROM registry.example/shop/a",
  };
  expect(chain("db", files)).toEqual(["registry.example/shop/base:main", "postgres:15"]);
  expect(chain("a", files)).toEqual(["registry.example/shop/b", "registry.example/shop/a"]);
});

test("another context may be an image, or one of the project", () => {
  const files = { db: "FROM parent", base: "FROM redis:7" };
  const withContext = (context: string) => ({ images: { db: { args: {}, contexts: { parent: context } }, base: { args: {} } } });
  expect(chain("db", files, withContext("docker-image://postgres:15"))).toEqual(["postgres:15"]);
  expect(chain("db", files, withContext("target:base"))).toEqual(["base", "redis:7"]);
  expect(chain("db", files, withContext("../folder"))).toEqual([]);
});

test("a target's stage is what counts", () => {
  const files = { db: "FROM postgres AS store\nFROM node AS web" };
  expect(chain("db", files, { images: { db: { args: {}, target: "store" } } })).toEqual(["postgres"]);
});
