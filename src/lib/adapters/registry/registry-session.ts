import type { Credentials, RegistryConfig } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Reference } from "../../common/reference.ts";
import { invalidAnswer, type HttpAnswer, type HttpRequest } from "./registry-answer.ts";
import { answerChallenge, basicAuthorization, unauthorized } from "./registry-auth.ts";
import { findCredentials } from "./registry-credentials.ts";
import { openHttp, type HttpOptions } from "./registry-http.ts";

/** A request about a repository: its path is the part after `/v2/<repository>/`. */
export interface RegistryRequest {
  method: HttpRequest["method"];
  path: string;
  headers?: Record<string, string>;
  body?: Buffer;
  /** Maximum size of the answer, in bytes. */
  limit?: number;
  /** What the request changes, in words for `changes.begin`. */
  change?: HttpRequest["change"];
}

/** Sends requests to registries, with authentication. */
export interface RegistrySession extends Disposable {
  /** @throws ColdtivateError REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE, REGISTRY_ANSWER_INVALID */
  ask: (reference: Pick<Reference, "registry" | "repository">, request: RegistryRequest) => Promise<HttpAnswer>;
}

/** The permission that a token needs: registries issue one for exactly what is asked. */
const actions = { GET: "pull", HEAD: "pull", PUT: "push", POST: "push", DELETE: "delete" } as const;

/** Keeps connections and tokens until it is closed. */
export function openSession(config: Pick<RegistryConfig, "host" | "insecure" | "credentials">, options: HttpOptions): RegistrySession {
  const { send, close } = openHttp(options);
  const known = new Map<string, Promise<Credentials | undefined>>();
  const authorizations = new Map<string, string>();
  const answers = new Map<string, Promise<string>>();
  // Credentials that are configured for a registry are sent from the start. Otherwise each of many requests would first be
  // challenged for them.
  if (config.credentials !== undefined) authorizations.set(config.host, basicAuthorization(config.credentials));

  const credentialsFor = (registry: string) => {
    const own = registry === config.host ? config.credentials : undefined;
    const found = known.get(registry) ?? (own === undefined ? findCredentials(registry) : Promise.resolve(own));
    known.set(registry, found);
    return found;
  };

  /** Simultaneous requests for the same token share the answer: token servers are slow, and limit requests. */
  const shareAnswer = (key: string, work: () => Promise<string>) => {
    const answer = answers.get(key) ?? work().finally(() => answers.delete(key));
    answers.set(key, answer);
    return answer;
  };

  return {
    async ask({ registry, repository }, { method, path, headers = {}, body, limit, change }) {
      const base = `${baseOf(registry, config)}/v2/${repository}/`;
      const url = new URL(path, base);
      const realm = `${registry}/${repository}`;
      const key = `${actions[method]} ${realm}`;
      const request = (authorization?: string) =>
        send({
          method,
          url,
          headers: { ...headers, ...(authorization && { authorization }) },
          ...(body && { body }),
          ...(limit && { limit }),
          ...(change && { change }),
        });

      const brought = authorizations.get(key) ?? authorizations.get(registry);
      const first = await request(brought);
      if (first.status !== 401) return first;
      // Credentials are for the registry, and not for any host that it sends us to.
      if (first.url.origin !== url.origin) throw invalidAnswer(registry, `redirects to ${first.url.host}, which wants credentials`);
      const credentials = await credentialsFor(registry);
      const challenge = first.headers["www-authenticate"] ?? "Basic";
      const newer = authorizations.get(key);
      const authorization =
        newer !== undefined && newer !== brought
          ? newer
          : await shareAnswer(key, () => answerChallenge({ registry, url }, challenge, credentials, send));
      if (authorization === brought) throw unauthorized(registry, credentials);
      // A token is valid for what was asked, a password for the whole registry.
      authorizations.set(authorization.startsWith("Basic ") ? registry : key, authorization);
      const second = await request(authorization);
      if (second.status !== 401) return second;
      if (authorization.startsWith("Basic ")) throw unauthorized(registry, credentials);
      throw denied(realm);
    },
    [Symbol.dispose]: close,
  };
}

function baseOf(registry: string, config: Pick<RegistryConfig, "host" | "insecure">): string {
  if (registry === "docker.io") return "https://registry-1.docker.io";
  // Docker uses plain HTTP for loopback without being told.
  const plain = (registry === config.host && config.insecure) || /^(localhost|127\.\d+\.\d+\.\d+)(:|$)/.test(registry);
  return `${plain ? "http" : "https"}://${registry}`;
}

/** The error for a registry that knows us, but refuses access. */
export function denied(repository: string): ColdtivateError {
  return new ColdtivateError(`the registry does not show ${repository}: it does not exist, or these credentials may not read it`, {
    code: "REGISTRY_DENIED",
    exit: "refused",
    hint: "Check registry.image in coldtivate.yml and what the registry's user may do.",
  });
}
