import type { Config, EnvironmentConfig } from "../../../config/schema/config.ts";
import { parseDotenv } from "../../../config/values/dotenv.ts";
import { readPublicWords } from "../../../config/values/public-words.ts";

/**
 * Reads the variables of an environment's dotenv; empty if it has none. Values that look like secrets are redacted from all
 * output.
 * @throws ColdtivateError DOTENV_INVALID, DOTENV_EMPTY
 */
export async function readDotenv(config: Config, environment: EnvironmentConfig): Promise<Map<string, string>> {
  const { dotenv, dotenvSource: source } = environment;
  if (dotenv === undefined) return new Map();
  const publicWords = await readPublicWords(config, environment);
  return parseDotenv(dotenv.reveal(), { publicWords, ...(source === undefined ? {} : { source }) });
}
