import * as z from "zod";
import type { Credentials } from "../../config/schema/config.ts";
import { Secret } from "../../secrets/secret.ts";
import { ColdtivateError } from "../../errors.ts";
import { invalidAnswer, type Send } from "./registry-answer.ts";

/** A registry, and the address at which it was asked. */
export interface Asked {
  /** The name that images use. */
  registry: string;
  url: URL;
}

export interface Challenge {
  scheme: string;
  parameters: Record<string, string>;
}

/** Characters that may go into a header. Others could add a header, or break the request. */
const token = z.string().regex(/^[\x21-\x7e]{1,65536}$/);
const tokenAnswer = z.object({ token: token.optional(), access_token: token.optional() });

/** Maximum size of a token server's answer, in bytes. */
const mostAnswer = 1024 * 1024;

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
 * @throws ColdtivateError REGISTRY_UNAUTHORIZED if the credentials are missing or wrong, REGISTRY_ANSWER_INVALID if the token
 * server must not get them
 */
export async function answerChallenge(
  { registry, url: asked }: Asked,
  header: string,
  credentials: Credentials | undefined,
  send: Send,
): Promise<string> {
  const { scheme, parameters } = parseChallenge(header);
  if (scheme !== "bearer") {
    if (credentials === undefined) throw unauthorized(registry, undefined);
    return basicAuthorization(credentials);
  }
  const url = URL.parse(parameters["realm"] ?? "");
  if (url === null) throw noToken(registry);
  refuseOpenRealm(registry, asked, url);
  for (const name of ["service", "scope"]) {
    const value = parameters[name];
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const headers = credentials === undefined ? {} : { authorization: basicAuthorization(credentials) };
  const { status, body } = await send({ method: "GET", url, headers, limit: mostAnswer });
  if (status !== 200) throw unauthorized(registry, credentials);
  const given = readToken(body.toString());
  if (given === undefined) throw noToken(registry);
  return `Bearer ${new Secret(given).reveal()}`;
}

/**
 * Over TLS a token server may be anywhere, and registries do have them elsewhere. Over plain HTTP it must be the registry's own
 * machine, which already gets plain HTTP from us.
 */
function refuseOpenRealm(registry: string, asked: URL, realm: URL): void {
  if (realm.username !== "" || realm.password !== "" || !["http:", "https:"].includes(realm.protocol)) throw noToken(registry);
  if (realm.protocol === "https:") return;
  if (asked.protocol === "https:") throw invalidAnswer(registry, `sends us for a token from TLS to plain HTTP, to ${realm.host}`);
  if (realm.hostname === asked.hostname) return;
  throw invalidAnswer(registry, `sends us for a token to another host in plain HTTP, ${realm.host}`);
}

function readToken(text: string): string | undefined {
  try {
    const { token: given, access_token: other } = tokenAnswer.parse(JSON.parse(text));
    return given ?? other;
  } catch {
    return undefined;
  }
}

function noToken(registry: string): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} wants a token, and does not say how to get one`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: "Check that registry.image in coldtivate.yml names a container registry, and look at what answers for it, such as a proxy.",
  });
}

/** The error for credentials that are missing or refused. */
export function unauthorized(registry: string, credentials: Credentials | undefined): ColdtivateError {
  return new ColdtivateError(
    credentials === undefined
      ? `the registry ${registry} wants credentials, and there are none`
      : `the registry ${registry} refuses the credentials of "${credentials.username}"`,
    {
      code: "REGISTRY_UNAUTHORIZED",
      exit: "refused",
      hint: `Set registry.username and registry.password (CI_REGISTRY_USER and CI_REGISTRY_PASSWORD), or run: docker login ${registry}`,
    },
  );
}
