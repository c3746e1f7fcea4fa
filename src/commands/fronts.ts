import * as Args from "@oclif/core/args";
import { describeFronts } from "../lib/deploy/apply/fronts-outcome.ts";
import { ReleaseCommand } from "../lib/release-command.ts";

export default class Fronts extends ReleaseCommand {
  static override summary = "Update the fronts of an environment: their HAProxy image, and their memory.";
  static override description =
    "Gives the fronts of the release that serves what `front` of coldtivate.yml says, the image by its newest digest; nothing else changes. No release does that on its own. A front that publishes no port is replaced without a failed request.";
  static override examples = ["<%= config.bin %> fronts staging --dry-run", "<%= config.bin %> fronts production web"];
  static override args = {
    environment: ReleaseCommand.environmentArg,
    service: Args.string({ multiple: true, description: "Services whose fronts are updated; all of them unless named" }),
  };
  static override flags = ReleaseCommand.planFlags;

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Fronts);
    const services = args.service ?? [];
    return this.release({
      environment: args.environment,
      flags,
      needs: ["registry", "hosts"],
      question: `Update these fronts of ${args.environment}?`,
      again: () => services,
      describe: describeFronts,
      request: () => Promise.resolve({ action: "fronts", services }),
    });
  }
}
