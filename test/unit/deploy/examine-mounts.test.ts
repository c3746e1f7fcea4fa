import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { examineMounts } from "../../../src/lib/deploy/prepare/examine-mounts.ts";
import { refuseMounts } from "../../../src/lib/deploy/prepare/refuse-mounts.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import type { ComposeModel } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import type { SourceTree } from "../../../src/lib/compose/sources.ts";
import { emptyHost } from "../plan/simulated-host.ts";

const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const place = `/home/deploy/.coldtivate/shop-staging/files/${"a".repeat(64)}/conf`;
const source = "/srv/app/conf";

const model: ComposeModel = { name: "shop-staging", services: { web: { volumes: [{ type: "bind", source: place, target: "/conf" }] } } };
const rendered = {
  model,
  services: { web: {} },
  fronts: {},
  layout: { places: { conf: { kind: "watched", place } }, needs: [] },
} as unknown as Rendered;
const tree: SourceTree = { files: [{ path: "a.ini", executable: false, content: Buffer.from("a\n") }] };

/** A plain container of `web` has a folder of its own at /conf, which the commit has files for. */
const state: HostState = {
  ...emptyHost,
  host: "a",
  stateDirectory: "/home/deploy/.coldtivate/shop-staging",
  containers: [
    {
      id: "1",
      name: "shop-staging-web-1",
      service: "web",
      image: "",
      definition: "",
      state: "",
      status: "running",
      health: "",
      oneOff: false,
      mounts: [{ type: "bind", source, target: "/conf", writable: true }],
    },
  ],
};

function examine(...answers: string[][]) {
  const connection = {
    host: "a",
    exec: () => Promise.resolve({ code: 0, stdout: Buffer.from(answers.map((words) => `${words.join("\t")}\n`).join("")), stderr: "" }),
  } as unknown as HostConnection;
  const asking = { connection, script: [], signal: new AbortController().signal };
  return examineMounts({ state, rendered, sources: new Map([["conf", tree]]), digest }, asking);
}

const own = ["file", source, digest("a\n"), "a.ini"];
const sum = ["sum", source, digest("s")];

test("a folder of plain Compose that has what the commit has is looked at once more before the release commits", async () => {
  expect(await examine(own, sum)).toMatchObject({ data: [], unwritten: [source, digest("s")] });
});

test.each<[string, string[][], string]>([
  ["another file", [own, ["file", source, digest("b\n"), "b.ini"], sum], "which differs from the commit's ./conf: b.ini"],
  ["another content", [["file", source, digest("b\n"), "a.ini"], sum], "which differs from the commit's ./conf: a.ini"],
  ["what this user may not look into", [["file", source, "unreadable", "."], sum], "which differs from the commit's ./conf: ."],
  ["more files than are told", [own, ["more", source, "7"], sum], "7 of its files are too many to be compared with the commit's ./conf"],
])("one with %s would be left behind", async (_what, answers, told) => {
  const report = await examine(...answers);
  expect(report.data).toEqual([expect.stringContaining(told)]);
  expect(report.unwritten).toEqual([]);
});

test("each host is asked for itself: one has data where another has none, and another lacks a file that the first one has", async () => {
  const data = "/home/deploy/.coldtivate/shop-staging/data/media";
  const pem = { place: "/srv/key.pem", user: "web, at /key.pem", written: "/srv/key.pem", isRequired: true };
  const release = {
    model: { name: "shop-staging", services: { web: { volumes: [{ type: "bind", source: data, target: "/media" }] } } },
    services: { web: {} },
    fronts: {},
    layout: { places: { media: { kind: "data", place: data } }, needs: [pem] },
  } as unknown as Rendered;
  const has = (folder: string) => ({
    ...state.containers[0]!,
    mounts: [{ type: "bind", source: folder, target: "/media", writable: true }],
  });
  const look = (host: string, containers: HostState["containers"], answer: string) => {
    const connection = {
      host,
      exec: () => Promise.resolve({ code: 0, stdout: Buffer.from(`exists\t/srv/key.pem\t${answer}\n`), stderr: "" }),
    } as unknown as HostConnection;
    const facts = { state: { ...state, host, containers }, rendered: release, sources: new Map(), digest };
    return examineMounts(facts, { connection, script: [], signal: new AbortController().signal });
  };
  const reports = await Promise.all([look("a", [has("/srv/pictures")], "yes"), look("b", [], "no"), look("c", [has(data)], "yes")]);
  expect(reports.map((report) => report.data.length)).toEqual([1, 0, 0]);
  expect(reports[0]?.data[0]).toMatch(/^a: shop-staging-web-1 has \/srv\/pictures at \/media; /);
  expect(reports.map((report) => report.missing)).toEqual([[], [expect.stringMatching(/^b: web, at \/key\.pem/)], []]);
  expect(() => refuseMounts(reports.slice(0, 1), false)).toThrow("leave behind");
  expect(() => refuseMounts(reports.slice(2), false)).not.toThrow();
});
