import type { ImageFacts } from "./image-facts.ts";
import type { ComposeService } from "../compose/model.ts";

/** What a service's container runs, and with what. */
export interface RunsWith {
  /** Entrypoint and command as one text, with all known variables filled in. */
  text: string;
  /** Whether the Compose file sets neither, so that the image's own command runs. */
  isImages: boolean;
  /** The container's variables, including those of the image. */
  environment: Record<string, string>;
}

/** What a service's container runs, from the Compose file, otherwise from the image. */
export function runsWith(service: ComposeService, facts: ImageFacts | undefined): RunsWith {
  const own = Object.entries(service.environment ?? {}).map(([name, value]) => [name, unescape(value ?? "")]);
  const environment: Record<string, string> = { ...facts?.environment, ...Object.fromEntries(own) };
  const entrypoint = service.entrypoint?.map(unescape);
  const command = service.command?.map(unescape);
  // A different entrypoint also drops the image's command.
  const words = [...(entrypoint ?? facts?.entrypoint ?? []), ...(command ?? (entrypoint === undefined ? (facts?.command ?? []) : []))];
  return {
    text: fillIn(words.join(" "), environment),
    isImages: entrypoint === undefined && command === undefined,
    environment,
  };
}

/** Compose doubles a `$` that must not be interpolated. */
function unescape(word: string): string {
  return word.replaceAll("$$", "$");
}

/**
 * The maximum number of characters of a command that are searched. The beginning of a command says how it runs, and the time for
 * the search grows with the square of the length.
 */
export const mostLookedAt = 16_384;

/** Fills in `$NAME`, `${NAME}`, `${NAME:-text}`, `${NAME-text}`. Unknown variables stay as written; values that are too long are left out. */
export function fillIn(text: string, variables: Readonly<Record<string, string>>): string {
  let room = mostLookedAt;
  const filled = text
    .slice(0, mostLookedAt)
    .replaceAll(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?-)([^{}$]*))?\})/g, (whole, bare, braced, form, fallback) => {
      const value = variables[String(bare ?? braced)];
      const meant = value !== undefined && value !== "" ? value : form === undefined ? whole : String(fallback ?? "");
      if (meant.length > room) return "";
      room -= meant.length;
      return meant;
    });
  return filled.slice(0, mostLookedAt);
}

export interface SimpleCommand {
  /** Without quotes. */
  words: string[];
  /** Variables that are set for this command alone. */
  variables: Record<string, string>;
}

/** The commands in a shell command line, or the one command in a list of words. */
export function commandsOf(text: string): SimpleCommand[] {
  return text.split(/&&|\|\||[;|&\n]/).flatMap((part) => {
    const words = part
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/^["'(]+|["')]+$/g, ""))
      .filter((word) => word !== "");
    const variables: Record<string, string> = {};
    const rest = words.filter((word, index) => {
      const [, name, value = ""] = /^([A-Za-z_]\w*)=(.*)$/.exec(word) ?? [];
      const isSet = name !== undefined && words.slice(0, index).every((before) => /^(?:[A-Za-z_]\w*=.*|env|exec|export)$/.test(before));
      if (isSet) variables[name] = value;
      return !isSet;
    });
    return rest.length === 0 ? [] : [{ words: rest, variables }];
  });
}
