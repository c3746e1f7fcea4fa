import { describe, expect, test } from "vitest";
import { findLeftBehind, type LeftBehindInput } from "../../../src/lib/mounts/left-behind.ts";
import type { ObservedContainer, ObservedMount } from "../../../src/lib/common/observed.ts";

const state = "/home/deploy/.coldtivate/shop-staging";
const watched = (letter: string) => `${state}/files/${letter.repeat(64)}/conf`;

const bind = (source: string, target: string, writable = true): ObservedMount => ({ type: "bind", source, target, writable });
const volume = (name: string, target: string): ObservedMount => ({ type: "volume", name, source: `/v/${name}`, target, writable: true });

function container(service: string, mounts: ObservedMount[], definition = "d"): ObservedContainer {
  const name = `shop-staging-${service}-1`;
  return { id: name, name, service, image: "", definition, state: "", status: "running", health: "", oneOff: false, mounts };
}

function look(more: Partial<LeftBehindInput>) {
  return findLeftBehind({
    services: {},
    model: { name: "shop-staging", volumes: { db: { name: "shop-staging_db" }, kept: { name: "kept", external: true } } },
    containers: [],
    written: [],
    stateDirectory: state,
    before: {},
    after: {},
    ...more,
  });
}

const nothing = { data: [], content: [], declared: [], watched: [], plain: [], notes: [] };

describe("what is mounted somewhere is not left behind", () => {
  test.each([
    ["at its target", [bind("/srv/a", "/a")], [{ type: "bind", source: "/srv/a", target: "/a" }]],
    ["at another target", [bind("/srv/a", "/a")], [{ type: "bind", source: "/srv/a/", target: "/b", read_only: true }]],
    ["within another mount", [bind("/srv/a/b", "/a")], [{ type: "bind", source: "/srv/a", target: "/b" }]],
    ["a volume by its name", [volume("shop-staging_db", "/db")], [{ type: "volume", source: "db", target: "/db" }]],
    ["a volume of others", [volume("kept", "/db")], [{ type: "volume", source: "kept", target: "/db" }]],
    ["nobody writes to it", [bind("/srv/a", "/a", false)], []],
    ["a socket", [bind("/var/run/docker.sock", "/var/run/docker.sock")], []],
    ["a volume without a name, which Compose hands on", [volume("0".repeat(64), "/db")], [{ type: "volume", target: "/db" }]],
  ])("%s", (_what, mounts, volumes) => {
    expect(look({ services: { web: { volumes } }, containers: [container("web", mounts)] })).toEqual(nothing);
  });

  test("in another service, or for a slot", () => {
    const services = { web: {}, job: { volumes: [{ type: "bind", source: "/srv/a", target: "/x" }] } };
    expect(look({ services, containers: [container("web-blue", [bind("/srv/a", "/a")])] })).toEqual(nothing);
  });
});

describe("what is left behind is told with container, folder and target", () => {
  test("another folder, another volume, a volume for a folder, a named volume for one without a name", () => {
    const services = {
      web: {
        volumes: [
          { type: "bind", source: "/srv/b", target: "/a/" },
          { type: "volume", source: "db", target: "/b" },
        ],
      },
      db: { volumes: [{ type: "volume", source: "db", target: "/db" }] },
    };
    const containers = [
      container("web-green", [bind("/srv/a", "/a"), bind("/srv/c", "/b")]),
      container("db", [volume("1".repeat(64), "/db")]),
    ];
    expect(look({ services, containers }).data).toEqual([
      "shop-staging-web-green-1 has /srv/a at /a; the release would give web /srv/b there, and leave behind what it wrote",
      "shop-staging-web-green-1 has /srv/c at /b; the release would give web the volume shop-staging_db there, and leave behind what it wrote",
      `shop-staging-db-1 has the volume ${"1".repeat(64)} at /db; the release would give db the volume shop-staging_db there, and leave behind what it wrote`,
    ]);
  });

  test("a mount that is gone, whoever made the container", () => {
    const mounts = [bind("/srv/a", "/a")];
    for (const more of [{}, { before: undefined }])
      for (const definition of ["d", ""])
        expect(look({ services: { web: {} }, containers: [container("web", mounts, definition)], ...more }).data).toEqual([
          "shop-staging-web-1 has /srv/a at /a; the release would give web nothing there, and leave behind what it wrote",
        ]);
  });

  test("what gets another folder, although others go on mounting the former one, or one around it", () => {
    const db = { volumes: [{ type: "bind", source: "/srv/b", target: "/a" }] };
    for (const source of ["/srv/a", "/srv"]) {
      const services = { backup: { volumes: [{ type: "bind", source, target: "/x", read_only: true }] }, db };
      const containers = [container("backup", [bind(source, "/x", false)]), container("db", [bind("/srv/a", "/a")])];
      expect(look({ services, containers }).data).toEqual([expect.stringContaining("the release would give db /srv/b there")]);
    }
  });

  test("what several services have, by whichever of them would lose it", () => {
    const shared = [volume("shop-staging_old", "/a")];
    const services = { web: { volumes: [{ type: "volume", source: "db", target: "/a" }] } };
    expect(look({ services, containers: [container("gone", shared), container("web", shared)] }).data).toHaveLength(1);
  });

  test("a service that is gone leaves its data where it is", () => {
    expect(look({ containers: [container("old", [bind("/srv/a", "/a")])] })).toMatchObject({
      data: [],
      notes: [expect.stringContaining("the release has no old")],
    });
  });
});

