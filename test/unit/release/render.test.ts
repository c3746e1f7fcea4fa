import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { definitionOf } from "../../../src/lib/compose/definition.ts";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import type { RenderInput } from "../../../src/lib/release/rendered.ts";
import { referredPaths } from "../../../src/lib/compose/sources.ts";

const sourceDirectory = "/home/deploy/.coldtivate/incoming.x1/compose";
const stateDirectory = "/home/deploy/.coldtivate/shop-staging";
const written = "registry.example/shop/web:main";
const pinned = "registry.example/shop/web@sha256:aa";

function input(model: ComposeModel, more: Partial<RenderInput> = {}): RenderInput {
  return {
    model,
    project: "shop-staging",
    stateDirectory,
    sourceDirectory,
    images: new Map([[written, { image: pinned, built: "web" }]]),
    front: { image: "haproxy:lts" },
    services: {},
    tasks: [],
    sources: new Map(),
    variables: {},
    profiles: [],
    digest: (content) => createHash("sha256").update(content).digest("hex"),
    ...more,
  };
}

const source = (text: string) => ({ files: [{ path: "", executable: false, content: Buffer.from(text) }] });

describe("images", () => {
  test("are pinned by digest, and what Compose would build or pull with goes", () => {
    const { model, services } = render(input({ services: { web: { image: written, build: { context: "." }, pull_policy: "always" } } }));
    expect(model.services["web"]).toMatchObject({ image: pinned });
    expect(model.services["web"]).not.toHaveProperty("build");
    expect(model.services["web"]).not.toHaveProperty("pull_policy");
    expect(services["web"]).toMatchObject({ image: pinned, reference: written, built: "web" });
  });

  test("another digest is another definition; the same is the same, whatever the order of keys", () => {
    const service = { image: written, environment: { A: "1", B: "2" } };
    const turned = { environment: { B: "2", A: "1" }, image: written };
    const definition = (model: ComposeModel, image = pinned) =>
      render(input(model, { images: new Map([[written, { image }]]) })).services["web"]?.definition;
    expect(definition({ services: { web: service } })).toBe(definition({ services: { web: turned } }));
    expect(definition({ services: { web: service } })).not.toBe(
      definition({ services: { web: service } }, "registry.example/shop/web@sha256:bb"),
    );
  });
});

test("a database has a minute to stop, and one that runs already is not replaced for that", () => {
  const db = { image: "postgres:15", volumes: [{ type: "volume", source: "data", target: "/var/lib/postgresql/data" }] };
  const as = (service: ComposeService) => render(input({ services: { app: service }, volumes: { data: { name: "shop_data" } } }));
  const given = as(db);
  expect(given.model.services["app"]).toMatchObject({ stop_grace_period: "1m0s" });
  const { stop_grace_period: _minute, labels: _labels, ...rest } = given.model.services["app"]!;
  expect(given.services["app"]?.definition).toBe(
    definitionOf(rest, given.model, (content) => createHash("sha256").update(content).digest("hex")),
  );
  expect(as({ ...db, stop_grace_period: "1m0s" }).services["app"]?.definition).not.toBe(given.services["app"]?.definition);
});

test("nothing that runs depends on the tag that the release goes by", () => {
  const text = (slug: string) => {
    const reference = `registry.example/shop/web:${slug}`;
    return JSON.stringify(
      render(input({ services: { web: { image: reference } } }, { images: new Map([[reference, { image: pinned }]]) })).model,
    );
  };
  expect(text("v1-2-0")).toBe(text("v1-2-1"));
});

