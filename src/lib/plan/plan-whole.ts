import type { Step } from "./plan.ts";
import { byLevel } from "./plan-deploy.ts";
import { commit, prune, pull, retire, switchOver, task, type StepFacts } from "./steps.ts";

/**
 * The plan that brings a release up whatever a host runs, for whoever applies a kept release by hand on the host itself.
 * What runs already is found there: `keep` leaves those slots alone, and Compose the other containers.
 */
export function planWhole(facts: StepFacts, runsTasks: boolean): Step[] {
  const { services, fronts, tasks } = facts.rendered;
  const names = Object.keys(services).toSorted();
  const isFirst = (service: string) => services[service]?.built === undefined && fronts[service] === undefined;
  const all = (wanted: readonly string[]) =>
    byLevel(
      wanted.map((service) => ({ service, before: [] })),
      facts,
    );
  const switched = names.filter((service) => services[service]?.rollout === "blue-green");
  const images = [...Object.values(services), ...Object.values(fronts), ...(runsTasks ? Object.values(tasks) : [])].map(
    ({ image }) => image,
  );
  return [
    ...(switched.length > 0 ? [{ verb: "keep", args: switched, title: "leave alone what runs already" }] : []),
    ...pull(images),
    ...all(names.filter(isFirst)),
    ...(runsTasks ? Object.keys(tasks).map((name) => task(name, facts)) : []),
    ...all(names.filter((service) => !isFirst(service))),
    ...switched.map(switchOver),
    commit,
    ...retire(switched, facts),
    { verb: "remove", args: ["@others"], title: "remove what is no part of the release" },
    prune,
  ];
}
