import { expect, test } from "vitest";
import { formatReference, parseReference, pinReference } from "../../../src/lib/common/reference.ts";

const digest = `sha256:${"1f".repeat(32)}`;

test.each([
  ["postgres:15", { registry: "docker.io", repository: "library/postgres", tag: "15" }, "postgres:15"],
  ["docker.io/postgres", { registry: "docker.io", repository: "library/postgres" }, "postgres"],
  ["index.docker.io/postgres", { registry: "docker.io", repository: "library/postgres" }, "postgres"],
  ["index.docker.io/org/web:main", { registry: "docker.io", repository: "org/web", tag: "main" }, "org/web:main"],
  ["[::1]:5000/web", { registry: "[::1]:5000", repository: "web" }, "[::1]:5000/web"],
  ["valkey/valkey:8", { registry: "docker.io", repository: "valkey/valkey", tag: "8" }, "valkey/valkey:8"],
  [
    "198.18.0.1:5000/group/backend/web",
    { registry: "198.18.0.1:5000", repository: "group/backend/web" },
    "198.18.0.1:5000/group/backend/web",
  ],
  ["localhost/web:a_B.c-1", { registry: "localhost", repository: "web", tag: "a_B.c-1" }, "localhost/web:a_B.c-1"],
  [`r.example.com/a/b:t@${digest}`, { registry: "r.example.com", repository: "a/b", tag: "t", digest }, `r.example.com/a/b:t@${digest}`],
])("%s is read by Docker's rules", (text, reference, familiar) => {
  expect(parseReference(text)).toEqual(reference);
  expect(formatReference(reference)).toBe(familiar);
});

test.each([
  "",
  "UPPER/case",
  "a b",
  "a//b",
  "name@sha256:12",
  ":tag",
  "r.example.com/",
  "a.b?x=/web",
  "a.b#/web",
  "a.b:x/web",
  "a.b\\c/web",
  `web@sha512:${"1f".repeat(64)}`,
  `web@${digest}0`,
])("%j is no image name", (text) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "IMAGE_REFERENCE_INVALID" }));
});

test("a pinned reference names the digest alone", () => {
  expect(pinReference("r.example.com/web:main", digest)).toBe(`r.example.com/web@${digest}`);
});
