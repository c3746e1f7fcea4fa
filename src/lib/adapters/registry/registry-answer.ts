import type http from "node:http";
import { ColdtivateError } from "../../errors.ts";

export interface HttpRequest {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  url: URL;
  headers: http.OutgoingHttpHeaders;
  body?: Buffer;
  /** Maximum size of the answer in bytes, 4 MiB by default; a longer answer is an error. */
  limit?: number;
  /** What the request changes once it is sent, in words for `changes.begin`. */
  change?: { what: string; subject: string };
}

export interface HttpAnswer {
  /** The address that answered, after redirects. */
  url: URL;
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export type Send = (request: HttpRequest) => Promise<HttpAnswer>;

/** Default maximum size of an answer in bytes: what the registries' own implementation allows for a manifest. */
export const mostAnswerBytes = 4 * 1024 * 1024;

/**
 * The error for a registry's answer that must not be trusted or used.
 * @param registry as images name it
 * @param what what it did, such as `gives another manifest than the one that was asked for`
 */
export function invalidAnswer(registry: string, what: string): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} ${what}`, {
    code: "REGISTRY_ANSWER_INVALID",
    exit: "refused",
    hint: "Nothing of it was taken. Find out what answers under that name, such as a proxy, and who has written to the registry.",
  });
}
