import { describe, expect, test } from "vitest";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { rendering } from "./arbitrary-model.ts";

const healthcheck = { test: ["CMD", "curl", "-f", "http://localhost:8000/up"] };
const default_ = { networks: { default: null } };
const base: ComposeService = { image: "ours", ...default_ };
const render = (services: Record<string, ComposeService>) => rendering({ services }, {}).model.services;

describe("a link", () => {
  test.each<[string, Record<string, ComposeService>, string[] | undefined]>([
    [
      "leads to the name of the first container",
      { web: base, gateway: { ...base, links: ["web:base_api"] } },
      ["shop-staging-web-1:base_api", "shop-staging-web-1:web-1"],
    ],
    [
      "leads to a front by the same name",
      { web: { ...base, healthcheck }, gateway: { ...base, links: ["web:base_api"] } },
      ["shop-staging-web-1:base_api", "shop-staging-web-1:web-1"],
    ],
    [
      "leads to a container's own name",
      { web: { ...base, container_name: "the_web" }, gateway: { ...base, links: ["web"] } },
      ["the_web:web", "the_web:web-1", "the_web:shop-staging-web-1"],
    ],
    [
      "needs no other name than the service's where that finds several containers",
      { web: { ...base, scale: 2 }, gateway: { ...base, links: ["web"] } },
      ["shop-staging-web-1:web-1"],
    ],
    [
      "to what is no part of the release is none, as in Compose",
      { web: { ...base, scale: 0 }, gateway: { ...base, links: ["web:api"] } },
      undefined,
    ],
    [
      "stands beside those to containers of others",
      { web: base, gateway: { ...base, links: ["web"], external_links: ["other-1:old"] } },
      ["other-1:old", "shop-staging-web-1:web", "shop-staging-web-1:web-1"],
    ],
    [
      "may have the name of another service, which it hides",
      { web: base, web_v2: base, gateway: { ...base, links: ["web_v2:web"] } },
      ["shop-staging-web_v2-1:web", "shop-staging-web_v2-1:web_v2-1"],
    ],
    [
      "may have one name for two services in two others",
      { db1: base, db2: base, one: { ...base, links: ["db1:db"] }, gateway: { ...base, links: ["db2:db"] } },
      ["shop-staging-db2-1:db", "shop-staging-db2-1:db2-1"],
    ],
  ])("%s", (_name, services, links) => {
    const gateway = render(services)["gateway"];
    expect(gateway?.external_links).toEqual(links);
    expect(gateway).not.toHaveProperty("links");
    expect(Object.keys(gateway?.depends_on ?? {})).toContain(services["gateway"]?.links?.[0]?.replace(/:.*/, ""));
  });

  test("changes nothing of the service that it leads to", () => {
    const alone = render({ db: base });
    const linked = render({ db: base, web: { ...base, links: ["db:postgres"] } });
    expect(linked["db"]).toEqual(alone["db"]);
  });

  test("leaves a service as it is that has no network of its own to link in", () => {
    const gateway = { image: "ours", network_mode: "host", links: ["web:api"] };
    expect(render({ web: base, gateway })["gateway"]).toMatchObject({ links: ["web:api"] });
  });
});

test("a link in the engine's oldest network is for good: what has it is replaced with what it leads to", () => {
  const definition = (edition: string) => {
    const db = { image: "ours", network_mode: "bridge", environment: { EDITION: edition } };
    const web = { image: "ours", network_mode: "bridge", links: ["db"] };
    return rendering({ services: { db, web } }, {}).services["web"]?.definition;
  };
  expect(definition("1")).not.toBe(definition("2"));
});
