import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openRegistry, type RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { serve, serveTls } from "./answering-server.ts";

const manifest = JSON.stringify({ layers: [] });
const digestOf = (text: string, algorithm = "sha256") => `${algorithm}:${createHash(algorithm).update(text).digest("hex")}`;
const digest = digestOf(manifest);
const other = digestOf("another one");
const basic = `Basic ${Buffer.from("robot:pass-word").toString("base64")}`;
const credentials = { username: "robot", password: new Secret("pass-word") };
const invalid = { code: "REGISTRY_ANSWER_INVALID", exit: "refused" };

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "coldtivate-hostile-"));
  vi.stubEnv("DOCKER_CONFIG", directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

const open = (host: string, options = {}) =>
  openRegistry({ host, insecure: host.startsWith("127."), credentials }, { backoff: [], ...options });

const verbs: [string, (registry: RegistryClient, name: string) => Promise<unknown>][] = [
  ["PUT", (registry, name) => registry.putManifest(`${name}:main`, { mediaType: "x/y", bytes: Buffer.from(manifest) })],
  ["DELETE", (registry, name) => registry.deleteManifest(`${name}@${digest}`)],
];

describe("redirects", () => {
  const statuses = [301, 302, 303, 307, 308];

  test.each(statuses)("from TLS to plain HTTP, on whatever host and port, lead nowhere (%d)", async (status) => {
    await using plain = await serve((_, response) => response.end(manifest));
    let target = `http://${plain.host}/v2/web/manifests/main`;
    await using server = await serveTls(directory, (_, response) => response.writeHead(status, { location: target }).end());
    using registry = open(server.host);
    await expect(registry.manifestOf(`${server.host}/web:main`)).rejects.toMatchObject(invalid);
    // The very same host and port: whoever listens in between reads along.
    target = `http://${server.host}/v2/web/manifests/main`;
    await expect(registry.manifestOf(`${server.host}/web:main`)).rejects.toMatchObject(invalid);
    for (const [, change] of verbs) await expect(change(registry, `${server.host}/web`)).rejects.toMatchObject(invalid);
    expect(plain.requests).toEqual([]);
  });

  test.each(statuses)("to another origin bring no credentials along, and may only read (%d)", async (status) => {
    await using elsewhere = await serve((_, response) => response.end(manifest));
    await using server = await serve((_, response) => response.writeHead(status, { location: `http://${elsewhere.host}/blob` }).end());
    using registry = open(server.host);
    expect(await registry.manifestOf(`${server.host}/web@${digest}`)).toMatchObject({ digest });
    expect([server.authorizations, elsewhere.authorizations]).toEqual([[basic], [undefined]]);
    for (const [, change] of verbs) await expect(change(registry, `${server.host}/web`)).rejects.toMatchObject(invalid);
    expect(elsewhere.requests).toEqual(["GET /blob"]);
  });

  test("from plain HTTP to TLS on the same host and port are to another origin", async () => {
    await using server = await serve((_, response) => response.writeHead(307, { location: `https://${server.host}/v2/x` }).end());
    using registry = open(server.host);
    await expect(verbs[1]![1](registry, `${server.host}/web`)).rejects.toMatchObject(invalid);
  });

  test.each(verbs)("at the same origin are followed by a %s, with who we are", async (method, change) => {
    await using server = await serve((request, response) =>
      request.url === "/moved" ? response.writeHead(202).end() : response.writeHead(307, { location: "/moved" }).end(),
    );
    using registry = open(server.host);
    await change(registry, `${server.host}/web`);
    expect(server.requests.at(-1)).toBe(`${method} /moved`);
    expect(server.authorizations).toEqual([basic, basic]);
  });

  test("to somebody who wants credentials get none", async () => {
    await using greedy = await serve((_, response) => response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end());
    await using server = await serve((_, response) => response.writeHead(307, { location: `http://${greedy.host}/` }).end());
    using registry = open(server.host);
    await expect(registry.manifestOf(`${server.host}/web:main`)).rejects.toMatchObject(invalid);
    expect(greedy.authorizations).toEqual([undefined]);
  });

  test.each(["http://", "file:///etc/passwd", "data:text/plain,x", "http://[::", "ftp://127.0.0.1/", "//"])(
    "to %j are no addresses",
    async (location) => {
      await using server = await serve((_, response) => response.writeHead(302, { location }).end());
      using registry = open(server.host);
      await expect(registry.manifestOf(`${server.host}/web:main`)).rejects.toMatchObject(invalid);
    },
  );

  test("that name a password, or go round and round, lead nowhere", async () => {
    await using server = await serve((request, response) => {
      const location = request.url === "/end" ? "/end" : `http://admin:letmein@${server.host}/end`;
      response.writeHead(302, { location }).end();
    });
    using registry = open(server.host);
    await expect(registry.manifestOf(`${server.host}/web:main`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    expect(server.requests).toHaveLength(4);
    expect(server.authorizations.every((sent) => sent === basic)).toBe(true);
  });
});

describe("a server for tokens", () => {
  const challenge = (response: ServerResponse, realm: string) =>
    response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="x"` }).end();

  test("of a registry with TLS is never asked in plain HTTP, with or without credentials", async () => {
    await using tokens = await serve((_, response) => response.end('{"token":"t"}'));
    await using server = await serveTls(directory, (_, response) => challenge(response, `http://${tokens.host}/token`));
    using known = open(server.host);
    await expect(known.digestOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
    using stranger = openRegistry({ host: server.host, insecure: false }, { backoff: [] });
    await expect(stranger.digestOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
    expect(tokens.requests).toEqual([]);
  });

  test("of a registry with TLS may be another host with TLS", async () => {
    await using tokens = await serveTls(directory, (_, response) => response.end('{"token":"t"}'));
    await using server = await serveTls(directory, (request, response) => {
      if (request.headers.authorization === "Bearer t") return response.end(manifest);
      return challenge(response, `https://${tokens.host}/token`);
    });
    using registry = open(server.host);
    expect(await registry.manifestOf(`${server.host}/web:main`)).toMatchObject({ digest });
    expect(tokens.authorizations).toEqual([basic]);
  });

  test("of a registry without TLS is on the same machine", async () => {
    await using server = await serve((_, response) => challenge(response, "http://127.0.0.2:9/token"));
    using registry = open(server.host);
    await expect(registry.digestOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
  });

  test("that sends us from TLS to plain HTTP, or elsewhere, gets no password there", async () => {
    await using thief = await serve((_, response) => response.end('{"token":"t"}'));
    await using further = await serveTls(directory, (_, response) => response.end('{"token":"t"}'));
    let location = `http://${thief.host}/token`;
    await using server = await serveTls(directory, (request, response) => {
      if (request.headers.authorization === "Bearer t") return response.end(manifest);
      if (request.url?.startsWith("/token")) return response.writeHead(307, { location }).end();
      return challenge(response, `https://${server.host}/token`);
    });
    using registry = open(server.host);
    await expect(registry.manifestOf(`${server.host}/web:main`)).rejects.toMatchObject(invalid);
    location = `https://${further.host}/token`;
    expect(await registry.manifestOf(`${server.host}/web:main`)).toMatchObject({ digest });
    expect([thief.authorizations, further.authorizations]).toEqual([[], [undefined]]);
  });

  test.each([
    ["is no address", "token", "{}"],
    ["is a file", "file:///etc/passwd", "{}"],
    ["has a password", "http://a:b@127.0.0.1:1/", "{}"],
    ["gives a token that would be a header of its own", undefined, '{"token":"a\\r\\nX-Evil: 1"}'],
    ["gives an object for a token", undefined, '{"token":{}}'],
  ])("that %s gives no token", async (_what, realm, body) => {
    await using server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return response.end(body);
      return challenge(response, realm ?? `http://${server.host}/token`);
    });
    using registry = open(server.host);
    await expect(registry.digestOf(`${server.host}/web`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });

  test("that never ends is not listened to for ever", async () => {
    await using server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return flood(response);
      return challenge(response, `http://${server.host}/token`);
    });
    using registry = open(server.host);
    await expect(registry.digestOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
  });
});

describe("digests", () => {
  test.each([
    ["another body", "something else", {}],
    ["another body under the right digest", "something else", { "docker-content-digest": digest }],
    ["the right body under another digest", manifest, { "docker-content-digest": other }],
    ["a digest that is none", manifest, { "docker-content-digest": "sha256:../../x" }],
    ["a digest that is too short", manifest, { "docker-content-digest": digest.slice(0, -1) }],
    ["a digest in capitals", manifest, { "docker-content-digest": digest.toUpperCase() }],
    ["a digest by MD5", manifest, { "docker-content-digest": digestOf(manifest, "md5") }],
  ])("%s for a manifest that was asked for by digest is refused", async (_what, body, headers) => {
    await using server = await serve((_, response) => response.writeHead(200, headers).end(body));
    using registry = open(server.host);
    await expect(registry.manifestOf(`${server.host}/web@${digest}`)).rejects.toMatchObject(invalid);
    await expect(registry.layersOf(`${server.host}/web@${digest}`)).rejects.toMatchObject(invalid);
    await expect(registry.configurationOf(`${server.host}/web@${digest}`)).rejects.toMatchObject(invalid);
  });

  test.each(["sha256:x", "latest", `${digest} `.repeat(2), `md5:${"0".repeat(32)}`, `sha256:${"A".repeat(64)}`])(
    "%j is no digest that a tag has",
    async (said) => {
      await using server = await serve((_, response) => response.writeHead(200, { "docker-content-digest": said }).end());
      using registry = open(server.host);
      await expect(registry.digestOf(`${server.host}/web:main`)).rejects.toMatchObject(invalid);
    },
  );

  test("an image that is named by digest has that one, and no other", async () => {
    await using server = await serve((_, response) => response.writeHead(200, { "docker-content-digest": other }).end());
    using registry = open(server.host);
    await expect(registry.digestOf(`${server.host}/web@${digest}`)).rejects.toMatchObject(invalid);
  });

  test("one by another algorithm is not taken, but computed", async () => {
    await using server = await serve((request, response) =>
      response
        .writeHead(200, { "docker-content-digest": digestOf(manifest, "sha512") })
        .end(request.method === "GET" ? manifest : undefined),
    );
    using registry = open(server.host);
    expect(await registry.digestOf(`${server.host}/web:main`)).toBe(digest);
  });

  test("an index leads to no path that is not a digest", async () => {
    const index = JSON.stringify({ manifests: [{ digest: "../../../v2/other/manifests/main" }] });
    await using server = await serve((_, response) => response.end(index));
    using registry = open(server.host);
    await expect(registry.layersOf(`${server.host}/web:main`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    expect(server.requests).toHaveLength(1);
  });
});

/** Sends as fast as it is read. */
function flood(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
  };
  response.on("drain", more);
  more();
}

describe("answers end", () => {
  const questions: [string, (registry: RegistryClient, name: string) => Promise<unknown>][] = [
    ["a manifest", (registry, name) => registry.manifestOf(`${name}:main`)],
    ["a list of tags", (registry, name) => registry.tagsOf(name)],
    ...verbs,
  ];

  test.each(questions)("although the one to %s does not", async (_what, ask) => {
    await using server = await serve((_, response) => flood(response));
    using registry = open(server.host);
    await expect(ask(registry, `${server.host}/web`)).rejects.toMatchObject(invalid);
  });

  test.each(questions)("although the one to %s comes byte by byte, for ever", async (_what, ask) => {
    await using server = await serve((_, response) => {
      const drip = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(drip));
    });
    using registry = open(server.host, { deadline: 100 });
    await expect(ask(registry, `${server.host}/web`)).rejects.toMatchObject(invalid);
    expect(server.requests).toHaveLength(1);
  });

  test.each(questions)("although nobody answers the one to %s, or stops amid it", async (_what, ask) => {
    let hasBegun = false;
    await using server = await serve((_, response) => hasBegun && response.writeHead(200).write("{"));
    using registry = open(server.host, { timeout: 50 });
    await expect(ask(registry, `${server.host}/web`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    hasBegun = true;
    await expect(ask(registry, `${server.host}/web`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });

  test("headers without end are none", async () => {
    await using server = await serve((_, response) =>
      response.socket?.write(`HTTP/1.1 200 OK\r\n${`x: ${"y".repeat(1000)}\r\n`.repeat(1000)}`),
    );
    using registry = open(server.host);
    await expect(registry.digestOf(`${server.host}/web`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });
});

describe("tags", () => {
  const page = (response: ServerResponse, tags: unknown, next?: string) =>
    response
      .writeHead(200, next === undefined ? {} : { link: `</v2/web/tags/list?last=${next}>; rel="next"` })
      .end(JSON.stringify({ tags }));

  test("that go on for ever are given up", async () => {
    let count = 0;
    await using server = await serve((_, response) => {
      const tags = Array.from({ length: 20_000 }, () => `t${count++}`);
      page(response, tags, tags.at(-1));
    });
    using registry = open(server.host);
    await expect(registry.tagsOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
    expect(server.requests.length).toBeLessThan(10);
  });

  test("that come again and again are given up", async () => {
    await using server = await serve((_, response) => page(response, ["a", "b"], "b"));
    using registry = open(server.host);
    await expect(registry.tagsOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
    expect(server.requests).toHaveLength(2);
  });

  test("that come one at a time, with much beside them, are given up", async () => {
    const padding = "x".repeat(15_000_000);
    let count = 0;
    await using server = await serve((_, response) => {
      const tag = `t${count++}`;
      response.writeHead(200, { link: `</v2/web/tags/list?last=${tag}>; rel="next"` }).end(JSON.stringify({ tags: [tag], padding }));
    });
    using registry = open(server.host);
    await expect(registry.tagsOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
    expect(server.requests).toHaveLength(5);
  });

  test("end with an empty page, whatever it leads to", async () => {
    await using server = await serve((request, response) => page(response, request.url?.includes("last") ? [] : ["a"], "a"));
    using registry = open(server.host);
    expect(await registry.tagsOf(`${server.host}/web`)).toEqual(["a"]);
  });

  test.each([
    ["a page of HTML", "<html>"],
    ["no list", '{"tags":"main"}'],
    ["something that is no tag", '{"tags":["../../other/manifests/main"]}'],
    ["an empty name", '{"tags":[""]}'],
    ["something else", "[]"],
    ["a number", '{"tags":[1]}'],
  ])("are not none where the registry gives %s", async (_what, body) => {
    await using server = await serve((_, response) => response.end(body));
    using registry = open(server.host);
    await expect(registry.tagsOf(`${server.host}/web`)).rejects.toMatchObject(invalid);
  });

  test("are not fewer where a further page is gone", async () => {
    await using server = await serve((request, response) =>
      request.url?.includes("last") ? response.writeHead(404).end() : page(response, ["a"], "a"),
    );
    using registry = open(server.host);
    await expect(registry.tagsOf(`${server.host}/web`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });
});
