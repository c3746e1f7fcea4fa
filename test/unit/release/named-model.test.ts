import { describe, expect, test } from "vitest";
import { collectComposeFiles } from "../../../src/lib/compose/files/compose-files.ts";
import type { ComposeModel } from "../../../src/lib/compose/model.ts";
import { refuseForeignModel } from "../../../src/lib/host/named-model.ts";
import { repositoriesOf } from "../../../src/lib/release/repositories.ts";

const sourceDirectory = "/home/deploy/.coldtivate/incoming.x/compose";

/** What Compose files name, by path. */
async function namingOf(files: Record<string, string>, variables: Record<string, string> = {}) {
  const read = (path: string) => Promise.resolve(files[path] === undefined ? undefined : new TextEncoder().encode(files[path]));
  const [first = ""] = Object.keys(files);
  return (await collectComposeFiles([first], read, { variables })).naming;
}

describe("what Compose files name", () => {
  test("is read with their variables, wherever they say it", async () => {
    const naming = await namingOf(
      {
        "deploy/compose.yaml": [
          "include: [{ path: ../shared/db.yml }]",
          "x-base: &base { image: '${REGISTRY}/base:${TAG:-1}', volumes: ['./conf:/conf:ro'] }",
          "services:",
          "  web: { <<: *base, extends: { file: ../parts/web.yml, service: any }, security_opt: ['seccomp:profile.json'] }",
          "  job: { image: job, volumes: ['${PWD}/own:/own', 'named:/data', '/etc/x:/x', '~/y:/y', '${PLACE:-./place}:/place', '/anonymous'] }",
          "  long: { volumes: [{ type: bind, source: long, target: /l }, { type: volume, source: volume, target: /v }] }",
          "configs: { a: { file: ./a.conf }, b: { environment: B } }",
          "secrets: { c: { environment: '${C:-CC}' }, d: { content: x } }",
          "volumes: { named: {}, folder: { driver_opts: { o: bind, device: '${PWD}/folder' } } }",
        ].join("\n"),
        "shared/db.yml": "services: { db: { image: 'postgres:${TAG}', volumes: ['.:/all'] } }\n",
        "parts/web.yml": "services: { any: { image: 'any:1', volumes: ['./part:/part'] } }\n",
      },
      { REGISTRY: "r.example", TAG: "15" },
    );
    expect([...naming.services].toSorted()).toEqual(["db", "job", "long", "web"]);
    expect([...naming.images].toSorted()).toEqual(["any:1", "job", "postgres:15", "r.example/base:15"]);
    expect([...naming.paths].toSorted()).toEqual(
      [
        "deploy/a.conf",
        "deploy/conf",
        "deploy/folder",
        "deploy/long",
        "deploy/own",
        "deploy/place",
        "deploy/profile.json",
        "parts/part",
        "shared",
      ].toSorted(),
    );
    expect([...naming.variables].toSorted()).toEqual(["B", "CC"]);
  });

  test("is the repository itself where a service mounts it", async () => {
    expect([...(await namingOf({ "compose.yaml": "services: { a: { volumes: ['.:/app'] } }" })).paths]).toEqual(["."]);
  });
});

describe("a host's model", () => {
  const refusal = async (model: ComposeModel, compose = "services: { web: { image: 'r.example/web:1', volumes: ['./conf:/c'] } }\n") => {
    const naming = await namingOf({ "compose.yaml": compose });
    try {
      refuseForeignModel({ host: "a", model, sourceDirectory }, naming, repositoriesOf(naming.images));
      return [];
    } catch (error) {
      expect(error).toMatchObject({ code: "HOST_MODEL", exit: "refused" });
      return (error as { details: string[] }).details;
    }
  };
  const mount = (source: string) => ({ type: "bind", source, target: "/x" });

  test("counts as far as the commit's files say it", async () => {
    expect(
      await refusal({ services: { web: { image: "r.example/web:2", volumes: [mount(`${sourceDirectory}/conf`), mount("/etc")] } } }),
    ).toEqual([]);
  });

  test("has no service, no image and no file of the host's own", async () => {
    const services = {
      web: { image: "evil.example/web:1", volumes: [mount(sourceDirectory), mount(`${sourceDirectory}/.git`)] },
      spy: { image: "127.0.0.1:5000/x" },
      odd: { image: "r.example/WEB !" },
    };
    const secrets = { key: { file: `${sourceDirectory}/deploy.key` } };
    expect(await refusal({ services, secrets })).toEqual([
      "service spy",
      "service odd",
      "image evil.example/web:1 of service web",
      "image 127.0.0.1:5000/x of service spy",
      "image r.example/WEB ! of service odd",
      "file or folder .",
      "file or folder .git",
      "file or folder deploy.key",
    ]);
  });

  test("is told without what a terminal obeys", async () => {
    expect(await refusal({ services: { web: { image: "x\u001b[2K\u0007\u009b1A" } } })).toEqual(["image x [2K 1A of service web"]);
  });
});
