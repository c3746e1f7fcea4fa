import { ColdtivateError } from "../errors.ts";

interface Answer {
  /** Exit code. */
  code: number;
  stdout: string;
  stderr: string;
}

interface Fault {
  code: string;
  /** What is the matter, without the host. */
  what: string;
  hint: string;
}

/** Why a host could not even begin to answer, where its words tell; undefined where the script spoke itself. */
export function hostFault(host: string, answer: Answer): ColdtivateError | undefined {
  const fault = findFault(answer);
  if (fault === undefined) return undefined;
  const said = `${answer.stdout}\n${answer.stderr}`.split(/\r?\n/).filter((line) => line.trim() !== "");
  return new ColdtivateError(`${host}: ${fault.what}`, {
    code: fault.code,
    exit: "refused",
    details: said.slice(0, 5),
    hint: `Nothing was changed there. ${fault.hint}`,
  });
}

function findFault({ code, stdout, stderr }: Answer): Fault | undefined {
  const all = `${stdout}\n${stderr}`;
  const lacking = /^missing here:(.*)$/m.exec(stderr)?.[1]?.trim();
  if (lacking !== undefined) {
    return {
      code: "HOST_TOOLS_MISSING",
      what: `it does not have ${lacking.replaceAll(" ", ", ")}`,
      hint: "Install them there; docs/hosts.md says what a server needs.",
    };
  }
  if (/bash: (?:command )?not found|unknown command:? '?bash|bash: no such file/i.test(all)) {
    return { code: "HOST_TOOLS_MISSING", what: "it does not have bash", hint: "Install it there; docs/hosts.md says what a server needs." };
  }
  if (
    /account is (?:currently )?not available|no login|logins? (?:is|are) (?:not|disabled)/i.test(all) ||
    (code === 1 && all.trim() === "")
  ) {
    return {
      code: "LOGIN_SHELL_REFUSES",
      what: "the user's login shell runs no commands",
      hint: "Give the user one that does, as root: usermod --shell /bin/bash USER; nologin and false let nobody in. A forced command in authorized_keys or sshd_config has the same effect.",
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
