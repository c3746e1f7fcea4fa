import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { ComposeModel, ComposeMount } from "../../../src/lib/compose/model.ts";
import type { ObservedContainer } from "../../../src/lib/common/observed.ts";
import { placeFiles, type PlacementInput } from "../../../src/lib/mounts/placement.ts";
import { mergePlaces, type MountPlace } from "../../../src/lib/mounts/places.ts";
import { isFileName } from "../../../src/lib/mounts/needs.ts";
import { locateProfiles } from "../../../src/lib/compose/seccomp.ts";
import { pathInSource, referredPaths, type SourceTree } from "../../../src/lib/compose/sources.ts";

const home = "/home/deploy/.coldtivate";
const state = `${home}/shop-staging`;
const here = `${home}/incoming.AbC123/compose`;
const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

const tree = (files: Record<string, string>): SourceTree => ({
  files: Object.entries(files).map(([path, text]) => ({ path, executable: false, content: Buffer.from(text) })),
});

/** `./media:/media:ro`, as `docker compose config` writes it. */
function mount(written: string): ComposeMount {
  const [source = "", target = "", mode] = written.split(":");
  const plain = resolve(here, source);
  return { type: "bind", source: plain, target, ...(mode === "ro" ? { read_only: true } : {}) };
}

function container(service: string, mounts: Record<string, string>, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: service,
    name: `shop-staging-${service}-1`,
    service,
    image: "",
    definition: "",
    state: "",
    status: "running",
    health: "",
    oneOff: false,
    mounts: Object.entries(mounts).map(([target, source]) => ({ type: "bind", source, target, writable: true })),
    ...more,
  };
}

interface Case extends Partial<PlacementInput> {
  /** By service: mounts. */
  of: Record<string, string[]>;
  commit?: Record<string, Record<string, string>>;
}

function place({ of, commit = {}, ...more }: Case) {
  const model: ComposeModel = {
    name: "shop-staging",
    services: Object.fromEntries(Object.entries(of).map(([name, mounts]) => [name, { volumes: mounts.map(mount) }])),
  };
  const placed = placeFiles({
    model,
    stateDirectory: state,
    sourceDirectory: here,
    sources: new Map(Object.entries(commit).map(([path, files]) => [path, tree(files)])),
    variables: {},
    services: {},
    digest,
    ...more,
  });
  const at = (service: string, target: string) =>
    placed.services[service]?.volumes?.find((other) => other.target === target)?.source?.replace(`${state}/`, "");
  return { ...placed, at, kinds: Object.fromEntries(Object.entries(placed.layout.places).map(([path, { kind }]) => [path, kind])) };
}

test("each host has its own place for the same path", () => {
  const of = { web: ["./media:/media"] };
  const taken = place({ of, containers: [container("web", { "/media": "/srv/app/media" })] });
  expect([taken.at("web", "/media"), place({ of }).at("web", "/media")]).toEqual(["/srv/app/media", "data/media"]);
});

test("content that somebody comes to write to has a place of its own: others may read the same content", () => {
  const commit = { "a/x.ini": { "": "x" }, "b/x.ini": { "": "x" } };
  const read = place({ of: { web: ["./a/x.ini:/a:ro", "./b/x.ini:/b:ro"] }, commit });
  expect(read.at("web", "/a")).toBe(read.at("web", "/b"));
  const { at } = place({ of: { web: ["./a/x.ini:/a", "./b/x.ini:/b:ro"] }, commit, places: read.layout.places });
  expect(at("web", "/b")).toBe(read.at("web", "/b"));
  expect(at("web", "/a")).not.toBe(at("web", "/b"));
});

test("content that is written to is compared before it is removed, also where coldtivate.yml calls it content", () => {
  const of = { web: ["./conf:/conf", "./read:/read:ro"] };
  const { layout, kinds } = place({
    of,
    commit: { conf: { "a.ini": "a" }, read: { "b.ini": "b" } },
    services: { web: { content: ["./conf"] } },
  });
  expect(kinds).toEqual({ conf: "content", read: "content" });
  expect(layout.watched).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  expect(layout.places["conf"]?.place).toContain(layout.watched[0]);
});

