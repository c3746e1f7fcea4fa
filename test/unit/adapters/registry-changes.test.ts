import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openRegistry } from "../../../src/lib/adapters/registry/registry.ts";
import { removeLeftovers } from "../../../src/lib/builds/prune/prune-registry.ts";
import { changes } from "../../../src/lib/changes.ts";
import { describeFailure } from "../../../src/lib/report/failure.ts";
import { serve } from "./answering-server.ts";

beforeEach(() => {
  changes.clear();
  vi.stubEnv("DOCKER_CONFIG", "/nowhere");
});
afterEach(() => vi.unstubAllEnvs());

const told = () => changes.told();
const digests = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);
const open = (host: string, options = {}) => openRegistry({ host, insecure: true }, { backoff: [], ...options });

test("a registry that dies after the first DELETE leaves no refusal that has changed nothing", async () => {
  let left = 1;
  const gone = (response: ServerResponse) => response.socket?.destroy();
  await using server = await serve((request, response) => {
    if (request.method !== "DELETE") return response.end('{"tags":[]}');
    return left-- > 0 ? response.writeHead(202).end() : gone(response);
  });
  using registry = open(server.host);
  const [one = "", two = ""] = digests;
  const leftovers = [{ name: "web", digest: one, tags: [], indexes: [one, two] }];
  const error: unknown = await removeLeftovers(leftovers, `${server.host}/shop`, registry, new Set()).catch((each: unknown) => each);
  expect(error).toMatchObject({ code: "REGISTRY_UNREACHABLE", exit: "refused" });
  const failure = describeFailure(error, { changed: told() });
  expect(failure.exit).toBe("failed");
  expect(failure.changed).toEqual([
    expect.stringMatching(/^removed from the registry: shop\/web@sha256:[ab]{12}$/),
    expect.stringMatching(/^perhaps removed from the registry, which nobody has confirmed: shop\/web@sha256:[ab]{12}$/),
  ]);
});

const put = (registry: ReturnType<typeof open>, host: string) =>
  registry.putManifest(`${host}/web:main`, { mediaType: "x/y", bytes: Buffer.from("{}") });

test.each([
  ["takes it", 201, ["put into the registry: web:main"]],
  ["refuses it", 403, []],
  ["does not take such a thing", 405, []],
  ["fails inside", 500, ["perhaps put into the registry, which nobody has confirmed: web:main"]],
])("of a registry that %s", async (_what, status, changed) => {
  await using server = await serve((_, response) => response.writeHead(status).end());
  using registry = open(server.host);
  await put(registry, server.host).catch(() => {});
  expect(told()).toEqual(changed);
});

test("what was never sent has changed nothing, and what nobody answers may have", async () => {
  const closed = await serve(() => undefined);
  await closed[Symbol.asyncDispose]();
  using down = open(closed.host);
  await expect(put(down, closed.host)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  expect(told()).toEqual([]);

  await using silent = await serve(() => undefined);
  using waiting = open(silent.host, { timeout: 50 });
  await expect(put(waiting, silent.host)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  expect(told()).toEqual(["perhaps put into the registry, which nobody has confirmed: web:main"]);
});

test("a manifest that was taken counts, though its answer cannot be read", async () => {
  await using server = await serve((_, response) => response.writeHead(201).end(Buffer.alloc(8 * 1024 * 1024)));
  using registry = open(server.host);
  await expect(put(registry, server.host)).rejects.toMatchObject({ code: "REGISTRY_ANSWER_INVALID" });
  expect(told()).toEqual(["put into the registry: web:main"]);
});

test("questions change nothing", async () => {
  await using server = await serve((_, response) => response.end('{"tags":[]}'));
  using registry = open(server.host);
  await registry.tagsOf(`${server.host}/web`);
  await registry.digestOf(`${server.host}/web`);
  expect(told()).toEqual([]);
});
