/** Small or plain texts that come to a lot: of each, one of about so many characters, as far as it is not the words that count. */
export const bombs: readonly ((size: number) => string)[] = [
  // Aliases of aliases.
  (size) => `a0: &a0 [x, x]\n${many(size / 40, (i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`)}`,
  (size) => `x: &x [1]\nservices:\n${many(size / 20, (i) => `  s${i}: { y: *x }\n`)}`,
  (size) => `x: &x ${quoted("y", size / 2)}\nz: [${"*x, ".repeat(size / 8)}]\n`,
  // Merges of merges.
  (size) => `m0: &m0 { a: 1 }\n${many(size / 40, (i) => `m${i + 1}: &m${i + 1} { <<: [*m${i}, *m${i}] }\n`)}services: { a: *m1 }\n`,
  // Depth.
  (size) => `x: ${"[".repeat(size)}`,
  (size) => `x: ${"{".repeat(size)}`,
  (size) => `x: ${"{".repeat(size / 2)}${"}".repeat(size / 2)}`,
  (size) => `{${'"\\\\": {'.repeat(size / 8)}`,
  (size) => "- ".repeat(size / 2),
  (size) => "? ".repeat(size / 2),
  (size) => many(Math.sqrt(2 * size), (i) => `${" ".repeat(i)}a:\n`),
  // Number.
  (size) => "]".repeat(size),
  (size) => "---\n".repeat(size / 4),
  (size) => many(size / 8, (i) => `k${i}: 1\n`),
  (size) => `x: [${"a,".repeat(size / 2)}]`,
  (size) => `x: { ${"a: 1, ".repeat(size / 6)} }`,
  (size) => many(size / 4, () => "&a "),
  (size) => many(size / 3, () => "%a\n"),
  (size) => "\n".repeat(size),
  (size) => `x: "${"\\x41".repeat(size / 4)}"`,
  // What regular expressions go over again and again.
  (size) => `A=x${" ".repeat(size)}y`,
  (size) => `A="${"\\\\".repeat(size / 2)}`,
  (size) => many(size / 4, () => `A='\n`),
  (size) => `image: ${"a-".repeat(size / 2)}`,
  (size) => `services: { web: { image: x, env_file: "${"../".repeat(size / 3)}x" } }`,
  (size) => `services: { web: { image: x, env_file: "${"${".repeat(size / 2)}" } }`,
  (size) => `services: { web: { image: x, env_file: "${"${A:-".repeat(size / 6)}${"}".repeat(size / 6)}" } }`,
  (size) => `images: { web: { context: "${"${".repeat(size / 2)}" } }`,
  // Variables of variables.
  (size) => `A=xxxxxxxx\n${many(Math.min(size / 20, 60), (i) => `A${i}=\${A${i - 1}:-\${A}}\${A${i - 1}:-\${A}}\n`)}`,
  // Files of files.
  (size) => `include: [${many(size / 12, (i) => `"f${i}.yaml", `)}]`,
  (size) => `include: [${many(size / 60, (i) => `{ path: compose.yaml, project_directory: d${i} }, `)}]`,
  (size) => `services: { web: { image: x, env_file: [${many(size / 8, (i) => `f${i}, `)}] } }`,
  (size) => `services:\n${many(size / 50, (i) => `  s${i}: { extends: { file: compose.yaml, service: s${i + 1} } }\n`)}`,
  // Names that are nearly others.
  (size) => `services:\n${many(size / 20, (i) => `  service-${i}: {}\n`)}`,
];

function many(count: number, make: (index: number) => string): string {
  return Array.from({ length: Math.floor(count) }, (_, index) => make(index)).join("");
}

function quoted(letter: string, count: number): string {
  return `"${letter.repeat(Math.floor(count))}"`;
}
