import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { startBake, type BakeStart } from "../../../src/lib/adapters/buildkit/bake.ts";
import { createPrivateDirectory } from "../../../src/lib/adapters/private-directory.ts";
import type { BakeDefinition } from "../../../src/lib/images/bake-definition.ts";
import type { BuildStatus } from "../../../src/lib/images/build-status.ts";
import { fakeDocker } from "./fake-docker.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const { signal } = new AbortController();
const definition: BakeDefinition = { group: { default: { targets: ["web"] } }, target: { web: { context: "web", ssh: ["default"] } } };

const plain = { ssh: false, provenance: false };

async function runBake(body: string, version = "0.13.1", more: Partial<BakeStart> = {}) {
  using docker = fakeDocker(`[[ $* == "buildx version" ]] && echo 'github.com/docker/buildx v${version} abc' && exit; ${body}`);
  await using directory = createPrivateDirectory();
  const statuses: BuildStatus[] = [];
  writeFileSync(
    join(directory.path, "metadata.json"),
    JSON.stringify({ web: { "containerimage.digest": "sha256:1f" }, "buildx.build.warnings": [] }),
  );
  await using baking = await startBake({
    directory: docker.directory,
    privateDirectory: directory.path,
    output: "push",
    env: { DOCKER_CONFIG: directory.path },
    ssh: true,
    provenance: false,
    ...more,
    signal,
  });
  const result = await baking.make(definition, { builder: { cacheExport: true }, signal, onStatus: (status) => statuses.push(status) });
  return { result, statuses, call: docker.calls().find(({ args }) => args[1] === "bake"), directory };
}

test("the definition goes over standard input, digests come from the metadata", async () => {
  const { result, statuses, call, directory } = await runBake(`printf '%s\\n' '{' '"vertexes": []' '}' >&2; echo noise >&2`);
  expect(result).toEqual({ images: new Map([["web", { digest: "sha256:1f" }]]) });
  expect(statuses).toEqual([{ vertexes: [], logs: [] }]);
  expect(JSON.parse(call?.stdin ?? "")).toEqual(definition);
  expect(call?.args.join(" ")).toBe(`buildx bake --progress rawjson -f - --metadata-file ${directory.path}/metadata.json`);
});

test("a newer buildx is told that ssh is allowed", async () => {
  const { call } = await runBake("", "0.20.0");
  expect(call?.args.slice(-2)).toEqual(["--allow", "ssh"]);
});

test("buildx asks Git only for images that say where they are from, or where the user wants it", async () => {
  vi.stubEnv("BUILDX_GIT_INFO", undefined);
  const asks = async (provenance: boolean) => (await runBake("", "0.13.1", { provenance })).call?.env["BUILDX_GIT_INFO"];
  expect(await asks(false)).toBe("false");
  expect(await asks(true)).toBeUndefined();
  vi.stubEnv("BUILDX_GIT_INFO", "true");
  expect(await asks(false)).toBe("true");
});

test("a failed build is a result: the exit code and what was said last", async () => {
  const { result } = await runBake('for i in {1..30}; do echo "line $i" >&2; done; exit 17');
  expect(result).toMatchObject({ exitCode: 17 });
  expect("said" in result && result.said).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index + 11}`));
});

test("a buildx that does not know how to tell its progress is too old", async () => {
  await expect(runBake("echo 'invalid progress mode rawjson' >&2; exit 1", "0.11.2")).rejects.toMatchObject({ code: "BUILDX_OUTDATED" });
});

test("lines may come in pieces, characters too", async () => {
  const { result, statuses } = await runBake(
    String.raw`printf '{"vertexes":[{"digest":"a","na' >&2; sleep 0.1; printf 'me":"[web] caf\303' >&2; sleep 0.1; printf '\251"}]}\nlast' >&2; exit 1`,
  );
  expect(statuses.map(({ vertexes }) => vertexes.map(({ name }) => name))).toEqual([["[web] café"]]);
  expect("said" in result && result.said).toEqual(["last"]);
});

test("an abort ends the build", async () => {
  using _ = fakeDocker("exec sleep 5");
  await using directory = createPrivateDirectory();
  const abort = new AbortController();
  const start = { directory: directory.path, privateDirectory: directory.path, output: "load", env: {}, ...plain, signal } as const;
  await using baking = await startBake(start);
  const run = baking.make(definition, { builder: { cacheExport: true }, signal: abort.signal, onStatus: () => {} });
  abort.abort();
  await expect(run).rejects.toThrow(/canceled|aborted/);
});

test("a bake that is not needed after all ends, and has made nothing", async () => {
  using docker = fakeDocker('[[ -z "$stdin" ]] || echo made >made');
  await using directory = createPrivateDirectory();
  const start = { directory: docker.directory, privateDirectory: directory.path, output: "push", env: {}, ...plain, signal } as const;
  {
    await using _ = await startBake(start);
  }
  expect(existsSync(join(docker.directory, "made"))).toBe(false);
});

test("what a bake said before it knew what to make is why it failed", async () => {
  using docker = fakeDocker("true");
  const program = '#!/bin/sh\n[ "$2" = version ] && echo v0.13.1 && exit\necho no such flag >&2\nexit 125\n';
  writeFileSync(join(docker.directory, "bin", "docker"), program);
  await using directory = createPrivateDirectory();
  const start = { directory: docker.directory, privateDirectory: directory.path, output: "push", env: {}, ...plain, signal } as const;
  await using baking = await startBake(start);
  await new Promise((resolve) => {
    setTimeout(resolve, 300);
  });
  const result = await baking.make(definition, { builder: { cacheExport: true }, signal, onStatus: () => {} });
  expect(result).toMatchObject({ exitCode: 125, said: ["no such flag"] });
});
