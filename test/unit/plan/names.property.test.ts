import * as fc from "fast-check";
import { expect, test } from "vitest";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { isActive, replicas, type ComposeModel, type ComposePort, type ComposeService } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { rendering } from "../release/arbitrary-model.ts";
import { carryOut, emptyHost, plainHost } from "./simulated-host.ts";
import { NamedHost, project } from "./named-host.ts";

const names = ["api", "db", "gateway", "web"];
const healthcheck = { test: ["CMD", "curl", "-f", "http://localhost:8000/up"] };

/** A service that others reach by all kinds of names, and that may know others by names of its own. */
function service(name: string): fc.Arbitrary<ComposeService> {
  const others = names.filter((other) => other !== name);
  return fc
    .record(
      {
        healthcheck: fc.constant(healthcheck),
        container_name: fc.constant(`the_${name}`),
        hostname: fc.constantFrom(name, `${name}-host`),
        links: fc.uniqueArray(fc.constantFrom(...others.flatMap((other) => [other, `${other}:${other}_api`, `${other}:backend`])), {
          maxLength: 3,
          selector: (link) => link.split(":").at(-1),
        }),
        network: fc.constantFrom<ComposeService["networks"][]>(
          { default: null },
          { back: { aliases: [`${name}.internal`] } },
          { default: { aliases: ["shared"] }, back: null },
        ),
        scale: fc.integer({ min: 1, max: 3 }),
        ports: fc.constant<ComposePort[]>([{ target: 8000, published: "80", protocol: "tcp" }]),
      },
      { requiredKeys: ["network"] },
    )
    .map(({ network, ...rest }) => ({ image: "ours", networks: network ?? { default: null }, ...rest }))
    .map(({ container_name, scale, ...rest }) =>
      container_name === undefined ? { ...rest, ...(scale === undefined ? {} : { scale }) } : { ...rest, container_name },
    );
}

const models: fc.Arbitrary<ComposeModel> = fc
  .record(Object.fromEntries(names.map((name) => [name, service(name)])))
  .map((services) => ({ services, networks: { default: {}, back: {} } }));

/** What happens to a host: a release of new editions of some services, or of other numbers; one that fails at some step; or the one before again. */
const operations = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("deploy" as const), changed: fc.subarray(names), failsAt: fc.constant(1) }),
    fc.record({
      kind: fc.constant("fail" as const),
      changed: fc.subarray(names, { minLength: 1 }),
      failsAt: fc.double({ min: 0, max: 0.99, noNaN: true }),
    }),
    fc.record({ kind: fc.constant("scale" as const), changed: fc.subarray(names, { minLength: 1 }), failsAt: fc.constant(1) }),
    fc.record({ kind: fc.constant("back" as const), changed: fc.constant<string[]>([]), failsAt: fc.constant(1) }),
  ),
  { minLength: 1, maxLength: 5 },
);

/** All names by which a service finds others under plain Compose, and whom. */
function plainNames({ services }: ComposeModel, asking: string): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>();
  const own = services[asking] ?? {};
  const add = (name: string, owner: string) => known.set(name, (known.get(name) ?? new Set()).add(owner));
  for (const [name, other] of Object.entries(services)) {
    if (name === asking || !isActive(other, [])) continue;
    for (const [network, attachment] of Object.entries(other.networks ?? {})) {
      if (own.networks?.[network] === undefined) continue;
      const numbered = Array.from({ length: replicas(other) }, (_, index) => `${project}-${name}-${index + 1}`);
      for (const found of [
        name,
        ...(attachment?.aliases ?? []),
        ...(other.container_name === undefined ? numbered : [other.container_name]),
        ...(other.hostname === undefined ? [] : [other.hostname]),
      ])
        add(found, name);
    }
  }
  // A link hides all else of its name.
  for (const link of own.links ?? []) {
    const [target = "", alias = target] = link.split(":");
    const isNear = Object.keys(services[target]?.networks ?? {}).some((network) => own.networks?.[network] !== undefined);
    if (isNear) known.set(alias, new Set([target]));
  }
  return known;
}

test("whatever name a service found another one by leads to a running container of it, whatever happened to either", () => {
  fc.assert(
    fc.property(models, operations, fc.boolean(), (model, given, isPlain) => {
      const host = new NamedHost();
      if (isPlain) host.runPlainly(model);
      let state = isPlain ? host.observe(plainHost(model)) : emptyHost;
      let editions: Record<string, number> = {};
      let scales: Record<string, number> = {};
      const served: { rendered: Rendered; scales: Record<string, number> }[] = [];
      const release = () => {
        const services = Object.fromEntries(
          names.map((name) => {
            const written = model.services[name] ?? {};
            const scale = scales[name];
            return [
              name,
              {
                ...written,
                environment: { EDITION: String(editions[name] ?? 0) },
                ...(scale === undefined || written.container_name !== undefined ? {} : { scale }),
              },
            ];
          }),
        );
        return { ...model, services };
      };
      const wrong: string[] = [];
      const check = () => {
        const now = release();
        for (const asking of names) {
          // Names of containers that are there since, or are no more, nobody knew before.
          const fewest = (name: string) => Math.min(replicas(model.services[name] ?? {}), replicas(now.services[name] ?? {}));
          for (const [name, owners] of plainNames(
            {
              ...now,
              services: Object.fromEntries(
                Object.entries(now.services).map(([other, written]) => [other, { ...written, scale: fewest(other) }]),
              ),
            },
            asking,
          )) {
            const found = host.resolve(asking, name);
            const isRight = found.length > 0 && found.every((other) => other === asking || owners.has(other));
            if (!isRight) wrong.push(`${asking} asks for ${name}: ${found.join(", ")}`);
          }
        }
        expect(wrong).toEqual([]);
      };
      if (isPlain) check();

      const first = { kind: "deploy" as const, changed: [] as string[], failsAt: 1 };
      for (const [index, { kind, changed, failsAt }] of [first, ...given].entries()) {
        const [before, scaled] = [editions, scales];
        if (kind === "scale")
          scales = {
            ...scales,
            ...Object.fromEntries(changed.map((name) => [name, ((scales[name] ?? replicas(model.services[name] ?? {})) % 3) + 1])),
          };
        else editions = { ...editions, ...Object.fromEntries(changed.map((name) => [name, index + 1])) };
        const last = served.at(-2);
        const isBack = kind === "back" && last !== undefined;
        const rendered = isBack ? last.rendered : rendering(release(), {}, { runningFronts: state.manifest?.fronts ?? {} });
        if (isBack) scales = last.scales;
        const { steps } = planHost({
          config: { services: {} },
          rendered,
          state,
          commit: `c${index}`,
          runsTasks: false,
          action: isBack ? "rollback" : "deploy",
        });
        const end = steps.findIndex(({ verb }) => verb === "commit");
        const taken = kind === "fail" ? steps.slice(0, Math.floor(failsAt * Math.max(0, end))) : steps;
        const undo = host.remember();
        const was = state.fronts;
        const after = carryOut(state, taken, { rendered, commit: `c${index}` }, (_, step) => host.take(step, rendered, was));
        if (kind === "fail") {
          host.undo(undo);
          [editions, scales] = [before, scaled];
        } else state = after;
        if (kind !== "fail" && served.at(-1)?.rendered !== rendered) served.push({ rendered, scales });
        state = host.observe(state);
        check();
      }
    }),
    { numRuns: 150 },
  );
});
