import { ColdtivateError } from "../../errors.ts";
import { plainLines } from "../../common/host-answer.ts";

interface Answer {
  /** Exit code. */
  code: number;
  stdout: string;
  stderr: string;
}

interface Fault {
  code: string;
  /** What is wrong, without the host's name. */
  what: string;
  hint: string;
}

/** Maximum length of a line, in characters. */
const mostTold = 200;

/** Why a host could not even begin to answer, if its output shows that; undefined if the script itself reported the reason. */
export function hostFault(host: string, answer: Answer): ColdtivateError | undefined {
  const fault = findFault(answer);
  return fault === undefined ? undefined : faultError(host, fault, answer);
}

/** Why a command that was sent did not run at all: the login shell refused, or something else ran in its place. */
export function shellFault(host: string, answer: Answer): ColdtivateError {
  return faultError(host, findShellFault(answer), answer);
}

function faultError(host: string, { code, what, hint }: Fault, { stdout, stderr }: Answer): ColdtivateError {
  const said = plainLines(`${stdout}\n${stderr}`);
  // Some hosts repeat what they were sent.
  const details = said.slice(0, 5).map((line) => (line.length > mostTold ? `${line.slice(0, mostTold - 1)}…` : line));
  return new ColdtivateError(`${host}: ${what}`, {
    code,
    exit: "refused",
    details,
    hint,
  });
}

function findShellFault({ code, stdout, stderr }: Answer): Fault {
  const all = `${stdout}\n${stderr}`;
  if (/bash: (?:command )?not found|(?:unknown command|command not found):? '?bash|bash: no such file/i.test(all)) {
    return { code: "HOST_TOOLS_MISSING", what: "it does not have bash", hint: "Install it there; docs/hosts.md says what a server needs." };
  }
  const forced = "a forced command: command= in authorized_keys, or ForceCommand in sshd_config";
  if (
    /account is (?:currently )?not available|no login|logins? (?:is|are) (?:not|disabled)/i.test(all) ||
    (code !== 0 && all.trim() === "")
  ) {
    return {
      code: "LOGIN_SHELL_REFUSES",
      what: "the user's login shell runs no commands",
      hint: `Give the user one that does, as root: usermod --shell /bin/bash USER; nologin and false let nobody in. The same effect has ${forced}.`,
    };
  }
  return {
    code: "LOGIN_SHELL_REFUSES",
    what: "something else runs there than the command that was sent",
    hint: `Let the user's login shell be one that runs commands. What may run instead is ${forced}; have it removed for this key.`,
  };
}

function findFault({ stdout, stderr }: Answer): Fault | undefined {
  const all = `${stdout}\n${stderr}`;
  const lacking = /^missing here:([a-z0-9 ]*)$/m.exec(stderr)?.[1]?.trim();
  if (lacking !== undefined) {
    return {
      code: "HOST_TOOLS_MISSING",
      what: `it does not have ${lacking.replaceAll(" ", ", ")}`,
      hint: "Install them there; docs/hosts.md says what a server needs.",
    };
  }
  if (/no space left on device|disk quota exceeded/i.test(all)) {
    return {
      code: "HOST_DISK_FULL",
      what: "a disk is full there",
      hint: "Make room in the user's home, /tmp and /dev/shm: df -h, df -i; docker system df.",
    };
  }
  if (/read-only file system/i.test(all)) {
    return {
      code: "HOST_DISK_FULL",
      what: "a disk can only be read there",
      hint: "The user's home and /dev/shm have to be writable: mount, dmesg.",
    };
  }
  return undefined;
}