describe("what a mounted path is", () => {
  test("content where nobody writes, watched where somebody does, data where the commit has nothing of it", () => {
    const { kinds, at, layout } = place({
      of: {
        web: ["./a.conf:/a.conf:ro", "./conf:/conf", "./media:/media", "./keep:/keep", "./keep-ro:/keep-ro:ro", "./acme.json:/acme.json"],
      },
      commit: {
        "a.conf": { "": "a" },
        conf: { "x.ini": "x" },
        keep: { ".gitkeep": "", "sub/.gitignore": "*" },
        "keep-ro": { ".gitkeep": "" },
        "acme.json": { "": "" },
      },
    });
    expect(kinds).toEqual({ "a.conf": "content", conf: "watched", media: "data", keep: "data", "keep-ro": "data", "acme.json": "data" });
    expect(at("web", "/a.conf")).toMatch(/^files\/[0-9a-f]{64}\/a.conf$/);
    expect(at("web", "/media")).toBe("data/media");
    expect(at("web", "/keep")).toBe("data/keep");
    expect(layout.seeds.map((seed) => seed.place)).toEqual(["acme.json", "keep", "keep-ro"].map((path) => `${state}/data/${path}`));
    expect(layout.watched).toHaveLength(1);
  });

  test("a file that has nothing yet is for whoever writes to it; for a reader it is what it is", () => {
    const commit = { "acme.json": { "": "{}\n" }, "users.json": { "": "[ ]" }, "set.json": { "": '{"a": 1}' }, "flags.json": { "": "{}" } };
    const { kinds } = place({
      of: { web: ["./acme.json:/a", "./users.json:/u", "./set.json:/s", "./flags.json:/f:ro"] },
      commit,
    });
    expect(kinds).toEqual({ "acme.json": "data", "users.json": "data", "set.json": "watched", "flags.json": "content" });
  });

  test("the same for all services: what one writes, others see", () => {
    const { at, kinds } = place({
      of: {
        web: ["./media:/app/media", "./conf:/conf"],
        nginx: ["./media/public:/public:ro", "./media:/media:ro", "./conf/n.conf:/n.conf:ro"],
      },
      commit: {
        "media/public": { "logo.svg": "x" },
        media: { ".gitkeep": "", "public/logo.svg": "x" },
        conf: { "n.conf": "n" },
        "conf/n.conf": { "": "n" },
      },
      services: { web: { data: ["./media"] } },
    });
    expect(kinds["media"]).toBe("data");
    expect(at("nginx", "/media")).toBe("data/media");
    expect(at("nginx", "/public")).toBe("data/media/public");
    expect(at("nginx", "/n.conf")).toBe(`${at("web", "/conf")}/n.conf`);
  });

  test("two paths with the same files are not one where containers write", () => {
    const { at } = place({
      of: { a: ["./a/conf:/c"], b: ["./b/conf:/c"], c: ["./c/conf:/c:ro"], d: ["./d/conf:/c:ro"] },
      commit: Object.fromEntries(["a", "b", "c", "d"].map((name) => [`${name}/conf`, { x: "x" }])),
    });
    expect(new Set([at("a", "/c"), at("b", "/c"), at("c", "/c")]).size).toBe(3);
    expect(at("c", "/c")).toBe(at("d", "/c"));
  });

  test("as coldtivate.yml says, by the path in the repository or in the container", () => {
    const commit = { conf: { x: "x" }, media: { ".gitkeep": "" } };
    for (const name of ["./conf", "conf/", "/etc/conf/"])
      expect(place({ of: { web: ["./conf:/etc/conf"] }, commit, services: { web: { data: [name] } } }).kinds).toEqual({ conf: "data" });
    expect(place({ of: { web: ["./conf:/conf"] }, commit, services: { web: { content: ["/conf"] } } }).kinds).toEqual({ conf: "content" });
  });

  test("data once it was data, whatever a later commit has there", () => {
    const places: Record<string, MountPlace> = { media: { kind: "data", place: "/srv/media" } };
    const { at, kinds } = place({ of: { web: ["./media:/media:ro"] }, commit: { media: { a: "1", b: "2" } }, places });
    expect([kinds["media"], at("web", "/media")]).toEqual(["data", "/srv/media"]);
    const anew = place({
      of: { web: ["./media:/media"] },
      commit: { media: { a: "1" } },
      places,
      services: { web: { content: ["./media"] } },
    });
    expect([anew.kinds["media"], anew.at("web", "/media")?.startsWith("files/")]).toEqual(["content", true]);
  });

  test("content that somebody else's data lies in shows it", () => {
    const { services } = place({ of: { web: [".:/app"], job: ["./media:/media"] }, commit: { ".": { "app.py": "1" } } });
    expect(services["web"]?.volumes?.slice(1)).toEqual([{ type: "bind", source: `${state}/data/media`, target: "/app/media" }]);
  });
});

