import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { commitAll, makeFolder } from "../support/clones.ts";
import { onHost } from "../support/hosts.ts";
import { makeSmallProject } from "../support/projects/small-project.ts";
import { besideFaultyRegistry, standInPort, type RegistryFault } from "../support/registry/stand-in.ts";
import { coldtivate, must, sandbox } from "../support/run.ts";

let cwd: string;

beforeAll(async () => {
  cwd = await makeSmallProject();
});

interface Image {
  digest: string;
  tags: string[];
  unchanged: boolean;
  content?: string;
  cachedSteps: number;
}

/** Something that no build has seen. */
async function commitNews(): Promise<string> {
  await writeFile(join(cwd, "web", "news"), crypto.randomUUID());
  return commitAll(cwd, "news");
}

async function commitNothing(): Promise<string> {
  await must("git", ["commit", "--quiet", "--allow-empty", "--message", "nothing"], { cwd });
  return must("git", ["rev-parse", "HEAD"], { cwd });
}

async function build(args: string[] = [], env: Record<string, string> = {}): Promise<Image & { stderr: string }> {
  const { exitCode, stdout, stderr } = await coldtivate(["build", "--push", "--json", ...args], { cwd, env });
  expect(exitCode, stderr).toBe(0);
  const { images } = JSON.parse(stdout) as { images: Image[] };
  return { ...images[0]!, stderr };
}

/** What the project's own registry has under a tag. */
async function digestOf(tag: string): Promise<string | null> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
  const accept =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
  const response = await fetch(`http://${CI_REGISTRY}/v2/test/small/web/manifests/${tag}`, { headers: { authorization, accept } });
  return response.ok ? response.headers.get("docker-content-digest") : null;
}

type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The sandbox's registry, for coldtivate itself, behind something that fails as the test says. */
async function besideProxy<T>(fault: Fault, work: (env: Record<string, string>) => Promise<T>): Promise<T> {
  const [host, port] = sandbox()["CI_REGISTRY"]!.split(":");
  const server = createServer((request, response) => {
    request.url = new URL(request.url!, "http://registry").pathname;
    if (fault(request, response)) return;
    const onward = forward({ host, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work({ HTTP_PROXY: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, NO_PROXY: "" });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Passes on the beginning of what is sent, as a whole. */
async function forwardHalf(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [host, port] = sandbox()["CI_REGISTRY"]!.split(":");
  const half = Buffer.concat(await request.toArray()).subarray(0, 100);
  const headers = { ...request.headers, "content-length": half.length };
  forward({ host, port, method: request.method, path: request.url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  }).end(half);
}

/** What the registry itself says that it was asked for while something was done: method and path, and the agent's name behind them. */
async function loggedDuring(work: () => Promise<unknown>): Promise<string[]> {
  const read = () => onHost("gateway", "cat /mnt/access.log");
  const before = (await read()).length;
  await work();
  const lines = (await read()).slice(before).matchAll(/"([A-Z]+) (\S+) HTTP[^"]*" \d+ \d+ "[^"]*" "([^"/]*)/g);
  return [...lines].map(([, method, path, agent]) => `${method} ${path} ${agent}`.trim());
}

/** No engine, and no docker that could start one. */
const withoutDocker = { DOCKER_HOST: "unix:///tmp/no-such-docker.sock" };

test("another commit of the same content is a tag: no blob moves, the digest stays, no Docker is needed", async () => {
  await commitNews();
  const first = await build();
  expect(first).toMatchObject({ unchanged: false, content: expect.stringMatching(/^content-[0-9a-f]{40}$/) });
  const commit = await commitNothing();
  const logged = await loggedDuring(async () => {
    expect(await build([], withoutDocker)).toMatchObject({ unchanged: true, digest: first.digest, content: first.content });
  });
  expect(logged).toContain(`PUT /v2/test/small/web/manifests/${commit.slice(0, 8)}`);
  expect(logged.filter((line) => !/^(HEAD|GET|PUT) \/v2\/\S+\/manifests\/[^/]+$/.test(line))).toEqual([]);
  expect(await digestOf(commit.slice(0, 8))).toBe(first.digest);
  expect(await digestOf("main")).toBe(first.digest);
});

test("what is built is sent once, by the builder alone", async () => {
  await commitNews();
  const logged = await loggedDuring(() => build());
  const written = logged.filter((line) => /^PUT \S+\/manifests\/(main|[0-9a-f]{8}) ?/.test(line));
  const commit = (await must("git", ["rev-parse", "HEAD"], { cwd })).slice(0, 8);
  expect(written).toEqual([`PUT /v2/test/small/web/manifests/${commit} buildkit`, "PUT /v2/test/small/web/manifests/main"]);
  expect([await digestOf("main")]).toEqual([await digestOf(commit)]);
  // The engine itself asks whether it may log in, and for nothing of the image.
  expect(logged.filter((line) => line.endsWith(" docker") && !line.startsWith("GET /v2/ "))).toEqual([]);
});

test("build and push in two steps come to the same", async () => {
  await commitNews();
  expect(await coldtivate(["build"], { cwd })).toMatchObject({ exitCode: 0 });
  expect(await coldtivate(["push"], { cwd })).toMatchObject({ exitCode: 0 });
  const first = await digestOf("main");
  const commit = (await commitNothing()).slice(0, 8);
  const built = await coldtivate(["build"], { cwd, env: withoutDocker });
  expect(built, built.output).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("unchanged") });
  expect(await digestOf(commit)).toBeNull();
  const pushed = await coldtivate(["push"], { cwd, env: withoutDocker });
  expect(pushed, pushed.output).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("unchanged") });
  expect(await digestOf(commit)).toBe(first);
});

