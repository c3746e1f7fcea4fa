import { slotName } from "../../fronts/fronts.ts";

/** How a service tells its clients to go elsewhere: a file that is created, or a command that runs; then a wait, in seconds. */
export type Goodbye = { wait: number } & ({ file: string } | { command: readonly string[] });

/** Where hosts wait for one another, in this order. Steps after the last barrier cannot be undone. */
export type Barrier = "pulled" | "prepared" | "healthy" | "switched";

/** What the host's script can be asked to do, by verb; docs/protocol.md describes each. Times are in seconds. */
interface Fields {
  /** The release that has to serve; "-" for none. */
  expect: { release: string };
  hook: { name: string; within: number };
  keep: { services: readonly string[] };
  name: { services: readonly string[] };
  look: object;
  pull: { images: readonly string[] };
  barrier: { name: Barrier; silence: number };
  task: { name: string; within: number; hasUndo: boolean };
  once: { service: string; within: number; isOptional: boolean };
  recreate: Replaced;
  /**
   * `settled`: how long a container without a health check must run. `instances`: how many there must be. `port`: where it must
   * take connections if it has no health check.
   */
  healthy: { service: string; part?: "idle" | "slot"; within: number; settled: number; instances?: number; port?: number };
  start: { services: readonly string[] };
  probe: { service: string };
  front: { services: readonly string[] };
  join: { services: readonly string[] };
  leave: { services: readonly string[]; within: number };
  hold: { service: string; within: number; goodbye?: Goodbye };
  open: { service: string };
  switch: { service: string };
  signal: { service: string; goodbye: Goodbye };
  drain: { service: string; within: number };
  stop: { services: readonly string[] };
  /** Compose services; or all that the release does not have. */
  remove: { services: readonly string[] | "others" };
  reach: { within: number; targets: readonly string[] };
  unwritten: { folders: readonly string[] };
  commit: object;
  abandon: { folders: readonly string[] };
  prune: { releases: number };
}

/** Services in place, or the only slot of a service. */
type Replaced = { services: readonly string[] } | { slotOf: string };

export type Verb = keyof Fields;

/** A step of one kind. */
export type StepOf<Kind extends Verb> = { [Each in Kind]: { verb: Each } & Fields[Each] }[Kind];

/** One step of a plan. */
export type Step = StepOf<Verb>;

type Words = readonly (string | number)[];

/** The arguments of each verb, as the script expects them. */
const argumentsOf: { readonly [Each in Verb]: (step: StepOf<Each>) => Words } = {
  expect: ({ release }) => [release],
  hook: ({ name, within }) => [name, within],
  keep: ({ services }) => services,
  name: ({ services }) => services,
  look: () => [],
  pull: ({ images }) => images,
  barrier: ({ name, silence }) => [name, silence],
  task: ({ name, within, hasUndo }) => [name, within, ...(hasUndo ? ["undo"] : [])],
  once: ({ service, within, isOptional }) => [service, within, ...(isOptional ? ["optional"] : [])],
  recreate: (step) => ("slotOf" in step ? [slotName(step.slotOf, "slot")] : step.services),
  healthy: ({ service, part, within, settled, instances, port }) => [
    part === "idle" ? `${service}@idle` : part === "slot" ? slotName(service, "slot") : service,
    within,
    settled,
    ...(instances === undefined ? [] : [instances]),
    ...(port === undefined ? [] : [port]),
  ],
  start: ({ services }) => services,
  probe: ({ service }) => [service],
  front: ({ services }) => services,
  join: ({ services }) => services,
  leave: ({ services, within }) => [within, ...services],
  hold: ({ service, within, goodbye }) => [service, within, ...(goodbye === undefined ? [] : goodbyeWords(goodbye))],
  open: ({ service }) => [service],
  switch: ({ service }) => [service],
  signal: ({ service, goodbye }) => [`${service}@was`, ...goodbyeWords(goodbye)],
  drain: ({ service, within }) => [service, within],
  stop: ({ services }) => services.map((service) => `${service}@was`),
  remove: ({ services }) => (services === "others" ? ["@others"] : services),
  reach: ({ within, targets }) => [within, ...targets],
  unwritten: ({ folders }) => folders,
  commit: () => [],
  abandon: ({ folders }) => folders,
  prune: ({ releases }) => [releases],
};

