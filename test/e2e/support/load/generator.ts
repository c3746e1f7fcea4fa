// The process behind startLoad: gets a LoadBrief, says when every client was answered; then a LoadReport for "look" and "stop".
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { connectLane, type Answer, type Ask } from "./clients.ts";
import type { Lane, LoadBrief, LoadReport } from "./load.ts";

/** Bytes of the bodies that a client posts, in turn. */
const bodySizes = [64, 3000, 20_000];
/** One that takes a while, now and then. */
const largeBody = { bytes: 300_000, every: 24 };

const shownFailures = 10;

async function main(): Promise<void> {
  const [{ lanes, perSecond }] = (await once(process, "message")) as [LoadBrief];
  const count = lanes.reduce((sum, { requests }) => sum + requests.length, 0);
  const load: Running = {
    began: performance.now(),
    interval: (count / perSecond) * 1000,
    ended: new AbortController(),
    report: { answered: 0, failures: {}, examples: [], commits: {}, refused: 0, longest: 0, clock: 0 },
  };
  const connections = lanes.map((lane) => connectLane(lane, () => load.report.refused++));
  let index = 0;
  const clients = lanes.flatMap((lane, number) =>
    lane.requests.map((request) => {
      const first = Promise.withResolvers<void>();
      const client = { lane, request, ask: connections[number]!.open(), service: undefined, first: first.resolve };
      return { ended: run(client, load, (load.interval * index++) / count), first: first.promise };
    }),
  );
  await Promise.all(clients.map(({ first }) => first));
  process.send!(load.report);
  process.on("message", (question) => {
    if (question === "look") answer();
    else void stop();
  });
  process.once("disconnect", () => process.exit());

  async function stop(): Promise<void> {
    load.ended.abort();
    await Promise.all(clients.map(({ ended }) => ended));
    for (const connection of connections) connection.close();
    answer();
  }

  function answer(): void {
    process.send!({ ...load.report, clock: performance.now() - load.began });
  }
}

interface Running {
  began: number;
  /** Milliseconds from one request of a client to its next one. */
  interval: number;
  ended: AbortController;
  report: LoadReport;
}

interface Client {
  lane: Lane;
  request: string;
  ask: Ask;
  /** Who answered first: nobody else may. */
  service: unknown;
  /** Called when the first request has an answer. */
  first: () => void;
}

function bodySize(round: number): number {
  return round % largeBody.every === largeBody.every - 1 ? largeBody.bytes : bodySizes[round % bodySizes.length]!;
}

async function run(client: Client, { began, interval, ended, report }: Running, delay: number): Promise<void> {
  const { lane, request, ask, first } = client;
  const [method = "", path = ""] = request.split(" ");
  await wait(delay);
  for (let round = 0; !ended.signal.aborted; round++) {
    const begin = performance.now();
    const body = method === "POST" ? randomBytes(bodySize(round)) : undefined;
    const failure = await ask(method, path, body).then(
      (answer) => judge(answer, body, client, report),
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    const took = performance.now() - begin;
    report.longest = Math.max(report.longest, Math.round(took));
    if (failure === undefined) {
      report.answered++;
    } else {
      report.failures[failure] = (report.failures[failure] ?? 0) + 1;
      report.lastFailure = Math.max(report.lastFailure ?? 0, begin - began);
      const example = `${lane.name} ${request}: ${failure} at ${Math.round(begin - began)} after ${Math.round(took)} ms`;
      if (report.examples.length < shownFailures) report.examples.push(example);
    }
    first();
    await wait(Math.max(0, interval - took), undefined, { signal: ended.signal }).catch(() => undefined);
  }
}

/** The kind of failure that an answer is; undefined when it is right. Notes which commit gave it. */
function judge({ status, text }: Answer, body: Buffer | undefined, client: Client, { commits }: LoadReport): string | undefined {
  if (status !== 200) return `status ${status}`;
  let told: { service?: unknown; commit?: unknown; bytes?: unknown; sha256?: unknown; ms?: unknown };
  try {
    told = JSON.parse(text) as typeof told;
  } catch {
    return "wrong body";
  }
  if (body !== undefined) {
    const isWhole = told.bytes === body.length && told.sha256 === createHash("sha256").update(body).digest("hex");
    return isWhole ? undefined : "wrong body";
  }
  if (typeof told.ms === "number") return undefined;
  if (typeof told.service !== "string" || typeof told.commit !== "string") return "wrong body";
  client.service ??= told.service;
  if (told.service !== client.service) return "wrong body";
  const seen = (commits[told.service] ??= []);
  if (!seen.includes(told.commit)) seen.push(told.commit);
  return undefined;
}

if (import.meta.main) await main();
