import type { HostState } from "../../../src/lib/host/host-state.ts";
import { isSlot, slotName, type Slot } from "../../../src/lib/fronts/fronts.ts";
import { replicas, type ComposeModel, type ComposeService } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { wordsOf, type Step } from "../../../src/lib/plan/steps/step.ts";

export const project = "shop-staging";

interface NamedContainer {
  service: string;
  /** The number that Compose knows it by, which it keeps. */
  number: number;
  name: string;
  /** The name that it was created with: an alias for good. */
  created: string;
  /** What it was created from. */
  content: ComposeService;
  /** Whom Compose linked it to by itself. */
  links: readonly [alias: string, name: string][];
  isPlain: boolean;
  isRunning: boolean;
}

interface Memory {
  containers: NamedContainer[];
  live: Record<string, Slot>;
}

/** A host as far as containers have names: Compose's numbers, the engine's names, and what the script makes of them. */
export class NamedHost {
  private containers: NamedContainer[] = [];
  private live: Record<string, Slot> = {};

  /** Has plain Compose bring a model up. */
  runPlainly({ services }: ComposeModel): void {
    for (const [name, service] of Object.entries(services)) {
      for (let number = 1; number <= replicas(service); number++) this.create(name, number, service, true);
    }
    for (const container of this.containers) container.links = this.composeLinks(container.content);
  }

  remember(): Memory {
    return { containers: this.containers.map((container) => ({ ...container })), live: { ...this.live } };
  }

  /** An undone release: services come back as they were, by their numbers, and get their names as after each replacement. */
  undo({ containers, live }: Memory): void {
    this.containers = containers;
    this.live = live;
  }

  /** What the CLI sees of the names. */
  observe(state: HostState): HostState {
    const named = new Map(
      Map.groupBy(
        this.containers.filter(({ isPlain, isRunning }) => !isPlain || isRunning),
        ({ service }) => service,
      ),
    );
    const seen = new Map<string, number>();
    const containers = state.containers.map((found) => {
      const index = seen.get(found.service) ?? 0;
      seen.set(found.service, index + 1);
      return { ...found, name: named.get(found.service)?.[index]?.name ?? found.name };
    });
    return { ...state, containers };
  }

  /** Takes a step of a plan as the script does. */
  take(step: Step, rendered: Rendered, was: Readonly<Record<string, Slot>>): void {
    const idle = (service: string): Slot =>
      rendered.fronts[service]?.slots.includes("slot") ? "slot" : was[service] === "blue" ? "green" : "blue";
    const [verb, ...args] = wordsOf(step);
    const [first = ""] = args;
    switch (verb) {
      case "name":
        return args.forEach((service) => this.rename(service));
      case "recreate":
        return args.forEach((service) => this.up(service, rendered));
      case "start":
        for (const service of args) {
          const slot = slotName(service, idle(service));
          this.remove([slot]);
          this.up(slot, rendered);
        }
        return;
      case "front":
        for (const service of args) {
          this.live[service] ??= idle(service);
          this.up(service, rendered);
        }
        return;
      case "join":
        for (const service of args) this.create(service, this.nextNumber(service), rendered.model.services[service] ?? {}, false);
        return;
      case "leave":
        for (const service of args.slice(1)) {
          const [newest] = this.of(service).toSorted((one, other) => other.number - one.number);
          this.containers = this.containers.filter((found) => found.service !== service || found === newest);
          this.rename(service);
        }
        return;
      case "switch":
        this.live[first] = idle(first);
        return;
      case "open":
        this.live[first] = "slot";
        return;
      case "remove":
        return this.remove(args);
      case "stop":
        return this.remove(
          args.flatMap((part) => {
            const service = part.replace("@was", "");
            return was[service] === undefined || was[service] === idle(service) ? [] : [slotName(service, was[service])];
          }),
        );
      case "prune":
        this.containers = this.containers.filter(({ isPlain }) => !isPlain);
        this.live = Object.fromEntries(Object.entries(this.live).filter(([service]) => rendered.fronts[service] !== undefined));
        return;
      default:
    }
  }

