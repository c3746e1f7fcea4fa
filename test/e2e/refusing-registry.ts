import { once } from "node:events";
import { execa, type ResultPromise } from "execa";
import { inject } from "vitest";
import { top } from "./world.ts";

/** Answers a login and knows no repository. Ends with its standard input. */
const source = `
  const unknown = JSON.stringify({ errors: [{ code: "NAME_UNKNOWN", message: "repository name not known to registry" }] });
  require("node:http")
    .createServer((request, response) => {
      const known = request.url === "/v2/";
      response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end(known ? "{}" : unknown);
    })
    .listen(Number(process.argv[1]), "127.0.0.1", () => console.log("ready"));
  process.stdin.on("end", () => process.exit()).resume();`;

/** On a port of loopback, which engines speak plain HTTP to. */
export const refusingPort = 5443;

const options = { cwd: top, reject: false } as const;

type Place = "here" | "builder";

/** Does something while there is a registry that has no repository: for this machine, for the engine that builds, or for both. */
export async function besideRefusingRegistry(places: readonly Place[], work: () => Promise<unknown>): Promise<void> {
  const running = places.map(start);
  try {
    await Promise.all(running.map(untilReady));
    await work();
  } finally {
    for (const { stdin } of running) stdin.end();
    await Promise.all(running);
  }
}

function start(place: Place): ResultPromise<typeof options> {
  const program = ["-e", source, String(refusingPort)];
  const there = ["scripts/sandbox.sh", "exec", "--net", inject("net"), "builder", "node", ...program];
  return place === "here" ? execa(process.execPath, program, options) : execa("bash", there, options);
}

async function untilReady(command: ResultPromise<typeof options>): Promise<void> {
  const failed = command.then(({ stderr }) => {
    throw new Error(`the registry ended: ${stderr}`);
  });
  await Promise.race([once(command.stdout, "data"), failed]);
  failed.catch(() => {});
}
