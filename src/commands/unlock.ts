import * as Args from "@oclif/core/args";
import { BaseCommand } from "../lib/base-command.ts";
import { openEnvironment } from "../lib/environment/open-environment.ts";
import { unlockHosts } from "../lib/environment/lock.ts";

export default class Unlock extends BaseCommand {
  static override summary = "Let people deploy to an environment again.";
  static override description = "Takes away what `lock` put there, whoever did, and says what it was.";
  static override examples = ["<%= config.bin %> unlock production"];
  static override args = { environment: Args.string({ required: true, description: "One of coldtivate.yml's environments" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Unlock);
    await using environment = await openEnvironment(flags.config, args.environment, this.access);
    const { name, project, connections } = environment;
    this.show((await unlockHosts(connections, project, this.signal)).join("\n"));
    return { environment: name, locked: false };
  }
}
