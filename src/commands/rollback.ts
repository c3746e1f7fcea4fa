import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { readHostScript } from "../lib/adapters/host/host-script.ts";
import { expectDeploy } from "../lib/adapters/host/host.ts";
import { BaseCommand } from "../lib/base-command.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { loadConfig } from "../lib/config/load.ts";
import { applyPlan } from "../lib/deploy/apply/apply-plan.ts";
import { startConnecting } from "../lib/environment/connect-hosts.ts";
import { describeOutcome, isUnchanged } from "../lib/deploy/apply/outcome.ts";
import { projectOf } from "../lib/deploy/prepare/prepare-deploy.ts";
import { prepareRollback } from "../lib/deploy/prepare/prepare-rollback.ts";
import { lateRegistry } from "../lib/deploy/prepare/images/late-registry.ts";
import { pullCredentials } from "../lib/deploy/apply/pull-credentials.ts";
import { isTemporaryError, waitForOtherDeploys } from "../lib/deploy/apply/wait-for-other-deploys.ts";
import { whoDeploys } from "../lib/environment/who.ts";
import { releaseHookEvent } from "../lib/hooks/hook-events.ts";
import { runWithHooks } from "../lib/hooks/run-with-hooks.ts";
import { markHandled } from "../lib/common/mark-handled.ts";
import { formatPlan } from "../lib/plan/steps/format-plan.ts";

export default class Rollback extends BaseCommand {
  static override summary = "Go back to a release that the hosts keep.";
  static override description =
    "Serves an earlier release again, with the images, the configuration and the dotenv that it had; Git is not asked, the registry only for images that a host no longer has, and tasks do not run. Only what differs is replaced, as in a deploy. It becomes a release of its own: another rollback undoes it.";
  static override examples = [
    "<%= config.bin %> rollback production",
    "<%= config.bin %> rollback staging 20261123t091500-ac3e50a9",
    "<%= config.bin %> rollback staging --dry-run",
  ];
  static override args = {
    environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }),
    release: Args.string({ description: "A release that `history` shows; the one that served before the current one unless it is named" }),
  };
  static override flags = {
    "leave-data": Flags.boolean({
      description: "Go on although the release no longer mounts what containers wrote; it stays on the host",
    }),
    "dry-run": Flags.boolean({ description: "Show the plan and change nothing" }),
    wait: Flags.boolean({ description: "Wait while others deploy, for an hour at most" }),
    yes: Flags.boolean({ char: "y", description: "Do not ask" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Rollback);
    const reading = markHandled(readHostScript(this.config.root));
    const config = await loadConfig(flags.config, {
      env: process.env,
      environment: args.environment,
      needs: ["hosts", "hooks"],
      signal: this.signal,
    });
    const environment = config.environments[args.environment]!;
    const project = projectOf(config, environment);
    const script = await reading;
    await using hosts = startConnecting(environment.hosts, this.access, (connection) => expectDeploy(connection, project, script));
    // The registry is needed only if a host lost images.
    using registry = lateRegistry(flags.config, { env: process.env, environment: args.environment, signal: this.signal });
    const who = whoDeploys(readCi(process.env));
    const { signal } = this;
    const turn = { waits: flags.wait, connections: hosts.made, project, announce: (text: string) => this.announceAnew(text), signal };
    const triesAgain = (error: unknown) => flags.wait && isTemporaryError(error);
    return await waitForOtherDeploys(turn, async () => {
      const { plan, work } = await prepareRollback(
        {
          environment: environment.name,
          project,
          release: args.release,
          keepReleases: config.keepReleases,
          leavesData: flags["leave-data"],
          script,
          who,
          now: new Date(),
        },
        { connections: hosts.made, registry: () => registry.open(), signal },
      );
      if (flags["dry-run"] || isUnchanged(plan)) {
        this.show(isUnchanged(plan) ? describeOutcome(plan) : formatPlan(plan));
        return { changed: false, plan };
      }
      this.announce(`${formatPlan(plan)}\n`);
      if (environment.confirm) await this.confirm(`Roll ${environment.name} back to this?`, flags.yes);

      const started = performance.now();
      const images = work.flatMap((host) => host.images);
      const credentials = images.length === 0 ? [] : await pullCredentials((await registry.open()).config, images);
      const again = ["coldtivate rollback", environment.name, plan.release.rollback].join(" ");
      const { reporter } = this;
      await runWithHooks(releaseHookEvent("rollback", plan, who), { config, reporter, signal, triesAgain }, () =>
        this.steer((control) => applyPlan({ plan, work, credentials, again, reporter, control })),
      );
      const milliseconds = Math.round(performance.now() - started);
      this.show(describeOutcome(plan, milliseconds));
      return { changed: true, milliseconds, plan };
    });
  }
}
