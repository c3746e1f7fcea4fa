import { ColdtivateError } from "../../errors.ts";
import { isDigest } from "../../common/forms.ts";
import type { Reference } from "../../common/reference.ts";
import { invalidAnswer, type HttpAnswer } from "./registry-answer.ts";
import { denied } from "./registry-session.ts";

/** @throws ColdtivateError REGISTRY_DENIED, or REGISTRY_UNREACHABLE for any other status than the good ones */
export function expect({ registry, repository }: Reference, { status }: HttpAnswer, ...good: readonly number[]): void {
  if (good.includes(status)) return;
  throw status === 403 ? denied(`${registry}/${repository}`) : unexpected(registry, status);
}

function header({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * The digest that an answer claims to have; undefined where it claims none by SHA-256.
 * @throws ColdtivateError REGISTRY_ANSWER_INVALID where it has not the form of one
 */
export function saidDigest({ registry, repository }: Reference, answer: HttpAnswer): string | undefined {
  const said = header(answer, "docker-content-digest");
  if (said === undefined || isDigest(said)) return said;
  if (/^sha512:[0-9a-f]{128}$/.test(said)) return undefined;
  throw invalidAnswer(registry, `gives no digest for ${repository}, but ${JSON.stringify(said.slice(0, 100))}`);
}

/** The media type, without parameters; empty where there is none. */
export function mediaTypeOf(answer: HttpAnswer): string {
  const [, type = ""] = /^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/.exec(header(answer, "content-type") ?? "") ?? [];
  return type;
}

/** An answer that says nothing about what was asked. */
export function unexpected(registry: string, status: number): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} gave an answer that makes no sense here (${status})`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: "Check that registry.image in coldtivate.yml names a container registry.",
  });
}

/** A manifest that was put, and not taken. */
export function refused(name: string, { status, body }: HttpAnswer): ColdtivateError {
  return new ColdtivateError(`the registry does not take a manifest as ${name} (${status})`, {
    code: "MANIFEST_REFUSED",
    exit: "failed",
    details: [body.toString().trim().slice(0, 500)].filter(Boolean),
    hint: "What serves is as it was. What the manifest consists of may be gone from the registry: build with --force, which pushes all of it again.",
  });
}

/** A registry that is set up to remove nothing. */
export function keepsAll({ registry }: Reference): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} removes nothing`, {
    code: "REGISTRY_KEEPS_ALL",
    exit: "refused",
    hint: "Allow it in the registry (storage.delete.enabled: true), or use its own cleanup rules.",
  });
}

/** The query in `Link: </v2/web/tags/list?last=x&n=1000>; rel="next"`: where it leads is not the registry's to say. */
export function nextPage(answer: HttpAnswer): string | undefined {
  const [, query] = /<[^>?]*(\?[^>]*)>\s*;\s*rel="?next"?/.exec(header(answer, "link") ?? "") ?? [];
  return query === undefined ? undefined : `tags/list${query}`;
}
