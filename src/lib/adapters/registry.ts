import { setTimeout as wait } from "node:timers/promises";
import type { RegistryConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { parseReference, type Reference } from "../images/reference.ts";
import { parseManifest, parseTags, type Layer } from "./registry-manifest.ts";
import { digestOfBytes, type HttpAnswer, type HttpOptions } from "./registry-http.ts";
import { denied, openSession } from "./registry-session.ts";

/** A manifest or an index, byte by byte as the registry has it: other bytes are another digest. */
export interface StoredManifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}

/**
 * Asks registries about images; keeps its connections until it is closed.
 * Everything throws ColdtivateError REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE.
 */
export interface RegistryClient extends Disposable {
  /** The digest that a reference means now; undefined when its repository or tag does not exist. */
  digestOf(reference: string): Promise<string | undefined>;
  /** The layers of an image, for Linux on amd64 where there are several; undefined when it does not exist. */
  layersOf(reference: string): Promise<Layer[] | undefined>;
  /** An image's configuration as text, for Linux on amd64 where there are several; undefined when it does not exist, or has none. */
  configurationOf(reference: string): Promise<string | undefined>;
  /** A manifest as it is; undefined when it does not exist. */
  manifestOf(reference: string): Promise<StoredManifest | undefined>;
  /**
   * Puts a manifest under a tag; what it consists of must be in the repository.
   * @throws ColdtivateError MANIFEST_REFUSED, too
   */
  putManifest(reference: string, manifest: Pick<StoredManifest, "mediaType" | "bytes">): Promise<void>;
  /** Every tag of a repository; none when it does not exist. */
  tagsOf(repository: string): Promise<string[]>;
  /**
   * Removes a manifest by its digest, with all tags that name it; one that is not there is no error.
   * @throws ColdtivateError REGISTRY_KEEPS_ALL, too
   */
  deleteManifest(reference: string): Promise<void>;
}

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Bytes of an image's configuration: the layers' history is what makes it long. */
const mostConfiguration = 4 * 1024 * 1024;

/** Tags a page. */
const pageSize = 1000;

/**
 * A client for every registry that images are named by. The project's own gets the configuration's credentials,
 * any other (and the own one without credentials) what the user's Docker login knows.
 */
