import { Args, Flags } from "@oclif/core";
import { inspectBuilder } from "../lib/adapters/buildkit.ts";
import { openRepository } from "../lib/adapters/git.ts";
import { openRegistry } from "../lib/adapters/registry.ts";
import { BaseCommand } from "../lib/base-command.ts";
import { openAccess } from "../lib/build/build-access.ts";
import { formatBuild } from "../lib/build/build-table.ts";
import { observeCheckout } from "../lib/build/prepare-build.ts";
import { recordBuilds } from "../lib/build/record-builds.ts";
import { runBuild } from "../lib/build/run-build.ts";
import { readCi } from "../lib/config/ci.ts";
import { loadConfig } from "../lib/config/load.ts";
import { planBuild } from "../lib/images/build-plan.ts";
import { selectImages } from "../lib/images/image-selection.ts";
import { refuseDirty } from "../lib/images/image-state.ts";

export default class Build extends BaseCommand {
  static override summary = "Build images with BuildKit.";
  static override description =
    "Builds what is checked out, all images side by side, under the tags of its branch or tag and of its commit. A context with files that are not committed gets the tag dirty.";
  static override examples = ["<%= config.bin %> build", "<%= config.bin %> build gateway base-api", "<%= config.bin %> build --push"];
  static override args = { image: Args.string({ multiple: true, description: "Images of coldtivate.yml; all of them unless named" }) };
  static override flags = { push: Flags.boolean({ description: "Put the images and their layer caches into the registry" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Build);
    const { reporter, signal } = this;
    const config = await loadConfig(flags.config, { env: process.env, needs: ["build"], signal });
    const images = selectImages(config, args.image ?? []);
    const output = flags.push ? "push" : "load";
    const repository = await openRepository(config.directory);
    const builder = await inspectBuilder(signal);

    await using access = await openAccess(config, reporter, signal);
    const { sshEnv, directory } = access;
    const checkout = await observeCheckout(config, images, repository, { ci: readCi(process.env), sshEnv, reporter, signal });
    if (flags.push) refuseDirty(checkout.states, "pushed");
    const env = { ...sshEnv, ...(await access.logIn(output)) };
    const plan = planBuild(config, images, { ...checkout, cacheExport: builder.cacheExport }, output);

    const built = await runBuild(plan, { config, builder, directory, env, reporter, signal });
    if (flags.push) {
      using registry = openRegistry(config.registry, { signal });
      const pushed = built.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }]));
      const record = { registryImage: config.registry.image, commit: checkout.revision.commit, now: new Date() };
      for (const text of await recordBuilds(pushed, record, registry)) reporter.emit({ type: "warning", text });
    }
    this.show(formatBuild(config.registry.image, built));
    return { revision: checkout.revision, pushed: flags.push, images: built };
  }
}
