import { describe, expect, test } from "vitest";
import { missingElsewhere, parseElsewhere } from "../../../src/lib/host/elsewhere.ts";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";

const all = "all\nall\nall\nall";
const id = "a1b2".padEnd(64, "0");
const host = parseElsewhere(
  [
    "network\tproxy\tn1",
    "network\thost\tn2",
    "volume\tdata",
    `container\tvpn,web/vpn\t${id}\trunning`,
    "container\told\tc2\texited",
    all,
  ].join("\n"),
)!;
const missing = (
  service: ComposeService,
  top: Partial<ComposeModel> = {},
  more: Record<string, ComposeService> = {},
  profiles: string[] = [],
) => missingElsewhere("a", { name: "shop", ...top, services: { web: service, ...more } }, profiles, host);

describe("what no release makes, and a host does not have", () => {
  test("external networks and volumes, by their names on the host", () => {
    const top = {
      networks: { front: { external: true, name: "traefik" }, known: { external: true, name: "proxy" }, own: { name: "shop_own" } },
      volumes: { pg: { external: true, name: "pgdata" }, media: { external: true, name: "data" }, mine: {} },
    };
    const volume = (source: string) => ({ type: "volume", source, target: `/${source}` });
    const web = { networks: { front: null, known: null, own: null }, volumes: [volume("pg"), volume("media"), volume("mine")] };
    expect(missing(web, top, { api: { networks: { front: null } } })).toEqual([
      { what: "a: network traefik does not exist; used by web, api", command: "docker network create traefik" },
      { what: "a: volume pgdata does not exist; used by web", command: "docker volume create pgdata" },
    ]);
  });

  test("only of services that are part of the release", () => {
    const top = { networks: { front: { external: true, name: "traefik" }, unused: { external: true, name: "nowhere" } } };
    expect(
      missing({}, top, { debug: { profiles: ["debug"], networks: { front: null } }, off: { scale: 0, networks: { front: null } } }),
    ).toEqual([]);
    expect(missing({}, top, { debug: { profiles: ["debug"], networks: { front: null } } }, ["debug"])).toHaveLength(1);
  });

  test("networks that every engine has are there", () => {
    expect(missing({ networks: { default: null } }, { networks: { default: { external: true, name: "host" } } })).toEqual([]);
  });

  test("containers that are used by name, and have to run", () => {
    expect(missing({ network_mode: "container:vpn" })).toEqual([]);
    expect(missing({ network_mode: `container:${id.slice(0, 12)}` })).toEqual([]);
    expect(missing({ network_mode: "container:gone" })).toEqual([
      { what: "a: container gone does not exist; used by web", command: "docker run --name gone …" },
    ]);
    expect(missing({ pid: "container:old", volumes_from: ["container:old:ro", "db"] })).toEqual([
      { what: "a: container old is exited; used by web", command: "docker start old" },
    ]);
  });

  test("a container that the release itself makes is not missed", () => {
    expect(missing({ network_mode: "container:tunnel" }, {}, { tunnel: { container_name: "tunnel" } })).toEqual([]);
    expect(missing({ network_mode: "container:shop-tunnel-1" }, {}, { tunnel: {} })).toEqual([]);
  });

  test("in a swarm a network may be known to other hosts alone", () => {
    const swarm = parseElsewhere(`swarm\n${all}`)!;
    const model = { services: { web: { networks: { n: null } } }, networks: { n: { external: true, name: "overlay" } } };
    expect(missingElsewhere("a", model, [], swarm)).toEqual([]);
  });

  test("nothing is missed where nobody knows all that there is", () => {
    const model = { services: { web: { network_mode: "container:gone" } } };
    expect(parseElsewhere("")).toBeUndefined();
    expect(parseElsewhere("network\tproxy\tn1\nall\nall\nall")).toBeUndefined();
    expect(missingElsewhere("a", model, [], undefined)).toEqual([]);
  });
});
