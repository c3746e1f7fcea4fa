/** A release of the past that a host keeps: it served once, and could again. */
export interface PastRelease {
  id: string;
  /** 40 characters. */
  commit: string;
  /** The tag or branch that it was asked for by. */
  ref?: string;
  /** Nobody goes back past it. */
  isIrreversible: boolean;
  /** The release that it repeats, where it went back itself. */
  repeats?: string;
}

/** What a host keeps of its past, and all of one release of it. */
export interface Past {
  /** Whatever served last comes first. */
  releases: PastRelease[];
  /** Files of the release that was asked for, by path in its folder; none where it is not kept. */
  files: ReadonlyMap<string, string>;
}

const prefix = "kept/";

/** Reads the script's fields on the past; undefined where it was not asked. */
export function parsePast(fields: ReadonlyMap<string, string>): Past | undefined {
  const text = fields.get("past");
  if (text === undefined) return undefined;
  const files = [...fields]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, content]) => [name.slice(prefix.length), content] as const);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return { releases: lines.map(parseRelease), files: new Map(files) };
}

function parseRelease(line: string): PastRelease {
  const [id = "", commit = "", ref = "-", irreversible = "-", repeats = "-"] = line.split("\t");
  return {
    id,
    commit,
    ...(ref === "-" ? {} : { ref }),
    isIrreversible: irreversible !== "-",
    ...(repeats === "-" ? {} : { repeats }),
  };
}
