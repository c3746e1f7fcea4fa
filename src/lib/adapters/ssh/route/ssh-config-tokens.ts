import { createHash } from "node:crypto";
import { homedir, hostname, userInfo } from "node:os";
import { join } from "node:path";

/** The values of `%` and a letter in ssh_config; see TOKENS in ssh_config(5). */
export interface TokenFacts {
  /** The host as the user calls it. */
  name: string;
  host: string;
  port: number;
  user: string;
  /** HostKeyAlias. */
  alias?: string | undefined;
  /** ProxyJump. */
  jump?: string | undefined;
}

export function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env["USER"] ?? process.env["LOGNAME"] ?? String(process.getuid?.() ?? "");
  }
}

/** The value with its tokens filled in. A token that OpenSSH does not know stays as it is. */
export function expandTokens(value: string, { name, host, port, user, alias, jump = "" }: TokenFacts): string {
  return value.replaceAll(/%(.)/g, (written, letter: string) => {
    switch (letter) {
      case "%":
        return "%";
      case "C":
        return createHash("sha1").update(`${hostname()}${host}${port}${user}${jump}`).digest("hex");
      case "d":
        return homedir();
      case "h":
        return host;
      case "i":
        return String(process.getuid?.() ?? "");
      case "j":
        return jump;
      case "k":
        return alias ?? name;
      case "L":
        return hostname().split(".")[0]!;
      case "l":
        return hostname();
      case "n":
        return name;
      case "p":
        return String(port);
      case "r":
        return user;
      case "u":
        return ownName();
      default:
        return written;
    }
  });
}

/** Expands a path in ssh_config: `~`, tokens, and `${NAME}` for a variable. */
export function expandPath(path: string, facts: TokenFacts): string {
  const filled = path.replaceAll(/\$\{(\w+)\}/g, (_written, variable: string) => process.env[variable] ?? "");
  const whole = filled === "~" || filled.startsWith("~/") ? join(homedir(), filled.slice(1)) : filled;
  return expandTokens(whole, facts);
}

/**
 * Splits a list of files that `ssh -G` printed: it puts spaces between them, and leaves the spaces in their names as they are.
 */
export function splitPaths(text: string): string[] {
  return text.split(/ (?=[/~]|\$\{|none\b|%[dhCLlnpru])/).filter((path) => path !== "");
}
