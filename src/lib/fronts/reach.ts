import { mostLookedAt } from "../services/command-words.ts";
import type { ServiceConfig } from "../config/schema/config.ts";
import { extraHosts, isNear, type MentionedPort } from "../services/mentioned-ports.ts";
import type { ComposeModel, ComposeService } from "../compose/model.ts";
import { findPorts, isTcp } from "../services/ports.ts";
import { hasFront, type ServiceRollout } from "./rollout.ts";

export interface ReachInput {
  model: ComposeModel;
  /** Of the services that are part of the release. */
  rollouts: ReadonlyMap<string, ServiceRollout>;
  config: Readonly<Record<string, ServiceConfig>>;
  mentions: readonly MentionedPort[];
}

/**
 * The reach check before a release commits, in the words of the host's script:
 *
 * - `SERVICE`: its front reaches a container behind it.
 * - `SERVICE>PORT`: it answers in HTTP.
 * - `SERVICE>PORT>tcp`: it listens.
 * - `SERVICE>TARGET>NAME>PORT`: it finds another service by a name, and reaches it at a port or, with `-`, at none.
 */
export function reachedBy(input: ReachInput): string[] {
  const names = [...input.rollouts.keys()].filter((name) => !isOver(name, input)).toSorted();
  const fronted = names.filter((name) => hasFront(input.rollouts.get(name) ?? { rollout: "recreate" }));
  const own = names.filter((name) => !fronted.includes(name)).flatMap((name) => ownPorts(name, input));
  return [...new Set([...fronted, ...own, ...names.flatMap((name) => pairs(name, input))])];
}

/** Whether a service has completed by then. */
function isOver(name: string, { rollouts }: ReachInput): boolean {
  return rollouts.get(name)?.rollout === "once";
}

/** Ports of a service without a front: published ones, and those where it certainly answers in HTTP. */
function ownPorts(name: string, { model, config }: ReachInput): string[] {
  const service = model.services[name] ?? {};
  if (Object.keys(service.networks ?? {}).length === 0) return [];
  const certain = findPorts(service, config[name]).ports.filter(
    ({ port, mode }) => mode === "http" && isCertain(service, port, config[name]),
  );
  const published = (service.ports ?? []).filter(isTcp).map(({ target }) => target);
  const asked = certain.map(({ port }) => port);
  return [
    ...asked.map((port) => `${name}>${port}`),
    ...published.filter((port) => !asked.includes(port)).map((port) => `${name}>${port}>tcp`),
  ];
}

function isCertain({ healthcheck }: ComposeService, port: number, config: ServiceConfig = {}): boolean {
  const isChecked =
    healthcheck?.disable !== true &&
    new RegExp(`\\bhttp://[^\\s/]*:${port}\\b`).test((healthcheck?.test ?? []).join(" ").slice(0, mostLookedAt));
  return isChecked || config.mode === "http" || config.ports?.some((written) => written.port === port && written.mode === "http") === true;
}

/** The services that a service has to find, and by which name: those that it links to, depends on or mentions. */
function pairs(from: string, input: ReachInput): string[] {
  const { model, rollouts, mentions } = input;
  const service = model.services[from] ?? {};
  const isAsked = (to: string) => to !== from && rollouts.has(to) && !isOver(to, input) && isNear(service, model.services[to] ?? {});
  const hidden = new Set(extraHosts(service));
  const mentioned = mentions.filter((mention) => mention.from === from && mention.isOther !== true);
  const linked = (service.links ?? []).map((link) => {
    const [to = "", name = to] = link.split(":", 2);
    return { to, name };
  });
  const awaited = Object.entries(service.depends_on ?? {})
    .filter(([, { condition }]) => condition !== "service_completed_successfully")
    .map(([to]) => ({ to, name: to }));
  const named = [...linked, ...awaited].filter(({ name }) => !mentioned.some((mention) => mention.name === name));
  return [...mentioned.map(({ to, name, port }) => ({ to, name, port: String(port) })), ...named.map((each) => ({ ...each, port: "-" }))]
    .filter(({ to, name }) => isAsked(to) && !hidden.has(name))
    .map(({ to, name, port }) => [from, to, name, port].join(">"));
}
