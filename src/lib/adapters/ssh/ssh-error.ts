import { ColdtivateError } from "../../errors.ts";
import { plainWords } from "../../common/host-answer.ts";
import type { Identities } from "./ssh-identity.ts";
import type { Endpoint } from "./trust/ssh-endpoint.ts";
import type { StageError } from "./ssh-stage.ts";

interface ConnectFailure {
  cause: StageError;
  /** What the host, or the program in between, printed in plain text. */
  said: string;
  /** Authentication methods that the host would still accept. */
  lacks: readonly string[];
  /** The number of attempts. */
  attempts: number;
  /** The name of the host that forwards bytes. */
  via?: string;
}

/** Why there is no connection, in terms that the user knows. */
export function connectError(endpoint: Endpoint, identities: Identities, failure: ConnectFailure): ColdtivateError {
  const { cause, said, attempts, via } = failure;
  const { name, host, port } = endpoint;
  if (/authentication methods failed|too many authentication/i.test(cause.message))
    return authenticationError(endpoint, identities, failure);
  const way = via === undefined ? "" : ` from ${via}`;
  const isAddress = host === name && port === 22;
  const address = `${host} port ${port}`;
  const details = said === "" ? [] : said.split("\n").map((line) => `it said: ${plainWords(line)}`);
  if (cause.code === "ENOTFOUND" || cause.code === "EAI_AGAIN" || cause.stage === "name") {
    const isSilent = cause.code !== "ENOTFOUND";
    return new ColdtivateError(
      isSilent ? `${name}: its name cannot be looked up: the name server does not answer` : `${name}: there is no host of this name`,
      {
        code: "HOST_UNKNOWN",
        exit: "refused",
        hint: `check ${host === name ? "the environment's host in coldtivate.yml" : `HostName ${host} in ssh_config`}, and that your name server and VPN work`,
        cause,
      },
    );
  }
  if (cause.stage === "forward" && cause.code === "1") {
    return new ColdtivateError(`${name}: ${via} passes no connections on`, {
      code: "JUMP_REFUSED",
      exit: "refused",
      hint: `let sshd_config on ${via} have AllowTcpForwarding yes, or PermitOpen ${host}:${port}, and the key's line in authorized_keys there no restrict or no-port-forwarding`,
      cause,
    });
  }
  if (isTurnedAway(cause)) {
    const when = cause.stage === "login" ? "while it was to let us in" : "at once";
    return new ColdtivateError(`${name}: cannot connect${way}: it closed the connection ${when}, ${times(attempts)}`, {
      code: "HOST_UNREACHABLE",
      exit: "refused",
      details,
      hint: `check that it is sshd that listens on ${address}, that MaxStartups in its sshd_config leaves room, and that nothing like fail2ban, PerSourcePenalties or hosts.deny keeps you out`,
      cause,
    });
  }
  return new ColdtivateError(`${name}: cannot connect${way}: ${reason(cause)}${isAddress ? "" : ` (${address})`}`, {
    code: "HOST_UNREACHABLE",
    exit: "refused",
    details,
    hint: `check that the host is on, that sshd listens on ${address}, and that no firewall or missing VPN is in between`,
    cause,
  });
}

function times(count: number): string {
  return { 1: "once", 2: "twice" }[count] ?? `${count} times`;
}

/** Whether a host closed the connection during setup, without giving a reason. */
export function isTurnedAway({ stage, code, message }: StageError): boolean {
  if (code === "ECONNRESET") return true;
  if (stage !== "handshake" && stage !== "login") return false;
  return code === "EPIPE" || code === "closed" || /before handshake|closed the connection/.test(message);
}

function reason({ stage, code, message, milliseconds }: StageError): string {
  if (code === "timeout" && stage === "login") return `it did not let us in within ${milliseconds / 1000} s`;
  if (code === "timeout") return `no answer within ${milliseconds / 1000} s`;
  if (code === "ETIMEDOUT") return "no answer";
  if (code === "ECONNREFUSED") return "the connection was refused";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return "there is no route to it";
  if (stage === "forward") return message.replace(/^\(SSH\) Channel open failure: /, "");
  return stage === "handshake" ? `it does not speak SSH as we do: ${message}` : message;
}

function authenticationError(
  { name, user }: Endpoint,
  { descriptions, publicKey }: Identities,
  { cause, said, lacks }: ConnectFailure,
): ColdtivateError {
  const accept = publicKey === undefined ? "one of these keys" : `this line:  ${publicKey}`;
  const others = lacks.filter((way) => way !== "publickey").map(plainWords);
  const isSecond = lacks.length > 0 && others.length === lacks.length;
  return new ColdtivateError(`${name}: it does not let ${user} in`, {
    code: "SSH_AUTHENTICATION_FAILED",
    exit: "refused",
    details: [
      ...descriptions.map((description) => (/ cannot be used: /.test(description) ? description : `offered  ${description}`)),
      ...said.split("\n").filter((line) => line !== ""),
      ...(isSecond ? [`it wants ${others.join(" or ")} as well, which coldtivate does not do`] : []),
    ],
    hint: `check the user and the key; to let it in, add ${accept}  to ~${user}/.ssh/authorized_keys on the host`,
    cause,
  });
}

/** The error for a connection that ended by itself. What was begun on the host may go on there. */
export function lostError(host: string, cause?: Error): ColdtivateError {
  const why = cause ? `: ${/keepalive/i.test(cause.message) ? "the host no longer answers" : plainWords(cause.message)}` : "";
  return new ColdtivateError(`${host}: the SSH connection was lost${why}`, {
    code: "CONNECTION_LOST",
    exit: "failed",
    hint: "what was begun on the host may go on there: look with coldtivate status once it can be reached again",
    cause,
  });
}

/** The error for a host that does not let any command run. */
export function sessionError(host: string): ColdtivateError {
  return new ColdtivateError(`${host}: its sshd lets no command run`, {
    code: "SSH_SESSION_REFUSED",
    exit: "refused",
    hint: "Let sshd_config have MaxSessions of at least 1 for this user, and look into sshd's log on the host.",
  });
}

/** The error for a host that did not answer in time. */
export function silenceError(host: string, milliseconds: number): ColdtivateError {
  return new ColdtivateError(`${host}: it did not answer within ${milliseconds / 1000} s`, {
    code: "HOST_SILENT",
    exit: "refused",
    hint: "Look at what the host is busy with, then run the same command again. What serves there serves on: coldtivate status says what.",
  });
}

/** The error for a host that does not stop printing. */
export function excessError(host: string, cause: Error): ColdtivateError {
  return new ColdtivateError(`${host}: its answer has no end: ${cause.message}`, {
    code: "HOST_ANSWER",
    exit: "refused",
    hint: "The connection was closed. Find out what prints so much there: a start-up file of the login shell, a wrapper around docker or bash, or somebody who has been on that host.",
    cause,
  });
}

/** The error for a Unix socket on the host that cannot be opened. */
export function socketError(host: string, path: string, cause: Error): ColdtivateError {
  return new ColdtivateError(`${host}: cannot reach ${path}`, {
    code: "SOCKET_UNREACHABLE",
    exit: "refused",
    hint: `check that ${path} exists there, that the user may use it (group docker), and that sshd forwards it: no AllowStreamLocalForwarding no or DisableForwarding in sshd_config, no restrict in authorized_keys`,
    cause,
  });
}
