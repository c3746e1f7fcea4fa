import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRepository, type Repository } from "../../../src/lib/adapters/git/git.ts";
import type { RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { loadConfig } from "../../../src/lib/config/load.ts";
import type { Config } from "../../../src/lib/config/schema/config.ts";
import type { DeployRequest } from "../../../src/lib/deploy/prepare/intent.ts";
import { prepareRelease } from "../../../src/lib/deploy/prepare/prepare.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { taskNames } from "../../../src/lib/plan/steps/choose-tasks.ts";
import { createRepository } from "../adapters/git-repository.ts";
import { inFields } from "../hosts/host-answers.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";

const settings = [
  "project: shop",
  "registry: { image: r.example/shop }",
  "images: { web: { context: ./web } }",
  "tasks: [{ name: migrate, service: web, run: [migrate] }]",
  "environments: { staging: { branches: [main], host: unused, user: deploy } }",
].join("\n");
const files = {
  "coldtivate.yml": settings,
  "compose.yaml": "services: { web: { image: 'r.example/shop/web' } }\n",
  "web/Dockerfile": "FROM scratch\n",
};

let repository: ReturnType<typeof createRepository>;
let opened: Repository;
let config: Config;
/** Two commits, one after the other. The newer one is checked out. */
let older: string;
let newer: string;

beforeAll(async () => {
  repository = createRepository();
  older = repository.commit(files);
  newer = repository.commit({ "web/main.py": "print()\n" });
  config = await loadConfig(undefined, { cwd: repository.directory, env: {}, environment: "staging", needs: ["registry"] });
  opened = await openRepository(repository.directory);
});
afterAll(() => repository[Symbol.dispose]());

const project = "shop-staging";
const state = `/home/deploy/.coldtivate/${project}`;
const digest = `sha256:${"d".repeat(64)}`;
const model = { name: project, services: { web: { image: "r.example/shop/web", command: null, entrypoint: null } } };

/** A host on which nothing serves, unless its fields say so. */
function host(name: string, fields: Record<string, string> | ColdtivateError = {}): HostConnection {
  const exec: HostConnection["exec"] = (command) => {
    if (!/ observe "\$d"/.test(command)) return Promise.resolve({ code: 0, stdout: Buffer.alloc(0), stderr: "" });
    if (fields instanceof Error) return Promise.reject(fields);
    const observed = {
      protocol: "1",
      state,
      directory: "/home/deploy/.coldtivate/incoming.x/compose",
      engine: "28.5.0",
      compose: "2.40.0",
      current: "",
      model: JSON.stringify(model),
      ...fields,
    };
    return Promise.resolve({ code: 0, stdout: Buffer.from(inFields(observed)), stderr: "" });
  };
  return fakeConnection(name, exec);
}

/** What a host that serves a release says of it. */
function servingFields(manifest: string, definition = "another"): Record<string, string> {
  const { id } = JSON.parse(manifest) as { id: string };
  const image = `r.example/shop/web@${digest}`;
  const container = ["c1", `${project}-web-1`, "web", image, definition, state, "running", "-", "False", `${project}_default`];
  return { current: id, manifest, containers: `${container.join("\t")}\n`, images: `${image}\n` };
}

/** The manifest of a release of a commit whose service was another one. */
function manifestOf(commit: string, more: object = {}): string {
  return JSON.stringify({
    version: 1,
    id: `20261122t101500-${commit.slice(0, 8)}`,
    project: "shop",
    environment: "staging",
    commit,
    createdAt: "2026-11-22T10:15:00Z",
    services: { web: { definition: "another", reference: "r.example/shop/web", image: `r.example/shop/web@sha256:${"e".repeat(64)}` } },
    fronts: {},
    tasks: {},
    images: {},
    places: {},
    ...more,
  });
}

interface Wish extends Partial<Pick<DeployRequest, "allowsOlder" | "isIrreversible">> {
  commit?: string;
  /** What the registry has. */
  registry?: Partial<RegistryClient>;
  config?: Partial<Config>;
}

function deploy(hosts: readonly HostConnection[] | Promise<readonly HostConnection[]>, { commit = newer, registry, ...wish }: Wish = {}) {
  const client = {
    digestOf: () => Promise.resolve(digest),
    manifestOf: () => Promise.resolve(undefined),
    configurationOf: () => Promise.resolve(JSON.stringify({ config: { Cmd: ["run"] } })),
    layersOf: () => Promise.resolve([{ digest: `sha256:${"1".repeat(64)}`, size: 1e9 }]),
    ...registry,
  } as RegistryClient;
  const connections = Promise.resolve(hosts);
  connections.catch(() => {});
  return prepareRelease(
    {
      config: { ...config, ...wish.config },
      environment: config.environments["staging"]!,
      leavesData: false,
      isDryRun: false,
      script: [],
      who: { user: "ann", from: "laptop" },
      now: new Date("2026-11-23T11:00:00Z"),
    },
    {
      action: "deploy",
      revision: { commit, ref: "main" },
      dotenv: new Map(),
      env: {},
      allowsOlder: wish.allowsOlder ?? false,
      isIrreversible: wish.isIrreversible ?? false,
    },
    {
      connections,
      repository: () => Promise.resolve(opened),
      registry: () => Promise.resolve({ client, named: new Set(["r.example/shop/web"]) }),
      signal: new AbortController().signal,
    },
  );
}

type Prepared = Awaited<ReturnType<typeof deploy>>;

/** What a host would be sent, by path. */
const sentTo = ({ work }: Prepared, index = 0) =>
  new Map(work[index]?.entries.map(({ path, content }) => [path, Buffer.from(content).toString()]));

const irreversibleNote = "nobody goes back past this release: it is declared irreversible";

describe("a first deploy", () => {
  test("makes everything, and is named after its time and commit", async () => {
    const prepared = await deploy([host("a")]);
    const id = `20261123t110000-${newer.slice(0, 8)}`;
    expect(prepared.plan).toMatchObject({
      environment: "staging",
      project,
      release: { id, commit: newer, ref: "main" },
      hosts: [{ host: "a", expect: "-", services: [{ service: "web", change: "create" }] }],
    });
    expect(prepared.work[0]?.images).toEqual([`r.example/shop/web@${digest}`]);
    expect(JSON.parse(sentTo(prepared).get("manifest.json") ?? "")).toMatchObject({
      id,
      commit: newer,
      createdAt: "2026-11-23T11:00:00.000Z",
    });
  });

  test("to several hosts runs the tasks on the first, and asks of an image once", async () => {
    const asked: string[] = [];
    const configurationOf = (image: string) => {
      asked.push(image);
      return Promise.resolve(JSON.stringify({ config: { Cmd: ["run"] } }));
    };
    const { plan } = await deploy([host("a"), host("b")], { registry: { configurationOf } });
    expect(plan.hosts.map((each) => taskNames([each]))).toEqual([["migrate"], []]);
    expect(asked).toEqual([`r.example/shop/web@${digest}`]);
  });

  test("notes that the registry does not know what was built", async () => {
    const { plan } = await deploy([host("a")]);
    expect(plan.notes).toContain(`no record of what was built for ${newer.slice(0, 8)}, so what its tag names is taken: web`);
  });
});

describe("the same release again", () => {
  /** What a host says that serves what was deployed to it. */
  async function served(wish?: Wish): Promise<Record<string, string>> {
    const manifest = sentTo(await deploy([host("a")], wish)).get("manifest.json") ?? "";
    const { web } = (JSON.parse(manifest) as { services: { web: { definition: string } } }).services;
    return servingFields(manifest, web.definition);
  }

  test("changes nothing, sends nothing, and says nothing of what nobody goes back past", async () => {
    const again = await deploy([host("a", await served({ isIrreversible: true }))], { isIrreversible: true });
    expect(again.plan.hosts[0]?.services).toMatchObject([{ service: "web", change: "keep" }]);
    expect(again.plan.hosts[0]?.steps).toEqual([]);
    expect(again.work[0]?.entries).toEqual([]);
    expect(again.plan.notes).not.toContain(irreversibleNote);
  });

  test("is recorded once it is declared irreversible, and replaces nothing", async () => {
    const { plan } = await deploy([host("a", await served())], { isIrreversible: true });
    expect(plan.hosts[0]?.steps.map(({ verb }) => verb)).toEqual(["expect", "commit", "prune"]);
    expect(plan.notes).toContain(irreversibleNote);
  });

  test("is recorded on the host that runs it where another one does not", async () => {
    const { plan } = await deploy([host("a", await served()), host("b", servingFields(manifestOf(older)))]);
    expect(plan.hosts.map(({ services }) => services[0]?.change)).toEqual(["keep", "update"]);
    for (const { steps } of plan.hosts) expect(steps.map(({ verb }) => verb)).toContain("commit");
    expect(plan.hosts.map(({ expect: from }) => from)).toEqual([
      `20261123t110000-${newer.slice(0, 8)}`,
      `20261122t101500-${older.slice(0, 8)}`,
    ]);
  });
});

describe("an older commit", () => {
  const servingNewer = () => servingFields(manifestOf(newer, { ref: "main", committedAt: "2026-11-22T10:00:00Z" }));

  test("is refused, with each host that serves a newer one", async () => {
    const hosts = [host("a", servingFields(manifestOf(older))), host("b", servingNewer()), host("c", servingNewer())];
    const serves = `serves ${newer.slice(0, 8)} (main), of 2026-11-22 10:00 UTC`;
    await expect(deploy(hosts, { commit: older })).rejects.toMatchObject({
      code: "OLDER_COMMIT",
      exit: "refused",
      message: `commit ${older.slice(0, 8)} is older than the one that serves`,
      details: [`b: ${serves}`, `c: ${serves}`].map((line) => line.replace(": ", " ")),
      hint: expect.stringMatching(/coldtivate rollback staging\. .*--allow-older\.$/) as string,
    });
  });

  test("is refused even where a host is locked, which would hide it", async () => {
    await expect(deploy([host("a", { ...servingNewer(), locked: "ann" })], { commit: older })).rejects.toMatchObject({
      code: "OLDER_COMMIT",
    });
  });

  test("is taken where the user wants that", async () => {
    const { plan } = await deploy([host("a", servingNewer())], { commit: older, allowsOlder: true });
    expect(plan.release.commit).toBe(older);
  });

  test("is none where the same one serves, or nothing that this version knows", async () => {
    for (const fields of [servingFields(manifestOf(older)), { current: "r9", manifest: '{"version":2}' }])
      expect((await deploy([host("a", fields)], { commit: older })).plan.release.commit).toBe(older);
  });
});

describe("hosts that cannot take the release", () => {
  test("are told of, whichever of them it is, and no other gets a plan", async () => {
    await expect(deploy([host("a"), host("b", { locked: "ann from laptop\tmoving" })])).rejects.toMatchObject({
      code: "HOST_LOCKED",
      message: "b is locked",
      details: ["ann from laptop  moving"],
    });
    await expect(deploy([host("a"), host("b", { running: "r9 by bob" })])).rejects.toMatchObject({ code: "DEPLOY_RUNNING" });
  });

  test("lack external networks: all of them are told, and the command once", async () => {
    const external = {
      ...model,
      services: { web: { ...model.services.web, networks: { proxy: null } } },
      networks: { proxy: { name: "proxy", external: true } },
    };
    const fields = { model: JSON.stringify(external), elsewhere: `network\tbridge\t1\n${"all\n".repeat(4)}` };
    const failure = await deploy([host("a", fields), host("b", fields)]).catch((error: unknown) => error as ColdtivateError);
    expect(failure).toMatchObject({
      code: "EXTERNAL_MISSING",
      exit: "refused",
      details: [expect.stringContaining("a"), expect.stringContaining("b")],
    });
    expect((failure as ColdtivateError).hint?.match(/docker network create/g)).toHaveLength(1);
  });

  test("lack disk: all of them are told", async () => {
    const fields = { capacity: "disk\t/var/lib/docker\t1000000000\n" };
    const failure = await deploy([host("a", fields), host("b", fields)]).catch((error: unknown) => error as ColdtivateError);
    expect(failure).toMatchObject({ code: "DISK_FULL", exit: "refused" });
    expect((failure as ColdtivateError).details.filter((line) => /^[ab]: /.test(line))).toHaveLength(2);
  });

  test("lack different things: the error has all of them", async () => {
    const ports = [{ target: 80, published: "80", protocol: "tcp", mode: "ingress" }];
    const publishing = JSON.stringify({ ...model, services: { web: { ...model.services.web, ports } } });
    const hosts = [
      host("a", { model: publishing, capacity: "disk\t/var/lib/docker\t1000000000\n" }),
      host("b", { model: publishing, capacity: "publishes\tother\tother-web-1\t0.0.0.0:80->80/tcp\n" }),
    ];
    await expect(deploy(hosts)).rejects.toMatchObject({
      code: "CAPACITY_SHORT",
      exit: "refused",
      message: "there is not room enough for this release",
      details: expect.arrayContaining([expect.stringMatching(/^a: .* are free at/), expect.stringMatching(/^b: .*80/)]) as string[],
    });
  });

  test("answer with an error: it is the host's own", async () => {
    const lost = new ColdtivateError("b: the SSH connection was lost", { code: "CONNECTION_LOST", exit: "failed" });
    await expect(deploy([host("a"), host("b", lost)])).rejects.toBe(lost);
  });
});

describe("images that the registry does not have", () => {
  const registry = { digestOf: () => Promise.resolve(undefined) };
  const missing = { code: "IMAGES_NOT_IN_REGISTRY", exit: "refused" };
  const unreachable = new ColdtivateError("b cannot be reached", { code: "HOST_UNREACHABLE", exit: "refused" });

  test("are told of before a host that cannot be reached", async () => {
    await expect(deploy(Promise.reject(unreachable), { registry })).rejects.toMatchObject({
      ...missing,
      details: [`r.example/shop/web:${newer.slice(0, 8)}`],
    });
    await expect(deploy(Promise.reject(unreachable))).rejects.toBe(unreachable);
  });

  test("are told of before a lock, and before an older commit", async () => {
    const fields = { ...servingFields(manifestOf(newer)), locked: "ann" };
    await expect(deploy([host("a", fields)], { commit: older, registry })).rejects.toMatchObject(missing);
  });
});

describe("a release past which nobody goes back", () => {
  test.each<[string, Wish]>([
    ["by the command", { isIrreversible: true }],
    ["by coldtivate.yml", { config: { irreversible: true } }],
  ])("is declared %s, said in the plan, and known to the host", async (_by, wish) => {
    const prepared = await deploy([host("a")], wish);
    expect(prepared.plan.notes).toContain(irreversibleNote);
    expect(sentTo(prepared).has("irreversible")).toBe(true);
    expect(JSON.parse(sentTo(prepared).get("manifest.json") ?? "")).toMatchObject({ irreversible: true });
  });

  test("is no other", async () => {
    const prepared = await deploy([host("a")]);
    expect(prepared.plan.notes).not.toContain(irreversibleNote);
    expect(sentTo(prepared).has("irreversible")).toBe(false);
  });
});

test("a task that names a service of no Compose file refuses the deploy", async () => {
  const tasks = config.tasks.map((task) => ({ ...task, service: "wob" }));
  await expect(deploy([host("a")], { config: { tasks } })).rejects.toMatchObject({ code: "TASK_SERVICE_UNKNOWN", exit: "usage" });
});

test("a note that several hosts have is told once", async () => {
  const { plan } = await deploy([host("a"), host("b")]);
  expect(new Set(plan.notes).size).toBe(plan.notes.length);
  expect(plan.notes.filter((note) => note.startsWith("web "))).not.toEqual([]);
});
