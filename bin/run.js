#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 13)) {
  const { enableCompileCache } = await import("../dist/compile-cache.js");
  enableCompileCache();
  const { run } = await import("../dist/run.js");
  await run(import.meta.url);
} else {
  process.stderr.write(`✗ coldtivate needs Node.js 22.13 or newer, and this is ${process.versions.node}\n→ install a newer one\n`);
  process.exitCode = 2;
}
