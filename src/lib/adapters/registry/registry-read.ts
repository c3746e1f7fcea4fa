import { ColdtivateError } from "../../errors.ts";
import { isDigest } from "../../common/forms.ts";
import type { Reference } from "../../common/reference.ts";
import { invalidAnswer, type HttpAnswer } from "./registry-answer.ts";
import { denied } from "./registry-session.ts";

/** @throws ColdtivateError REGISTRY_DENIED for 403, or REGISTRY_UNREACHABLE for any other status that is not a good one */
export function expect({ registry, repository }: Reference, { status }: HttpAnswer, ...good: readonly number[]): void {
  if (good.includes(status)) return;
  throw status === 403 ? denied(`${registry}/${repository}`) : unexpected(registry, status);
}

function header({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * The digest that an answer claims; undefined if it claims none by SHA-256.
 * @throws ColdtivateError REGISTRY_ANSWER_INVALID if the digest is malformed
 */
export function saidDigest({ registry, repository }: Reference, answer: HttpAnswer): string | undefined {
  const said = header(answer, "docker-content-digest");
  if (said === undefined || isDigest(said)) return said;
  if (/^sha512:[0-9a-f]{128}$/.test(said)) return undefined;
  throw invalidAnswer(registry, `gives no digest for ${repository}, but ${JSON.stringify(said.slice(0, 100))}`);
}

/** The media type, without parameters; empty if there is none. */
export function mediaTypeOf(answer: HttpAnswer): string {
  const [, type = ""] = /^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/.exec(header(answer, "content-type") ?? "") ?? [];
  return type;
}

/** The error for an answer that does not fit the question. */
export function unexpected(registry: string, status: number): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} gave an answer that makes no sense here (${status})`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: "Check that registry.image in coldtivate.yml names a container registry.",
  });
}

/** The error for a manifest that the registry did not accept. */
export function refused(name: string, { status, body }: HttpAnswer): ColdtivateError {
  return new ColdtivateError(`the registry does not take a manifest as ${name} (${status})`, {
    code: "MANIFEST_REFUSED",
    exit: "failed",
    details: [body.toString().trim().slice(0, 500)].filter(Boolean),
    hint: "What serves is as it was. What the manifest consists of may be gone from the registry: build with --force, which pushes all of it again.",
  });
}

/** The error for a registry that is configured to remove nothing. */
export function keepsAll({ registry }: Reference): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} removes nothing`, {
    code: "REGISTRY_KEEPS_ALL",
    exit: "refused",
    hint: "Allow it in the registry (storage.delete.enabled: true), or use its own cleanup rules.",
  });
}

/**
 * The query in `Link: </v2/web/tags/list?last=x&n=1000>; rel="next"`. Only the query is used: the registry must not choose where
 * the next request goes.
 */
export function nextPage(answer: HttpAnswer): string | undefined {
  const [, query] = /<[^>?]*(\?[^>]*)>\s*;\s*rel="?next"?/.exec(header(answer, "link") ?? "") ?? [];
  return query === undefined ? undefined : `tags/list${query}`;
}
