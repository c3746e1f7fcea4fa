import { setTimeout as wait } from "node:timers/promises";
import type { RegistryConfig } from "../../config/schema/config.ts";
import { parseReference, type Reference } from "../../common/reference.ts";
import { parseImageManifest, parseTags, type Layer } from "./registry-manifest.ts";
import { invalidAnswer, type HttpAnswer } from "./registry-answer.ts";
import { digestOfBytes, type HttpOptions } from "./registry-http.ts";
import { expect, keepsAll, mediaTypeOf, nextPage, refused, saidDigest, unexpected } from "./registry-read.ts";
import type { StoredManifest } from "../../common/forms.ts";
import { openSession } from "./registry-session.ts";

/**
 * Asks registries about images, and keeps its connections until it is closed.
 * All methods throw ColdtivateError REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE, REGISTRY_ANSWER_INVALID.
 */
export interface RegistryClient extends Disposable {
  /** The digest that a reference resolves to now; undefined if its repository or tag does not exist. */
  digestOf(reference: string): Promise<string | undefined>;
  /** The layers of an image, for Linux on amd64 if there are several platforms; undefined if it does not exist. */
  layersOf(reference: string): Promise<Layer[] | undefined>;
  /**
   * An image's configuration as text, for Linux on amd64 if there are several platforms; undefined if the image does not exist,
   * or has no configuration.
   */
  configurationOf(reference: string): Promise<string | undefined>;
  /** A manifest, unchanged; undefined if it does not exist. */
  manifestOf(reference: string): Promise<StoredManifest | undefined>;
  /**
   * Stores a manifest under a tag. Its parts must be in the repository already.
   * @throws ColdtivateError MANIFEST_REFUSED, too
   */
  putManifest(reference: string, manifest: Pick<StoredManifest, "mediaType" | "bytes">): Promise<void>;
  /** Every tag of a repository; empty if it does not exist. */
  tagsOf(repository: string): Promise<string[]>;
  /**
   * Removes a manifest by its digest, with all tags that refer to it. A manifest that does not exist is no error.
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

/** Maximum size of an image's configuration in bytes: the history of the layers makes it long. */
const mostConfiguration = 4 * 1024 * 1024;

/** Tags per page. */
const pageSize = 1000;

/** Maximum size of a page in bytes: some registries send all tags at once. */
const mostPage = 16 * 1024 * 1024;

/** Maximum number of a repository's tags, and of the pages that list them. */
const mostTags = 100_000;
const mostPages = 1000;

/** Limits for all pages of a list together: bytes, and milliseconds until the last page has arrived. */
const mostListed = 64 * 1024 * 1024;
const listingPatience = 600_000;

/** Maximum size of all cached manifests, in bytes. */
const mostKept = 64 * 1024 * 1024;

/**
 * A client for every registry that images are named by. The project's own registry gets the configuration's credentials. Any
 * other registry, and the project's own without credentials, gets those of the user's Docker login.
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
    const said = saidDigest(reference, answer) ?? digest;
    const wanted = reference.digest ?? said;
    if (wanted !== digest || said !== digest) {
      throw invalidAnswer(
        reference.registry,
        `gives ${digest} for ${reference.repository}, which is to be ${wanted === digest ? said : wanted}`,
      );
    }
    return { digest, mediaType: mediaTypeOf(answer), bytes };
  };

  /** The content behind a digest never changes, so a repeated request gets the first answer, once there is one. */
  const known = new Map<string, ReturnType<typeof load>>();
  let kept = 0;
  const loadOnce = (reference: Reference) => {
    const { registry, repository, digest } = reference;
    if (digest === undefined) return load(reference);
    const name = `${registry}/${repository}@${digest}`;
    const found = known.get(name) ?? loadFirst(name, reference);
    known.set(name, found);
    return found;
  };
  const loadFirst = async (name: string, reference: Reference) => {
    let stored: StoredManifest | undefined;
    try {
      stored = await load(reference);
      return stored;
    } finally {
      kept += stored?.bytes.length ?? 0;
      if (stored === undefined || kept > mostKept) known.delete(name);
    }
  };

