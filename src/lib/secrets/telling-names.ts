/** KEY and PIN only count as separate words: valkey is a database. */
const telling = /pass|pwd|secret|token|dsn|url|credential|(?:^|_|api|private|access)key|(?:^|_)(?:pin|auth|salt)(?:_|$)/i;

/** Names that sound secret but are not: how long a token is valid, where a key is stored. */
const aboutSecrets =
  /(?:_|^)(?:ttl|timeout|expir\w*|lifetime|length|size|seconds|minutes|hours|days|age|enabled|required|policy|file|path|dir|name|id|user|url|dsn)$/i;

/** Whether a variable's name suggests a secret, such as a token, or an address that may contain a password. */
export function isTelling(name: string): boolean {
  return telling.test(name);
}

/** Whether a variable with this name is certainly a secret. */
export function isNameOfSecret(name: string): boolean {
  return telling.test(name) && !aboutSecrets.test(name);
}