test("what changed is said by name; --force builds all the same", async () => {
  await commitNews();
  await build();
  await commitNews();
  expect((await build(["--explain"])).stderr).toMatch(/web is built: changed since [0-9a-f]{8}: web\/news/);
  expect(await build(["--force"])).toMatchObject({ unchanged: false });
  expect(await build()).toMatchObject({ unchanged: true });
  await writeFile(join(cwd, ".gitignore"), "*.log\n");
  await writeFile(join(cwd, "web", "debug.log"), "x");
  await commitAll(cwd, "ignore logs");
  const leaking = await build();
  expect(leaking).toMatchObject({ unchanged: false, stderr: expect.stringContaining("web/debug.log goes into the build") });
  expect(leaking.content).toBeUndefined();
  await must("git", ["clean", "--quiet", "--force", "-x"], { cwd });
});

test("an image that is older than content.ttl is built again without a cache, and stands for its content from then on", async () => {
  const path = join(cwd, "coldtivate.yml");
  const before = await readFile(path, "utf8");
  const age = async (ttl: string) => {
    await writeFile(path, `${before}content: { ttl: ${ttl} }\n`);
    await commitAll(cwd, ttl);
  };
  await commitNews();
  const { content } = await build();
  await age("1h");
  expect(await build()).toMatchObject({ unchanged: true, content });
  await age("1ms");
  const again = await build(["--explain"]);
  expect(again).toMatchObject({ unchanged: false, content, cachedSteps: 0, stderr: expect.stringMatching(/web is built: .*content\.ttl/) });
  await age("1h");
  expect(await build()).toMatchObject({ unchanged: true, digest: again.digest });
  await writeFile(path, before);
  await commitAll(cwd, "for ever");
});

test("a dirty context is built, and never found again", async () => {
  const commit = (await commitNews()).slice(0, 8);
  await writeFile(join(cwd, "web", "unfinished"), "not committed");
  const dirty = await coldtivate(["build"], { cwd });
  expect(dirty, dirty.output).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("dirty") });
  expect(await coldtivate(["build", "--push"], { cwd })).toMatchObject({ exitCode: 3 });
  await must("git", ["clean", "--quiet", "--force"], { cwd });
  expect(await digestOf(commit)).toBeNull();
  expect(await build()).toMatchObject({ unchanged: false });
});

test("two builds of the same commit at the same time both succeed, and name one content", async () => {
  await commitNews();
  const both = await Promise.all([build(), build()]);
  expect(both[0].content).toBe(both[1].content);
  expect(await build()).toMatchObject({ unchanged: true, content: both[0].content });
});

test("so do two clones of it that build and push in two steps", async () => {
  await commitNews();
  const other = join(await makeFolder(), "small");
  await must("git", ["clone", "--quiet", cwd, other]);
  const clones = [cwd, other];
  const both = async (args: string[]) => {
    const ends = await Promise.all(clones.map((clone) => coldtivate(args, { cwd: clone })));
    for (const { exitCode, output } of ends) expect(exitCode, output).toBe(0);
  };
  await both(["build"]);
  await both(["push"]);
  expect(await build()).toMatchObject({ unchanged: true, digest: await digestOf("main") });
});

