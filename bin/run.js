#!/usr/bin/env node
import { execute } from "@oclif/core";

// A reader that closes early (`--help | head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
    throw error;
  });
}

await execute({ dir: import.meta.url });
