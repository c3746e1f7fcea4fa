import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commitAll, makeFolder } from "../support/clones.ts";
import { engineSocket, openEngine, openHostEngine, relay, useBuildKit } from "../support/engine-relay.ts";
import { onHost } from "../support/hosts.ts";
import { configure, makeScratchProject, removeProject, type ScratchConfig } from "../support/projects/scratch-project.ts";
import { coldtivate, jobEnvironment, must, run, sandbox, type Ran } from "../support/run.ts";

const project = "builders";
const image = "${CI_REGISTRY}/test/builders";
const registry = { image, username: "${CI_REGISTRY_USER}", password: "${CI_REGISTRY_PASSWORD}", insecure: true };
const platforms = ["linux/amd64", "linux/arm64"];
/** No engine, and no docker that could start one. */
const withoutDocker = { DOCKER_HOST: "unix:///tmp/no-such-docker.sock" };

let folder: string;
let cwd: string;

beforeAll(async () => {
  folder = await makeFolder();
  cwd = await makeScratchProject(project, folder, { registry });
});
afterAll(() => removeProject("staging", "builders-staging"));

interface Image {
  digest: string;
  unchanged: boolean;
  why?: string;
}

interface Manifest {
  manifests?: { digest: string; platform?: { architecture: string }; annotations?: Record<string, string> }[];
  layers?: { annotations?: Record<string, string> }[];
}

async function commitNews(config?: Partial<ScratchConfig>): Promise<string> {
  if (config !== undefined) await configure(cwd, project, { registry, ...config });
  await writeFile(join(cwd, "app", "root", "news"), crypto.randomUUID());
  return commitAll(cwd, "news");
}

async function build(args: string[], env: Record<string, string>): Promise<Image & Ran> {
  const ran = await coldtivate(["build", "--json", ...args], { cwd, env });
  expect(ran, ran.output).toMatchObject({ exitCode: 0 });
  const { images } = JSON.parse(ran.stdout) as { images: Image[] };
  return { ...ran, ...images[0]! };
}

async function askRegistry(path: string, put?: { type: string; body: string }): Promise<Response> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
  const accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
  const headers = { authorization, accept, ...(put && { "content-type": put.type }) };
  const request = put === undefined ? {} : { method: "PUT", body: put.body };
  return fetch(`http://${CI_REGISTRY}/v2/test/builders/app/${path}`, { ...request, headers });
}

const manifestOf = async (name: string) => (await (await askRegistry(`manifests/${name}`)).json()) as Manifest;

/** A generator that speaks BuildKit's protocol, and lists files by name. */
async function makeGenerator(): Promise<string> {
  const context = join(folder, "generator");
  const generator = `${sandbox()["CI_REGISTRY"]}/test/generator`;
  const scan = `#!/bin/sh
set -e
cd "$BUILDKIT_SCAN_SOURCE"
files=$(find . -type f -printf '{"SPDXID":"SPDXRef-%i","fileName":"%P"},')
printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"files","files":[%s]}}' \\
  "\${files%,}" >"$BUILDKIT_SCAN_DESTINATION/files.spdx.json"
`;
  await must("mkdir", ["-p", context]);
  await writeFile(join(context, "scan"), scan, { mode: 0o755 });
  await writeFile(join(context, "Dockerfile"), `FROM ${sandbox()["BASE_IMAGE"]}\nCOPY scan /scan\nCMD ["/scan"]\n`);
  const { CI_REGISTRY = "", CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const auth = Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64");
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths: { [CI_REGISTRY]: { auth } } }));
  await must("docker", ["buildx", "build", "--quiet", "--push", "--tag", generator, context], {
    env: jobEnvironment({ DOCKER_CONFIG: folder }),
    extendEnv: false,
  });
  return generator;
}

