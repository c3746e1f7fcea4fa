import { run } from "../../../../src/run.ts";

await run(import.meta.url);
