import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../lib/base-command.ts";
import { readCi } from "../lib/config/values/ci.ts";
import { openEnvironment } from "../lib/environment/open-environment.ts";
import { describeWho, whoDeploys } from "../lib/environment/who.ts";
import { lockHosts } from "../lib/environment/lock.ts";

export default class Lock extends BaseCommand {
  static override summary = "Keep everybody from deploying to an environment.";
  static override description =
    "Whoever deploys is refused, and told who locked it, since when and why, until somebody unlocks it. A deploy that is at work goes on.";
  static override examples = ['<%= config.bin %> lock production -m "moving the database, back at 16:00"'];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };
  static override flags = {
    message: Flags.string({ char: "m", required: true, description: "Why, for whoever is refused", helpValue: "WHY" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Lock);
    await using environment = await openEnvironment(flags.config, args.environment, this.access);
    const { name, project, connections } = environment;
    const who = describeWho(whoDeploys(readCi(process.env)));
    const told = await lockHosts(connections, project, { who, why: flags.message }, this.signal);
    this.show([...told, `To let people deploy again: ${this.config.bin} unlock ${name}`].join("\n"));
    return { environment: name, locked: true, who, why: flags.message };
  }
}
