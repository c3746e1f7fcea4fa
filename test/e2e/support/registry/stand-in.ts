import { once } from "node:events";
import { execa, type ResultPromise } from "execa";
import { inject } from "vitest";
import { top } from "../repository.ts";
import { sandbox } from "../run.ts";

/** Answers a login and knows no repository. Ends with its standard input. */
const refusing = `
  const unknown = JSON.stringify({ errors: [{ code: "NAME_UNKNOWN", message: "repository name not known to registry" }] });
  require("node:http")
    .createServer((request, response) => {
      const known = request.url === "/v2/";
      response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end(known ? "{}" : unknown);
    })
    .listen(Number(process.argv[1]), "127.0.0.1", () => console.log("ready"));
  process.stdin.on("end", () => process.exit()).resume();`;

/** What goes wrong with requests of a method to paths that match. */
export interface RegistryFault {
  method: string;
  /** A regular expression. */
  path: string;
  /** The status that they get, or `cut`: half of what is sent arrives, then the connection is gone. */
  how: number | "cut";
  /** How many of them. */
  times: number;
}

/** Passes everything on to a registry, but for a fault. Ends with its standard input. */
const faulty = `
  const { createServer, request: forward } = require("node:http");
  const [port, host, upstream, text] = process.argv.slice(1);
  const { method, path, how, times } = JSON.parse(text);
  let left = times;
  const headers = { "content-type": "application/json", "www-authenticate": 'Basic realm="x"' };
  createServer(async (request, response) => {
    const isFaulty = request.method === method && new RegExp(path).test(request.url) && left > 0;
    if (isFaulty) left--;
    if (isFaulty && how !== "cut") {
      request.resume();
      return response.writeHead(how, headers).end('{"errors":[{"code":"UNKNOWN","message":"a fault"}]}');
    }
    const onward = forward({ host, port: upstream, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    if (!isFaulty) return request.pipe(onward);
    const content = Buffer.concat(await request.toArray());
    onward.write(content.subarray(0, content.length / 2), () => {
      onward.destroy();
      request.destroy();
    });
  }).listen(Number(port), "127.0.0.1", () => console.log("ready"));
  process.stdin.on("end", () => process.exit()).resume();`;

/** On a port of loopback, which engines speak plain HTTP to. */
export const standInPort = 5443;

const options = { cwd: top, reject: false } as const;

type Place = "here" | "builder";

/** Does something while there is a registry that has no repository: for this machine, for the engine that builds, or for both. */
export function besideRefusingRegistry(places: readonly Place[], work: () => Promise<unknown>): Promise<void> {
  return beside(refusing, [String(standInPort)], places, work);
}

/** Does something while the sandbox's registry has a fault for whoever goes by the stand-in's port, here or where the engine builds. */
export function besideFaultyRegistry(fault: RegistryFault, work: () => Promise<unknown>): Promise<void> {
  const [host = "", port = ""] = sandbox()["CI_REGISTRY"]!.split(":");
  return beside(faulty, [String(standInPort), host, port, JSON.stringify(fault)], ["here", "builder"], work);
}

async function beside(source: string, args: readonly string[], places: readonly Place[], work: () => Promise<unknown>): Promise<void> {
  const running = places.map((place) => start(place, ["-e", source, ...args]));
  try {
    await Promise.all(running.map(untilReady));
    await work();
  } finally {
    for (const { stdin } of running) stdin.end();
    await Promise.all(running);
  }
}

function start(place: Place, program: readonly string[]): ResultPromise<typeof options> {
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
