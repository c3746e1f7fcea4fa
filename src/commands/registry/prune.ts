import * as Flags from "@oclif/core/flags";
import { openRegistry } from "../../lib/adapters/registry/registry.ts";
import { BaseCommand } from "../../lib/base-command.ts";
import { observeTags, refuseEmpty, removeLeftovers } from "../../lib/builds/prune/prune-registry.ts";
import { formatLeftovers } from "../../lib/builds/prune/prune-table.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { keptImages } from "../../lib/environment/kept-images.ts";
import { planPrune } from "../../lib/images/prune-plan.ts";

/** In milliseconds. */
const day = 86_400_000;

export default class Prune extends BaseCommand {
  static override summary = "Remove images from the registry that nobody will ask for again.";
  static override description =
    "Those that no tag of a branch or release names any more, and that no host of any environment runs or keeps for a rollback. What was built in the last day stays, as a pipeline may be about to name it.";
  static override examples = ["<%= config.bin %> registry prune --dry-run", "<%= config.bin %> registry prune --yes"];
  static override flags = {
    "dry-run": Flags.boolean({ description: "Show them and remove nothing" }),
    "keep-days": Flags.integer({ description: "Keep what was built in the last so many days", default: 1, min: 0, helpValue: "NUMBER" }),
    yes: Flags.boolean({ char: "y", description: "Do not ask" }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Prune);
    const { signal } = this;
    const config = await loadConfig(flags.config, { env: process.env, needs: ["registry"], signal });
    const { image } = config.registry;
    using registry = openRegistry(config.registry, { signal });
    const retained = await keptImages(flags.config, Object.keys(config.environments), this.access);
    const repositories = await observeTags(Object.keys(config.images), image, registry);
    refuseEmpty(repositories, image);
    const leftovers = planPrune({ repositories, retained, since: Date.now() - flags["keep-days"] * day });
    if (leftovers.length === 0 || flags["dry-run"]) {
      this.show(
        leftovers.length === 0 ? "Every image in the registry is named or kept. Nothing to remove." : formatLeftovers(image, leftovers),
      );
      return { removed: [], leftovers };
    }
    this.announce(`${formatLeftovers(image, leftovers)}\n`);
    await this.confirm(`Remove ${leftovers.length === 1 ? "this image" : `these ${leftovers.length} images`}?`, flags.yes);
    const removed = await removeLeftovers(leftovers, image, registry, retained);
    this.show(`${removed.length} removed. The registry's own garbage collection frees the space.`);
    return { removed, leftovers };
  }
}
