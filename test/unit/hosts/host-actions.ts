import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { readHostScript } from "../../../src/lib/adapters/host/host-script.ts";
import { readKeptImages } from "../../../src/lib/adapters/host/host-images.ts";
import type { RegistryClient } from "../../../src/lib/adapters/registry/registry.ts";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { loadConfig } from "../../../src/lib/config/load.ts";
import { applyPlan } from "../../../src/lib/deploy/apply/apply-plan.ts";
import { attach } from "../../../src/lib/deploy/apply/attach.ts";
import { describeEnd } from "../../../src/lib/deploy/apply/attach-end.ts";
import { onlyNamed, ownRepositories } from "../../../src/lib/deploy/prepare/images/named-registry.ts";
import type { ReleaseRequest } from "../../../src/lib/deploy/prepare/intent.ts";
import { prepareRelease, type PreparedRelease } from "../../../src/lib/deploy/prepare/prepare.ts";
import { repositoriesOf } from "../../../src/lib/release/repositories.ts";
import { pullCredentials } from "../../../src/lib/deploy/apply/pull-credentials.ts";
import { recoverHosts } from "../../../src/lib/environment/recover.ts";
import { describeRecovery } from "../../../src/lib/environment/recover-outcome.ts";
import { formatPlan } from "../../../src/lib/plan/steps/format-plan.ts";
import type { ProgressEvent } from "../../../src/lib/report/progress.ts";
import { formatHistory } from "../../../src/lib/environment/format-history.ts";
import { formatStatus } from "../../../src/lib/environment/format-status.ts";
import { lockHosts, unlockHosts } from "../../../src/lib/environment/lock.ts";
import { readHistory } from "../../../src/lib/environment/read-history.ts";
import { readStatus } from "../../../src/lib/environment/read-status.ts";
import { createRepository } from "../adapters/git-repository.ts";
import { digest, project } from "./host-answers.ts";
import type { HostAction } from "./forged-answers.ts";

/** In the repository, and mounted nowhere; a value that no Compose file mentions. */
export const confidentialTexts = ["CONFIDENTIAL of the repository", "CONFIDENTIAL of the dotenv"];

const files = {
  "coldtivate.yml": [
    "project: shop",
    "registry: { image: r.example/shop }",
    "images: {}",
    "environments: { staging: { branches: [main], host: unused, user: deploy } }",
  ].join("\n"),
  "compose.yaml": [
    "services:",
    "  web: { image: 'r.example/shop/web:1', volumes: ['./conf:/conf:ro'], secrets: [token] }",
    "  db: { image: 'postgres:15' }",
    "secrets: { token: { environment: MENTIONED } }",
  ].join("\n"),
  "conf/app.ini": "x\n",
  "secret.txt": confidentialTexts[0]!,
};

export interface Outcome {
  /** All that a person would be shown. */
  shown: unknown[];
  error: unknown;
  /** What hosts would be sent, by host. */
  sent: Record<string, string>;
}

export interface ActionSetting extends Disposable {
  run(action: HostAction, connections: readonly HostConnection[]): Promise<Outcome>;
  /** References that the registry was asked about, and registries that Docker's credential helper was asked for a login for. */
  asked(): { references: string[]; logins: string[] };
}

