import * as z from "zod";
import type { HostPlan } from "./plan.ts";

const schema = z.object({
  expect: z.string().default("-"),
  services: z
    .array(z.object({ service: z.string(), change: z.enum(["create", "update", "remove", "keep"]), reasons: z.array(z.string()) }))
    .default([]),
  steps: z.array(z.object({ verb: z.string(), args: z.array(z.string()), title: z.string() })).default([]),
});

/** Reads the plan.json that a release's folder has; without steps where there is none, as for a release that is applied by hand. */
export function parseHostPlan(host: string, text: string): HostPlan {
  return { ...schema.parse(JSON.parse(text)), host };
}
