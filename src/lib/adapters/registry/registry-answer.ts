import type http from "node:http";
import { ColdtivateError } from "../../errors.ts";

export interface HttpRequest {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  url: URL;
  headers: http.OutgoingHttpHeaders;
  body?: Buffer;
  /** The most bytes that the answer may have, 4 MiB unless it is said; a longer one is an error. */
  limit?: number;
  /** What it changes once it is sent, in words for `changes.begin`. */
  change?: { what: string; subject: string };
}

export interface HttpAnswer {
  /** Who answered, after redirects. */
  url: URL;
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export type Send = (request: HttpRequest) => Promise<HttpAnswer>;

/** Bytes that an answer may have unless its question says otherwise: what the registries' own implementation allows a manifest. */
export const mostAnswerBytes = 4 * 1024 * 1024;

/**
 * A registry answered with something that must not be believed, or taken.
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
