import type { Random } from "./random.ts";

/** What parsers of all kinds stumble over. */
const troublesome = [
  "\0",
  "\uFEFF",
  "\u001B]52;c;AAAA\u0007",
  "\r\n",
  "\r",
  "\t",
  "\u2028",
  "\u202E",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "~",
  "-0",
  "1e999",
  "9".repeat(400),
  "0x7fffffffffffffff",
  ".inf",
  "${",
  "${A:-${A:-",
  "$$",
  "${__proto__}",
  "*nobody",
  "&a",
  "*a",
  "<<: ",
  "!!binary ",
  "!!js/function ",
  "? ",
  "- ",
  ": ",
  "[",
  "]",
  "{",
  "}",
  '"',
  "'",
  "|\n",
  ">-\n",
  "%YAML 9.9\n---\n",
  "---\n",
  "...\n",
  "#",
  "=",
  "../../../../../../etc/passwd",
  "/dev/zero",
  "/proc/self/environ",
  "-----BEGIN OPENSSH PRIVATE KEY-----\n",
  "@cert-authority * ",
  "|1|",
  "sha256:",
  "\uD800",
  "x".repeat(5000),
  "a: ".repeat(50),
  "[".repeat(500),
  "{".repeat(500),
  "${a:-".repeat(300),
];

/** A part of some bytes, from here to there. */
function part(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + random.below(random.pick([2, 20, 200])))];
}

/** Ways to spoil bytes. */
const ways: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const [from, to] = part(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const [from, to] = part(bytes, random);
    const times = random.pick([1, 3, 200]);
    return Buffer.concat([bytes.subarray(0, to), ...Array.from({ length: times }, () => bytes.subarray(from, to)), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const [from] = part(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), random.bytes(1 + random.below(8)), bytes.subarray(from)]);
  },
  (bytes, random) => {
    const [from, to] = part(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), Buffer.from(random.pick(troublesome)), bytes.subarray(random.once(2) ? from : to)]);
  },
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    for (let times = random.below(5); times >= 0 && changed.length > 0; times--) changed[random.below(changed.length)] = random.below(256);
    return changed;
  },
  (bytes, random) => {
    const lines = bytes.toString("latin1").split("\n");
    const at = random.below(lines.length);
    lines.splice(random.below(lines.length), 0, random.once(2) ? ` ${lines[at]}` : (lines[at] ?? ""));
    return Buffer.from(lines.join("\n"), "latin1");
  },
];

/** Something that was well-formed, spoilt in one to six ways. */
export function corrupt(text: string, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(text);
  for (let times = random.below(6); times >= 0; times--) bytes = random.pick(ways)(bytes, random);
  return bytes.subarray(0, 2 * 1024 * 1024);
}

/** YAML that nobody would write: anchors, aliases, merges, tags and all kinds of keys and values, within each other. */
export function yamlOf(random: Random, words: readonly string[]): string {
  let anchors = 0;
  const scalar = (): string =>
    random.pick([...words, random.pick(troublesome).trim(), "1", "true", "null", '"\\x00"', "'it''s'", "2026-11-30", "1_000"]);
  const alias = () => (anchors === 0 ? "*none" : `*a${random.below(anchors)}`);
  const anchored = (text: string) => (random.once(3) ? `&a${anchors++} ${text}` : text);
  const tagged = (text: string) => (random.once(12) ? `${random.pick(["!!str", "!!set", "!!omap", "!local", "!!binary"])} ${text}` : text);
  const node = (depth: number): string => {
    if (depth === 0 || random.once(4)) return random.once(3) ? alias() : tagged(scalar());
    const items = Array.from({ length: random.below(5) }, () => node(depth - 1));
    if (random.once(2)) return anchored(`[${items.join(", ")}]`);
    const pairs = items.map((item) => `${random.once(6) ? "<<" : random.once(8) ? node(depth - 1) : scalar()}: ${item}`);
    return tagged(anchored(`{ ${pairs.join(", ")} }`));
  };
  return Array.from({ length: 1 + random.below(6) }, () => `${random.pick(words)}: ${node(1 + random.below(7))}`).join("\n");
}
