import type { Credentials, RegistryConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { parseReference, type Reference } from "../images/reference.ts";
import { answerChallenge, unauthorized } from "./registry-auth.ts";
import { findCredentials } from "./registry-credentials.ts";
import { parseManifest, type Layer } from "./registry-manifest.ts";
import { digestOfBytes, openHttp, type HttpAnswer, type HttpOptions } from "./registry-http.ts";

/** Asks registries about images; keeps its connections until it is closed. */
export interface RegistryClient extends Disposable {
  /**
   * The digest that a reference means now; undefined when its repository or tag does not exist.
   * @throws ColdtivateError REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE
   */
  digestOf(reference: string): Promise<string | undefined>;
  /**
   * The layers of an image, for Linux on amd64 where there are several; undefined when it does not exist.
   * @throws ColdtivateError REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE
   */
  layersOf(reference: string): Promise<Layer[] | undefined>;
}

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/**
 * A client for every registry that images are named by. The project's own gets the configuration's credentials,
 * any other (and the own one without credentials) what the user's Docker login knows.
 */
export function openRegistry(config: Pick<RegistryConfig, "host" | "insecure" | "credentials">, options: HttpOptions = {}): RegistryClient {
  const { send, close } = openHttp(options);
  const known = new Map<string, Promise<Credentials | undefined>>();
  const authorizations = new Map<string, string>();

  const credentialsFor = (registry: string) => {
    const own = registry === config.host ? config.credentials : undefined;
    const found = known.get(registry) ?? (own === undefined ? findCredentials(registry) : Promise.resolve(own));
    known.set(registry, found);
    return found;
  };

  const ask = async (reference: Reference, method: "GET" | "HEAD"): Promise<HttpAnswer> => {
    const { registry, repository } = reference;
    const url = new URL(`${baseOf(registry, config)}/v2/${repository}/manifests/${reference.digest ?? reference.tag ?? "latest"}`);
    const realm = `${registry}/${repository}`;
    const request = (authorization?: string) =>
      send({ method, url, headers: { accept: manifestTypes, ...(authorization && { authorization }) } });

    const first = await request(authorizations.get(realm));
    if (first.status !== 401) return first;
    const credentials = await credentialsFor(registry);
    const challenge = first.headers["www-authenticate"] ?? "Basic";
    const authorization = await answerChallenge(registry, challenge, credentials, send);
    authorizations.set(realm, authorization);
    const second = await request(authorization);
    if (second.status !== 401) return second;
    if (authorization.startsWith("Basic ")) throw unauthorized(registry, credentials);
    throw denied(realm);
  };

  const manifestOf = async (reference: Reference) => {
    const answer = await ask(reference, "GET");
    if (answer.status === 404) return undefined;
    if (answer.status === 403) throw denied(`${reference.registry}/${reference.repository}`);
    const manifest = answer.status === 200 ? parseManifest(answer.body.toString()) : undefined;
    if (manifest === undefined) throw unexpected(reference.registry, answer.status);
    return manifest;
  };

  return {
    async layersOf(text) {
      const reference = parseReference(text);
      let manifest = await manifestOf(reference);
      if (manifest?.platform !== undefined) manifest = await manifestOf({ ...reference, digest: manifest.platform });
      return manifest?.layers;
    },
    async digestOf(text) {
      const reference = parseReference(text);
      let answer = await ask(reference, "HEAD");
      if (answer.status === 405 || (answer.status === 200 && answer.headers["docker-content-digest"] === undefined)) {
        answer = await ask(reference, "GET");
      }
      if (answer.status === 404) return undefined;
      if (answer.status === 403) throw denied(`${reference.registry}/${reference.repository}`);
      if (answer.status !== 200) throw unexpected(reference.registry, answer.status);
      return header(answer, "docker-content-digest") ?? digestOfBytes(answer.body);
    },
    [Symbol.dispose]: close,
  };
}

function header({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function baseOf(registry: string, config: Pick<RegistryConfig, "host" | "insecure">): string {
  if (registry === "docker.io") return "https://registry-1.docker.io";
  // Docker speaks plain HTTP to loopback without being told.
  const plain = (registry === config.host && config.insecure) || /^(localhost|127\.\d+\.\d+\.\d+)(:|$)/.test(registry);
  return `${plain ? "http" : "https"}://${registry}`;
}

function denied(repository: string): ColdtivateError {
  return new ColdtivateError(`the registry does not show ${repository}: it does not exist, or these credentials may not read it`, {
    code: "REGISTRY_DENIED",
    exit: "refused",
    hint: "Nothing was changed. Check registry.image in coldtivate.yml and what the registry's user may do.",
  });
}

function unexpected(registry: string, status: number): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} gave an answer that makes no sense here (${status})`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: "Nothing was changed. Check that registry.image in coldtivate.yml names a container registry.",
  });
}
