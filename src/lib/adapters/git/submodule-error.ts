import { ColdtivateError } from "../../errors.ts";

interface Cause {
  pattern: RegExp;
  /** Says what is missing, and where to grant it; `project` is the other repository. */
  remedy: (project: string, isJob: boolean) => string;
}

const causes: readonly Cause[] = [
  {
    pattern: /not our ref|unadvertised object|did not contain|reference is not a tree|couldn't find remote ref/i,
    remedy: (project) => `The commit that is pinned is not in ${project}: push it there, or pin one that is.`,
  },
  {
    pattern: /Host key verification failed/i,
    remedy: (project) => `The server of ${project} is not known here: put its host key into ~/.ssh/known_hosts, in a job from a variable.`,
  },
  {
    pattern: /Could not resolve host|Connection (?:refused|timed out|reset)|No route|unreachable|Failed to connect/i,
    remedy: (project) => `The server of ${project} cannot be reached from here.`,
  },
  {
    pattern: /Permission denied \(|Load key/i,
    remedy: (project) =>
      `The key may not read ${project}: add its public half there as a deploy key with read access, and give the private one as build.ssh_key or in an ssh-agent.`,
  },
  {
    pattern:
      /not found|could not be found|denied|Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|\b40[134]\b/i,
    remedy: (project, isJob) =>
      isJob
        ? `The job's token may not read ${project}: add this project to its allowlist (Settings → CI/CD → Job token permissions, in ${project}), and see that whoever started the job is a member with read access there.`
        : `You have no read access to ${project}: ask for the role Reporter there, and log in to its server with Git.`,
  },
];

const otherwise =
  "Whoever runs this needs read access to that repository: a key (build.ssh_key, or an ssh-agent), or the job token's permission.";

/**
 * The error for a submodule that git could not fetch. Git's output tells which project it is, and what is missing.
 * @param wanted the submodules that were asked for
 * @param isJob whether a CI job's token is used
 */
export function describeUnreadable(said: readonly string[], wanted: readonly string[], isJob: boolean, cause: unknown): ColdtivateError {
  const text = said.join("\n");
  const [, path] = /(?:into submodule path|Unable to fetch in submodule path|in submodule path) '([^']+)'/.exec(text) ?? [];
  const [, url] = /clone of '([^']+)'/.exec(text) ?? [];
  const name = wanted.find((each) => path === each || path?.endsWith(`/${each}`)) ?? path ?? wanted.join(", ");
  const reasons = said.filter((line) => /^(fatal|error|remote|ERROR|Permission|Host key|ssh:|git@)/.test(line));
  const project = (url === undefined ? undefined : projectOf(url)) ?? `the repository of ${name}`;
  const remedy = causes.find(({ pattern }) => reasons.some((reason) => pattern.test(reason)))?.remedy(project, isJob) ?? otherwise;
  return new ColdtivateError(`the submodule ${name}${url === undefined ? "" : ` (${withoutUser(url)})`} cannot be read`, {
    code: "SUBMODULE_UNREADABLE",
    exit: "refused",
    details: [...new Set(reasons.map(withoutUser))].slice(-5),
    hint: remedy,
    cause,
  });
}

/** `group/part` of `https://gitlab.example.com/group/part.git` and of `git@gitlab.example.com:group/part.git`. */
function projectOf(url: string): string | undefined {
  const [, path] = /^(?:(?:https?|ssh|git):\/\/[^/]+\/|[^/@]+@[^/:]+:)(.+?)(?:\.git)?\/?$/.exec(url) ?? [];
  return path;
}

/** The address of a clone may contain a token. */
function withoutUser(text: string): string {
  return text.replace(/(\w+:\/\/)[^@/\s]+@/g, "$1");
}
