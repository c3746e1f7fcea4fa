import { runHook } from "../adapters/hook-process.ts";
import { postMessage } from "../adapters/webhook.ts";
import { hookEnvironment } from "../secrets/child-environment.ts";
import type { Config, HookName } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";
import { clean, cleanData } from "../report/clean.ts";
import type { Reporter } from "../report/progress.ts";
import { chatMessage, hookVariables, type HookOutcome, type HookEvent } from "./hook-event.ts";

/** The longest time that a hook may take, in milliseconds. */
const patience = 600_000;

export interface HookTools {
  config: Pick<Config, "directory" | "hooks" | "webhook" | "secretVariables">;
  reporter: Reporter;
  signal: AbortSignal;
  /** Whether the command will try again after this error. If so, neither hooks nor the chat are notified. */
  triesAgain?: (error: unknown) => boolean;
}

/**
 * Does some work with the hooks before and after it. Posts to the chat if the work concerns an environment. A hook that fails
 * after the work only causes a warning, because the work is done.
 *
 * @throws ColdtivateError HOOK_FAILED if the hook before the work fails, so that the work did not begin; else whatever the work
 * throws
 */
export async function runWithHooks<Result>(occasion: HookEvent, tools: HookTools, work: () => Promise<Result>): Promise<Result> {
  const { action } = occasion;
  const began = performance.now();
  const end = (ending: Pick<HookOutcome, "outcome" | "error">): HookOutcome => ({
    ...ending,
    milliseconds: Math.round(performance.now() - began),
  });
  try {
    const fault = await runOne(`before_${action}`, hookVariables(occasion), tools);
    if (fault !== undefined) throw refusal(action, fault);
    const result = await work();
    const ending = end({ outcome: "done" });
    await warn(`after_${action}`, hookVariables(occasion, ending), tools);
    await tell(occasion, ending, tools);
    return result;
  } catch (error) {
    // Detaching does not end a deploy.
    if (!(error instanceof ColdtivateError) || error.code === "DETACHED" || tools.triesAgain?.(error) === true) throw error;
    const ending = end({ outcome: "failed", error: clean([error.message, error.hint ?? ""].join("\n").trim()) });
    await warn("on_failure", hookVariables(occasion, ending), tools);
    await tell(occasion, ending, tools);
    throw error;
  }
}

async function runOne(name: HookName, env: Record<string, string>, { config, reporter, signal }: HookTools): Promise<string | undefined> {
  const command = config.hooks.client[name];
  if (command === undefined) return undefined;
  const onLine = (line: string) => reporter.emit({ type: "note", text: `${name}: ${line}` });
  // Hooks after the work have to run even if the user wants to stop.
  const stop = name.startsWith("before_") ? { signal } : {};
  const fault = await runHook({
    command,
    directory: config.directory,
    env: hookEnvironment(config.secretVariables, env),
    timeout: patience,
    onLine,
    ...stop,
  });
  return fault === undefined ? undefined : `${command[0]}: ${fault}`;
}

async function warn(name: HookName, env: Record<string, string>, tools: HookTools): Promise<void> {
  const fault = await runOne(name, env, tools);
  if (fault !== undefined) tools.reporter.emit({ type: "warning", text: `the hook ${name} failed: ${fault}` });
}

async function tell(occasion: HookEvent, ending: HookOutcome, { config, reporter }: HookTools): Promise<void> {
  if (config.webhook === undefined || occasion.environment === undefined) return;
  const fault = await postMessage(config.webhook.reveal(), cleanData(chatMessage(occasion, ending)));
  if (fault !== undefined) reporter.emit({ type: "warning", text: `the webhook was not told: ${fault}` });
}

function refusal(action: string, fault: string): ColdtivateError {
  return new ColdtivateError(`the hook before_${action} failed`, {
    code: "HOOK_FAILED",
    exit: "refused",
    details: [fault],
    hint: "Correct what the hook complains about, or the hook, then run the command again.",
  });
}
