import * as Args from "@oclif/core/args";
import { BaseCommand } from "../lib/base-command.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { attach } from "../lib/deploy/apply/attach.ts";
import { describeEnd } from "../lib/deploy/apply/attach-end.ts";
import { openEnvironment } from "../lib/environment/open-environment.ts";
import { describeWho, whoDeploys } from "../lib/environment/who.ts";

export default class Attach extends BaseCommand {
  static override summary = "Follow the deploy that is at work, whoever began it.";
  static override description =
    "Shows it from its beginning to its end, and ends as the deploy itself does. Ctrl-C asks, as in a deploy of one's own; to leave does not stop it.";
  static override examples = ["<%= config.bin %> attach production"];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Attach);
    await using opened = await openEnvironment(flags.config, args.environment, this.access);
    const { name: environment, project, connections } = opened;
    const who = describeWho(whoDeploys(readCi(process.env)));
    const { ends, aborted } = await this.steer(async (control) => {
      const ended = await attach({ environment, project, connections, who, reporter: this.reporter, control });
      return { ends: ended, aborted: control.abort.aborted };
    });
    this.show(describeEnd({ environment, project, ends, aborted }));
    return { environment, hosts: ends.map(({ plan, release }) => ({ host: plan.host, release, outcome: "finished" })) };
  }
}
