import * as Args from "@oclif/core/args";
import { describeOutcome } from "../lib/deploy/apply/outcome.ts";
import { ReleaseCommand } from "../lib/release-command.ts";

export default class Rollback extends ReleaseCommand {
  static override summary = "Go back to a release that the hosts keep.";
  static override description =
    "Serves an earlier release again, with the images, the configuration and the dotenv that it had; Git is not asked, the registry only for images that a host no longer has, and tasks do not run. Only what differs is replaced, as in a deploy. It becomes a release of its own: another rollback undoes it.";
  static override examples = [
    "<%= config.bin %> rollback production",
    "<%= config.bin %> rollback staging 20261123t091500-ac3e50a9",
    "<%= config.bin %> rollback staging --dry-run",
  ];
  static override args = {
    environment: ReleaseCommand.environmentArg,
    release: Args.string({ description: "A release that `history` shows; the one that served before the current one unless it is named" }),
  };
  static override flags = { ...ReleaseCommand.dataFlags, ...ReleaseCommand.planFlags };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Rollback);
    return this.release({
      environment: args.environment,
      flags,
      needs: ["hosts", "hooks"],
      question: `Roll ${args.environment} back to this?`,
      again: ({ release }) => [release.rollback],
      describe: describeOutcome,
      request: () => Promise.resolve({ action: "rollback", release: args.release }),
    });
  }
}