describe("a volume without a name", () => {
  const anonymous = volume("1".repeat(64), "/data");
  const image = { web: { scale: 2 } };
  const two = [container("web", [anonymous]), container("web", [volume("2".repeat(64), "/data")])];

  test("that the image no longer has is left behind", () => {
    expect(look({ services: { web: {} }, containers: [container("web", [anonymous])] }).data).toEqual([
      expect.stringContaining("the release would give web nothing there"),
    ]);
  });

  test("of several containers is handed on by Compose, from one to its successor in the same Compose service", () => {
    expect(look({ services: image, containers: two })).toEqual(nothing);
    expect(look({ services: image, composeServices: { web: ["web-slot"] }, containers: two }).data).toHaveLength(2);
    const slots = two.map((each) => ({ ...each, service: "web-slot" }));
    expect(look({ services: image, composeServices: { web: ["web-slot"] }, containers: slots })).toEqual(nothing);
  });

  test("of several containers that take turns is each one's own, and told", () => {
    const blue = two.map((each) => ({ ...each, service: "web-blue" }));
    const found = look({ services: image, composeServices: { web: ["web-blue", "web-green"] }, containers: blue });
    expect(found.data).toEqual([]);
    expect(found.notes[0]).toContain("stays there");
  });

  test("of the only container is not handed on to several that come beside it", () => {
    expect(look({ services: image, containers: [container("web", [anonymous], "")] }).data).toHaveLength(1);
  });

  test("is left to Compose in a release that was rendered by an older coldtivate", () => {
    expect(look({ services: { web: {} }, containers: [container("web", [anonymous])], isKept: true })).toEqual(nothing);
    const slots = { web: ["web-blue", "web-green"] };
    expect(
      look({ services: { web: {} }, composeServices: slots, containers: [container("web", [anonymous])], isKept: true }).data,
    ).toHaveLength(1);
  });

  test("stays with a container that nothing replaces, and with one that has it from another", () => {
    const replaced = { ...nothing };
    expect(look({ services: { web: {} }, unchanged: new Set(["web"]), containers: [container("web", [anonymous])] })).toEqual(replaced);
    expect(look({ services: { web: { volumes_from: ["db"] } }, containers: [container("web", [anonymous])] })).toEqual(replaced);
  });
});

describe("content that containers may write to", () => {
  const services = { web: { volumes: [{ type: "bind", source: watched("b"), target: "/conf" }] } };
  const containers = [container("web", [bind(watched("a"), "/conf")])];
  const before = { conf: { kind: "watched" as const, place: watched("a"), digest: "1" } };
  const after = { conf: { kind: "watched" as const, place: watched("b"), digest: "2" } };
  const written = [{ place: watched("a"), count: 12, files: ["x", "y"] }];

  test("is looked at once more where nobody wrote to it", () => {
    expect(look({ services, containers, before, after })).toEqual({ ...nothing, watched: ["a".repeat(64)] });
  });

  test("is left behind where somebody did, with the files' names", () => {
    const found = look({ services, containers, before, after, written });
    expect(found.content).toEqual([{ digest: "a".repeat(64), told: `./conf: x, y and 10 more (in ${watched("a")})` }]);
    expect(found.watched).toEqual([]);
  });

  test("is not looked at where it was declared content since, but kept in mind", () => {
    const found = look({ services, containers, before, after: { conf: { ...after.conf, kind: "content" } } });
    expect(found).toEqual({ ...nothing, declared: ["a".repeat(64)] });
  });

  test("that has become data in a release since is data, whatever the one that serves knows of it", () => {
    const data = [{ place: watched("a"), count: 0, files: [] }];
    expect(look({ services, containers, before, after, written: data }).data).toEqual([
      expect.stringContaining(`has ${watched("a")} at /conf; the release would give web ${watched("b")} there`),
    ]);
    expect(look({ services, containers: [], before, after, written: data })).toEqual(nothing);
  });

  test("is told where it was declared content since", () => {
    const found = look({ services, containers, before, after: { conf: { ...after.conf, kind: "content" } }, written });
    expect(found).toMatchObject({ content: [], declared: ["a".repeat(64)], notes: [expect.stringContaining("./conf")] });
  });

  test("is found where an undone release wrote to it, in no container any more", () => {
    const undone = [{ place: watched("c"), count: 1, files: ["z"] }];
    expect(look({ services, containers, before, after, written: undone }).content).toHaveLength(1);
    const again = { web: { volumes: [{ type: "bind", source: watched("c"), target: "/conf" }] } };
    expect(look({ services: again, containers: [], before, after, written: undone }).content).toEqual([]);
  });

  test("of a plain container is compared with the commit", () => {
    const plain = [container("web", [bind("/srv/app/conf", "/conf")], "")];
    expect(look({ services, containers: plain, before: undefined, after }).plain).toEqual([
      { path: "conf", source: "/srv/app/conf", container: "shop-staging-web-1", target: "/conf" },
    ]);
  });

  test("that has become data is data", () => {
    const other = { web: { volumes: [{ type: "bind", source: "/srv/x", target: "/conf" }] } };
    const data = { conf: { kind: "data" as const, place: watched("a") } };
    expect(look({ services: other, containers, before: data, after: {} }).data).toHaveLength(1);
  });
});
