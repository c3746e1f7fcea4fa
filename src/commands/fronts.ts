import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { readHostScript } from "../lib/adapters/host/host-script.ts";
import { openRegistry } from "../lib/adapters/registry/registry.ts";
import { BaseCommand } from "../lib/base-command.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { loadConfig } from "../lib/config/load.ts";
import { applyPlan } from "../lib/deploy/apply/apply-plan.ts";
import { connectHosts } from "../lib/environment/connect-hosts.ts";
import { describeFronts } from "../lib/deploy/apply/fronts-outcome.ts";
import { isUnchanged } from "../lib/deploy/apply/outcome.ts";
import { projectOf } from "../lib/deploy/prepare/prepare-deploy.ts";
import { prepareFronts } from "../lib/deploy/prepare/prepare-fronts.ts";
import { pullCredentials } from "../lib/deploy/apply/pull-credentials.ts";
import { waitForOtherDeploys } from "../lib/deploy/apply/wait-for-other-deploys.ts";
import { whoDeploys } from "../lib/environment/who.ts";
import { formatPlan } from "../lib/plan/steps/format-plan.ts";

export default class Fronts extends BaseCommand {
  static override summary = "Update the fronts of an environment: their HAProxy image, and their memory.";
  static override description =
    "Gives the fronts of the release that serves what `front` of coldtivate.yml says, the image by its newest digest; nothing else changes. No release does that on its own. A front that publishes no port is replaced without a failed request.";
  static override examples = ["<%= config.bin %> fronts staging --dry-run", "<%= config.bin %> fronts production web"];
  static override args = {
    environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }),
    service: Args.string({ multiple: true, description: "Services whose fronts are updated; all of them unless named" }),
  };
  static override flags = {
    "dry-run": Flags.boolean({ description: "Show the plan and change nothing" }),
    wait: Flags.boolean({ description: "Wait while others deploy, for an hour at most" }),
    yes: Flags.boolean({ char: "y", description: "Do not ask" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Fronts);
    const config = await loadConfig(flags.config, {
      env: process.env,
      environment: args.environment,
      needs: ["registry", "hosts"],
      signal: this.signal,
    });
    const environment = config.environments[args.environment]!;
    using registry = openRegistry(config.registry, { signal: this.signal });
    await using hosts = await connectHosts(environment.hosts, this.access);
    const { signal } = this;
    const turn = {
      waits: flags.wait,
      connections: Promise.resolve(hosts.connections),
      project: projectOf(config, environment),
      announce: (text: string) => this.announceAnew(text),
      signal,
    };
    return await waitForOtherDeploys(turn, async () => {
      const { plan, work } = await prepareFronts(
        {
          config,
          environment: environment.name,
          services: args.service ?? [],
          script: await readHostScript(this.config.root),
          who: whoDeploys(readCi(process.env)),
          now: new Date(),
        },
        { registry, connections: hosts.connections, signal },
      );
      if (flags["dry-run"] || isUnchanged(plan)) {
        this.show(isUnchanged(plan) ? describeFronts(plan) : formatPlan(plan));
        return { changed: false, plan };
      }
      this.announce(`${formatPlan(plan)}\n`);
      if (environment.confirm) await this.confirm(`Update these fronts of ${environment.name}?`, flags.yes);

      const started = performance.now();
      const credentials = await pullCredentials(
        config.registry,
        work.flatMap((host) => host.images),
      );
      const again = ["coldtivate fronts", environment.name, ...(args.service ?? [])].join(" ");
      await this.steer((control) => applyPlan({ plan, work, credentials, again, reporter: this.reporter, control }));
      const milliseconds = Math.round(performance.now() - started);
      this.show(describeFronts(plan, milliseconds));
      return { changed: true, milliseconds, plan };
    });
  }
}
