import { stagingHost } from "../hosts.ts";
import { start, startProgram, type LiveCommand } from "../live-command.ts";
import {
  deployArguments,
  forgetImages,
  misname,
  other,
  project,
  usualMemory,
  variablesOf,
  type Edition,
  type Front,
  type Memory,
} from "../projects/every-step-project.ts";
import { coldtivate, run, sandbox, type Ran } from "../run.ts";

/** What a host serves. */
export interface State {
  edition: Edition;
  memory: Memory;
}

/** A release that a fault is to meet. */
export interface Attempt {
  /** What serves when it has come to its end. */
  becomes: State;
  /** Before it begins: has the host in a state in which there is something to do for each step. */
  prepare: () => Promise<void>;
  begin: () => LiveCommand;
  /** The release, where the host keeps it already. */
  again?: string;
  /** Whether requests fail while one of its steps is at work, whatever happens. */
  hasGap: boolean;
  /** What whoever follows it is told to run after a crash, and what that is. */
  recovery: { told: RegExp; run: () => Promise<Ran> };
}

const recoveryFrom = (clone: string) => ({
  told: /coldtivate recover staging/,
  run: () => coldtivate(["recover", "staging"], { cwd: clone }),
});

/** A deploy of the edition that does not serve. */
export function deployOther(clone: string, before: State): Attempt {
  const edition = other(before.edition);
  return {
    becomes: { ...before, edition },
    async prepare() {
      await forgetImages();
      await misname();
    },
    begin: () => start(deployArguments(edition), { cwd: clone, env: variablesOf(edition) }),
    hasGap: false,
    recovery: recoveryFrom(clone),
  };
}

/** An update of a front, of its memory. The one of the gate publishes no port, so that it is replaced by one beside it. */
export function updateFront(clone: string, before: State, front: Front): Attempt {
  const memory = before.memory[front] === usualMemory[front] ? "48m" : usualMemory[front];
  const env = { ...variablesOf(before.edition), FRONT_MEMORY: memory };
  return {
    becomes: { ...before, memory: { ...before.memory, [front]: memory } },
    prepare: forgetImages,
    begin: () => start(["fronts", "staging", front], { cwd: clone, env }),
    hasGap: front !== "gate",
    recovery: recoveryFrom(clone),
  };
}

/** A release that the host keeps, deployed again by somebody who is logged in there. */
export function deployByHand(release: string, becomes: State): Attempt {
  const script = `.coldtivate/${project}/environment-deployment-management.sh`;
  return {
    becomes,
    again: release,
    // What the scheduler wrote into content of its edition stays behind.
    prepare: () => Promise.resolve(),
    begin: () => startProgram("ssh", [...login(), `${script} -p ${project} deploy ${release} --leave-data`], { stdin: "ignore" }),
    hasGap: false,
    // Where the host itself goes down, nobody is left to tell.
    recovery: {
      told: /-p every-step-staging recover|closed by remote host|not responding/,
      run: () => run("ssh", [...login(), `${script} -p ${project} recover`]),
    },
  };
}

function login(): string[] {
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ServerAliveInterval=2"];
  return ["-i", sandbox()["STAGING_SSH_PRIVATE_KEY"]!, ...options.flatMap((option) => ["-o", option]), `deploy@${stagingHost()}`];
}
