import { describe, expect, test } from "vitest";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { checkSupported } from "../../../src/lib/compose/unsupported.ts";

function complaints(web: ComposeService, more: Omit<ComposeModel, "services"> = {}, names = ["web"]): unknown {
  try {
    checkSupported({ services: { web }, ...more }, names);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: "COMPOSE_UNSUPPORTED" });
    return (error as { details: unknown }).details;
  }
}

describe("refused before anything is changed:", () => {
  test.each<[string, ComposeService, Omit<ComposeModel, "services">]>([
    ["provider", { provider: { type: "awesomecloud" } }, {}],
    ["pre_start", { pre_start: [{ command: ["true"] }] }, {}],
    ["volumes", { volumes: [{ type: "image", source: "app", target: "/app" }] }, {}],
    ["configs", { configs: [{ source: "a" }] }, { configs: { a: { external: true } } }],
    ["configs", { configs: [{ source: "a" }] }, { configs: { a: { file: "/a", template_driver: "golang" } } }],
    ["secrets", { secrets: [{ source: "a" }] }, { secrets: { a: { external: true } } }],
    ["secrets", { secrets: [{ source: "a" }] }, { secrets: { a: { driver: "vault" } } }],
    ["secrets", { secrets: [{ source: "a" }] }, { secrets: { a: { file: "/a", template_driver: "golang" } } }],
  ])("%s of %j, %j", (attribute, service, more) => {
    expect(complaints(service, more)).toEqual([expect.stringMatching(new RegExp(`^services\\.web\\.${attribute}: `))]);
  });
});

describe("a service that cannot do without one that a profile hides", () => {
  const hidden = { image: "nginx", profiles: ["dev", "test"] };
  const found = (web: ComposeService, db: ComposeService = hidden, names = ["web"]) => {
    try {
      checkSupported({ services: { web, db } }, names);
      return [];
    } catch (error) {
      return (error as { details: unknown }).details;
    }
  };

  test.each<[string, ComposeService]>([
    ["depends on it", { depends_on: { db: { condition: "service_started", required: true } } }],
    ["links to it", { links: ["db:database"] }],
    ["is in its network", { network_mode: "service:db" }],
    ["has its volumes", { volumes_from: ["db:ro"] }],
  ])("and %s", (_name, web) => {
    expect(found(web)).toEqual([
      expect.stringMatching(/^services\.web\.depends_on: db is hidden by its profiles dev, test; set COMPOSE_PROFILES/),
    ]);
    expect(found(web, hidden, ["web", "db"])).toEqual([]);
    expect(found(web, { image: "nginx", scale: 0 })).toEqual([]);
  });

  test("but not where it can do without", () => {
    expect(found({ depends_on: { db: { condition: "service_started", required: false } } })).toEqual([]);
  });
});

test("everything is named at once", () => {
  const web = { pre_start: [{}], secrets: [{ source: "a" }, { source: "b" }] };
  expect(complaints(web, { secrets: { a: { external: true }, b: { driver: "x", template_driver: "y" } } })).toHaveLength(4);
});

describe("fine are", () => {
  test("a service that is no part of the release", () => {
    expect(complaints({ provider: {} }, {}, [])).toEqual([]);
  });

  test("an external secret that no service uses", () => {
    expect(complaints({}, { secrets: { a: { external: true } } })).toEqual([]);
  });

  test("files, text, variables, and mounts of other kinds", () => {
    const web: ComposeService = {
      configs: [{ source: "a" }, { source: "b" }],
      secrets: [{ source: "c" }],
      volumes: [{ type: "bind", source: "/a", target: "/a" }],
      pre_start: [],
    };
    expect(complaints(web, { configs: { a: { file: "/a" }, b: { content: "b" } }, secrets: { c: { environment: "C" } } })).toEqual([]);
  });
});