describe("where data lies", () => {
  test("beside the repository, one place for all releases; nothing is mounted from where the question was", () => {
    const { at } = place({ of: { web: ["../data:/data", "./conf.d:/conf"] } });
    expect([at("web", "/data"), at("web", "/conf")]).toEqual(["outside/data", "data/conf.d"]);
    expect(pathInSource(`${home}/other/x`, here)).toBe("../../other/x");
    expect(pathInSource(`${state}/data`, here)).toBeUndefined();
    expect(pathInSource("/srv/x", here)).toBeUndefined();
    expect(pathInSource(`${home}/incoming.AbC123/x/y`, here)).toBe("../x/y");
  });

  test("the very folder beside the repository, and the one beside that, too", () => {
    const { at, layout } = place({ of: { a: ["..:/up", "../..:/far"], b: ["../data:/data"], c: ["../../far/x:/x"] } });
    expect([at("a", "/up"), at("b", "/data")]).toEqual(["outside", "outside/data"]);
    expect([at("a", "/far"), at("c", "/x")]).toEqual(["outside.2", "outside.2/far/x"]);
    expect(JSON.stringify(layout)).not.toContain("incoming.");
  });

  test.each([
    ["a plain container", container("web", { "/media": "/srv/app/media" }, { workingDirectory: "/srv/app" }), "/srv/app/media"],
    ["one that has stopped", container("web", { "/media": "/srv/app/media" }, { status: "exited" }), "/srv/app/media"],
    ["its slot", container("web-green", { "/media": "/mnt/media" }, { definition: "d" }), "/mnt/media"],
    [
      "content of an older coldtivate",
      container("web", { "/media": `${state}/files/${"0".repeat(64)}/media` }, { definition: "d" }),
      `files/${"0".repeat(64)}/media`,
    ],
    [
      "another target in plain Compose",
      container("old", { "/var/media": "/srv/app/media" }, { workingDirectory: "/srv/app" }),
      "/srv/app/media",
    ],
    ["a task", container("web", { "/media": "/srv/media" }, { oneOff: true }), "data/media"],
    [
      "a folder of another name: another mount was there",
      container("web", { "/media": "/srv/pictures" }, { definition: "d" }),
      "data/media",
    ],
    [
      "a folder that is there for a command alone",
      container("web", { "/media": `${home}/incoming.x/media` }, { definition: "d" }),
      "data/media",
    ],
    ["another service", container("website", { "/media": "/srv/media" }), "data/media"],
  ])("%s", (_what, running, expected) => {
    expect(place({ of: { web: ["./media:/media"] }, containers: [running] }).at("web", "/media")).toBe(expected);
  });

  test("the release that serves knows best", () => {
    const places: Record<string, MountPlace> = { media: { kind: "data", place: "/mnt/media" } };
    expect(
      place({ of: { web: ["./media:/media"] }, containers: [container("web", { "/media": "/srv/media" })], places }).at("web", "/media"),
    ).toBe("/mnt/media");
  });

  test("content that becomes data stays in the folder that the containers have", () => {
    const commit = { conf: { x: "1" } };
    const before = place({ of: { web: ["./conf:/conf"] }, commit });
    const after = place({
      of: { web: ["./conf:/conf"] },
      commit: { conf: { x: "2" } },
      places: before.layout.places,
      services: { web: { data: ["./conf"] } },
    });
    expect(after.at("web", "/conf")).toBe(before.at("web", "/conf"));
    expect(after.layout.adopted).toHaveLength(1);
  });

  test("folders of volumes are mounts, too, and stay what the engine made them with", () => {
    const model: ComposeModel = {
      name: "p",
      services: { db: { volumes: [{ type: "volume", source: "db", target: "/db" }] } },
      volumes: { db: { name: "p_db", driver: "local", driver_opts: { type: "none", o: "bind", device: `${here}/db` } } },
    };
    const device = (devices: Record<string, string>) => place({ of: {}, model, devices }).volumes?.["db"];
    expect(device({})).toMatchObject({ driver_opts: { device: `${state}/data/db` } });
    expect(device({ p_db: "/srv/app/db" })).toMatchObject({ driver_opts: { device: "/srv/app/db" } });
    expect(place({ of: {}, model }).layout.folders).toEqual([`${state}/data/db`]);
  });

  test("what the commit has for data is sent once", () => {
    const commit = { media: { ".gitkeep": "" } };
    const first = place({ of: { web: ["./media:/media"] }, commit });
    expect(first.layout.seeds).toHaveLength(1);
    expect(place({ of: { web: ["./media:/media"] }, commit, places: first.layout.places }).layout.seeds).toEqual([]);
    const more = { media: { ".gitkeep": "", README: "x" } };
    expect(place({ of: { web: ["./media:/media"] }, commit: more, places: first.layout.places }).layout.seeds).toHaveLength(1);
  });

  test("a release does not forget where data lay that it does not mount", () => {
    const places: Record<string, MountPlace> = {
      media: { kind: "data", place: "/srv/media" },
      conf: { kind: "watched", place: "/x", digest: "1" },
    };
    expect(Object.keys(place({ of: {}, places }).layout.places)).toEqual(["media"]);
    const older: Record<string, MountPlace> = { conf: { kind: "watched", place: "/y", digest: "2" } };
    expect(mergePlaces(older, places).places).toEqual({ conf: older["conf"], media: places["media"] });
    expect(mergePlaces({ media: { kind: "watched", place: "/srv/media" } }, places).places).toEqual({ media: places["media"] });
    // One of an older coldtivate, and none at all.
    expect(mergePlaces(undefined, places).places).toEqual({ media: places["media"] });
    expect(mergePlaces(undefined, undefined)).toEqual({});
  });
});

