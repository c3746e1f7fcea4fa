import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../lib/base-command.ts";
import { openRepository } from "../lib/adapters/git/git.ts";
import { readHostScript } from "../lib/adapters/host/host-script.ts";
import { expectDeploy } from "../lib/adapters/host/host.ts";
import { openRegistry } from "../lib/adapters/registry/registry.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { loadConfig } from "../lib/config/load.ts";
import { applyPlan } from "../lib/deploy/apply/apply-plan.ts";
import { startConnecting } from "../lib/environment/connect-hosts.ts";
import { readDotenv } from "../lib/deploy/prepare/commit/release-dotenv.ts";
import { pullCredentials } from "../lib/deploy/apply/pull-credentials.ts";
import { prepareDeploy, projectOf } from "../lib/deploy/prepare/prepare-deploy.ts";
import { describeOutcome, isUnchanged } from "../lib/deploy/apply/outcome.ts";
import { isTemporaryError, waitForOtherDeploys } from "../lib/deploy/apply/wait-for-other-deploys.ts";
import { whoDeploys } from "../lib/environment/who.ts";
import { releaseHookEvent } from "../lib/hooks/hook-events.ts";
import { runWithHooks } from "../lib/hooks/run-with-hooks.ts";
import { chooseRevision } from "../lib/git/revision.ts";
import { markHandled } from "../lib/common/mark-handled.ts";
import { formatPlan } from "../lib/plan/steps/format-plan.ts";

export default class Deploy extends BaseCommand {
  static override summary = "Release a commit to an environment.";
  static override description =
    "Takes the images of the commit from the registry, by digest, and its Compose files from Git; replaces what changed, and leaves the rest alone.";
  static override examples = [
    "<%= config.bin %> deploy staging",
    "<%= config.bin %> deploy production --tag v1.2.0",
    "<%= config.bin %> deploy production --tag v1.2.0 --dry-run",
  ];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };
  static override flags = {
    tag: Flags.string({ description: "The tag to release", helpValue: "TAG", exclusive: ["ref"] }),
    ref: Flags.string({ description: "The branch or commit to release", helpValue: "REF" }),
    "allow-older": Flags.boolean({ description: "Release the commit although a newer one serves" }),
    irreversible: Flags.boolean({ description: "Declare that nobody rolls back past this release" }),
    "leave-data": Flags.boolean({
      description: "Go on although the release no longer mounts what containers wrote; it stays on the host",
    }),
    "dry-run": Flags.boolean({ description: "Show the plan and change nothing" }),
    wait: Flags.boolean({ description: "Wait while others deploy, for an hour at most" }),
    yes: Flags.boolean({ char: "y", description: "Do not ask" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Deploy);
    const ci = readCi(process.env);
    const reading = markHandled(readHostScript(this.config.root));
    const config = await loadConfig(flags.config, { env: process.env, environment: args.environment, signal: this.signal });
    const environment = config.environments[args.environment]!;
    const project = projectOf(config, environment);
    const script = await reading;
    await using hosts = startConnecting(environment.hosts, this.access, (connection) => expectDeploy(connection, project, script));
    const [dotenv, repository] = await Promise.all([readDotenv(config, environment), openRepository(config.directory)]);
    const revision = await chooseRevision({ tag: flags.tag, ref: flags.ref, ci }, environment, repository);

    using registry = openRegistry(config.registry, { signal: this.signal });
    const who = whoDeploys(ci);
    const { signal } = this;
    const turn = { waits: flags.wait, connections: hosts.made, project, announce: (text: string) => this.announceAnew(text), signal };
    const triesAgain = (error: unknown) => flags.wait && isTemporaryError(error);
    return await waitForOtherDeploys(turn, async () => {
      const { plan, work } = await prepareDeploy(
        {
          config,
          environment,
          revision,
          allowsOlder: flags["allow-older"],
          isIrreversible: flags.irreversible,
          leavesData: flags["leave-data"],
          dotenv,
          script,
          who,
          now: new Date(),
          isDryRun: flags["dry-run"],
          env: process.env,
        },
        { repository, registry, connections: hosts.made, signal },
      );
      if (flags["dry-run"] || isUnchanged(plan)) {
        this.show(isUnchanged(plan) ? describeOutcome(plan) : formatPlan(plan));
        return { changed: false, plan };
      }
      this.announce(`${formatPlan(plan)}\n`);
      if (environment.confirm) await this.confirm(`Deploy this to ${environment.name}?`, flags.yes);

      const started = performance.now();
      const credentials = await pullCredentials(
        config.registry,
        work.flatMap((host) => host.images),
      );
      const { reporter } = this;
      await runWithHooks(releaseHookEvent("deploy", plan, who), { config, reporter, signal, triesAgain }, () =>
        this.steer((control) => applyPlan({ plan, work, credentials, reporter, control })),
      );
      const milliseconds = Math.round(performance.now() - started);
      this.show(describeOutcome(plan, milliseconds));
      return { changed: true, milliseconds, plan };
    });
  }
}