describe("files", () => {
  const model: ComposeModel = {
    services: {
      web: {
        image: written,
        volumes: [
          { type: "bind", source: `${sourceDirectory}/nginx.conf`, target: "/etc/nginx.conf" },
          { type: "bind", source: `${sourceDirectory}/media`, target: "/media" },
          { type: "bind", source: "/srv/shared", target: "/shared" },
          { type: "volume", source: "data", target: "/data" },
        ],
        secrets: [{ source: "token" }],
      },
    },
    secrets: { token: { file: `${sourceDirectory}/token` } },
  };

  test("of the repository are found", () => {
    expect(referredPaths(model, sourceDirectory)).toEqual(["media", "nginx.conf", "token"]);
  });

  test("lie at a path that only their content decides; a path that the commit lacks lies in the state; others stay", () => {
    const sources = new Map([
      ["nginx.conf", source("events {}")],
      ["token", source("t")],
    ]);
    const first = render(input(model, { sources }));
    const volumes = first.model.services["web"]?.volumes ?? [];
    expect(volumes[0]?.source).toMatch(new RegExp(`^${stateDirectory}/files/[0-9a-f]{64}/nginx.conf$`));
    expect(volumes.map((volume) => volume.source).slice(1)).toEqual([`${stateDirectory}/data/media`, "/srv/shared", "data"]);
    expect(first.notes).toEqual(["/media mounts ./media, which the commit does not have: it is kept on the host, in data/media"]);
    expect(first.files.map((file) => Buffer.from(file.content).toString())).toEqual(["events {}", "t"]);
  });

  test("a secret with other content is another definition of the services that use it", () => {
    const definition = (token: string) =>
      render(input(model, { sources: new Map([["token", source(token)]]) })).services["web"]?.definition;
    expect(definition("old")).not.toBe(definition("new"));
  });

  test("a secret from a variable stays one, under a name that its value decides; the model begins with where that is kept", () => {
    const { model: rendered, files } = render(
      input(
        { services: { web: { image: written, secrets: [{ source: "token" }] } }, secrets: { token: { environment: "TOKEN" } } },
        { variables: { TOKEN: "s3c$ret" } },
      ),
    );
    const { environment: name = "" } = rendered.secrets?.["token"] ?? {};
    expect(name).toMatch(/^TOKEN_[0-9a-f]{12}$/);
    const [key, place] = Object.entries(rendered)[0] ?? [];
    expect(key).toBe("x-coldtivate-written");
    const kept = files.find(({ path }) => `${stateDirectory}/${path}` === `${String(place)}/variables`);
    expect(Buffer.from(kept?.content ?? []).toString()).toBe(`${name}='s3c$ret'\n`);
  });
});

describe("tasks", () => {
  const model: ComposeModel = {
    services: {
      db: { image: "postgres:15" },
      cache: { image: written },
      web: {
        image: written,
        container_name: "web",
        ports: [{ target: 80, published: "80" }],
        links: ["db:database", "cache"],
        networks: { default: { aliases: ["api"], ipv4_address: "10.0.0.2" } },
        depends_on: { db: { condition: "service_healthy" } },
        healthcheck: { test: ["CMD", "true"] },
        restart: "always",
        deploy: { replicas: 2, resources: { limits: { memory: "1g" } } },
      },
    },
  };

  test("run in their service's container without what would make it be taken for the service", () => {
    const { model: rendered } = render(
      input(model, { tasks: [{ name: "migrate", service: "web", run: ["sh", "-c", "echo $HOME"], timeout: 1000 }] }),
    );
    expect(rendered.services["task-migrate"]).toEqual({
      image: pinned,
      command: ["sh", "-c", "echo $$HOME"],
      healthcheck: { disable: true },
      labels: { "coldtivate.state": stateDirectory },
      external_links: [
        "shop-staging-db-1:database",
        "shop-staging-db-1:db-1",
        "shop-staging-cache-1:cache",
        "shop-staging-cache-1:cache-1",
      ],
      networks: { default: null },
      profiles: ["tasks"],
      restart: "no",
      deploy: { resources: { limits: { memory: "1g" } } },
    });
    expect(rendered.services["undo-migrate"]).toBeUndefined();
  });

  test("are found by nobody who looks for the service, by labels, variables or addresses", () => {
    const found: ComposeService = {
      image: written,
      network_mode: "bridge",
      mac_address: "02:00:00:00:00:01",
      labels: { "traefik.enable": "true", "traefik.http.routers.a.rule": "Host(`a`)", team: "a" },
      environment: { VIRTUAL_HOST: "a.example", A: "b" },
    };
    const tasks = [{ name: "migrate", service: "web", run: ["migrate"], timeout: 1000 }];
    const { model: rendered } = render(input({ services: { web: found } }, { tasks }));
    const task = rendered.services["task-migrate"];
    expect(task).not.toHaveProperty("mac_address");
    expect(task?.labels).toEqual({ "traefik.enable": "false", team: "a", "coldtivate.state": stateDirectory });
    expect(task?.environment).toEqual({ A: "b" });
    expect(rendered.services["web"]).toMatchObject({ environment: found.environment, mac_address: found.mac_address });
  });

  test("are taken back by a service like theirs; that one does not make them run again", () => {
    const task = { name: "migrate", service: "web", run: ["migrate"], timeout: 1000 };
    const without = render(input(model, { tasks: [task] }));
    const { model: rendered, tasks } = render(input(model, { tasks: [{ ...task, undo: ["migrate", "--back"] }] }));
    expect(rendered.services["undo-migrate"]).toEqual({ ...rendered.services["task-migrate"], command: ["migrate", "--back"] });
    expect(tasks["migrate"]).toEqual({ ...without.tasks["migrate"], hasUndo: true });
  });
});

