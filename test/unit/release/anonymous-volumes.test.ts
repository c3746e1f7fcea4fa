import { expect, test } from "vitest";
import { mergeVolumes, nameVolumes, type VolumeInput } from "../../../src/lib/mounts/anonymous-volumes.ts";
import type { ObservedContainer } from "../../../src/lib/host/host-state.ts";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";

const own = "0".repeat(63);
const facts = (...volumes: string[]) => ({ ports: [], volumes, entrypoint: [], command: [], environment: {} });

function container(service: string, volumes: Record<string, string>, more: Partial<ObservedContainer> = {}): ObservedContainer {
  const mounts = Object.entries(volumes).map(([target, name]) => ({
    type: "volume",
    source: `/var/lib/docker/volumes/${name}`,
    target,
    writable: true,
    name,
  }));
  return {
    id: service,
    name: `shop-${service}-1`,
    service,
    image: "",
    definition: "",
    state: "",
    status: "running",
    health: "",
    oneOff: false,
    mounts,
    ...more,
  };
}

function nameAll(services: Record<string, ComposeService>, more: Partial<VolumeInput> = {}, volumes?: ComposeModel["volumes"]) {
  return nameVolumes(volumes === undefined ? { services } : { services, volumes }, {
    project: "shop",
    names: Object.keys(services),
    factsOf: () => facts("/data"),
    containers: [],
    live: {},
    known: {},
    digest: (content) => Buffer.from(content).toString("hex").padEnd(8, "0"),
    ...more,
  });
}

const mount = (key: string, target = "/data") => [{ type: "volume", source: key, target, volume: {} }];

test("a volume of the image gets a name of its own", () => {
  const { services, volumes, names } = nameAll({ redis: {} });
  expect(services["redis"]?.volumes).toEqual(mount("redis_2f646174"));
  expect(volumes).toEqual({ redis_2f646174: { name: "shop_redis_2f646174" } });
  expect(names).toEqual({ redis: { "/data": "shop_redis_2f646174" } });
});

test("one that is written without a name gets one, and keeps what else is written", () => {
  const written = { type: "volume", target: "/cache/", volume: { nocopy: true } };
  const { services, names } = nameAll({ web: { volumes: [written] } }, { factsOf: () => facts() });
  expect(services["web"]?.volumes).toEqual([{ ...written, source: "web_2f636163" }]);
  expect(names).toEqual({ web: { "/cache": "shop_web_2f636163" } });
});

test("what runs keeps the very volume that it has, and the release before is asked where nothing runs", () => {
  const running = [container("redis", { "/data": `${own}1` })];
  expect(nameAll({ redis: {} }, { containers: running }).volumes).toEqual({ redis_2f646174: { name: `${own}1` } });
  const known = { redis: { "/data": `${own}2` } };
  expect(nameAll({ redis: {} }, { known }).names).toEqual(known);
  expect(nameAll({ redis: {} }, { known, containers: running }).names).toEqual({ redis: { "/data": `${own}1` } });
});

test("what a release does not have is not forgotten: the service may come back, or the image's volume", () => {
  const known = { redis: { "/data": `${own}1`, "/old": `${own}2` }, gone: { "/data": `${own}3` } };
  expect(nameAll({ redis: {} }, { known }).names).toEqual(known);
  expect(nameAll({}, { known }).names).toEqual(known);
  expect(nameAll({ redis: { scale: 2 } }, { known }).names).toEqual(known);
  expect(mergeVolumes({ redis: { "/data": "older" } }, known)).toEqual({ ...known, redis: { ...known.redis, "/data": "older" } });
});

test("a volume with a name that the image's folder had before stays, too, and belongs to whoever made it", () => {
  const running = [container("redis", { "/data": "elsewhere" })];
  expect(nameAll({ redis: {} }, { containers: running }).volumes).toEqual({ redis_2f646174: { name: "elsewhere", external: true } });
  const declared = { kept: { name: "elsewhere", driver: "local" } };
  expect(nameAll({ redis: {} }, { containers: running }, declared)).toMatchObject({
    volumes: declared,
    services: { redis: { volumes: mount("kept") } },
  });
});

test("the slot that serves counts, one that runs before one that does not, and no task", () => {
  const containers = [
    container("redis", { "/data": `${own}0` }, { status: "exited" }),
    container("redis-green", { "/data": `${own}1` }),
    container("redis-blue", { "/data": `${own}2` }),
    container("redis", { "/data": `${own}3` }, { oneOff: true }),
  ];
  expect(nameAll({ redis: {} }, { containers, live: { redis: "blue" } }).names).toEqual({ redis: { "/data": `${own}2` } });
  expect(nameAll({ redis: {} }, { containers: containers.slice(0, 1) }).names).toEqual({ redis: { "/data": `${own}0` } });
});

test.each<[string, ComposeService]>([
  ["a volume is mounted there", { volumes: [{ type: "volume", source: "x", target: "/data" }] }],
  ["a folder is mounted there", { volumes: [{ type: "bind", source: "/x", target: "/data/" }] }],
  ["memory is", { tmpfs: "/data" }],
  ["there are several containers", { deploy: { replicas: 2 } }],
  ["none are wanted", { scale: 0 }],
])("nothing is named where %s", (_name, service) => {
  expect(nameAll({ redis: service }).names).toEqual({});
});

test("a folder within the image's, or around it, is another", () => {
  expect(nameAll({ db: { volumes: [{ type: "volume", source: "x", target: "/" }] } }).names).toEqual({
    db: { "/data": "shop_db_2f646174" },
  });
});

test("where nobody tells what the image declares, its container does", () => {
  const containers = [container("redis", { "/data": `${own}1`, "/other": "named" })];
  expect(nameAll({ redis: {} }, { containers, factsOf: () => undefined }).names).toEqual({ redis: { "/data": `${own}1` } });
});

test("keys that are taken are left alone", () => {
  const { volumes } = nameAll({ redis: {} }, {}, { redis_2f646174: null });
  expect(Object.keys(volumes ?? {})).toEqual(["redis_2f646174", "redis_2f646174_"]);
});