test("what the host has to have: files that nobody makes, each once", () => {
  const { layout } = place({
    of: {
      web: [
        "./lost.conf:/x:ro",
        "./dir:/dir:ro",
        "./rw:/rw",
        "/srv/a.pem:/a.pem:ro",
        "/srv/dir:/srv",
        "/etc/localtime:/etc/localtime:ro",
        "./there.env:/e",
      ],
    },
    containers: [container("web", { "/e": "/srv/there.env" })],
  });
  expect(layout.needs.map(({ written, isRequired }) => [written, isRequired])).toEqual([
    ["./lost.conf", true],
    ["./dir", false],
    ["/srv/a.pem", true],
  ]);
});

test("who asks for a folder that is there is refused without it; where nothing is said, it is made", () => {
  const at = (target: string, more: object) => ({ type: "bind", source: `${here}${target}`, target, ...more });
  const volumes = [
    at("/long", {}),
    at("/more", { bind: { propagation: "rslave" } }),
    at("/made", { bind: { create_host_path: true } }),
    // As Compose writes what was `false`: older versions, newer ones.
    at("/strict", { bind: {} }),
    at("/stricter", { bind: { create_host_path: false } }),
  ];
  const { layout } = place({ of: {}, model: { services: { web: { volumes } } } });
  expect(layout.needs.map(({ written }) => written)).toEqual(["./strict", "./stricter"]);
  expect(layout.folders).toEqual([`${state}/data/long`, `${state}/data/more`]);
});

test.each([
  ["nginx.conf", true],
  ["/etc/nginx/conf.d", false],
  ["./.env", true],
  ["Caddyfile", true],
  ["acme.json", true],
  ["./data", false],
  ["./.config", false],
  ["init.d", false],
  ["node.js", true],
  ["v1.2", false],
])("%s is a file by its name: %s", (name, expected) => {
  expect(isFileName(name)).toBe(expected);
});

test("profiles of seccomp are files of the commit, which Compose reads when it makes a container", () => {
  const services = {
    web: { security_opt: ["no-new-privileges:true", "seccomp:./seccomp.json"] },
    api: { security_opt: ["seccomp=unconfined"] },
  };
  const model = locateProfiles({ services }, here, "deploy/compose.yaml");
  expect(referredPaths(model, here)).toEqual(["deploy/seccomp.json"]);
  const placed = place({ of: {}, model, commit: { "deploy/seccomp.json": { "": "{}" } } });
  expect(placed.services["web"]?.security_opt).toEqual([
    "no-new-privileges:true",
    expect.stringMatching(new RegExp(`^seccomp:${state}/files/[0-9a-f]{64}/seccomp.json$`)),
  ]);
  expect(placed.services["api"]).toEqual(services.api);
  expect(placed.layout.needs).toEqual([]);
  expect(place({ of: {}, model }).layout.needs).toMatchObject([{ written: "./deploy/seccomp.json", isRequired: true }]);
});

test("nothing names a folder that is there for a command alone", () => {
  const service = {
    environment: { HOST_MEDIA: `${here}/media`, NOTE: `see ${home}/incoming.AbC123/beside`, A: "1" },
    command: ["serve", "--root", here],
    labels: { a: "b" },
    build: { context: here },
  };
  const { services, notes } = place({ of: {}, model: { services: { web: service } } });
  expect(services["web"]).toEqual({
    environment: { HOST_MEDIA: `${state}/data/media`, NOTE: `see ${state}/outside/beside`, A: "1" },
    command: ["serve", "--root", `${state}/data`],
    labels: { a: "b" },
    build: { context: here },
  });
  expect(notes).toEqual([expect.stringContaining("web: environment HOST_MEDIA, environment NOTE, command names the folder")]);
  const shared = place({
    of: {},
    model: {
      services: {},
      configs: { c: { content: `root ${here}/html` } },
      volumes: { v: { driver_opts: { type: "overlay", device: "overlay", o: `lowerdir=${here}/l` } } },
    },
  });
  expect(shared.configs["c"]).toEqual({ content: `root ${state}/data/html` });
  expect(shared.volumes?.["v"]).toMatchObject({ driver_opts: { o: `lowerdir=${state}/data/l` } });
});
