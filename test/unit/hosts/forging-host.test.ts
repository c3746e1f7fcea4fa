import { afterAll, beforeAll, expect, test } from "vitest";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { inFields, pastFields, questions, honestAnswers } from "./host-answers.ts";
import { createSetting, confidentialTexts, type ActionSetting } from "./host-actions.ts";
import { startHostPair, type HostPair } from "./host-pair.ts";
import { canary, forgeries, type HostAction } from "./forged-answers.ts";

let setting: ActionSetting;
let hosts: HostPair;
beforeAll(async () => {
  setting = await createSetting();
  hosts = await startHostPair();
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  setting[Symbol.dispose]();
});

/** Who may be asked about what, and for a login: what the commit's files and coldtivate.yml name. */
const repositories = /^(?:r\.example\/shop\/web|postgres|docker\.io\/library\/postgres|haproxy)(?:[:@]|$)/;
const registries = new Set(["r.example", "https://index.docker.io/v1/"]);
/** Control characters that a terminal obeys, except line ends. */
// oxlint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u;
/** The most bytes that a host may send before it is cut off, including those on their way. */
const most = 128 * 1024 * 1024;

const answersFor = (action: HostAction) => (action === "rollback" ? { ...honestAnswers, observe: inFields(pastFields) } : honestAnswers);

/** Every text in a value. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (value instanceof ColdtivateError) return [value.message, ...value.details, value.hint ?? ""];
  return typeof value === "object" && value !== null ? Object.entries(value).flatMap(([name, inner]) => [name, ...texts(inner)]) : [];
}

test.each(["deploy", "apply", "rollback", "recover", "status", "history", "attach", "lock", "unlock", "prune"] as const)(
  "where no answer is forged, all goes well: %s",
  async (action) => {
    hosts.answerWith(answersFor(action), {});
    expect((await setting.run(action, hosts.connections)).error).toBeUndefined();
  },
);

test.each(forgeries)("$action: $name", async ({ action, forged, code, within }) => {
  await using own = endsConnection(action, forged) ? await startHostPair() : undefined;
  const { connections, received } = own ?? hosts;
  (own ?? hosts).answerWith(answersFor(action), forged, within);
  const { shown, error, sent } = await setting.run(action, connections);

  // It is no bug, and says what it is.
  expect(error === undefined ? undefined : error instanceof ColdtivateError ? error.code : error).toBe(code);
  // No other host receives the forged answer, or does anything because of it.
  const said = received.map(({ command, input }) => `${command}\n${input.toString("latin1")}`).join("\n");
  expect(said).not.toContain(canary);
  expect(received.filter(({ command }) => questions.catchUp.test(command))).toEqual([]);
  expect(sent["honest"] ?? "").not.toContain(canary);
  // No other registry is asked, and no other login is used.
  const { references, logins } = setting.asked();
  expect(references.filter((reference) => !repositories.test(reference))).toEqual([]);
  expect(logins.filter((registry) => !registries.has(registry))).toEqual([]);
  // A host gets only what it needs.
  for (const text of confidentialTexts) expect(Object.values(sent).join("\n")).not.toContain(text);
  // No terminal obeys it.
  expect(texts([...shown, error]).filter((text) => obeyed.test(text))).toEqual([]);
  expect((own ?? hosts).sentBytes).toBeLessThan(most);
});

/** Whether the connection is given up with the answer. */
function endsConnection(action: HostAction, forged: object): boolean {
  return (
    action === "attach" ||
    Object.values(forged).some((answer: unknown) => typeof answer === "object" && answer !== null && "isEndless" in answer)
  );
}
