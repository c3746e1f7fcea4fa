import type { HostConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { plainWords } from "../release/host-answer.ts";
import type { Identities } from "./ssh-identity.ts";

interface ConnectFailure {
  cause: unknown;
  /** Milliseconds that the host had to answer. */
  timeout: number;
}

/** Why there is no connection, in the user's words. */
export function connectError(host: HostConfig, identities: Identities, { cause, timeout }: ConnectFailure): ColdtivateError {
  const { code, level, message } = properties(cause);
  if (level === "client-authentication" || /authentication/i.test(message)) return authenticationError(host, identities, cause);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || level === "client-dns") {
    return new ColdtivateError(`${host.host}: there is no host of this name`, {
      code: "HOST_UNKNOWN",
      exit: "refused",
      hint: "check the environment's host in coldtivate.yml, and that your name server and VPN work",
      cause,
    });
  }
  const address = `${host.host} port ${host.port}`;
  if (isTurnedAway(cause)) {
    return new ColdtivateError(`${host.host}: cannot connect: it closed the connection at once, three times`, {
      code: "HOST_UNREACHABLE",
      exit: "refused",
      hint: `check that it is sshd that listens on ${address}, that MaxStartups in its sshd_config leaves room, and that nothing like fail2ban or hosts.deny keeps you out`,
      cause,
    });
  }
  return new ColdtivateError(`${host.host}: cannot connect: ${reason(code, level, message, timeout)}`, {
    code: "HOST_UNREACHABLE",
    exit: "refused",
    hint: `check that the host is on, that sshd listens on ${address}, and that no firewall or missing VPN is in between`,
    cause,
  });
}

/** Whether a host closed the connection as soon as it was there. */
export function isTurnedAway(cause: unknown): boolean {
  const { code, message } = properties(cause);
  return code === "ECONNRESET" || /before handshake/.test(message);
}

function reason(code: string, level: string, message: string, timeout: number): string {
  if (level === "client-timeout" || code === "ETIMEDOUT") return `no answer within ${timeout / 1000} s`;
  if (code === "ECONNREFUSED") return "the connection was refused";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return "there is no route to it";
  if (level === "handshake" || level === "protocol") return `it does not speak SSH as we do: ${message}`;
  return message;
}

function authenticationError(host: HostConfig, { descriptions, publicKey }: Identities, cause: unknown): ColdtivateError {
  const accept = publicKey === undefined ? "one of these keys" : `this line:  ${publicKey}`;
  return new ColdtivateError(`${host.host}: it does not let ${host.user} in`, {
    code: "SSH_AUTHENTICATION_FAILED",
    exit: "refused",
    details: descriptions.map((description) => `offered  ${description}`),
    hint: `check the user and the key; to let it in, add ${accept}  to ~${host.user}/.ssh/authorized_keys on the host`,
    cause,
  });
}

/** A connection that ended by itself. What was begun on the host may go on there. */
export function lostError(host: string, cause?: Error): ColdtivateError {
  const why = cause ? `: ${/keepalive/i.test(cause.message) ? "the host no longer answers" : plainWords(cause.message)}` : "";
  return new ColdtivateError(`${host}: the SSH connection was lost${why}`, {
    code: "CONNECTION_LOST",
    exit: "failed",
    hint: "what was begun on the host may go on there: look with coldtivate status once it can be reached again",
    cause,
  });
}

/** A host that lets no command run at all. */
export function sessionError(host: string): ColdtivateError {
  return new ColdtivateError(`${host}: its sshd lets no command run`, {
    code: "SSH_SESSION_REFUSED",
    exit: "refused",
    hint: "Let sshd_config have MaxSessions of at least 1 for this user, and look into sshd's log on the host.",
  });
}

/** A host that had its time and did not answer. */
export function silenceError(host: string, milliseconds: number): ColdtivateError {
  return new ColdtivateError(`${host}: it did not answer within ${milliseconds / 1000} s`, {
    code: "HOST_SILENT",
    exit: "refused",
    hint: "Look at what the host is busy with, then run the same command again. What serves there serves on: coldtivate status says what.",
  });
}

/** A host that does not stop talking. */
export function excessError(host: string, cause: Error): ColdtivateError {
  return new ColdtivateError(`${host}: its answer has no end: ${cause.message}`, {
    code: "HOST_ANSWER",
    exit: "refused",
    hint: "The connection was closed. Find out what prints so much there: a start-up file of the login shell, a wrapper around docker or bash, or somebody who has been on that host.",
    cause,
  });
}

/** A Unix socket on the host that cannot be opened. */
export function socketError(host: string, path: string, cause: Error): ColdtivateError {
  return new ColdtivateError(`${host}: cannot reach ${path}`, {
    code: "SOCKET_UNREACHABLE",
    exit: "refused",
    hint: `check that ${path} exists there, that the user may use it (group docker), and that sshd forwards it: no AllowStreamLocalForwarding no or DisableForwarding in sshd_config, no restrict in authorized_keys`,
    cause,
  });
}

function properties(cause: unknown): { code: string; level: string; message: string } {
  if (!(cause instanceof Error)) return { code: "", level: "", message: String(cause) };
  const code = "code" in cause ? String(cause.code) : "";
  const level = "level" in cause ? String(cause.level) : "";
  return { code, level, message: plainWords(cause.message) };
}