test("a service that is scaled to nothing, or hidden by a profile, is no part of the release", () => {
  const model: ComposeModel = { services: { db: { image: "postgres:15", scale: 0 }, debug: { image: "busybox", profiles: ["debug"] } } };
  expect(render(input(model)).services).toEqual({});
  expect(Object.keys(render(input(model, { profiles: ["debug"] })).services)).toEqual(["debug"]);
});

test("what only hidden services mount is not missed, unless a task runs in one of them", () => {
  const mount = { type: "bind", source: `${sourceDirectory}/dev.conf`, target: "/dev.conf" };
  const own = { type: "bind", source: "/srv/dev.conf", target: "/own.conf" };
  const debug = { image: "busybox", profiles: ["debug"], volumes: [mount, own], secrets: [{ source: "a" }, { source: "b" }] };
  const secrets = { a: { file: `${sourceDirectory}/a.txt` }, b: { file: "/srv/b.txt" }, unused: { file: "/srv/unused.txt" } };
  const model: ComposeModel = { services: { debug }, secrets };
  const needs = (more: Partial<RenderInput> = {}) => render(input(model, more)).layout?.needs.map(({ place }) => place.split("/").at(-1));
  expect(needs()).toEqual([]);
  expect(render(input(model)).notes).toEqual([]);
  const all = ["dev.conf", "a.txt", "dev.conf", "b.txt"];
  expect(needs({ profiles: ["debug"] })).toEqual(all);
  expect(needs({ tasks: [{ name: "look", service: "debug", run: ["look"], timeout: 1000, when: "changed" }] })).toEqual(all);
});

test("a symbolic link within a folder is kept as one, and another target is another place", () => {
  const model: ComposeModel = {
    services: { web: { image: written, volumes: [{ type: "bind", source: `${sourceDirectory}/conf`, target: "/conf", read_only: true }] } },
  };
  const kept = (link: string) =>
    render(
      input(model, {
        sources: new Map([
          [
            "conf",
            {
              files: [
                { path: "a", executable: false, content: Buffer.from("a") },
                { path: "b", executable: false, content: new Uint8Array(), link },
              ],
            },
          ],
        ]),
      }),
    ).files;
  expect(kept("a").find(({ path }) => path.endsWith("/conf/b"))).toMatchObject({ link: "a" });
  expect(kept("a")[0]?.path).not.toBe(kept("../a")[0]?.path);
});