export function openRegistry(config: Pick<RegistryConfig, "host" | "insecure" | "credentials">, options: HttpOptions = {}): RegistryClient {
  const session = openSession(config, options);
  const { ask } = session;
  const { backoff = [100, 400] } = options;

  const read = (reference: Reference, method: "GET" | "HEAD") =>
    ask(reference, { method, path: manifestPath(reference), headers: { accept: manifestTypes } });

  const load = async (reference: Reference): Promise<StoredManifest | undefined> => {
    const answer = await read(reference, "GET");
    if (answer.status === 404) return undefined;
    expect(reference, answer, 200);
    const bytes = answer.body;
    const digest = digestOfBytes(bytes);
    const said = header(answer, "docker-content-digest") ?? digest;
    if (said.startsWith("sha256:") && said !== digest) throw unexpected(reference.registry, 200);
    return { digest, mediaType: header(answer, "content-type") ?? "", bytes };
  };

  /** What a digest names stays what it is: who asks for it again gets the first answer, once there is one. */
  const known = new Map<string, ReturnType<typeof load>>();
  const loadOnce = (reference: Reference) => {
    const { registry, repository, digest } = reference;
    if (digest === undefined) return load(reference);
    const name = `${registry}/${repository}@${digest}`;
    const found = known.get(name) ?? load(reference);
    known.set(name, found);
    const forget = () => void known.delete(name);
    found.then((stored) => stored === undefined && forget(), forget);
    return found;
  };

  const partsIn = async (reference: Reference) => {
    const stored = await loadOnce(reference);
    const manifest = stored && parseManifest(stored.bytes.toString());
    if (stored !== undefined && manifest === undefined) throw unexpected(reference.registry, 200);
    return manifest;
  };

  /** What an image consists of, on one platform. */
  const partsOf = async (reference: Reference) => {
    const manifest = await partsIn(reference);
    return manifest?.platform === undefined ? manifest : await partsIn({ ...reference, digest: manifest.platform });
  };

  return {
    async layersOf(text) {
      return (await partsOf(parseReference(text)))?.layers;
    },
    async configurationOf(text) {
      const reference = parseReference(text);
      const { configuration } = (await partsOf(reference)) ?? {};
      if (configuration === undefined || configuration.size > mostConfiguration) return undefined;
      const answer = await ask(reference, { method: "GET", path: `./blobs/${configuration.digest}`, limit: mostConfiguration });
      if (answer.status === 404) return undefined;
      expect(reference, answer, 200);
      if (digestOfBytes(answer.body) !== configuration.digest) throw unexpected(reference.registry, 200);
      return answer.body.toString();
    },
    async digestOf(text) {
      const reference = parseReference(text);
      let answer = await read(reference, "HEAD");
      if (answer.status === 405 || (answer.status === 200 && header(answer, "docker-content-digest") === undefined)) {
        answer = await read(reference, "GET");
      }
      if (answer.status === 404) return undefined;
      expect(reference, answer, 200);
      return header(answer, "docker-content-digest") ?? digestOfBytes(answer.body);
    },
    manifestOf: (text) => loadOnce(parseReference(text)),
    async putManifest(text, { mediaType, bytes }) {
      const reference = parseReference(text);
      const headers = { "content-type": mediaType };
      const put = () => ask(reference, { method: "PUT", path: manifestPath(reference), headers, body: bytes });
      let answer = await put();
      // Distribution does not find for a moment what somebody else is giving a tag just then.
      for (const pause of backoff) {
        if (answer.status !== 400 && answer.status !== 404) break;
        await wait(pause, undefined, { signal: options.signal });
        answer = await put();
      }
      if (answer.status === 400 || answer.status === 404 || answer.status === 405) throw refused(text, answer);
      expect(reference, answer, 200, 201, 202);
    },
    async tagsOf(repository) {
      const reference = parseReference(repository);
      const tags: string[] = [];
      for (let path: string | undefined = `tags/list?n=${pageSize}`; path !== undefined;) {
        const answer: HttpAnswer = await ask(reference, { method: "GET", path });
        if (answer.status === 404) return [];
        expect(reference, answer, 200);
        tags.push(...parseTags(answer.body.toString()));
        path = nextPage(answer);
      }
      return tags;
    },
    async deleteManifest(text) {
      const reference = parseReference(text);
      const answer = await ask(reference, { method: "DELETE", path: manifestPath(reference) });
      if (answer.status === 404) return;
      if (answer.status === 400 || answer.status === 405) throw keepsAll(reference);
      expect(reference, answer, 200, 202, 204);
    },
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

function manifestPath({ tag, digest }: Reference): string {
  // A name with a colon would be a URL of its own.
  return `./manifests/${digest ?? tag ?? "latest"}`;
}

/** The query in `Link: </v2/web/tags/list?last=x&n=1000>; rel="next"`: where it leads is not the registry's to say. */
function nextPage(answer: HttpAnswer): string | undefined {
  const [, query] = /<[^>?]*(\?[^>]*)>\s*;\s*rel="?next"?/.exec(header(answer, "link") ?? "") ?? [];
  return query === undefined ? undefined : `tags/list${query}`;
}

function expect({ registry, repository }: Reference, { status }: HttpAnswer, ...good: readonly number[]): void {
  if (good.includes(status)) return;
  throw status === 403 ? denied(`${registry}/${repository}`) : unexpected(registry, status);
}

function header({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function unexpected(registry: string, status: number): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} gave an answer that makes no sense here (${status})`, {
    code: "REGISTRY_UNREACHABLE",
    exit: "refused",
    hint: "Nothing was changed. Check that registry.image in coldtivate.yml names a container registry.",
  });
}

function refused(name: string, { status, body }: HttpAnswer): ColdtivateError {
  return new ColdtivateError(`the registry does not take a manifest as ${name} (${status})`, {
    code: "MANIFEST_REFUSED",
    exit: "failed",
    details: [body.toString().trim().slice(0, 500)].filter(Boolean),
    hint: "What serves is as it was. What the manifest consists of may be gone from the registry: build with --force, which pushes all of it again.",
  });
}

function keepsAll({ registry }: Reference): ColdtivateError {
  return new ColdtivateError(`the registry ${registry} removes nothing`, {
    code: "REGISTRY_KEEPS_ALL",
    exit: "refused",
    hint: "Nothing was removed. Allow it in the registry (storage.delete.enabled: true), or use its own cleanup rules.",
  });
}