  /** The services that answer to a name which a service's serving containers ask for. */
  resolve(asking: string, name: string): string[] {
    const slot = this.live[asking];
    const askers = this.of(slot === undefined ? asking : slotName(asking, slot));
    const all = askers.map(({ content, links }) => {
      const own = new Map([
        ...links,
        ...(content.external_links ?? []).map((link): [string, string] => [link.split(":")[1] ?? link, link.split(":")[0] ?? link]),
      ]);
      const wanted = own.get(name) ?? name;
      const near = this.containers.filter(
        (found) =>
          found.isRunning &&
          Object.keys(found.content.networks ?? {}).some(
            (network) => content.networks?.[network] !== undefined && namesOf(found, network).includes(wanted),
          ),
      );
      return near.map(({ service }) => service);
    });
    // Each of them has to find somebody.
    return all.some((found) => found.length === 0) ? [] : [...new Set(all.flat())];
  }

  private of(service: string): NamedContainer[] {
    return this.containers.filter((found) => found.service === service && !(found.isPlain && !found.isRunning));
  }

  private nextNumber(service: string): number {
    return Math.max(0, ...this.containers.filter((found) => found.service === service).map(({ number }) => number)) + 1;
  }

  private create(service: string, number: number, content: ComposeService, isPlain: boolean): NamedContainer {
    const name = content.container_name ?? `${project}-${service}-${number}`;
    if (this.containers.some((found) => found.name === name)) throw new Error(`${name} is taken`);
    const container = { service, number, name, created: name, content, links: this.composeLinks(content), isPlain, isRunning: true };
    this.containers.push(container);
    return container;
  }

  /** Links that are left to Compose lead to the containers that are there. */
  private composeLinks({ links = [] }: ComposeService): [string, string][] {
    return links.flatMap((link) => {
      const [target = "", alias = target] = link.split(":");
      return this.containers.filter(({ service }) => service === target).flatMap(({ name }): [string, string][] => [[alias, name]]);
    });
  }

  private up(service: string, rendered: Rendered): void {
    const content = rendered.model.services[service] ?? {};
    const wanted = isSlot(service.split("-").at(-1)) || rendered.fronts[service] === undefined ? replicas(content) : 1;
    const plain = this.containers.filter((found) => found.service === service && found.isPlain && found.isRunning);
    if (plain.length > 0 && plain.every(({ name }) => name.startsWith(`${project}-${service}-`))) {
      const successors = Array.from({ length: rendered.fronts[service] === undefined ? Math.max(wanted, plain.length) : 1 }, () =>
        this.create(service, this.nextNumber(service), content, false),
      );
      for (const old of plain) Object.assign(old, { isRunning: false, name: `${old.name}.former` });
      successors.forEach((container, index) => (container.name = `${project}-${service}-${index + 1}`));
    } else {
      const old = this.of(service).toSorted((one, other) => one.number - other.number);
      this.containers = this.containers.filter((found) => !old.includes(found));
      const kept = old.slice(0, wanted).map(({ number }) => number);
      // One after the other, each while those after it are still there.
      const later = old.slice(0, wanted);
      this.containers.push(...later);
      for (const container of later) {
        this.containers = this.containers.filter((found) => found !== container);
        this.create(service, container.number, content, false);
      }
      for (let count = kept.length; count < wanted; count++) this.create(service, this.nextNumber(service), content, false);
    }
    this.rename(service);
  }

  private remove(services: readonly string[]): void {
    this.containers = this.containers.filter(({ service, isPlain }) => isPlain || !services.includes(service));
    for (const found of this.containers) if (services.includes(found.service)) found.isRunning = false;
  }

  /** As `name_containers` of the script. */
  private rename(service: string): void {
    const own = this.containers
      .filter((found) => found.service === service && !found.isPlain)
      .toSorted((one, other) => one.number - other.number);
    const numbers = new Set(own.map(({ number }) => number));
    for (const [index, container] of own.entries()) {
      const [rank, first] = [index + 1, `${project}-${service}-`];
      if (!container.name.startsWith(first) || !/^\d+$/.test(container.name.slice(first.length))) continue;
      const name = `${first}${rank}`;
      const isFree = !this.containers.some((found) => found !== container && found.name === name);
      if ((rank === container.number || !numbers.has(rank)) && isFree) container.name = name;
    }
  }
}

function namesOf({ service, name, created, content }: NamedContainer, network: string): string[] {
  return [
    name,
    created,
    service,
    ...(content.networks?.[network]?.aliases ?? []),
    ...(content.hostname === undefined ? [] : [content.hostname]),
  ];
}