const tags = /\/manifests\/(main|[0-9a-f]{8})$/;
const content = /\/manifests\/content-/;

test.each<[string, string, RegExp, number, number, number, string]>([
  ["asking for tags, a 401", "HEAD", tags, 401, Infinity, 3, "REGISTRY_UNAUTHORIZED"],
  ["asking for tags, a 404", "HEAD", tags, 404, Infinity, 0, ""],
  ["asking for tags, a 500 that passes", "HEAD", tags, 500, 1, 0, ""],
  ["asking for tags, a 500 that stays", "HEAD", tags, 500, Infinity, 3, "REGISTRY_UNREACHABLE"],
  ["asking for the content, a 401", "GET", content, 401, Infinity, 3, "REGISTRY_UNAUTHORIZED"],
  ["asking for the content, a 500 that stays", "GET", content, 500, Infinity, 3, "REGISTRY_UNREACHABLE"],
  ["writing tags, a 401", "PUT", tags, 401, Infinity, 4, "PUSH_FAILED"],
  ["writing tags, a 500 that passes", "PUT", tags, 500, 1, 0, ""],
  ["writing tags, a 500 that stays", "PUT", tags, 500, Infinity, 4, "PUSH_FAILED"],
])("%s ends well", async (_name, method, path, status, times, exitCode, code) => {
  const { digest } = await build();
  const commit = (await commitNothing()).slice(0, 8);
  let faults = 0;
  const fault: Fault = (request, response) => {
    if (request.method !== method || !path.test(request.url!) || faults >= times) return false;
    faults++;
    response.writeHead(status, { "www-authenticate": 'Basic realm="x"' }).end();
    return true;
  };
  await besideProxy(fault, async (env) => {
    const ended = await coldtivate(["build", "--push", "--json"], { cwd, env: { ...env, ...withoutDocker } });
    expect(ended.exitCode, ended.output).toBe(exitCode);
    expect(ended.stderr).not.toContain("warning");
    if (code !== "") expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code } });
  });
  expect(faults).toBeGreaterThan(0);
  expect(await digestOf(commit)).toBe(exitCode === 0 ? digest : null);
});

test("a push finishes what a build could not: the names that the builder has not given", async () => {
  const commit = (await commitNews()).slice(0, 8);
  const refuse: Fault = ({ method }, response) => {
    if (method !== "PUT") return false;
    response.writeHead(403).end();
    return true;
  };
  await besideProxy(refuse, async (env) => {
    const ended = await coldtivate(["build", "--push", "--json"], { cwd, env });
    expect(ended.exitCode, ended.output).toBe(4);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: "PUSH_FAILED" } });
  });
  const digest = await digestOf(commit);
  expect([digest, await digestOf("main")]).toEqual([expect.stringContaining("sha256:"), expect.not.stringContaining(`${digest}`)]);
  const pushed = await coldtivate(["push", "--json"], { cwd });
  expect(pushed.exitCode, pushed.output).toBe(0);
  expect(JSON.parse(pushed.stdout)).toMatchObject({ images: [{ name: "web", tags: [expect.stringContaining(":main")], digest }] });
  expect(await digestOf("main")).toBe(digest);
});

test("a build of everything hears before it that the registry refuses it", async () => {
  const refuse: Fault = (_request, response) => {
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    return true;
  };
  await besideProxy(refuse, async (env) => {
    const ended = await coldtivate(["build", "--push", "--force", "--json"], { cwd, env: { ...env, ...withoutDocker } });
    expect(ended.exitCode, ended.output).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: "REGISTRY_UNAUTHORIZED" } });
  });
});

const refusal = (method: string, path: string, how: RegistryFault["how"], times = 100): RegistryFault => ({ method, path, how, times });

