import * as fc from "fast-check";
import { expect, test } from "vitest";
import { frontPorts, slotName } from "../../../src/lib/fronts/fronts.ts";
import { isActive, replicas, type ComposeModel, type ComposeService } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { models, rendering, settings } from "./arbitrary-model.ts";

const check = (property: (model: ComposeModel, rendered: Rendered, config: Parameters<typeof rendering>[1]) => void) =>
  fc.assert(
    fc.property(models, settings, (model, config) => {
      property(model, rendering(model, config), config);
    }),
    { numRuns: 200 },
  );

/** `network name` for each name by which a container is found on a network, and who answers to it. */
function resolvable(services: Record<string, ComposeService>): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [service, { networks = {}, container_name: own }] of Object.entries(services)) {
    for (const [network, attachment] of Object.entries(networks)) {
      for (const name of [service, own, ...(attachment?.aliases ?? [])].filter((candidate) => candidate !== undefined)) {
        const key = `${network} ${name}`;
        found.set(key, (found.get(key) ?? new Set()).add(service));
      }
    }
  }
  return found;
}

test("every name that resolved resolves, to the service's front where it has one", () => {
  check((model, { model: { services } }) => {
    const after = resolvable(services);
    for (const [name, owners] of resolvable(model.services)) expect(after.get(name)).toEqual(owners);
  });
});

test("links and dependencies lead where they led", () => {
  check((model, { model: { services }, fronts }) => {
    for (const [name, written] of Object.entries(model.services)) {
      const slots = fronts[name]?.slots.map((slot) => slotName(name, slot)) ?? [name];
      for (const slot of slots) {
        const targets = (written.links ?? []).map((link) => link.replace(/:.*/, ""));
        expect(Object.keys(services[slot]?.depends_on ?? {}).toSorted()).toEqual(
          [...new Set([...Object.keys(written.depends_on ?? {}), ...(written.network_mode === undefined ? targets : [])])].toSorted(),
        );
        for (const link of written.network_mode === undefined ? (written.links ?? []) : []) {
          const [target = "", alias = target] = link.split(":");
          const linked = model.services[target];
          if (!isActive(linked ?? {}, []) || (alias === target && replicas(linked ?? {}) > 1)) continue;
          expect(services[slot]?.external_links).toContain(`${linked?.container_name ?? `shop-staging-${target}-1`}:${alias}`);
        }
        for (const [other, { condition, restart }] of Object.entries(services[slot]?.depends_on ?? {})) {
          expect(services[other]).toBeDefined();
          if (fronts[other] !== undefined) expect([condition, restart]).toEqual(["service_started", undefined]);
        }
      }
    }
  });
});

test("every published port is published once, as it was", () => {
  const published = (services: Record<string, ComposeService>) =>
    Object.values(services)
      .flatMap(({ ports = [] }) => ports.map((port) => JSON.stringify(port)))
      .toSorted();
  check((model, { model: { services }, fronts }) => {
    const wanted = Object.entries(model.services).map(([name, service]): [string, ComposeService] => [
      name,
      fronts[name] === undefined ? service : { ports: frontPorts(service) },
    ]);
    expect(published(services)).toEqual(published(Object.fromEntries(wanted)));
  });
});

test("what one container alone can have, one service has", () => {
  const single = (services: Record<string, ComposeService>) =>
    Object.values(services)
      .flatMap(({ container_name: name, mac_address: mac, networks = {} }) => [
        name,
        mac,
        ...Object.values(networks).flatMap((attachment) => [attachment?.ipv4_address, attachment?.mac_address]),
      ])
      .filter((value) => value !== undefined)
      .toSorted();
  check((model, rendered) => expect(single(rendered.model.services)).toEqual(single(model.services)));
});

test("nothing that the user wrote is lost: what a slot does not have, its front has", () => {
  check((model, { model: { services }, fronts }) => {
    for (const [name, written] of Object.entries(model.services)) {
      const [slot] = fronts[name]?.slots ?? [];
      const parts = [services[name], ...(slot === undefined ? [] : [services[slotName(name, slot)]])];
      const {
        image: _image,
        restart: _restart,
        depends_on: _order,
        deploy = {},
        hostname,
        links: _links,
        labels = {},
        environment = {},
        networks = {},
        ports,
        ...rest
      } = written;
      if (ports !== undefined) expect(parts[0]?.ports).toEqual(slot === undefined ? ports : frontPorts(written));
      for (const [key, value] of Object.entries(rest)) expect(parts.map((part) => part?.[key])).toContainEqual(value);
      // What Compose calls the service's containers are aliases of its front, too.
      const count = slot === undefined || written.container_name !== undefined ? 0 : replicas(written);
      const more = Array.from({ length: count }, (_, index) => `shop-staging-${name}-${index + 1}`);
      if (slot === undefined) expect(parts[0]?.hostname).toBe(hostname);
      for (const [key, attachment] of Object.entries(networks))
        expect(parts.map((part) => part?.networks?.[key])).toContainEqual(
          more.length === 0 ? attachment : { ...attachment, aliases: [...(attachment?.aliases ?? []), ...more] },
        );
      const content = parts.at(-1);
      expect({ environment: {}, ...content }).toMatchObject({ labels, environment });
      const { restart_policy: policy, ...deployed } = deploy;
      if (Object.keys(deployed).length > 0) expect(content?.deploy).toMatchObject(deployed);
      if (slot === undefined && policy !== undefined && content?.restart !== "no")
        expect(content?.deploy?.["restart_policy"]).toEqual(policy);
    }
  });
});

test("slots differ in their name alone, and share their definition", () => {
  check((_model, { model: { services }, fronts }) => {
    for (const [name, { slots }] of Object.entries(fronts)) {
      const unnamed = slots.map((slot) => {
        const { environment, ...rest } = services[slotName(name, slot)] ?? {};
        const { COLDTIVATE_SLOT: own, ...others } = environment ?? {};
        expect(own).toBe(slot);
        return { ...rest, environment: others };
      });
      for (const slot of unnamed) expect(slot).toEqual(unnamed[0]);
    }
  });
});

test("no release of a service's image, environment or command changes a front", () => {
  check((model, { fronts }, config) => {
    const services = Object.fromEntries(
      Object.entries(model.services).map(([name, written]) => [name, { ...written, environment: { NEW: "1" }, labels: { other: "b" } }]),
    );
    const next = rendering({ ...model, services }, config, {
      images: new Map([
        ["ours", { image: "r.example/ours@sha256:bb", built: "ours" }],
        ["postgres:15", { image: "postgres@sha256:00" }],
        ["haproxy:lts", { image: "haproxy@sha256:22" }],
      ]),
      runningFronts: fronts,
    });
    expect(Object.entries(next.fronts).map(([name, { definition }]) => [name, definition])).toEqual(
      Object.entries(fronts).map(([name, { definition }]) => [name, definition]),
    );
  });
});

test("equal models in another order give the same definitions", () => {
  const turn = (value: unknown): unknown =>
    value === null || typeof value !== "object"
      ? value
      : Array.isArray(value)
        ? value.map(turn)
        : Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([key, inner]) => [key, turn(inner)]),
          );
  const definitions = ({ services, fronts }: Rendered) =>
    [...Object.entries(services), ...Object.entries(fronts)].map(([name, { definition }]) => `${name} ${definition}`).toSorted();
  check((model, rendered, config) => expect(definitions(rendering(turn(model) as ComposeModel, config))).toEqual(definitions(rendered)));
});
