import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { openRepository } from "./adapters/git/git.ts";
import type { Repository } from "./adapters/git/git.ts";
import { readHostScript } from "./adapters/host/host-script.ts";
import { expectDeploy } from "./adapters/host/host.ts";
import { BaseCommand } from "./base-command.ts";
import { markHandled } from "./common/mark-handled.ts";
import { loadConfig } from "./config/load.ts";
import type { Config, EnvironmentConfig } from "./config/schema/config.ts";
import { readCi, type CiVariables } from "./config/values/ci.ts";
import type { ConfigPart } from "./config/values/variables.ts";
import { applyPlan } from "./deploy/apply/apply-plan.ts";
import { isUnchanged } from "./deploy/apply/outcome.ts";
import { pullCredentials } from "./deploy/apply/pull-credentials.ts";
import { isTemporaryError, waitForOtherDeploys } from "./deploy/apply/wait-for-other-deploys.ts";
import { lateRegistry } from "./deploy/prepare/images/open-registry.ts";
import { projectOf, type Intent, type ReleaseRequest } from "./deploy/prepare/intent.ts";
import { prepareRelease } from "./deploy/prepare/prepare.ts";
import { startConnecting } from "./environment/connect-hosts.ts";
import { whoDeploys } from "./environment/who.ts";
import { releaseHookEvent } from "./hooks/hook-events.ts";
import { runWithHooks } from "./hooks/run-with-hooks.ts";
import { formatPlan } from "./plan/steps/format-plan.ts";
import { showPlan, type Plan } from "./plan/steps/plan.ts";

/** What a request is made from. */
export interface RequestFacts {
  config: Config;
  environment: EnvironmentConfig;
  ci: CiVariables;
  repository: () => Promise<Repository>;
}

/** What is particular to a command that makes a release. */
export interface ReleaseCase {
  /** Name of the environment. */
  environment: string;
  flags: { config?: string | undefined; verbose: boolean; "dry-run": boolean; wait: boolean; yes: boolean; "leave-data"?: boolean };
  /** The parts of the configuration that it needs. Without the registry, that is loaded once a host lacks images. */
  needs: readonly ConfigPart[];
  /** Called while hosts are being connected. */
  request: (facts: RequestFacts) => Promise<ReleaseRequest>;
  /** Asked before the work begins, if the environment is to be confirmed. */
  question: string;
  /** The arguments of the command that does the same once more, after the environment. */
  again: (plan: Plan) => readonly (string | undefined)[];
  /** The result for people. Without a time, there was nothing to do. */
  describe: (plan: Plan, milliseconds?: number) => string;
}

/** The skeleton of `deploy`, `rollback` and `fronts`: connect, prepare, show the plan, confirm, apply, report. */
export abstract class ReleaseCommand extends BaseCommand {
  protected static environmentArg = Args.string({ required: true, description: "One of coldtivate.yml's environments" });
  protected static planFlags = {
    "dry-run": Flags.boolean({ description: "Show the plan and change nothing" }),
    wait: Flags.boolean({ description: "Wait while others deploy, for an hour at most" }),
    yes: Flags.boolean({ char: "y", description: "Do not ask" }),
  };
  protected static dataFlags = {
    "leave-data": Flags.boolean({
      description: "Go on although the release no longer mounts what containers wrote; it stays on the host",
    }),
  };

  /** Makes a release. Returns the result for `--json`. */
  protected async release({ flags, needs, again, describe, ...command }: ReleaseCase): Promise<object> {
    const { signal } = this;
    const reading = markHandled(readHostScript(this.config.root));
    const load = (parts: readonly ConfigPart[]) =>
      loadConfig(flags.config, { env: process.env, environment: command.environment, needs: parts, signal });
    const config = await load(needs);
    const environment = config.environments[command.environment]!;
    const project = projectOf(config, environment);
    const script = await reading;
    await using hosts = startConnecting(environment.hosts, this.access, (connection) => expectDeploy(connection, project, script));
    using registry = lateRegistry(() => (needs.includes("registry") ? Promise.resolve(config) : load(["registry"])), signal);
    let opening: Promise<Repository> | undefined;
    const repository = () => (opening ??= openRepository(config.directory));
    const ci = readCi(process.env);
    const request = await command.request({ config, environment, ci, repository });
    const who = whoDeploys(ci);
    const { "dry-run": isDryRun, "leave-data": leavesData = false } = flags;
    const wish: Omit<Intent, "now"> = { config, environment, leavesData, isDryRun, script, who };
    const ports = { connections: hosts.made, registry: registry.open, repository, signal };
    const turn = { waits: flags.wait, connections: hosts.made, project, announce: (text: string) => this.announceAnew(text), signal };
    const triesAgain = (error: unknown) => flags.wait && isTemporaryError(error);
    return await waitForOtherDeploys(turn, async () => {
      const prepared = await prepareRelease({ ...wish, now: new Date() }, request, ports);
      const { plan, work } = prepared;
      const shown = { ...plan, hosts: plan.hosts.map(showPlan) };
      if (isDryRun || isUnchanged(plan)) {
        this.show(isUnchanged(plan) ? describe(plan) : formatPlan(plan, flags.verbose));
        return { changed: false, plan: shown };
      }
      this.announce(`${formatPlan(plan)}\n`);
      if (environment.confirm) await this.confirm(command.question, flags.yes);

      const started = performance.now();
      const images = work.flatMap((host) => host.images);
      const credentials = images.length === 0 ? [] : await pullCredentials(await registry.config(), images);
      const { reporter } = this;
      const words = ["coldtivate", request.action, environment.name, ...again(plan)].filter((word) => word !== undefined);
      const apply = () => this.steer((control) => applyPlan({ ...prepared, credentials, again: words.join(" "), reporter, control }));
      if (request.action === "fronts") await apply();
      else await runWithHooks(releaseHookEvent(request.action, plan, who), { config, reporter, signal, triesAgain }, apply);
      const milliseconds = Math.round(performance.now() - started);
      this.show(describe(plan, milliseconds));
      return { changed: true, milliseconds, plan: shown };
    });
  }
}
