import { cachesAndQueues } from "./stateful-programs/caches-and-queues.ts";
import { databases } from "./stateful-programs/databases.ts";
import type { StatefulProgram } from "./stateful-programs/program.ts";
import { searchEngines } from "./stateful-programs/search.ts";
import { stores } from "./stateful-programs/stores.ts";

export type { StatefulProgram };

/** The known programs that have state of their own. */
export const statefulPrograms: readonly StatefulProgram[] = [...databases, ...cachesAndQueues, ...searchEngines, ...stores];
