import { Args } from "@oclif/core";
import { openLocalDocker } from "../lib/adapters/docker-local.ts";
import { openRepository } from "../lib/adapters/git.ts";
import { findCredentials } from "../lib/adapters/registry-credentials.ts";
import { openRegistry } from "../lib/adapters/registry.ts";
import { BaseCommand } from "../lib/base-command.ts";
import { formatPush } from "../lib/build/push-table.ts";
import { recordBuilds } from "../lib/build/record-builds.ts";
import { observePush, runPush } from "../lib/build/run-push.ts";
import { readCi } from "../lib/config/ci.ts";
import { loadConfig } from "../lib/config/load.ts";
import { describeCheckout } from "../lib/git/revision.ts";
import { selectImages } from "../lib/images/image-selection.ts";
import { observeImages, refuseDirty } from "../lib/images/image-state.ts";
import { planPush } from "../lib/images/push-plan.ts";

export default class Push extends BaseCommand {
  static override summary = "Put built images into the registry.";
  static override description =
    "Takes what coldtivate build left in the local engine for the commit that is checked out, and pushes what the registry does not have.";
  static override examples = ["<%= config.bin %> push", "<%= config.bin %> push gateway base-api"];
  static override args = { image: Args.string({ multiple: true, description: "Images of coldtivate.yml; all of them unless named" }) };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Push);
    const { reporter, signal } = this;
    const config = await loadConfig(flags.config, { env: process.env, needs: ["build"], signal });
    const images = selectImages(config, args.image ?? []);
    const repository = await openRepository(config.directory);
    const revision = await describeCheckout({ ci: readCi(process.env) }, repository);
    refuseDirty(await observeImages(images, revision.commit, repository), "pushed");

    const docker = openLocalDocker();
    using registry = openRegistry(config.registry, { signal });
    const plan = planPush(await observePush(images, config.registry.image, revision, { docker, registry }));
    const credentials = config.registry.credentials ?? (await findCredentials(config.registry.host));
    const pushed = plan.images.length === 0 ? [] : await runPush(plan, { docker, registry, credentials, reporter, signal });
    const record = { registryImage: config.registry.image, commit: revision.commit, now: new Date() };
    const registered = pushed.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }]));
    for (const text of await recordBuilds(registered, record, registry)) reporter.emit({ type: "warning", text });
    this.show(formatPush(config.registry.image, pushed, plan.present));
    return { revision, images: pushed, present: plan.present };
  }
}
