import { cachesAndQueues } from "./stateful-programs/caches-and-queues.ts";
import { databases } from "./stateful-programs/databases.ts";
import type { StatefulProgram } from "./stateful-programs/program.ts";
import { searchEngines } from "./stateful-programs/search.ts";
import { stores } from "./stateful-programs/stores.ts";

export type { StatefulProgram };

/** What is known of programs whose state is their own. */
export const statefulPrograms: readonly StatefulProgram[] = [...databases, ...cachesAndQueues, ...searchEngines, ...stores];
