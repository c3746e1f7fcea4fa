import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import * as z from "zod";

interface Stored {
  type: string;
  body: string;
}

const index = z.object({ manifests: z.array(z.object({ digest: z.string() })).default([]) });

/** A registry in this process that keeps manifests by repository, and a tag as a digest. */
export interface MemoryRegistry extends AsyncDisposable {
  host: string;
  /** Requests so far: method and path. */
  requests: string[];
  /** Digests by tag. */
  tagsIn: (repository: string) => Record<string, string>;
  /** Puts a manifest there, as somebody else would. */
  put: (repository: string, tag: string, body: string, type?: string) => string;
  /** Takes all tags from a manifest, which stays. */
  untag: (repository: string, digest: string) => void;
}

export const imageType = "application/vnd.oci.image.manifest.v1+json";

/** Starts one; an index has to name what is there, as registries want it. */
export async function startMemoryRegistry(): Promise<MemoryRegistry> {
  const manifests = new Map<string, Stored>();
  const tags = new Map<string, string>();
  const requests: string[] = [];

  const put = (repository: string, name: string, body: string, type = imageType): string => {
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    manifests.set(`${repository}@${digest}`, { type, body });
    if (name !== digest) tags.set(`${repository}:${name}`, digest);
    return digest;
  };

  const untag = (repository: string, digest: string) => {
    for (const [tag, named] of tags) if (named === digest && tag.startsWith(`${repository}:`)) tags.delete(tag);
  };

  const answer = async (request: IncomingMessage): Promise<{ status: number; headers?: Record<string, string>; body?: string }> => {
    const [, repository = "", kind, name = ""] = /^\/v2\/(.+)\/(manifests|tags)\/([^?]+)/.exec(request.url ?? "") ?? [];
    if (kind === "tags") return { status: 200, body: JSON.stringify({ tags: Object.keys(tagsIn(repository)) }) };
    if (request.method === "PUT" && name === "refused") return { status: 403 };
    if (request.method === "PUT") {
      const body = Buffer.concat(await request.toArray()).toString();
      const members = index.parse(JSON.parse(body)).manifests;
      if (!members.every(({ digest }) => manifests.has(`${repository}@${digest}`))) return { status: 400, body: "MANIFEST_BLOB_UNKNOWN" };
      put(repository, name, body, request.headers["content-type"]);
      return { status: 201 };
    }
    const digest = name.startsWith("sha256:") ? name : (tags.get(`${repository}:${name}`) ?? "");
    const stored = manifests.get(`${repository}@${digest}`);
    if (stored === undefined) return { status: 404 };
    if (request.method === "DELETE") {
      manifests.delete(`${repository}@${digest}`);
      untag(repository, digest);
      return { status: 202 };
    }
    return { status: 200, headers: { "content-type": stored.type, "docker-content-digest": digest }, body: stored.body };
  };

  const tagsIn = (repository: string) =>
    Object.fromEntries(
      [...tags].filter(([tag]) => tag.startsWith(`${repository}:`)).map(([tag, digest]) => [tag.slice(repository.length + 1), digest]),
    );

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer(request).then(({ status, headers, body }) =>
      response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : body),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return { host, requests, tagsIn, put, untag, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}
