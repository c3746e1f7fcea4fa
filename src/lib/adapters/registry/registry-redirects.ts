import { invalidAnswer, type HttpAnswer, type HttpRequest, type Send } from "./registry-answer.ts";

const mostRedirects = 3;
const redirections = new Set([301, 302, 303, 307, 308]);

/**
 * Follows a registry's redirects as far as that is safe. Reads may lead anywhere, but never from TLS to plain HTTP. Requests that
 * change something stay at the same origin. Credentials are sent only to the origin that they are for (RFC 9110, 15.4).
 * @throws ColdtivateError REGISTRY_ANSWER_INVALID
 */
export function followRedirects(send: (request: HttpRequest) => Promise<HttpAnswer>): Send {
  return async (first) => {
    let request = first;
    for (let hop = 0; ; hop++) {
      const answer = await send(request);
      const { location } = answer.headers;
      if (!redirections.has(answer.status) || location === undefined || hop === mostRedirects) return answer;
      request = redirect(request, location, first.url.host);
    }
  };
}

function redirect(request: HttpRequest, location: string, registry: string): HttpRequest {
  const url = URL.parse(location, request.url);
  if (url === null || !["http:", "https:"].includes(url.protocol)) throw invalidAnswer(registry, "redirects to what is no address");
  if (request.url.protocol === "https:" && url.protocol === "http:") {
    throw invalidAnswer(registry, `redirects from TLS to plain HTTP, to ${url.host}`);
  }
  const isSame = url.origin === request.url.origin;
  const reads = request.method === "GET" || request.method === "HEAD";
  if (!reads && !isSame) throw invalidAnswer(registry, `redirects a ${request.method} to ${url.host}`);
  // A password in the address would be sent there.
  url.username = "";
  url.password = "";
  const { authorization: _authorization, ...open } = request.headers;
  return { ...request, url, headers: isSame ? request.headers : open };
}
