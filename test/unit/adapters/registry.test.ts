import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findCredentials } from "../../../src/lib/adapters/registry/registry-credentials.ts";
import { openRegistry } from "../../../src/lib/adapters/registry/registry.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { parseReference } from "../../../src/lib/common/reference.ts";
import { serve } from "./answering-server.ts";

const manifest = JSON.stringify({ schemaVersion: 2 });
const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const digest = digestOf(manifest);
const basic = `Basic ${Buffer.from("robot:pass-word").toString("base64")}`;
const credentials = { username: "robot", password: new Secret("pass-word") };
const backoff = [1, 1];

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "coldtivate-docker-"));
  vi.stubEnv("DOCKER_CONFIG", directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

test("the digest comes from the manifest's header, with the configuration's credentials from the first request on", async () => {
  await using server = await serve((request, response) => {
    if (request.headers.authorization !== basic) return response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    return response.writeHead(200, { "docker-content-digest": digest }).end();
  });
  using registry = openRegistry({ host: server.host, insecure: true, credentials });
  expect(await registry.digestOf(`${server.host}/group/web:main`)).toBe(digest);
  expect(server.requests).toEqual(["HEAD /v2/group/web/manifests/main"]);
});

test("a registry that names no digest is asked for the manifest itself", async () => {
  await using server = await serve((_, response) => response.writeHead(200).end(manifest));
  using registry = openRegistry({ host: server.host, insecure: true });
  expect(await registry.digestOf(`${server.host}/web`)).toBe(digest);
  expect(server.requests).toEqual(["HEAD /v2/web/manifests/latest", "GET /v2/web/manifests/latest"]);
});

test("a bearer challenge is answered with a token from its realm, which serves further requests", async () => {
  await using server = await serve((request, response) => {
    if (request.url?.startsWith("/token")) {
      return request.headers.authorization === basic ? response.end(JSON.stringify({ token: "let-me-in" })) : response.writeHead(401).end();
    }
    if (request.headers.authorization === "Bearer let-me-in") return response.writeHead(200, { "docker-content-digest": digest }).end();
    const challenge = `Bearer realm="http://${server.host}/token",service="a b",scope="repository:web:pull"`;
    return response.writeHead(401, { "www-authenticate": challenge }).end();
  });
  using registry = openRegistry({ host: server.host, insecure: true, credentials });
  expect(await registry.digestOf(`${server.host}/web:a`)).toBe(digest);
  expect(await registry.digestOf(`${server.host}/web:b`)).toBe(digest);
  expect(server.requests).toEqual([
    "HEAD /v2/web/manifests/a",
    "GET /token?service=a+b&scope=repository%3Aweb%3Apull",
    "HEAD /v2/web/manifests/a",
    "HEAD /v2/web/manifests/b",
  ]);
  using together = openRegistry({ host: server.host, insecure: true, credentials });
  const before = server.requests.length;
  await Promise.all(["a", "b", "c"].map((tag) => together.digestOf(`${server.host}/web:${tag}`)));
  expect(server.requests.slice(before).filter((request) => request.includes("/token"))).toHaveLength(1);
  using stranger = openRegistry({
    host: server.host,
    insecure: true,
    credentials: { username: "robot", password: new Secret("other-word") },
  });
  await expect(stranger.digestOf(`${server.host}/web:a`)).rejects.toMatchObject({ code: "REGISTRY_UNAUTHORIZED", exit: "refused" });
});

test.each([
  ["names no place", "Bearer service=x", ""],
  ["leads to a page", undefined, "<html>"],
  ["leads to nothing", undefined, "{}"],
])("a challenge that %s is an error of the registry's", async (_what, challenge, page) => {
  await using server = await serve((request, response) => {
    if (request.url?.startsWith("/token")) return response.end(page);
    return response.writeHead(401, { "www-authenticate": challenge ?? `Bearer realm="http://${server.host}/token"` }).end();
  });
  using registry = openRegistry({ host: server.host, insecure: true, credentials });
  await expect(registry.digestOf(`${server.host}/web`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE", exit: "refused" });
});

test("an unknown tag gives undefined; wrong, missing and insufficient credentials are errors of their own", async () => {
  await using server = await serve((request, response) => {
    if (request.url?.includes("secret-project")) return response.writeHead(403).end();
    if (request.headers.authorization !== basic) return response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    return response.writeHead(404).end();
  });
  using registry = openRegistry({ host: server.host, insecure: true, credentials });
  expect(await registry.digestOf(`${server.host}/web:none`)).toBeUndefined();
  await expect(registry.digestOf(`${server.host}/secret-project/web`)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });

  using wrong = openRegistry({ host: server.host, insecure: true, credentials: { username: "robot", password: new Secret("other-word") } });
  await expect(wrong.digestOf(`${server.host}/web`)).rejects.toThrow(/refuses the credentials of "robot"/);
  using none = openRegistry({ host: server.host, insecure: true });
  await expect(none.digestOf(`${server.host}/web`)).rejects.toThrow(/wants credentials, and there are none/);
});

test("passing faults are waited out, lasting ones are not", async () => {
  let faults = 2;
  await using server = await serve((request, response) => {
    if (faults-- > 1) return request.socket.destroy();
    if (faults >= 0) return response.writeHead(503).end();
    return response.writeHead(200, { "docker-content-digest": digest }).end();
  });
  using registry = openRegistry({ host: server.host, insecure: true }, { backoff });
  expect(await registry.digestOf(`${server.host}/web`)).toBe(digest);
  faults = 100;
  await expect(registry.digestOf(`${server.host}/web`)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE", exit: "refused" });
});

test("a registry that is down, silent or speaks no TLS is unreachable", async () => {
  const closed = await serve(() => undefined);
  await closed[Symbol.asyncDispose]();
  using down = openRegistry({ host: closed.host, insecure: true }, { backoff });
  await expect(down.digestOf(`${closed.host}/web`)).rejects.toThrow(/cannot be reached.*ECONNREFUSED/);

  await using silent = await serve((request) => void setTimeout(() => request.socket.destroy(), 500));
  using waiting = openRegistry({ host: silent.host, insecure: true }, { backoff: [], timeout: 50 });
  await expect(waiting.digestOf(`${silent.host}/web`)).rejects.toThrow(/no answer in time/);

  await using plain = await serve((_, response) => response.end());
  const name = `0.0.0.0:${plain.host.split(":")[1]}`;
  using tls = openRegistry({ host: name, insecure: false }, { backoff: [] });
  await expect(tls.digestOf(`${name}/web`)).rejects.toHaveProperty("hint", expect.stringContaining("registry.insecure"));
});

test("without credentials in the configuration the user's Docker login counts: its file, then a helper", async () => {
  await using server = await serve((request, response) => {
    if (request.headers.authorization !== basic) return response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    return response.writeHead(200, { "docker-content-digest": digest }).end();
  });
  const config = join(directory, "config.json");
  writeFileSync(config, JSON.stringify({ auths: { [server.host]: { auth: Buffer.from("robot:pass-word").toString("base64") } } }));
  using byFile = openRegistry({ host: server.host, insecure: true });
  expect(await byFile.digestOf(`${server.host}/web`)).toBe(digest);

  writeFileSync(config, JSON.stringify({ auths: { [`https://${server.host}/v1/`]: { username: "robot", password: "pass-word" } } }));
  using byAddress = openRegistry({ host: server.host, insecure: true });
  expect(await byAddress.digestOf(`${server.host}/web`)).toBe(digest);

  const helper = join(directory, "docker-credential-test");
  writeFileSync(
    helper,
    `#!/bin/sh\n[ "$1" = get ] && [ "$(cat)" = "${server.host}" ] && echo '{"Username":"robot","Secret":"pass-word"}'\n`,
  );
  chmodSync(helper, 0o755);
  vi.stubEnv("PATH", `${directory}:${process.env["PATH"]}`);
  writeFileSync(config, JSON.stringify({ credHelpers: { [server.host]: "test" } }));
  using byHelper = openRegistry({ host: server.host, insecure: true });
  expect(await byHelper.digestOf(`${server.host}/web`)).toBe(digest);
});

test.each(["https://index.docker.io/v1/", "index.docker.io", "docker.io", "https://index.docker.io/v2/"])(
  "Docker Hub's login is found under %s",
  async (name) => {
    const config = join(directory, "config.json");
    writeFileSync(config, JSON.stringify({ auths: { [name]: { auth: Buffer.from("robot:pass-word").toString("base64") } } }));
    const { registry } = parseReference("index.docker.io/org/web");
    expect(await findCredentials(registry)).toMatchObject({ username: "robot" });
  },
);

test("logins that a CI job brings along count before the user's own store, as text or as a file", async () => {
  await using server = await serve((request, response) => {
    if (request.headers.authorization !== basic) return response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    return response.writeHead(200, { "docker-content-digest": digest }).end();
  });
  writeFileSync(join(directory, "config.json"), JSON.stringify({ credsStore: "nowhere" }));
  const logins = JSON.stringify({ auths: { [server.host]: { auth: Buffer.from("robot:pass-word").toString("base64") } } });
  const file = join(directory, "logins");
  writeFileSync(file, logins);
  for (const value of [logins, file]) {
    vi.stubEnv("DOCKER_AUTH_CONFIG", value);
    using registry = openRegistry({ host: server.host, insecure: true });
    expect(await registry.digestOf(`${server.host}/web`)).toBe(digest);
  }
  vi.stubEnv("DOCKER_AUTH_CONFIG", "/nowhere");
  using registry = openRegistry({ host: server.host, insecure: true });
  await expect(registry.digestOf(`${server.host}/web`)).rejects.toMatchObject({ code: "DOCKER_CONFIG_INVALID" });
});

test("the layers of an image come from its manifest, or from the one for this kind of machine", async () => {
  const layer = { digest: digestOf("a layer"), size: 10 };
  const ofImage = JSON.stringify({ layers: [{ mediaType: "x", ...layer }] });
  const index = {
    manifests: [
      { digest: `sha256:${"b".repeat(64)}`, platform: { os: "linux", architecture: "arm64" } },
      { digest: digestOf(ofImage), platform: { os: "linux", architecture: "amd64" } },
      { digest: `sha256:${"c".repeat(64)}`, platform: { os: "unknown", architecture: "unknown" } },
    ],
  };
  await using server = await serve((request, response) => {
    if (request.url === "/v2/web/manifests/none") return response.writeHead(404).end();
    return response.end(request.url?.endsWith(digestOf(ofImage)) ? ofImage : JSON.stringify(index));
  });
  using registry = openRegistry({ host: server.host, insecure: true });
  expect(await registry.layersOf(`${server.host}/web:main`)).toEqual([layer]);
  expect(await registry.layersOf(`${server.host}/web@${digestOf(ofImage)}`)).toEqual([layer]);
  expect(await registry.layersOf(`${server.host}/web:none`)).toBeUndefined();
  // What a digest names is asked for once.
  expect(server.requests).toHaveLength(3);
});

test("an image's configuration is the one for this kind of machine, as long as it is one", async () => {
  const configuration = JSON.stringify({ config: { ExposedPorts: { "8000/tcp": {} } } });
  const own = digestOf(configuration);
  const manifestOf = (blob: string, size = 10) => JSON.stringify({ layers: [], config: { digest: blob, size } });
  const answers: Record<string, string> = {
    "manifests/main": JSON.stringify({
      manifests: [{ digest: digestOf(manifestOf(own)), platform: { os: "linux", architecture: "amd64" } }],
    }),
    [`manifests/${digestOf(manifestOf(own))}`]: manifestOf(own),
    [`blobs/${own}`]: configuration,
    "manifests/forged": manifestOf(digest),
    [`blobs/${digest}`]: "something else",
    "manifests/huge": manifestOf(own, 2 ** 30),
    "manifests/endless": manifestOf(`sha256:${"e".repeat(64)}`),
    [`blobs/sha256:${"e".repeat(64)}`]: "x".repeat(5 * 1024 * 1024),
  };
  await using server = await serve((request, response) => {
    const body = answers[request.url?.replace("/v2/web/", "") ?? ""];
    return body === undefined ? response.writeHead(404).end() : response.end(body);
  });
  using registry = openRegistry({ host: server.host, insecure: true }, { backoff: [] });
  expect(await registry.configurationOf(`${server.host}/web:main`)).toBe(configuration);
  expect(await registry.configurationOf(`${server.host}/web:none`)).toBeUndefined();
  expect(await registry.configurationOf(`${server.host}/web:huge`)).toBeUndefined();
  await expect(registry.configurationOf(`${server.host}/web:forged`)).rejects.toMatchObject({ code: "REGISTRY_ANSWER_INVALID" });
  await expect(registry.configurationOf(`${server.host}/web:endless`)).rejects.toMatchObject({ code: "REGISTRY_ANSWER_INVALID" });
});

test("a manifest is put byte by byte, and a token that may only read is not used for it", async () => {
  const stored = new Map<string, { type: string | undefined; body: string }>();
  await using server = await serve(async (request, response) => {
    const scope = request.method === "PUT" ? "pull,push" : "pull";
    if (request.url?.startsWith("/token")) {
      const wanted = new URL(request.url, "http://registry").searchParams.get("scope");
      return response.end(JSON.stringify({ token: wanted }));
    }
    if (request.headers.authorization !== `Bearer ${scope}`) {
      return response.writeHead(401, { "www-authenticate": `Bearer realm="http://${server.host}/token",scope="${scope}"` }).end();
    }
    const name = request.url ?? "";
    if (request.method === "PUT") {
      const body = Buffer.concat(await request.toArray()).toString();
      stored.set(name, { type: request.headers["content-type"], body });
      return response.writeHead(201).end();
    }
    const found = stored.get(name);
    return found === undefined ? response.writeHead(404).end() : response.writeHead(200, { "content-type": found.type }).end(found.body);
  });
  using registry = openRegistry({ host: server.host, insecure: true, credentials });
  const bytes = Buffer.from('{ "schemaVersion":2 ,"x":"ü" }');
  expect(await registry.manifestOf(`${server.host}/web:new`)).toBeUndefined();
  await registry.putManifest(`${server.host}/web:new`, { mediaType: "application/vnd.oci.image.index.v1+json", bytes });
  expect(await registry.manifestOf(`${server.host}/web:new`)).toEqual({
    digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    mediaType: "application/vnd.oci.image.index.v1+json",
    bytes,
  });
});

test("what a digest names is asked for once, and again where it was not there", async () => {
  const answers = [404, 200];
  await using server = await serve((_, response) => response.writeHead(answers.shift() ?? 500).end(manifest));
  using registry = openRegistry({ host: server.host, insecure: true }, { backoff });
  const ask = () => registry.manifestOf(`${server.host}/web@${digest}`);
  expect(await ask()).toBeUndefined();
  expect(await Promise.all([ask(), ask()])).toMatchObject([{ digest }, { digest }]);
  expect(await ask()).toMatchObject({ digest });
  expect(server.requests).toHaveLength(2);
});

test("a manifest that the registry does not take for a moment is put again", async () => {
  const answers = [404, 400, 201];
  await using server = await serve((_, response) => response.writeHead(answers.shift() ?? 500).end());
  using registry = openRegistry({ host: server.host, insecure: true }, { backoff });
  await registry.putManifest(`${server.host}/web:new`, { mediaType: "x/y", bytes: Buffer.from("{}") });
  expect(server.requests).toEqual(Array.from({ length: 3 }, () => "PUT /v2/web/manifests/new"));
});

test("a manifest that the registry does not take is an error with its reason", async () => {
  await using server = await serve((_, response) => response.writeHead(400).end('{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'));
  using registry = openRegistry({ host: server.host, insecure: true });
  const put = registry.putManifest(`${server.host}/web:new`, { mediaType: "x/y", bytes: Buffer.from("{}") });
  await expect(put).rejects.toMatchObject({ code: "MANIFEST_REFUSED", details: [expect.stringContaining("MANIFEST_BLOB_UNKNOWN")] });
});

test("tags come page by page, from this registry whatever the link says", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/v2/none/tags/list?n=1000") return response.writeHead(404).end();
    if (request.url?.includes("last=b")) return response.end(JSON.stringify({ name: "web", tags: ["c"] }));
    const link = '<https://elsewhere.example.com/v2/web/tags/list?last=b&n=1000>; rel="next"';
    return response.writeHead(200, { link }).end(JSON.stringify({ name: "web", tags: ["a", "b"] }));
  });
  using registry = openRegistry({ host: server.host, insecure: true });
  expect(await registry.tagsOf(`${server.host}/web`)).toEqual(["a", "b", "c"]);
  expect(await registry.tagsOf(`${server.host}/none`)).toEqual([]);
});

test("a manifest is removed by its digest; one that is gone is no error, a registry that removes nothing is", async () => {
  let status = 202;
  await using server = await serve((_, response) => response.writeHead(status).end());
  using registry = openRegistry({ host: server.host, insecure: true });
  await registry.deleteManifest(`${server.host}/web@${digest}`);
  status = 404;
  await registry.deleteManifest(`${server.host}/web@${digest}`);
  status = 405;
  await expect(registry.deleteManifest(`${server.host}/web@${digest}`)).rejects.toMatchObject({ code: "REGISTRY_KEEPS_ALL" });
  expect(server.requests[0]).toBe(`DELETE /v2/web/manifests/${digest}`);
});
