import { levels } from "../compose/order.ts";
import { settingsOf, orderWorks } from "./steps/order-works.ts";
import type { Step } from "./steps/step.ts";
import { byLevel } from "./plan-deploy.ts";
import { startFronts, look, prune, pull, reach, retire, start, switchOver, task, type StepFacts } from "./steps/steps.ts";

/**
 * The full plan: it brings a release up whatever a host runs. Recovery uses it, and so do people who apply a kept release on the
 * host itself. The host finds out what runs already: `keep` leaves those slots alone, and Compose leaves the other containers
 * alone.
 *
 * @param isInTurn whether memory is short, so that services in slots go one at a time
 */
export function planFull(facts: StepFacts, runsTasks: boolean, isInTurn = false): Step[] {
  const { services, fronts, tasks } = facts.rendered;
  const names = Object.keys(services).toSorted();
  const all = (wanted: readonly string[]) =>
    byLevel(
      wanted.map((service) => ({ service, before: [] })),
      facts,
      true,
    );
  const fronted = names.filter((service) => fronts[service] !== undefined);
  const isSwitched = (service: string) => services[service]?.rollout === "blue-green";
  const together = isInTurn ? [] : names.filter(isSwitched);
  const isInTurns = (service: string) => isInTurn && isSwitched(service);
  const turn = (service: string) => [
    ...start([service], facts),
    ...startFronts([service]),
    switchOver(service),
    ...retire([service], facts),
  ];
  const written = Object.fromEntries(names.map((name) => [name, settingsOf(name, facts.rendered)]));
  const images = [...Object.values(services), ...Object.values(fronts), ...(runsTasks ? Object.values(tasks) : [])].map(
    ({ image }) => image,
  );
  const places = names.map((service) => ({ service, change: "create", isReplaced: true }) as const);
  const order = orderWorks(places, facts.rendered, runsTasks ? Object.values(tasks).map(({ service }) => service) : []);
  return [
    ...(fronted.length > 0 ? [{ verb: "keep" as const, services: fronted }] : []),
    ...look(facts),
    ...pull(images),
    ...all(namesOf(order.first)),
    ...(runsTasks ? Object.keys(tasks).map((name) => task(name, facts)) : []),
    ...order.blocks.flatMap((block) => {
      const rest = namesOf(block.services);
      return [
        ...all(namesOf(block.once)),
        ...(isInTurn ? levels(written, rest) : [rest]).flatMap((level) => [
          ...all(level.filter((service) => !isInTurns(service))),
          ...level.filter(isInTurns).flatMap(turn),
        ]),
        ...rest.filter((service) => together.includes(service)).map(switchOver),
      ];
    }),
    reach(facts),
    { verb: "commit" },
    ...retire(together, facts),
    { verb: "remove", services: "others" },
    prune(facts.config),
  ];
}

function namesOf(works: readonly { service: string }[]): string[] {
  return works.map(({ service }) => service);
}
