import { createPrivateKey } from "node:crypto";

/** A private key with Unix line ends and exactly one at its end. */
export function normaliseKey(content: string): string {
  const unfolded = content.includes("\n") ? content : content.replaceAll(String.raw`\n`, "\n");
  return `${unfolded.replace(/\r\n?/g, "\n").trim()}\n`;
}

/** What is wrong with a private key (normalised), in words that show none of it; nothing when it can be used. */
export function keyFault(key: string): string | undefined {
  if (/^(ssh-|ecdsa-|sk-)\S+ AAAA/.test(key) || key.includes("BEGIN PUBLIC KEY")) return "this is a public key: the private one is needed";
  if (key.startsWith("PuTTY-User-Key-File")) return "this key is in PuTTY's format: export it as an OpenSSH key";
  const block = /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\n([^]*?)\n-----END \1PRIVATE KEY-----\n$/.exec(key);
  if (!block) return "this is no complete private key (-----BEGIN … PRIVATE KEY----- to -----END … PRIVATE KEY-----)";
  const [, kind = "", body = ""] = block;
  if (kind === "ENCRYPTED " || body.includes("ENCRYPTED")) return passphrase;
  return kind === "OPENSSH " ? opensshFault(Buffer.from(body, "base64")) : pemFault(key);
}

const passphrase = "this key has a passphrase: use one without, or leave the key out and load it into your ssh-agent";
const damaged = "this private key is damaged or cut short";

/** The format: a magic, then length-prefixed cipher, derivation and its options, a count, public and private part. */
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
