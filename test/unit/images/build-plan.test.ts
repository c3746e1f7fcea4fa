import { expect, test } from "vitest";
import type { Config, ImageConfig } from "../../../src/lib/config/schema/config.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { bakeDefinition } from "../../../src/lib/images/bake-definition.ts";
import { planBuild, type BuildFacts } from "../../../src/lib/images/build-plan.ts";

const touched = "9c12ab34cd56ef7890ab12cd34ef56ab78cd90ef";
const revision = { commit: "1f00000000000000000000000000000000000000", ref: "main", slug: "main" };
const web: ImageConfig = { name: "web", context: "Web", dockerfile: "Dockerfile", args: {}, secrets: {} };
const scheduler: ImageConfig = {
  ...web,
  name: "web.scheduler",
  dockerfile: "Dockerfile.scheduler",
  target: "run",
  args: { LEVEL: "${A} %{b}" },
};
const config: Config = {
  path: "/repo/coldtivate.yml",
  directory: "/repo",
  project: "shop",
  registry: { image: "r.example.com/shop", host: "r.example.com", insecure: false },
  build: { cache: "buildcache", submodules: false, ssh: false, args: { BASE: "debian" }, secrets: {}, platforms: [] },
  content: {},
  images: { web, "web.scheduler": scheduler },
  services: {},
  composeVariables: [],
  front: { image: "haproxy:lts" },
  tasks: [],
  irreversible: false,
  keepReleases: 5,
  hooks: { client: {}, host: {} },
  secretVariables: [],
  environments: {},
};
const clean = (name: string) => ({ name, commit: touched, time: 1_700_000_000, dirty: [] });
const facts: BuildFacts = { revision, states: [clean("web"), clean("web.scheduler")], builder: { isEngine: true, cacheExport: true } };
const noSecrets = () => "";

test("a push takes the release's tags, the last commit of the inputs, and its cache both ways", () => {
  const [image] = planBuild(config, [web], facts, "push").images;
  expect(image).toEqual({
    name: "web",
    context: "Web",
    dockerfile: "Dockerfile",
    tags: ["r.example.com/shop/web:1f000000"],
    reference: "r.example.com/shop/web:1f000000",
    laterTags: ["r.example.com/shop/web:main"],
    contexts: {},
    noCache: false,
    labels: { "org.opencontainers.image.revision": touched },
    args: { BASE: "debian", COMMIT: touched, SOURCE_DATE_EPOCH: "1700000000" },
    secrets: [],
    ssh: false,
    platforms: [],
    cacheFrom: ["type=registry,ref=r.example.com/shop/web:buildcache"],
    cacheTo: ["type=registry,ref=r.example.com/shop/web:buildcache,mode=max,ignore-error=true"],
    attest: ["type=provenance,disabled=true"],
    commit: touched,
    dirty: false,
  });
});

test("a build that stays here writes no cache; a builder that cannot is a warning, not a failure", () => {
  expect(planBuild(config, [web], facts, "load").images[0]?.cacheTo).toEqual([]);
  const plan = planBuild(config, [web], { ...facts, builder: { isEngine: true, cacheExport: false } }, "push");
  expect(plan.images[0]).toMatchObject({ cacheTo: [], cacheFrom: ["type=registry,ref=r.example.com/shop/web:buildcache"] });
  expect(plan.warnings).toEqual([expect.stringContaining("containerd image store")]);
});

test("a commit that goes by no ref gets its own tag alone", () => {
  const plan = planBuild(config, [web], { ...facts, revision: { commit: revision.commit } }, "load");
  expect(plan.images[0]?.tags).toEqual(["r.example.com/shop/web:1f000000"]);
});

test("a context with files that are not committed is tagged dirty, without a revision that it does not have", () => {
  const states = [{ ...clean("web"), dirty: ["Web/a", "Web/b"] }];
  const plan = planBuild(config, [web], { ...facts, states }, "load");
  expect(plan.images[0]).toMatchObject({ tags: ["r.example.com/shop/web:dirty"], labels: {}, args: { BASE: "debian" }, dirty: true });
  expect(plan.warnings).toEqual(["web has files that are not committed (Web/a and 1 more): it gets the tag dirty, and stays here"]);
});

test("without its last commit an image goes without the label, and the plan says why", () => {
  const states = [{ name: "web", reason: "the clone is shallow", dirty: [] }];
  const plan = planBuild(config, [web], { ...facts, states }, "push");
  expect(plan.images[0]).toMatchObject({ labels: {}, args: { BASE: "debian" } });
  expect(plan.warnings).toEqual(["web gets no revision label: the clone is shallow"]);
});

test("bake gets a target an image, in names that it takes, with every value as it is", () => {
  const plan = planBuild(config, [web, scheduler], facts, "load");
  const definition = bakeDefinition(plan, noSecrets);
  expect(definition.group.default.targets).toEqual(["web", "web_scheduler"]);
  expect(definition.target["web_scheduler"]).toMatchObject({
    context: "Web",
    dockerfile: "Dockerfile.scheduler",
    target: "run",
    args: { LEVEL: "$${A} %%{b}" },
    attest: ["type=provenance,disabled=true"],
    ssh: [],
  });
});

test("two images whose names bake cannot tell apart stay two targets", () => {
  const twin = { ...web, name: "web_scheduler" };
  const plan = planBuild(config, [scheduler, twin], facts, "load");
  expect(bakeDefinition(plan, noSecrets).group.default.targets).toEqual(["web_scheduler", "web_scheduler_2"]);
});

