import * as z from "zod";
import type { Credentials } from "../config/config.ts";
import { Secret } from "../config/secret.ts";
import { ColdtivateError } from "../errors.ts";
import type { Send } from "./registry-http.ts";

export interface Challenge {
  scheme: string;
  parameters: Record<string, string>;
}

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** Reads a WWW-Authenticate header: `Bearer realm="…",service="…",scope="…"`. */
export function parseChallenge(header: string): Challenge {
  const [, scheme = "", rest = ""] = /^\s*(\w+)\s*(.*)$/s.exec(header) ?? [];
  const pairs = [...rest.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)];
  return {
    scheme: scheme.toLowerCase(),
    parameters: Object.fromEntries(pairs.map(([, key = "", quoted, bare]) => [key.toLowerCase(), quoted ?? bare ?? ""])),
  };
}

/** The value of an Authorization header for HTTP's basic scheme. */
export function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString("base64")}`;
}

/**
 * Answers a registry's challenge with an Authorization header.
 * @throws ColdtivateError REGISTRY_UNAUTHORIZED when the credentials are missing or wrong
 */
export async function answerChallenge(registry: string, header: string, credentials: Credentials | undefined, send: Send): Promise<string> {
  const { scheme, parameters } = parseChallenge(header);
  if (scheme !== "bearer") {
    if (credentials === undefined) throw unauthorized(registry, undefined);
    return basicAuthorization(credentials);
  }
  const url = URL.parse(parameters["realm"] ?? "");
  if (url === null) throw noToken(registry);
  for (const name of ["service", "scope"]) {
    const value = parameters[name];
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const headers = credentials === undefined ? {} : { authorization: basicAuthorization(credentials) };
  const { status, body } = await send({ method: "GET", url, headers });
  if (status !== 200) throw unauthorized(registry, credentials);
  const token = readToken(body.toString());
  if (token === undefined) throw noToken(registry);
  return `Bearer ${new Secret(token).reveal()}`;
}

function readToken(text: string): string | undefined {
  try {
    const { token, access_token: other } = tokenAnswer.parse(JSON.parse(text));
    return token ?? other;
  } catch {
    return undefined;
  }
}

function noToken(registry: string): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} wants a token, and does not say how to get one`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: "Nothing was changed. Check that registry.image in coldtivate.yml names a container registry, and look at what answers for it, such as a proxy.",
  });
}

/** The registry does not take who we are. */
export function unauthorized(registry: string, credentials: Credentials | undefined): ColdtivateError {
  return new ColdtivateError(
    credentials === undefined
      ? `the registry ${registry} wants credentials, and there are none`
      : `the registry ${registry} refuses the credentials of "${credentials.username}"`,
    {
      code: "REGISTRY_UNAUTHORIZED",
      exit: "refused",
      hint: `Nothing was changed. Set registry.username and registry.password (CI_REGISTRY_USER and CI_REGISTRY_PASSWORD), or run: docker login ${registry}`,
    },
  );
}
