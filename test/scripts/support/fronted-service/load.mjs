// Keep-alive load, GET and POST, until it is told to terminate; then prints what came of it as JSON.
// usage: load.mjs URL [CONNECTIONS]
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import { setTimeout as wait } from "node:timers/promises";

const [url, connections = "8"] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections) });
const seen = { ok: 0, failed: 0, longest: 0, versions: {}, failures: [] };
const over = new AbortController();
process.once("SIGTERM", () => over.abort());

/** Sends one request. Returns: status and text of the answer; rejects where there is none. */
function send(method, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent, method, headers: { "Content-Length": body.length } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.once("end", () => resolve({ status: response.statusCode, text })).once("error", reject);
    });
    request.once("error", reject).setTimeout(70_000, () => request.destroy(new Error("no answer")));
    request.end(body);
  });
}

async function count(method) {
  const body = method === "POST" ? randomBytes(20_000) : Buffer.alloc(0);
  const sum = method === "POST" ? ` ${createHash("sha256").update(body).digest("hex")}` : "";
  const began = performance.now();
  const answer = await send(method, body).catch((error) => ({ status: 0, text: error.code ?? error.message }));
  seen.longest = Math.max(seen.longest, Math.round(performance.now() - began));
  if (answer.status === 200 && answer.text.endsWith(sum)) {
    seen.ok++;
    const version = answer.text.split(" ", 1)[0];
    seen.versions[version] = (seen.versions[version] ?? 0) + 1;
  } else {
    seen.failed++;
    seen.failures.push(`${method} ${answer.status} ${answer.text.slice(0, 80)}`);
  }
}

await Promise.all(
  Array.from({ length: Number(connections) }, async (_, index) => {
    while (!over.signal.aborted) {
      await count(index % 2 === 0 ? "GET" : "POST");
      await wait(80);
    }
  }),
);
agent.destroy();
console.log(JSON.stringify({ ...seen, failures: seen.failures.slice(0, 5) }));
