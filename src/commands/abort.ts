import * as Args from "@oclif/core/args";
import { BaseCommand } from "../lib/base-command.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { attach } from "../lib/deploy/apply/attach.ts";
import { describeAbort } from "../lib/deploy/apply/attach-end.ts";
import { openEnvironment } from "../lib/environment/open-environment.ts";
import { describeWho, whoDeploys } from "../lib/environment/who.ts";

export default class Abort extends BaseCommand {
  static override summary = "Undo the deploy that is at work, whoever began it.";
  static override description =
    "Every host takes back what it began, and this follows until they have. A release that has committed stays: then it is too late. Whoever began the deploy is told who aborted it.";
  static override examples = ["<%= config.bin %> abort production"];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Abort);
    await using opened = await openEnvironment(flags.config, args.environment, this.access);
    const { name: environment, project, connections } = opened;
    const who = describeWho(whoDeploys(readCi(process.env)));
    const ends = await this.steer(({ detach }) =>
      attach({ environment, project, connections, who, reporter: this.reporter, control: { abort: AbortSignal.abort(), detach } }),
    );
    this.show(describeAbort({ environment, project, ends }));
    return { environment, hosts: ends.map(({ plan, release }) => ({ host: plan.host, release, outcome: "undone" })) };
  }
}
