import { expect, test } from "vitest";
import { findBaseImages } from "../../../src/lib/content/base-images.ts";
import { copiesContext, lineOfStep } from "../../../src/lib/content/dockerfile.ts";
import { readIgnoreFile } from "../../../src/lib/content/ignore-file.ts";

const nothing = { args: {}, platforms: [], contexts: [] };

test.each<[string, string, object, string[], string[]]>([
  [
    "images, stages and scratch",
    "FROM a AS one\nFROM one\nFROM scratch\nFROM b:1\nCOPY --from=one / /\nCOPY --from=0 / /\nCOPY --from=c / /",
    {},
    ["a", "b:1", "c"],
    [],
  ],
  ["arguments and their defaults", "ARG V=12\nARG N=debian:$V\nFROM ${N}\nFROM ${O:-alpine}", {}, ["alpine", "debian:12"], []],
  [
    "an argument that is given",
    "ARG N=debian\nFROM --platform=$BUILDPLATFORM $N AS x",
    { args: { N: "r.example.com:5/y:1" } },
    ["r.example.com:5/y:1"],
    [],
  ],
  ["platforms", "FROM base-${TARGETARCH}", { platforms: ["linux/amd64", "linux/arm64"] }, ["base-amd64", "base-arm64"], []],
  ["an argument that nobody knows", "FROM base-${TARGETARCH}\nFROM $NONE", {}, [], ["$NONE", "base-${TARGETARCH}"]],
  ["mounts", "FROM a\nRUN --mount=type=bind,from=m:1,target=/x --network=none make", {}, ["a", "m:1"], []],
  ["continued lines and comments", "# x\nFROM \\\n# y\n  a AS b\nRUN echo \\\n FROM no", {}, ["a"], []],
  ["here-documents", 'FROM a\nRUN <<EOF\nFROM no\nEOF\nCOPY <<-"X" <<Y /z\nFROM no\n\tX\nFROM no\nY\nFROM b', {}, ["a", "b"], []],
  ["another escape", "# escape=`\nFROM `\n a", {}, ["a"], []],
  ["additional contexts", "FROM lib\nCOPY --from=LIB / /", { contexts: ["lib"] }, [], []],
])("a Dockerfile's base images: %s", (_name, text, options, references, unknown) => {
  expect(findBaseImages(text, { ...nothing, ...options })).toEqual({ references, unknown });
});

test.each<[string, string[], string[]]>([
  ["*.md", ["a.md"], ["x/a.md", "a.mdx"]],
  ["**/*.md", ["a.md", "x/y/a.md"], ["a.txt"]],
  ["logs", ["logs", "logs/a", "logs/x/y"], ["x/logs", "logs2"]],
  ["/logs/", ["logs/a"], ["x/logs/a"]],
  ["a/**/z", ["a/z", "a/b/c/z"], ["z"]],
  ["**", ["a", "a/b"], []],
  ["*\n!keep", ["a", "b/c"], ["keep", "keep/x"]],
  ["logs\n!logs/keep\nlogs/keep/no", ["logs/a", "logs/keep/no"], ["logs/keep", "logs/keep/yes"]],
  ["# *\n\n  b?  ", ["b1", "b2/x"], ["# *", "b", "b/1"]],
  ["[ab].c\n\\*.d\nx+(y)", ["a.c", "*.d", "x+(y)"], ["c.c", "a.d"]],
  ["[", [], ["["]],
])("the ignore file %j", (text, ignored, kept) => {
  const ignores = readIgnoreFile(text);
  expect(ignored.filter((path) => !ignores(path))).toEqual([]);
  expect(kept.filter(ignores)).toEqual([]);
});

const stages =
  "ARG BASE=debian\nFROM ${BASE}\nARG LEVEL\nCOPY . /app\n\nRUN <<EOF\nRUN no\nEOF\nFROM a AS b\nRUN make ${LEVEL}\nRUN make\\\n all";

test.each<[string, Parameters<typeof lineOfStep>[1], number | undefined]>([
  ["counted from the end", { stage: "stage-0", number: 3, total: 3, text: "RUN <<EOF (RUN no)" }, 6],
  ["where the base is not numbered", { stage: "stage-0", number: 2, total: 3, text: "RUN <<EOF (RUN no)" }, 6],
  ["the first one there", { stage: "stage-0", number: 1, total: 3, text: "COPY . /app" }, 4],
  ["the base", { stage: "stage-0", number: 1, total: 3, text: "FROM debian" }, 2],
  ["of a stage with a name", { stage: "b", number: 2, total: 3, text: "RUN make 1" }, 10],
  ["on several lines", { stage: "b", number: 3, total: 3, text: "RUN make all" }, 11],
  ["of a stage that is not there", { stage: "c", number: 1, total: 1, text: "RUN x" }, undefined],
])("the line of a step %s", (_name, step, line) => {
  expect(lineOfStep(stages, step)).toBe(line);
});

test.each([
  ["COPY . /app", true],
  ["COPY --chown=1:1 ./ ./", true],
  ['ADD [".", "/app"]', true],
  ["COPY package.json * /app/", true],
  ["COPY src /app", false],
  ["COPY ./src ./", false],
  ["COPY --from=build . /app", false],
  ["RUN cp . /app", false],
])("whether %s copies the whole context: %s", (instruction, whole) => {
  expect(copiesContext(`FROM a\n${instruction}\n`)).toBe(whole);
});
