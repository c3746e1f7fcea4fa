/** How progress is shown: redrawn in place, in GitLab's collapsible sections, or as plain lines. */
export type Mode = "terminal" | "gitlab" | "plain";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Chooses the mode for a stream.
 * @param plain the user asked for plain lines
 */
export function chooseMode(stream: { isTTY?: boolean }, environment: Environment, plain: boolean): Mode {
  if (plain) return "plain";
  if (environment.GITLAB_CI) return "gitlab";
  if (!stream.isTTY || environment.CI || environment.TERM === "dumb") return "plain";
  return "terminal";
}

/**
 * Whether to colour the output of a stream. NO_COLOR and FORCE_COLOR decide first, then the kind of stream. GitLab's job log
 * shows colours.
 */
export function wantsColor(stream: { isTTY?: boolean }, environment: Environment): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR) return environment.FORCE_COLOR !== "0" && environment.FORCE_COLOR !== "false";
  if (environment.TERM === "dumb") return false;
  return stream.isTTY === true || Boolean(environment.GITLAB_CI);
}