  const partsIn = async (reference: Reference) => {
    const stored = await loadOnce(reference);
    const manifest = stored && parseImageManifest(stored.bytes.toString());
    if (stored !== undefined && manifest === undefined) throw unexpected(reference.registry, 200);
    return manifest;
  };

  /** The parts of an image, for one platform. */
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
      if (digestOfBytes(answer.body) !== configuration.digest) {
        throw invalidAnswer(reference.registry, `gives another configuration than ${configuration.digest} for ${reference.repository}`);
      }
      return answer.body.toString();
    },
    async digestOf(text) {
      const reference = parseReference(text);
      const answer = await read(reference, "HEAD");
      if (answer.status === 404) return undefined;
      const said = answer.status === 200 ? saidDigest(reference, answer) : undefined;
      // If the answer states no digest, it is computed.
      if (answer.status === 405 || (answer.status === 200 && said === undefined)) return (await load(reference))?.digest;
      expect(reference, answer, 200);
      if (reference.digest !== undefined && reference.digest !== said) {
        throw invalidAnswer(reference.registry, `has ${said} for ${reference.repository}, which is to be ${reference.digest}`);
      }
      return said;
    },
    manifestOf: (text) => loadOnce(parseReference(text)),
    async putManifest(text, { mediaType, bytes }) {
      const reference = parseReference(text);
      const headers = { "content-type": mediaType };
      const change = { what: "put into the registry", subject: describeReference(reference) };
      const put = () => ask(reference, { method: "PUT", path: manifestPath(reference), headers, body: bytes, change });
      let answer = await put();
      // For a moment, Distribution does not find content that somebody else is tagging at the same time.
      for (const pause of backoff) {
        if (answer.status !== 400 && answer.status !== 404) break;
        await wait(pause, undefined, { signal: options.signal });
        answer = await put();
      }
      if (answer.status === 400 || answer.status === 404 || answer.status === 405) throw refused(text, answer);
      expect(reference, answer, 200, 201, 202);
    },
    async tagsOf(text) {
      const reference = parseReference(text);
      const { registry, repository } = reference;
      const tags = new Set<string>();
      const began = performance.now();
      let said = 0;
      let path: string | undefined = `tags/list?n=${pageSize}`;
      for (let pages = 1; path !== undefined; pages++) {
        const answer: HttpAnswer = await ask(reference, { method: "GET", path, limit: mostPage });
        // Only a missing first page means that there are no tags.
        if (answer.status === 404 && pages === 1) return [];
        expect(reference, answer, 200);
        const page = parseTags(answer.body.toString());
        if (page === undefined) throw invalidAnswer(registry, `gives no list of tags for ${repository}`);
        const before = tags.size;
        for (const tag of page) tags.add(tag);
        path = nextPage(answer);
        said += answer.body.length;
        const tooLong = said > mostListed || performance.now() - began > listingPatience;
        if (tags.size > mostTags || pages > mostPages || tooLong)
          throw invalidAnswer(registry, `does not come to an end of the tags of ${repository}`);
        if (page.length === 0) break;
        if (path !== undefined && tags.size === before)
          throw invalidAnswer(registry, `gives the same tags of ${repository} again and again`);
      }
      return [...tags];
    },
    async deleteManifest(text) {
      const reference = parseReference(text);
      const change = { what: "removed from the registry", subject: describeReference(reference) };
      const answer = await ask(reference, { method: "DELETE", path: manifestPath(reference), change });
      if (answer.status === 404) return;
      if (answer.status === 400 || answer.status === 405) throw keepsAll(reference);
      expect(reference, answer, 200, 202, 204);
    },
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

/** A name for people, with a shortened digest. */
function describeReference({ repository, tag, digest }: Reference): string {
  return digest === undefined ? `${repository}:${tag ?? "latest"}` : `${repository}@${digest.slice(0, 19)}`;
}

function manifestPath({ tag, digest }: Reference): string {
  // A name with a colon would be taken for a URL of its own.
  return `./manifests/${digest ?? tag ?? "latest"}`;
}