test("secrets are named by id and path; their values are in neither the plan nor the definition", () => {
  const build = { ...config.build, secrets: { npm: new Secret("hush-hush-npm") }, sshKey: new Secret("hush-hush-key") };
  const image = { ...web, secrets: { token: new Secret("hush-hush-token") } };
  const plan = planBuild({ ...config, build }, [image], facts, "load");
  const definition = bakeDefinition(plan, (name, id) => `/dev/shm/x/${name}-${id}`);
  expect(definition.target["web"]).toMatchObject({
    secret: ["id=npm,src=/dev/shm/x/web-npm", "id=token,src=/dev/shm/x/web-token"],
    ssh: ["default"],
  });
  expect(JSON.stringify([plan, definition])).not.toContain("hush-hush");
});

test("attestations are attached where they are wanted and the builder can", () => {
  const attestOf = (wanted: Pick<Config["build"], "provenance" | "sbom">, cacheExport: boolean, output: "load" | "push") =>
    planBuild({ ...config, build: { ...config.build, ...wanted } }, [web], { ...facts, builder: { isEngine: true, cacheExport } }, output)
      .images[0]?.attest;
  expect(attestOf({ provenance: "max", sbom: true }, true, "push")).toEqual(["type=provenance,mode=max", "type=sbom"]);
  expect(attestOf({ sbom: "r.example.com/scanner:1" }, true, "push")).toEqual([
    "type=provenance,disabled=true",
    "type=sbom,generator=r.example.com/scanner:1",
  ]);
  expect(attestOf({ provenance: "min" }, false, "load")).toEqual(["type=provenance,disabled=true"]);
  expect(() => attestOf({ provenance: "min" }, false, "push")).toThrow(expect.objectContaining({ code: "ATTESTATIONS_IMPOSSIBLE" }));
});

test("several platforms are refused where no index can be made or kept", () => {
  const build = { ...config.build, platforms: ["linux/amd64", "linux/arm64"] };
  const planFor = (builder: BuildFacts["builder"], output: "load" | "push") =>
    planBuild({ ...config, build }, [web], { ...facts, builder }, output);
  const engine = { isEngine: true, cacheExport: true };
  const elsewhere = { isEngine: false, cacheExport: true };
  expect(planFor(engine, "load").images[0]?.platforms).toEqual(build.platforms);
  expect(planFor(elsewhere, "push").images[0]?.platforms).toEqual(build.platforms);
  const refused = (hint: string) => expect.objectContaining({ code: "PLATFORMS_IMPOSSIBLE", hint: expect.stringContaining(hint) });
  expect(() => planFor(elsewhere, "load")).toThrow(refused("--push"));
  expect(() => planFor({ ...engine, cacheExport: false }, "push")).toThrow(refused("--builder"));
});

test("a builder that is no engine is told how the registry speaks; what it loads goes without attestations", () => {
  const registry = { ...config.registry, insecure: true };
  const build = { ...config.build, provenance: "min" as const };
  const elsewhere = { isEngine: false, cacheExport: true };
  const plan = planBuild({ ...config, registry, build }, [web], { ...facts, builder: elsewhere }, "push");
  expect(bakeDefinition(plan, noSecrets).target["web"]).toMatchObject({
    output: ["type=image,push=true,unpack=false,registry.insecure=true"],
    "cache-from": ["type=registry,ref=r.example.com/shop/web:buildcache,registry.insecure=true"],
    "cache-to": [expect.stringContaining(",registry.insecure=true,mode=max")],
    attest: ["type=provenance,mode=min"],
  });
  const engine = planBuild({ ...config, registry, build }, [web], facts, "push");
  expect(bakeDefinition(engine, noSecrets).target["web"]).toMatchObject({ output: ["type=image,push=,unpack=false"] });
  const [loaded] = planBuild({ ...config, build }, [web], { ...facts, builder: elsewhere }, "load").images;
  expect(loaded?.attest).toEqual(["type=provenance,disabled=true"]);
});

test("an engine's own builder pushes one name where it keeps images in containerd, and the engine itself all of them where not", () => {
  const planFor = (cacheExport: boolean) => {
    const plan = planBuild(config, [web], { ...facts, builder: { isEngine: true, cacheExport } }, "push");
    const { tags, output } = bakeDefinition(plan, noSecrets).target["web"] ?? {};
    return { tags, output, laterTags: plan.images[0]?.laterTags };
  };
  const [ofRef, ofCommit] = ["r.example.com/shop/web:main", "r.example.com/shop/web:1f000000"];
  expect(planFor(true)).toEqual({ tags: [ofCommit], output: ["type=image,push=,unpack=false"], laterTags: [ofRef] });
  expect(planFor(false)).toEqual({ tags: [ofRef, ofCommit], output: ["type=image,push=true,unpack=false"], laterTags: [] });
});

test("base images are those that the content was worked out from; content tags stay here until all is pushed", () => {
  const known = {
    ...facts,
    contentTags: new Map([["web", "content-1"]]),
    bases: new Map([["web", { "debian:12": "sha256:abc", alpine: "sha256:def" }]]),
  };
  const [load] = planBuild(config, [web], known, "load").images;
  expect(load?.contexts).toEqual({ "debian:12": "docker-image://debian@sha256:abc", alpine: "docker-image://alpine@sha256:def" });
  expect(load?.tags.at(-1)).toBe("r.example.com/shop/web:content-1");
  expect(planBuild(config, [web], known, "push").images[0]?.tags).not.toContain("r.example.com/shop/web:content-1");
  const [anew] = planBuild(config, [web], { ...facts, withoutCache: new Set(["web"]) }, "push").images;
  expect(anew).toMatchObject({ noCache: true, cacheFrom: [] });
});
