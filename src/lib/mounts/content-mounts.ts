import type { ComposeMount } from "../compose/model.ts";
import { isPlacedContent, type Layout } from "./placement.ts";
import type { KeptFile } from "../compose/sources.ts";

/** Files in which programs usually store data, by their endings. */
const dataEnding =
  /\.(?:db|sqlite\d?|sqlite3?-\w+|db3|db-\w+|mdb|rdb|aof|log|jsonl|ndjson|lock|pid|duckdb|bolt|bbolt|dat|data|kdbx|parquet|pickle|pkl|h5|wal)$/i;

/**
 * Files in which programs usually store data, by their names. In YAML, a `database.yml` or a `storage.yml` contains settings, as in
 * Rails.
 */
const dataName =
  /(?:^|[/._-])(?:(?:data|state|sessions?|counters?|users|accounts|history|acme|tokens?)\.(?:json5?|ya?ml|csv|tsv|xml|txt)|(?:db|databases?|store|storage|queue|cache)\.(?:json5?|csv|tsv|xml|txt))$/i;

export interface PlacedFiles {
  files: readonly KeptFile[];
  layout: Layout;
  stateDirectory: string;
}

/** Whether a mount is content of the commit that no container is expected to write to: read-only, or a settings file. */
export function isContent({ source = "", read_only: readOnly }: ComposeMount, { files, layout, stateDirectory }: PlacedFiles): boolean {
  if (!isPlacedContent(source, stateDirectory, layout)) return false;
  return readOnly === true || (!isDataFile(source) && files.some(({ path }) => `${stateDirectory}/${path}` === source));
}

function isDataFile(path: string): boolean {
  return dataEnding.test(path) || dataName.test(path);
}
