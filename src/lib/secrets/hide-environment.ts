import { isAbsolute } from "node:path";
import { asMapping } from "../common/plain.ts";
import { redactor } from "./redactor.ts";
import { isNameOfSecret } from "./telling-names.ts";

/** If only its name sounds secret, a shorter value is as likely to be something else. */
const shortest = 8;

/**
 * Keeps the secrets of our own environment out of all output. This includes those that no command needs, because hooks get the
 * environment and may print it. A secret is recognised by its variable's name, as the password within an address, or as a Docker
 * login.
 */
export function hideEnvironment(env: NodeJS.ProcessEnv): void {
  for (const [name, value = ""] of Object.entries(env)) {
    if (name === "DOCKER_AUTH_CONFIG") hideLogins(value);
    else if (isNameOfSecret(name) && value.length >= shortest && !isAbsolute(value)) redactor.add(value);
    else redactor.addPasswords(value);
  }
}

/** Hides the secrets of a Docker configuration: its `auth`, which is `user:password` in base64, and the password in it. */
function hideLogins(value: string): void {
  for (const login of Object.values(asMapping(asMapping(parse(value))["auths"]))) {
    const { auth, password, identitytoken } = asMapping(login);
    for (const secret of [auth, password, identitytoken]) if (typeof secret === "string") redactor.add(secret);
    if (typeof auth === "string")
      redactor.add(
        Buffer.from(auth, "base64")
          .toString()
          .replace(/^[^:]*:/, ""),
      );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
