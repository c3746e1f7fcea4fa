import { slotName } from "../release/fronts.ts";
import { levels } from "../release/order.ts";
import type { Step } from "./plan.ts";
import { byLevel } from "./plan-deploy.ts";
import { commit, front, look, prune, pull, reach, retire, start, switchOver, task, type StepFacts } from "./steps.ts";

/**
 * The plan that brings a release up whatever a host runs, for whoever applies a kept release by hand on the host itself.
 * What runs already is found there: `keep` leaves those slots alone, and Compose the other containers.
 *
 * @param isInTurn whether memory is short: then services in slots go one at a time
 */
export function planWhole(facts: StepFacts, runsTasks: boolean, isInTurn = false): Step[] {
  const { services, fronts, tasks, model } = facts.rendered;
  const names = Object.keys(services).toSorted();
  const isFirst = (service: string) => services[service]?.built === undefined && fronts[service] === undefined;
  const all = (wanted: readonly string[]) =>
    byLevel(
      wanted.map((service) => ({ service, before: [] })),
      facts,
      true,
    );
  const fronted = names.filter((service) => fronts[service] !== undefined);
  const switched = names.filter((service) => services[service]?.rollout === "blue-green");
  const rest = names.filter((service) => !isFirst(service));
  const together = isInTurn ? [] : switched;
  const turns = isInTurn ? switched : [];
  const turn = (service: string) => [...start([service], facts), ...front([service]), switchOver(service), ...retire([service], facts)];
  const contentOf = (name: string) => model.services[fronts[name]?.slots[0] === undefined ? name : slotName(name, fronts[name].slots[0])];
  const written = Object.fromEntries(names.map((name) => [name, contentOf(name) ?? {}]));
  const images = [...Object.values(services), ...Object.values(fronts), ...(runsTasks ? Object.values(tasks) : [])].map(
    ({ image }) => image,
  );
  return [
    ...(fronted.length > 0 ? [{ verb: "keep", args: fronted, title: "leave alone what runs already" }] : []),
    ...look(facts),
    ...pull(images),
    ...all(names.filter(isFirst)),
    ...(runsTasks ? Object.keys(tasks).map((name) => task(name, facts)) : []),
    ...(isInTurn ? levels(written, rest) : [rest]).flatMap((level) => [
      ...all(level.filter((service) => !turns.includes(service))),
      ...level.filter((service) => turns.includes(service)).flatMap(turn),
    ]),
    ...together.map(switchOver),
    ...reach(facts),
    commit,
    ...retire(together, facts),
    { verb: "remove", args: ["@others"], title: "remove what is no part of the release" },
    prune(facts.config),
  ];
}
