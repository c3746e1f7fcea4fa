import * as z from "zod";
import { lineSchema, readAnswer, readJson, releaseSchema, thingSchema } from "../../common/host-answer.ts";
import type { ShownPlan } from "./plan.ts";

const schema = z.object({
  expect: z.union([z.literal("-"), releaseSchema]).default("-"),
  services: z
    .array(z.object({ service: thingSchema, change: z.enum(["create", "update", "remove", "keep"]), reasons: z.array(lineSchema) }))
    .default([]),
  steps: z
    .array(z.object({ verb: z.string().regex(/^[a-z_]+$/), args: z.array(lineSchema), title: lineSchema, subject: lineSchema.optional() }))
    .max(10_000)
    .default([]),
  again: z.enum(["deploy", "rollback", "fronts"]).optional(),
  target: releaseSchema.optional(),
});

/** A plan as others follow it, with the command that repeats it. */
export type KeptPlan = ShownPlan & z.infer<typeof schema>;

/**
 * Reads the plan.json in a release's folder. Without one, the plan has no steps, as for a release that was applied directly on
 * the host.
 * @throws ColdtivateError HOST_ANSWER
 */
export function parseHostPlan(host: string, text: string): KeptPlan {
  return { ...readAnswer(host, "the plan that it follows", schema, readJson(host, "the plan that it follows", text)), host };
}
