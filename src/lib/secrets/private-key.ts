import { createPrivateKey } from "node:crypto";

/** A whole key, whatever its line ends were replaced with. */
const wholeKey = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----([^-]*)-----END \1PRIVATE KEY-----/;

/** The line width of a key: RFC 7468 uses 64, OpenSSH's own format 70. */
const widths: Record<string, number> = { "OPENSSH ": 70 };

/**
 * A private key with Unix line ends and exactly one at its end. Undoes what CI/CD variables and clipboards do to keys, if there
 * is only one way to read the result: line ends that are lost, written as `\n` or turned into spaces; quotes around the key;
 * indented lines; the whole key in base64.
 */
export function normaliseKey(content: string): string {
  const plain = fromBase64(content)
    .replace(/^\uFEFF/, "")
    .trim();
  const unquoted = /^(["'])([^]*)\1$/.exec(plain)?.[2] ?? plain;
  const unfolded = unquoted.includes("\n") ? unquoted : unquoted.replaceAll(/(?:\\r)?\\n/g, "\n");
  const lines = `${unfolded.replace(/\r\n?/g, "\n").trim()}\n`;
  const [whole = "", kind = "", body = ""] = wholeKey.exec(lines) ?? [];
  // Text around the key, or text that is not base64, may mean something: keyFault reports what is wrong.
  if (whole !== lines.trim() || !/^[A-Za-z0-9+/=\s]+$/.test(body)) return lines;
  const folded = body.replaceAll(/\s/g, "").match(new RegExp(`.{1,${widths[kind] ?? 64}}`, "g")) ?? [];
  return [`-----BEGIN ${kind}PRIVATE KEY-----`, ...folded, `-----END ${kind}PRIVATE KEY-----`, ""].join("\n");
}

/** Whether a text is a private key on one line. */
export function isFoldedKey(text: string): boolean {
  return text.includes("-----BEGIN ") || isEncodedKey(text);
}

/** Whether a text is a private key in base64, as some people store it in a variable. */
export function isEncodedKey(text: string): boolean {
  return /^\s*LS0tLS1CRUdJTi[A-Za-z0-9+/\s]+=*\s*$/.test(text);
}

function fromBase64(content: string): string {
  return isEncodedKey(content) ? Buffer.from(content, "base64").toString("utf8") : content;
}

/**
 * What is wrong with a private key (normalised), in words that reveal nothing of it; undefined if the key can be used.
 * @param mayAsk whether a passphrase is acceptable because there is somebody to ask for it
 */
export function keyFault(key: string, mayAsk = false): string | undefined {
  if (/^(ssh-|ecdsa-|sk-)\S+ AAAA/.test(key) || key.includes("BEGIN PUBLIC KEY")) return "this is a public key: the private one is needed";
  if (key.startsWith("PuTTY-User-Key-File")) return "this key is in PuTTY's format: export it as an OpenSSH key";
  if ((key.match(/-----BEGIN /g) ?? []).length > 1) return "there are several keys or certificates: one private key is needed";
  const block = /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\n([^]*?)\n-----END \1PRIVATE KEY-----\n$/.exec(key);
  if (!block) return incomplete(key);
  const [, kind = "", body = ""] = block;
  if (kind === "ENCRYPTED " || body.includes("ENCRYPTED")) return mayAsk ? undefined : passphrase;
  const fault = kind === "OPENSSH " ? opensshFault(Buffer.from(body, "base64")) : pemFault(key);
  return fault === passphrase && mayAsk ? undefined : fault;
}

function incomplete(key: string): string {
  const whole = "-----BEGIN … PRIVATE KEY----- to -----END … PRIVATE KEY-----";
  const isBegun = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key);
  const isEnded = /-----END [A-Z ]*PRIVATE KEY-----/.test(key);
  if (isBegun && !isEnded) return `this is no complete private key (${whole}): its end is missing`;
  if (isEnded && !isBegun) return `this is no complete private key (${whole}): its beginning is missing`;
  if (isBegun) return `this is no complete private key (${whole}): there is something else around or within it`;
  return `this is no complete private key (${whole})`;
}

const passphrase =
  "this key has a passphrase, and there is no terminal to ask for it: use a key without one, or leave the key out and load it into an ssh-agent";
const damaged = "this private key is damaged or cut short";

/**
 * The format is a magic, the cipher, the key derivation and its options, a count, the public part and the private part. All but
 * the magic and the count are length-prefixed.
 */
function opensshFault(bytes: Buffer): string | undefined {
  const magic = "openssh-key-v1\0";
  if (bytes.subarray(0, magic.length).toString("latin1") !== magic) return damaged;
  let at = magic.length;
  const next = (): Buffer | undefined => {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    const part = end <= bytes.length ? bytes.subarray(at + 4, end) : undefined;
    at = end;
    return part;
  };
  const cipher = next()?.toString("latin1");
  next();
  next();
  at += 4;
  next();
  if (next() === undefined) return damaged;
  return cipher === "none" ? undefined : passphrase;
}

function pemFault(key: string): string | undefined {
  try {
    createPrivateKey(key);
    return undefined;
  } catch {
    return damaged;
  }
}