function goodbyeWords(goodbye: Goodbye): Words {
  return [goodbye.wait, ...("file" in goodbye ? ["file", goodbye.file] : ["command", ...goodbye.command])];
}

/** What each step is called for people. */
const titles: { readonly [Each in Verb]: (step: StepOf<Each>) => string } = {
  expect: () => "check that nothing else was deployed meanwhile",
  hook: ({ name }) => `hook ${name}`,
  keep: () => "leave alone what runs already",
  name: ({ services }) => `the names of ${few(services)}`,
  look: () => "look at what is reached now",
  pull: ({ images }) => `pull ${countNoun(images.length, "image")}`,
  barrier: ({ name }) => barriers[name],
  task: ({ name }) => `task ${name}`,
  once: ({ service }) => `run ${service} to its end`,
  recreate: (step) => `replace ${"slotOf" in step ? step.slotOf : few(step.services)}`,
  healthy: (step) => `${subjectOf(step)} is healthy`,
  start: ({ services }) => `start the new ${few(services)}`,
  probe: ({ service }) => `see what ${service} answers`,
  front: ({ services }) => `the front${services.length === 1 ? "" : "s"} of ${few(services)}`,
  join: ({ services }) =>
    services.length === 1 ? `a new front of ${few(services)} beside the old one` : `new fronts of ${few(services)} beside the old ones`,
  leave: ({ services }) => `remove the old front${services.length === 1 ? "" : "s"} of ${few(services)}`,
  hold: ({ service }) => `let requests to ${service} wait`,
  open: ({ service }) => `let requests to ${service} through`,
  switch: ({ service }) => `switch ${service}`,
  signal: ({ service }) => `tell the old ${service} to say goodbye`,
  drain: ({ service }) => `drain the old ${service}`,
  stop: ({ services }) => `stop the old ${few(services)}`,
  remove: ({ services }) => (services === "others" ? "remove what is no part of the release" : `remove ${services.join(", ")}`),
  reach: () => "check that everything is reached",
  unwritten: () => "check that nothing was written to what is left behind",
  commit: () => "commit the release",
  abandon: () => "note what is left behind",
  prune: ({ releases }) => `keep ${countNoun(releases, "release")}`,
};

const barriers: Record<Barrier, string> = {
  pulled: "wait until every host has the images",
  prepared: "wait until the tasks are done",
  healthy: "wait until the new containers are healthy on every host",
  switched: "wait until every host is ready to commit",
};

/** The verb and its arguments: one line of the script's plan. They are not empty and contain no tab. */
export function wordsOf<Kind extends Verb>(step: StepOf<Kind>): [verb: Verb, ...args: string[]] {
  return [step.verb, ...argumentsOf[step.verb](step).map(String)];
}

/** A step as people and tests read it: the line of the script's plan, with spaces. */
export function formatStep(step: Step): string {
  return wordsOf(step).join(" ");
}

/** The steps of one kind. */
export function stepsOf<Kind extends Verb>(steps: readonly Step[], verb: Kind): Extract<Step, { verb: Kind }>[] {
  return steps.filter((step): step is Extract<Step, { verb: Kind }> => step.verb === verb);
}

/** What others see of a step: those who follow a release, and programs that read `--json`. */
export interface ShownStep {
  verb: string;
  args: string[];
  title: string;
  /** Whose health the step waits for, for people; absent for other steps. */
  subject?: string | undefined;
}

export function showStep(step: Step): ShownStep {
  const [verb, ...args] = wordsOf(step);
  return { verb, args, title: titleOf(step), ...(step.verb === "healthy" ? { subject: subjectOf(step) } : {}) };
}

export function titleOf<Kind extends Verb>(step: StepOf<Kind>): string {
  return titles[step.verb](step);
}

function subjectOf({ service, part }: StepOf<"healthy">): string {
  return part === undefined ? service : `the new ${service}`;
}

export function few(services: readonly string[]): string {
  return services.length > 3 ? countNoun(services.length, "service") : services.join(", ");
}

function countNoun(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
