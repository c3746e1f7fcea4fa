import { afterAll, beforeAll, expect, test } from "vitest";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { inFields, pastFields, questions, truth } from "./answers.ts";
import { createWorld, treasures, type World } from "./errands.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { evil, lies, type Errand } from "./lies.ts";

let world: World;
let fleet: Fleet;
beforeAll(async () => {
  world = await createWorld();
  fleet = await startFleet();
});
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  world[Symbol.dispose]();
});

/** Who may be asked about what, and for a login: what the commit's files and coldtivate.yml name. */
const repositories = /^(?:r\.example\/shop\/web|postgres|docker\.io\/library\/postgres|haproxy)(?:[:@]|$)/;
const registries = new Set(["r.example", "https://index.docker.io/v1/"]);
/** What turns a terminal around, line ends apart. */
// oxlint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u;
/** The most that a host says before it is cut off, with what is on its way. */
const most = 128 * 1024 * 1024;

const truthFor = (errand: Errand) => (errand === "rollback" ? { ...truth, observe: inFields(pastFields) } : truth);

/** Every text in a value. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (value instanceof ColdtivateError) return [value.message, ...value.details, value.hint ?? ""];
  return typeof value === "object" && value !== null ? Object.entries(value).flatMap(([name, inner]) => [name, ...texts(inner)]) : [];
}

test.each(["deploy", "apply", "rollback", "recover", "status", "history", "attach", "lock", "unlock", "prune"] as const)(
  "where nobody lies, all goes well: %s",
  async (errand) => {
    fleet.tell(truthFor(errand), {});
    expect((await world.run(errand, fleet.connections)).error).toBeUndefined();
  },
);

test.each(lies)("$errand: $name", async ({ errand, lies: told, code, within }) => {
  await using own = endsConnection(errand, told) ? await startFleet() : undefined;
  const { connections, heard } = own ?? fleet;
  (own ?? fleet).tell(truthFor(errand), told, within);
  const { shown, error, sent } = await world.run(errand, connections);

  // It is no bug, and says what it is.
  expect(error === undefined ? undefined : error instanceof ColdtivateError ? error.code : error).toBe(code);
  // No other host hears of it, or does anything for it.
  const said = heard.map(({ command, input }) => `${command}\n${input.toString("latin1")}`).join("\n");
  expect(said).not.toContain(evil);
  expect(heard.filter(({ command }) => questions.catchUp.test(command))).toEqual([]);
  expect(sent["honest"] ?? "").not.toContain(evil);
  // Nobody else is asked, with no other login.
  const { references, logins } = world.asked();
  expect(references.filter((reference) => !repositories.test(reference))).toEqual([]);
  expect(logins.filter((registry) => !registries.has(registry))).toEqual([]);
  // It gets nothing that it has no need of.
  for (const treasure of treasures) expect(Object.values(sent).join("\n")).not.toContain(treasure);
  // No terminal obeys it.
  expect(texts([...shown, error]).filter((text) => obeyed.test(text))).toEqual([]);
  expect((own ?? fleet).said).toBeLessThan(most);
});

/** Whether the connection is given up with the answer. */
function endsConnection(errand: Errand, told: object): boolean {
  return (
    errand === "attach" ||
    Object.values(told).some((saying: unknown) => typeof saying === "object" && saying !== null && "isEndless" in saying)
  );
}