test.each<[string, RegistryFault, number, string, boolean]>([
  ["an upload that meets a 401", refusal("POST", "/blobs/uploads", 401), 4, "The registry's user may not write there", false],
  ["one that meets a 404", refusal("PUT", "/blobs/uploads", 404), 4, "or the repository does not exist", false],
  ["one that is cut short once", refusal("PUT", "/blobs/uploads", "cut", 1), 0, "retrying", true],
  ["a name that it gets once it is there", refusal("PUT", "/manifests/main", 401), 4, "could not be given the release's tags", true],
  ["a content that cannot be noted", refusal("PUT", "/manifests/content-", 401), 0, "will be built again", false],
])("%s ends well, and names no content that is not whole", async (_name, fault, exitCode, said, unchanged) => {
  const { CI_REGISTRY = "", BASE_IMAGE = "" } = sandbox();
  const registry = `127.0.0.1:${standInPort}`;
  const env = { CI_REGISTRY: registry, BASE_IMAGE: BASE_IMAGE.replace(CI_REGISTRY, registry) };
  await commitNews();
  await besideFaultyRegistry(fault, async () => {
    const ended = await coldtivate(["build", "--push"], { cwd, env });
    expect(ended.exitCode, ended.output).toBe(exitCode);
    expect(ended.stderr).toContain(said);
    if (exitCode === 4 && unchanged) expect(ended.stderr).toMatch(/changed before that: pushed: \S+\/web:[0-9a-f]{8}\n/);
  });
  await besideFaultyRegistry(refusal("PUT", "^none$", 500), async () => expect(await build([], env)).toMatchObject({ unchanged }));
});

test("a Git that fails once an image is pushed makes no refusal that has changed nothing", async () => {
  await commitNews();
  const bin = await makeFolder();
  const [sign, definition] = [join(bin, "sign"), join(bin, "definition")];
  const [git, docker] = await Promise.all(["git", "docker"].map((name) => must("which", [name])));
  const failing = `[ ! -e ${sign} ] || { echo "fatal: unable to read tree" >&2; exit 128; }\nexec ${git} "$@"`;
  // From when there is something to build, all that is asked of Git is about what was built.
  const signing = `case "$*" in *bake*) cat >${definition}; : >${sign}; exec ${docker} "$@" <${definition} ;; esac\nexec ${docker} "$@"`;
  await writeFile(join(bin, "git"), `#!/bin/sh\n${failing}\n`, { mode: 0o755 });
  await writeFile(join(bin, "docker"), `#!/bin/sh\n${signing}\n`, { mode: 0o755 });
  const ended = await coldtivate(["build", "--push", "--json"], { cwd, env: { PATH: `${bin}:${sandbox()["PATH"]}` } });
  expect(ended.exitCode, ended.output).toBe(4);
  const { error } = JSON.parse(ended.stdout) as { error: { code: string; exit: string; changed: string[] } };
  expect(error).toMatchObject({ code: "GIT_FAILED", exit: "failed" });
  expect(error.changed.join("\n")).toMatch(/^pushed: \S+\/web:[0-9a-f]{8}\nput into the registry: .*web:main/);
});

test("a manifest that arrives cut short, or that the registry no longer has whole, is a build and no lie", async () => {
  await commitNews();
  await build();
  const commit = (await commitNothing()).slice(0, 8);
  const halve: Fault = (request, response) => {
    if (request.method !== "PUT" || !request.url!.includes(`/manifests/${commit}`)) return false;
    void forwardHalf(request, response);
    return true;
  };
  await besideProxy(halve, async (env) => {
    const again = await build([], env);
    expect(again).toMatchObject({ unchanged: false, stderr: expect.stringContaining("is not whole in the registry, and is built again") });
  });
  const cut: Fault = (request, response) => {
    if (request.method !== "GET" || !request.url!.includes("/manifests/content-")) return false;
    response.writeHead(200, { "content-length": 5000 }).write("{");
    response.destroy();
    return true;
  };
  await besideProxy(cut, async (env) => {
    const ended = await coldtivate(["build", "--push", "--json"], { cwd, env });
    expect(ended.exitCode, ended.output).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: "REGISTRY_UNREACHABLE" } });
  });
  expect(await build()).toMatchObject({ unchanged: true });
});

test("a failed build shows the Dockerfile's line and the step's last lines, once", async () => {
  const dockerfile = join(cwd, "web", "Dockerfile");
  const before = await readFile(dockerfile, "utf8");
  await writeFile(dockerfile, `${before}\nRUN for i in $(seq 1 40); do echo "line $i"; done; false\n`);
  await commitAll(cwd, "break");
  const { exitCode, output } = await coldtivate(["build", "--push"], { cwd });
  expect(exitCode).toBe(4);
  for (const line of ["line 40", "line 21"]) expect(output.match(new RegExp(`\\b${line}$`, "gm"))).toHaveLength(1);
  expect(output.match(/web\/Dockerfile:6/g)).toHaveLength(1);
  await writeFile(dockerfile, before);
  await commitAll(cwd, "mend");
});
