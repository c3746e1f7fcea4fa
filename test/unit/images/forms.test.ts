import { expect, test } from "vitest";
import { sha256 } from "../../../src/lib/adapters/hash.ts";
import { parseRecord } from "../../../src/lib/images/build-record.ts";
import { readRecord, writeRecord, type ContentRecord } from "../../../src/lib/content/content-record.ts";
import { readImageIndex, readParts } from "../../../src/lib/images/named-images.ts";

const bytes = Buffer.from("{}");
const digest = `sha256:${sha256(bytes)}`;
const commit = "c".repeat(40);
const content: ContentRecord = {
  tag: `content-${commit}`,
  image: { digest, mediaType: "application/vnd.oci.image.manifest.v1+json", bytes },
  built: 0,
  revision: commit,
  commit,
  inputs: {},
};

test("what was written is read again", () => {
  expect(readRecord(writeRecord(content, sha256), sha256)).toEqual(content);
});

test.each<[string, Partial<ContentRecord>]>([
  ["an option of Git's for a commit", { revision: "--output=/tmp/x" }],
  ["a ref for the last commit", { commit: "HEAD" }],
  ["a time that no calendar has", { built: 1e300 }],
  ["a media type that would be a header of its own", { image: { ...content.image, mediaType: "x/y\r\nx-evil: 1" } }],
  ["another digest than its bytes have", { image: { ...content.image, digest: `sha256:${"0".repeat(64)}` } }],
])("a content tag's index with %s is none", (_what, change) => {
  expect(readRecord(writeRecord({ ...content, ...change }, sha256), sha256)).toBeUndefined();
});

test.each(["../../other/manifests/main", digest.slice(0, -1), `${digest}\n`, digest.toUpperCase(), ""])(
  "%j is no digest that an index leads to",
  (bad) => {
    const descriptor = { digest: bad, mediaType: "x/y", size: 1 };
    const index = JSON.stringify({ manifests: [descriptor], annotations: { "org.opencontainers.image.revision": commit } });
    expect(readImageIndex(index)).toBeUndefined();
    expect(readParts(index)).toEqual([]);
    expect(parseRecord(index)).toEqual({ commit, builds: [] });
  },
);