/** A repository, a registry and a Docker configuration that note who is asked. */
export async function createSetting(): Promise<ActionSetting> {
  const repository = createRepository();
  const commit = repository.commit(files);
  const folder = mkdtempSync(join(tmpdir(), "coldtivate-forging-"));
  const log = join(folder, "logins");
  writeFileSync(log, "");
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ credsStore: "spy" }));
  // In one write: two may be asked at once.
  writeFileSync(join(folder, "bin/docker-credential-spy"), `#!/bin/sh\nprintf '%s\\n' "$(cat)" >>'${log}'; exit 1\n`);
  chmodSync(join(folder, "bin/docker-credential-spy"), 0o755);
  const variables = { PATH: process.env["PATH"], DOCKER_CONFIG: process.env["DOCKER_CONFIG"] };
  process.env["PATH"] = `${join(folder, "bin")}${delimiter}${variables.PATH ?? ""}`;
  process.env["DOCKER_CONFIG"] = folder;

  const config = await loadConfig(undefined, { cwd: repository.directory, env: {}, environment: "staging", needs: ["registry"] });
  const opened = await openRepository(repository.directory);
  const script = await readHostScript(".");
  const references: string[] = [];
  const registry = registryThat((reference) => void references.push(reference));
  const { signal } = new AbortController();
  const dotenv = new Map([
    ["MENTIONED", "fine"],
    ["UNMENTIONED", confidentialTexts[1]!],
  ]);
  const text = [...dotenv].map(([name, value]) => `${name}=${value}\n`).join("");
  const environment = { ...config.environments["staging"]!, dotenv: new Secret(text) };
  const who = { user: "ann", from: "laptop" };
  const now = new Date("2026-11-23T11:00:00Z");

  const release = (request: ReleaseRequest, connections: readonly HostConnection[]) =>
    prepareRelease({ config, environment, leavesData: false, isDryRun: false, script, who, now }, request, {
      connections: Promise.resolve(connections),
      repository: () => Promise.resolve(opened),
      registry: (more = []) => {
        const named = new Set([...ownRepositories(config), ...repositoriesOf(more)]);
        return Promise.resolve({ client: onlyNamed(registry, named), named });
      },
      signal,
    });
  const deploy = (connections: readonly HostConnection[]) =>
    release(
      { action: "deploy", revision: { commit, ref: "main" }, dotenv, env: {}, allowsOlder: true, isIrreversible: false },
      connections,
    );

  async function work(action: HostAction, connections: readonly HostConnection[], { shown, sent }: Outcome): Promise<void> {
    const reporter = { emit: (event: ProgressEvent) => void shown.push(event), close: () => Promise.resolve() };
    const control = { abort: new AbortController().signal, detach: new AbortController().signal };
    const prepare = async (preparing: Promise<PreparedRelease>) => {
      const prepared = await preparing;
      shown.push(formatPlan(prepared.plan), prepared.plan.notes);
      for (const { connection, entries } of prepared.work)
        sent[connection.host] = entries.map(({ path, content }) => `${path}\n${Buffer.from(content).toString("latin1")}`).join("\n");
      await pullCredentials(
        config.registry,
        prepared.work.flatMap(({ images }) => images),
      );
      return prepared;
    };
    switch (action) {
      case "deploy":
        return void (await prepare(deploy(connections)));
      case "rollback":
        return void (await prepare(release({ action: "rollback" }, connections)));
      case "fronts":
        return void (await prepare(release({ action: "fronts", services: [] }, connections)));
      case "apply": {
        const prepared = await prepare(deploy(connections));
        return applyPlan({ ...prepared, credentials: [], again: "coldtivate deploy staging", reporter, control, patience: 60_000 });
      }
      case "recover":
        return void shown.push(describeRecovery("staging", await recoverHosts({ project, connections, reporter, signal }), []));
      case "status": {
        const statuses = await Promise.all(connections.map((connection) => readStatus(connection, project, signal)));
        return void shown.push(formatStatus("staging", statuses, now), statuses);
      }
      case "history": {
        const histories = await Promise.all(connections.map((connection) => readHistory(connection, project, 20, signal)));
        return void shown.push(formatHistory("staging", histories), histories);
      }
      case "attach": {
        const ends = await attach({ environment: "staging", project, connections, who: "ann", reporter, control });
        return void shown.push(describeEnd({ environment: "staging", project, ends, aborted: false }));
      }
      case "lock":
        return void shown.push(await lockHosts(connections, project, { who: "ann", why: "moving" }, signal));
      case "unlock":
        return void shown.push(await unlockHosts(connections, project, signal));
      case "prune":
        return void shown.push(await Promise.all(connections.map((connection) => readKeptImages(connection, project, signal))));
    }
  }

  return {
    async run(action, connections) {
      references.length = 0;
      writeFileSync(log, "");
      const outcome: Outcome = { shown: [], error: undefined, sent: {} };
      await work(action, connections, outcome).catch((error: unknown) => (outcome.error = error));
      return outcome;
    },
    asked: () => ({ references: [...references], logins: readFileSync(log, "utf8").split("\n").filter(Boolean) }),
    [Symbol.dispose]() {
      appendFileSync(log, "");
      Object.assign(process.env, variables);
      if (variables.DOCKER_CONFIG === undefined) delete process.env["DOCKER_CONFIG"];
      rmSync(folder, { recursive: true });
      repository[Symbol.dispose]();
    },
  };
}

/** A registry that has every image, and whose images are all alike. */
function registryThat(note: (reference: string) => void): RegistryClient {
  const answer =
    <Answer>(value: Answer) =>
    (reference: string) => {
      note(reference);
      return Promise.resolve(value);
    };
  const refuse = () => Promise.reject(new Error("nobody changes a registry here"));
  return {
    digestOf: answer<string | undefined>(digest("now")),
    layersOf: answer([]),
    configurationOf: answer(JSON.stringify({ config: { Cmd: ["run"] } })),
    manifestOf: answer(undefined),
    tagsOf: answer([]),
    putManifest: refuse,
    deleteManifest: refuse,
    [Symbol.dispose]: () => {},
  };
}
