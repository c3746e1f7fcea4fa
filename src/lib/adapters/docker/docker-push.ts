import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import * as z from "zod";
import type { Credentials } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import { hintForTrust } from "../../images/builder-trust.ts";
import type { LocalImage } from "../../images/push-plan.ts";
import type { PushRecord } from "../../images/push-layers.ts";
import { parseReference } from "../../common/reference.ts";
import { engineUnreachable } from "./docker-failure.ts";
import { unauthorized } from "../registry/registry-auth.ts";

export interface PushOptions {
  credentials?: Credentials | undefined;
  signal: AbortSignal;
  onRecord: (record: PushRecord) => void;
}

const record = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).optional(),
  error: z.string().optional(),
});

/**
 * An image in the local engine; undefined if it does not exist.
 * @throws ColdtivateError DOCKER_UNREACHABLE
 */
export async function inspectImage(docker: Docker, name: string): Promise<LocalImage | undefined> {
  try {
    const { Id: id, RepoDigests: names, Config: config } = await docker.getImage(name).inspect();
    const revision = config?.Labels?.["org.opencontainers.image.revision"];
    // In the containerd image store, the ID is the digest.
    return {
      id,
      ...(revision !== undefined && { revision }),
      digests: [id, ...(names ?? []).map((each) => each.slice(each.indexOf("@") + 1))],
    };
  } catch (cause) {
    if (statusOf(cause) === 404) return undefined;
    throw engineUnreachable(messageOf(cause), cause);
  }
}

/**
 * Pushes an image under one name.
 * @throws ColdtivateError REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE, PUSH_FAILED (exit `failed`);
 * DOCKER_UNREACHABLE
 */
export async function pushImage(docker: Docker, name: string, { credentials, signal, onRecord }: PushOptions): Promise<void> {
  const { registry } = parseReference(name);
  const authconfig = credentials && { username: credentials.username, password: credentials.password.reveal(), serveraddress: registry };
  for await (const line of linesOf(docker, name, authconfig, signal)) {
    const { error, ...progress } = record.parse(JSON.parse(line));
    if (error !== undefined) throw describePushFailure(name, registry, credentials, error);
    onRecord(progress);
  }
}

async function* linesOf(docker: Docker, name: string, authconfig: object | undefined, signal: AbortSignal): AsyncGenerator<string> {
  let begun = false;
  try {
    const stream = await docker.getImage(name).push({ abortSignal: signal, ...(authconfig && { authconfig }) });
    begun = true;
    for await (const line of createInterface({ input: Readable.from(stream) })) if (line.trim() !== "") yield line;
  } catch (cause) {
    if (signal.aborted) throw cause;
    if (!begun) throw engineUnreachable(messageOf(cause), cause);
    throw new ColdtivateError(`the Docker engine went away while it pushed ${name}`, {
      code: "PUSH_FAILED",
      exit: "failed",
      details: [messageOf(cause)],
      hint: "What serves is as it was. Run the command again once the engine is up: what is there is not pushed twice.",
      cause,
    });
  }
}

function describePushFailure(name: string, registry: string, credentials: Credentials | undefined, error: string): ColdtivateError {
  const options = { exit: "failed", details: [error] } as const;
  const trust = hintForTrust(error);
  if (trust !== undefined) {
    return new ColdtivateError(`the Docker engine does not speak to the registry ${registry}`, {
      ...options,
      code: "REGISTRY_UNREACHABLE",
      hint: `What serves is as it was. ${trust}`,
    });
  }
  if (/unauthorized|authentication required|no basic auth|\b401\b/i.test(error)) {
    const { code, message, hint } = unauthorized(registry, credentials);
    return new ColdtivateError(message, { ...options, code, ...(hint && { hint }) });
  }
  if (/denied|insufficient_scope|forbidden|\b403\b|name unknown|404 not found|repository .*not found/i.test(error)) {
    return new ColdtivateError(`the registry does not take ${name}: the repository does not exist, or its user may not write there`, {
      ...options,
      code: "REGISTRY_DENIED",
      hint: "What serves is as it was. Check registry.image in coldtivate.yml and what the registry's user may do.",
    });
  }
  if (/refused|no such host|timeout|timed out|EOF|reset|no route|unreachable|\b50[0-9]\b/i.test(error)) {
    return new ColdtivateError(`the registry ${registry} cannot be reached from the Docker engine`, {
      ...options,
      code: "REGISTRY_UNREACHABLE",
      hint: "What serves is as it was. See that the registry is up, then run the command again: what is there is not pushed twice.",
    });
  }
  return new ColdtivateError(`${name} could not be pushed`, {
    ...options,
    code: "PUSH_FAILED",
    hint: "What serves is as it was. Run the command again once the cause is mended.",
  });
}

function statusOf(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "statusCode" in cause ? cause.statusCode : undefined;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
