/** KEY and PIN as words of their own: valkey is a database. */
const telling = /pass|pwd|secret|token|dsn|url|credential|(?:^|_|api|private|access)key|(?:^|_)(?:pin|auth|salt)(?:_|$)/i;

/** Names that sound secret, of what is none: how long a token is valid, where a key lies. */
const aboutSecrets =
  /(?:_|^)(?:ttl|timeout|expir\w*|lifetime|length|size|seconds|minutes|hours|days|age|enabled|required|policy|file|path|dir|name|id|user|url|dsn)$/i;

/** Whether a variable's name sounds secret, as that of a token does, and of an address that may have a password in it. */
export function isTelling(name: string): boolean {
  return telling.test(name);
}

/** Whether a variable with this name certainly is a secret. */
export function isNameOfSecret(name: string): boolean {
  return telling.test(name) && !aboutSecrets.test(name);
}