test("a builder elsewhere, without an engine: an image for two platforms, with a list of its contents, from build to prune", async () => {
  await using buildKit = await useBuildKit(folder);
  const { env, builder } = buildKit;
  const sbom = await makeGenerator();

  await commitNews({ build: { platforms, sbom, cache: "buildcache" } });
  const refused = await coldtivate(["build", ...builder], { cwd, env });
  expect(refused, refused.output).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("--push") });
  const old = await build(["--push", ...builder], env);
  await commitNews();
  const first = await build(["--push", ...builder], env);
  const { manifests = [] } = await manifestOf(first.digest);
  expect(manifests.map(({ platform }) => platform?.architecture)).toEqual(["amd64", "arm64", "unknown", "unknown"]);
  const attestation = await manifestOf(manifests.find(({ annotations }) => annotations !== undefined)!.digest);
  expect(JSON.stringify(attestation)).toContain("https://spdx.dev/Document");
  expect((await askRegistry("manifests/buildcache")).status).toBe(200);

  await writeFile(join(cwd, "README"), "of no image");
  const next = await commitAll(cwd, "the same content");
  const hit = await build(["--push", "--explain"], withoutDocker);
  expect(hit).toMatchObject({ unchanged: true, digest: first.digest });
  const deployed = await coldtivate(["deploy", "staging"], { cwd });
  expect(deployed, deployed.output).toMatchObject({ exitCode: 0, output: expect.not.stringContaining("no record") });
  const pinned = await onHost(
    "staging",
    "docker ps -q --filter label=com.docker.compose.project=builders-staging | xargs docker inspect --format '{{.Config.Image}}'",
  );
  expect(pinned).toContain(first.digest);

  await configure(cwd, project, { registry, build: { platforms: ["linux/amd64"], sbom } });
  await commitAll(cwd, "one platform");
  const fewer = await build(["--push", "--explain", ...builder], env);
  expect(fewer).toMatchObject({ unchanged: false, why: expect.stringContaining("the platforms") });

  const gone = [old.digest, ...((await manifestOf(old.digest)).manifests ?? []).map(({ digest }) => digest)];
  expect(gone).toHaveLength(5);
  const pruned = await coldtivate(["registry", "prune", "--keep-days", "0", "--yes"], { cwd });
  expect(pruned, pruned.output).toMatchObject({ exitCode: 0 });
  for (const digest of gone) expect((await askRegistry(`manifests/${digest}`)).status).toBe(404);
  for (const { digest } of manifests) expect((await askRegistry(`manifests/${digest}`)).status).toBe(200);

  const body = JSON.stringify(await manifestOf(manifests[0]!.digest));
  const put = await askRegistry(`manifests/${next.slice(0, 8)}`, { type: "application/vnd.oci.image.manifest.v1+json", body });
  expect(put.status).toBe(201);
  await must("git", ["checkout", "--quiet", next], { cwd });
  const moved = await coldtivate(["deploy", "staging", "--json"], { cwd });
  await must("git", ["checkout", "--quiet", "main"], { cwd });
  expect(moved, moved.output).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("IMAGES_MOVED") });
});

test("an engine without containerd's image store, over TCP: no index, and a cache that cannot be written is said once", async () => {
  await using engine = await relay(openHostEngine);
  const env = { DOCKER_HOST: `tcp://127.0.0.1:${engine.port}` };
  // Another branch: distribution 2 does not let an index follow where such an engine's image was.
  await must("git", ["checkout", "--quiet", "-b", "classic"], { cwd });
  await commitNews({ build: { platforms } });
  const refused = await coldtivate(["build", "--push"], { cwd, env });
  expect(refused, refused.output).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("--builder") });
  await commitNews({ build: { provenance: true } });
  await build([], env);
  const bare = await coldtivate(["push", "--json"], { cwd, env });
  expect(bare, bare.output).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("ATTESTATIONS_MISSING") });
  await commitNews({ build: { cache: "elsewhere" } });
  const { unchanged, stderr } = await build(["--push"], env);
  expect(unchanged).toBe(false);
  expect(stderr.match(/cannot put its layer cache into the registry/g)).toHaveLength(1);
  expect((await askRegistry("manifests/elsewhere")).status).toBe(404);
  expect(await build(["--push"], withoutDocker)).toMatchObject({ unchanged: true });
});

test("an engine over TLS, as Docker-in-Docker has it, and one whose socket is mounted", async () => {
  await must("git", ["checkout", "--quiet", "main"], { cwd });
  const certificates = join(folder, "certs");
  const make = `mkdir "$0" && cd "$0" && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=docker \\
    -addext subjectAltName=IP:127.0.0.1 -out cert.pem && cp cert.pem ca.pem`;
  execFileSync("bash", ["-c", make, certificates], { stdio: "ignore" });
  const [cert, key, ca] = await Promise.all(["cert.pem", "key.pem", "ca.pem"].map((name) => readFile(join(certificates, name))));
  {
    await using engine = await relay(openEngine, { cert: cert!, key: key!, ca: ca! });
    await commitNews({ build: { platforms, provenance: true } });
    const env = { DOCKER_HOST: `tcp://127.0.0.1:${engine.port}`, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certificates };
    await build([], env);
    const pushed = await coldtivate(["push"], { cwd, env });
    expect(pushed, pushed.output).toMatchObject({ exitCode: 0 });
    expect(await build(["--push"], withoutDocker)).toMatchObject({ unchanged: true });
  }
  await commitNews({});
  const script = 'mount -t tmpfs tmpfs /run && ln -s "$0" /run/docker.sock && exec coldtivate build --push --json';
  const mounted = await run("unshare", ["--mount", "bash", "-c", script, engineSocket()], {
    cwd,
    env: jobEnvironment({ DOCKER_HOST: undefined }),
    extendEnv: false,
  });
  expect(mounted, mounted.output).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"unchanged": false') });
});
