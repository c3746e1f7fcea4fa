import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkOut } from "../clones.ts";

/**
 * A clone of the monorepo whose deploys run no tasks: these take no requests, only time.
 *
 * @param service a line more in `services` of its coldtivate.yml
 */
export async function checkOutWithoutTasks(service: string): Promise<string> {
  const clone = await checkOut("main");
  const settings = join(clone, "coldtivate.yml");
  const written = await readFile(settings, "utf8");
  const quick = written.replace(/^tasks:\n( .*\n)+/m, "");
  await writeFile(settings, quick.replace(/^services:$/m, `services:\n  ${service}`));
  return clone;
}
