import { expect, test } from "vitest";
import type { ImageConfig } from "../../../src/lib/config/schema/config.ts";
import { differingNotes, doubtImages, type DoubtInput } from "../../../src/lib/deploy/prepare/commit/doubt-images.ts";
import type { RenderedService } from "../../../src/lib/release/rendered.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";

const commit = "c".repeat(40);
const before = "b".repeat(40);
const digests = ["1", "2"].map((digit) => `sha256:${digit.repeat(64)}`);
const [image = "", former = ""] = digests.map((digest) => `r.example.com/web@${digest}`);

function hostThat(runs: string, since: string): DoubtInput["states"][number] {
  const manifest = { commit: since, services: { web: { built: "web", image: runs } } };
  return { host: "prod-1", manifest: manifest as unknown as NonNullable<HostState["manifest"]> };
}

interface World {
  states?: DoubtInput["states"];
  recorded?: readonly string[];
  label?: string;
  /** By commit: what changed since; a commit that the clone does not have is missing. */
  changes?: Record<string, string[]>;
}

async function doubt({ states = [], recorded, label = commit, changes = {} }: World) {
  const asked: string[] = [];
  const configuration = JSON.stringify({ config: { Labels: { "org.opencontainers.image.revision": label } } });
  const notes = await doubtImages(
    {
      commit,
      states,
      images: { web: { context: "web", dockerfile: "Dockerfile" } as ImageConfig },
      used: new Map([["web", image]]),
      recorded: new Map(recorded && [["web", recorded]]),
    },
    {
      registry: { configurationOf: (name) => Promise.resolve((asked.push(name), configuration)) },
      repository: { changedPaths: (from, to) => Promise.resolve((asked.push(`${from[0]}..${to[0]}`), changes[from])) },
    },
  );
  return { notes, asked };
}

test("what a host runs already is not asked about", async () => {
  expect(await doubt({ states: [hostThat(image, before)], label: before, changes: { [before]: ["web/a"] } })).toEqual({
    notes: [],
    asked: [],
  });
});

test("an image of other sources than the commit's, by its own label, is told of", async () => {
  const { notes } = await doubt({ label: before, changes: { [before]: ["web/a", "web/b", "web/c", "web/d"] } });
  expect(notes).toEqual([
    "web: its image says that it was built from bbbbbbbb, and its sources are not those of then: web/a, web/b, web/c and 1 more",
  ]);
});

test.each([
  ["of the same sources", { [before]: [] }],
  ["that the clone does not have", {}],
])("an image of an earlier commit %s is as it should be", async (_what, changes) => {
  expect((await doubt({ label: before, changes })).notes).toEqual([]);
});

test.each(["--output=/tmp/x", "HEAD", "a".repeat(39)])("a label %j is no commit, and Git is not asked about it", async (label) => {
  const { notes, asked } = await doubt({ label });
  expect(notes).toEqual([`web: its image says that it was built from ${JSON.stringify(label)}, which is no commit`]);
  expect(asked).toEqual([image]);
});

test("another image than a host runs of the same sources is told of", async () => {
  const states = [hostThat(former, before)];
  expect((await doubt({ states, changes: { [before]: [] } })).notes).toEqual([
    expect.stringMatching(/^web: prod-1 runs another image of the same sources, since bbbbbbbb: it was built anew, /),
  ]);
  expect((await doubt({ states, changes: { [before]: ["web/a"] } })).notes).toEqual([]);
  expect((await doubt({ states })).notes).toEqual([]);
});

test("a record that no longer names what a host runs for that very commit has been rewritten", async () => {
  const rewritten = await doubt({ states: [hostThat(former, commit)], recorded: [digests[0]!] });
  expect(rewritten.notes).toEqual([expect.stringContaining("the registry's record of that commit no longer names the one that runs")]);
  const builtTwice = await doubt({ states: [hostThat(former, commit)], recorded: [digests[1]!, digests[0]!] });
  expect(builtTwice.notes).toEqual([expect.not.stringContaining("no longer names")]);
});

test("hosts that do not run the same image of another maker are told of", () => {
  const service = (digest: string, built?: string) =>
    ({ reference: "postgres:15", image: `postgres@${digest}`, ...(built && { built }) }) as RenderedService;
  const hosts = (...services: RenderedService[]) => services.map((db, index) => ({ host: `h${index}`, rendered: { services: { db } } }));
  const [one = "", two = ""] = digests;
  expect(differingNotes(hosts(service(one), service(two), service(one)))).toEqual([
    "postgres:15 is not the same image on all hosts (h0, h2 sha256:111111111111; h1 sha256:222222222222): each keeps the one that it runs until another reference is written",
  ]);
  expect(differingNotes(hosts(service(one), service(one)))).toEqual([]);
  expect(differingNotes(hosts(service(one, "db"), service(two, "db")))).toEqual([]);
});
