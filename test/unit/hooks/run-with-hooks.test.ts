import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { HooksConfig } from "../../../src/lib/config/schema/config.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import type { HookEvent } from "../../../src/lib/hooks/hook-event.ts";
import { runWithHooks } from "../../../src/lib/hooks/run-with-hooks.ts";
import type { ProgressEvent } from "../../../src/lib/report/progress.ts";

const occasion: HookEvent = {
  action: "deploy",
  environment: "staging",
  release: "20261123t101500-1f2e3d4c",
  commit: "1f2e3d4c".repeat(5),
  ref: "v1.2.0",
  by: "ann from laptop",
  changed: ["gateway", "web"],
  hosts: ["198.51.100.7"],
};
const failure = new ColdtivateError("web did not become healthy", {
  code: "DEPLOY_FAILED",
  exit: "failed",
  hint: "Everything was undone.",
});

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "coldtivate-hooks-"));
  await writeFile(join(directory, "note"), '#!/bin/sh\necho "seen by $1"\nenv | grep ^COLDTIVATE_ | sort >"$1.seen"\n', { mode: 0o755 });
  await writeFile(join(directory, "refuse"), "#!/bin/sh\necho it is Friday\nexit 7\n", { mode: 0o755 });
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function tools(client: HooksConfig["client"], webhook?: string) {
  const events: ProgressEvent[] = [];
  const reporter = { emit: (event: ProgressEvent) => void events.push(event), close: () => Promise.resolve() };
  const config = {
    directory,
    hooks: { client, host: {} },
    secretVariables: ["PRODUCTION_KEY"],
    ...(webhook !== undefined && { webhook: new Secret(webhook) }),
  };
  const texts = () =>
    events.flatMap((event) => (event.type === "note" || event.type === "warning" ? [`${event.type}: ${event.text}`] : []));
  return { tools: { config, reporter, signal: new AbortController().signal }, texts };
}

async function startWebhookReceiver(status: number, location?: string): Promise<{ url: string; messages: Record<string, unknown>[] }> {
  const messages: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    const take = async () => {
      messages.push(JSON.parse(await text(request)) as Record<string, unknown>);
      response.writeHead(status, location === undefined ? {} : { location }).end();
    };
    void take();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/secret`, messages };
}

test("hooks run before and after, with the release in their environment", async () => {
  const { tools: given, texts } = tools({
    before_deploy: ["./note", "before"],
    after_deploy: ["./note", "after"],
    on_failure: ["./refuse"],
  });
  expect(await runWithHooks(occasion, given, () => Promise.resolve("served"))).toBe("served");
  expect(texts()).toEqual(["note: before_deploy: seen by before", "note: after_deploy: seen by after"]);
  expect((await readFile(join(directory, "before.seen"), "utf8")).split("\n")).toEqual(
    expect.arrayContaining([
      "COLDTIVATE_ACTION=deploy",
      "COLDTIVATE_BY=ann from laptop",
      "COLDTIVATE_CHANGED=gateway web",
      `COLDTIVATE_COMMIT=${occasion.commit}`,
      "COLDTIVATE_ENVIRONMENT=staging",
      "COLDTIVATE_HOSTS=198.51.100.7",
      "COLDTIVATE_OUTCOME=",
      "COLDTIVATE_REF=v1.2.0",
      "COLDTIVATE_RELEASE=20261123t101500-1f2e3d4c",
    ]),
  );
  expect(await readFile(join(directory, "after.seen"), "utf8")).toContain("COLDTIVATE_OUTCOME=done\n");
});

test.each([
  ["exits with another code than 0", ["./refuse"], "./refuse: exited with 7"],
  ["is not there", ["no-such-program"], "no-such-program: there is no such program"],
])("a hook before it that %s refuses, and nothing is begun", async (_what, command, reason) => {
  const { tools: given } = tools({ before_deploy: command, on_failure: ["./note", "refused"] });
  const work = () => Promise.reject(new Error("begun"));
  await expect(runWithHooks(occasion, given, work)).rejects.toMatchObject({ code: "HOOK_FAILED", exit: "refused", details: [reason] });
  expect(await readFile(join(directory, "refused.seen"), "utf8")).toContain("COLDTIVATE_ERROR=the hook before_deploy failed\n");
});

test("a failure has its own hook, and its own error", async () => {
  const { tools: given } = tools({ after_deploy: ["./refuse"], on_failure: ["./note", "failed"] });
  await expect(runWithHooks(occasion, given, () => Promise.reject(failure))).rejects.toBe(failure);
  const seen = await readFile(join(directory, "failed.seen"), "utf8");
  expect(seen).toContain("COLDTIVATE_OUTCOME=failed\n");
  expect(seen).toContain("COLDTIVATE_ERROR=web did not become healthy\n");
});

test("a hook after it that fails is a warning", async () => {
  const { tools: given, texts } = tools({ after_deploy: ["./refuse"] });
  expect(await runWithHooks(occasion, given, () => Promise.resolve("served"))).toBe("served");
  expect(texts()).toEqual(["note: after_deploy: it is Friday", "warning: the hook after_deploy failed: ./refuse: exited with 7"]);
});

test("a chat is told how it ended, in words and in facts", async () => {
  const chat = await startWebhookReceiver(200);
  const { tools: given, texts } = tools({}, chat.url);
  await runWithHooks(occasion, given, () => Promise.resolve());
  await runWithHooks(occasion, given, () => Promise.reject(failure)).catch(() => {});
  const [done, failed] = chat.messages;
  expect(done).toMatchObject({ environment: "staging", release: occasion.release, outcome: "done", changed: ["gateway", "web"] });
  expect(done!["text"]).toMatch(/^✓ staging serves v1\.2\.0 \(1f2e3d4c\): deploy by ann from laptop in \d+ s\. Changed: gateway, web\.$/);
  expect(failed!["text"]).toMatch(/^✗ staging: the deploy of v1\.2\.0 \(1f2e3d4c\) by ann from laptop failed after \d+ s\.\nweb did not/);
  expect(texts()).toEqual([]);
});

test.each([
  ["answers with an error", async () => (await startWebhookReceiver(500)).url, "it answered 500"],
  ["is not there", () => Promise.resolve("http://127.0.0.1:9/secret"), "it cannot be reached ("],
])("a chat that %s is a warning, which does not show its address", async (_what, address, reason) => {
  const { tools: given, texts } = tools({}, await address());
  await runWithHooks(occasion, given, () => Promise.resolve());
  expect(texts()).toEqual([expect.stringContaining(`warning: the webhook was not told: ${reason}`)]);
  expect(texts().join()).not.toContain("secret");
});

test("a chat that sends on to another address is not followed there", async () => {
  const other = await startWebhookReceiver(200);
  const chat = await startWebhookReceiver(307, other.url);
  const { tools: given, texts } = tools({}, chat.url);
  await runWithHooks(occasion, given, () => Promise.resolve());
  expect(texts()).toEqual(["warning: the webhook was not told: it answered 307"]);
  expect(other.messages).toEqual([]);
});

test("builds are nobody else's business", async () => {
  const chat = await startWebhookReceiver(200);
  const { environment: _none, ...build } = occasion;
  await runWithHooks({ ...build, action: "build" }, tools({}, chat.url).tools, () => Promise.resolve());
  expect(chat.messages).toEqual([]);
});
