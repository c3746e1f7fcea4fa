import * as z from "zod";
import { program, text } from "./fields.ts";

const hook = (when: string) =>
  program.describe(`What runs here ${when}: an executable, relative to this file; or a program with its arguments.`).optional();

const hostHook = (when: string) =>
  text(`What runs on each host ${when}: an executable in the repository, relative to this file.`).optional();

/** Programs that run around builds, deploys and rollbacks. */
export const hooks = z
  .strictObject({
    before_build: hook("before a build; when it fails nothing is built"),
    after_build: hook("after a build"),
    before_deploy: hook("before a deploy changes anything; when it fails nothing is deployed"),
    after_deploy: hook("after a deploy"),
    before_rollback: hook("before a rollback changes anything; when it fails nothing is rolled back"),
    after_rollback: hook("after a rollback"),
    on_failure: hook("when a build, a deploy or a rollback failed"),
    host: z
      .strictObject({
        before_deploy: hostHook("before anything is changed there; when it fails nothing is"),
        after_deploy: hostHook("once the release serves"),
        before_rollback: hostHook("before a rollback changes anything there"),
        after_rollback: hostHook("once the former release serves again"),
        on_failure: hostHook("when a release was undone there"),
      })
      .describe("Executables that are sent to the hosts with the release.")
      .optional(),
  })
  .describe("Executables that run around builds, deploys and rollbacks.");
