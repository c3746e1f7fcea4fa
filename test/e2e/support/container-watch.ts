import { inject, onTestFinished } from "vitest";
import type { FoundContainer } from "../../traefik.ts";
import { onHost } from "./hosts.ts";
import { startProgram } from "./live-command.ts";
import { top } from "./repository.ts";

/**
 * What a program that discovers containers sees of a project, a line whenever that changes: what the engine says of those that
 * run, asked for over and over. Labels and ports of a container stay what they are.
 */
const observer = `import http.client, json, os, socket, sys, time, urllib.parse
class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")
engine, known, last = Engine("engine"), {}, None
def ask(path):
    engine.request("GET", path)
    answer = engine.getresponse()
    return json.loads(answer.read()) if answer.status == 200 else engine.close()
filters = urllib.parse.quote(json.dumps({"label": ["com.docker.compose.project=" + sys.argv[1]]}))
while not os.path.exists(sys.argv[2]):
    seen = []
    for each in ask("/containers/json?filters=" + filters) or []:
        if each["State"] != "running": continue
        inspected = known.get(each["Id"]) or ask("/containers/" + each["Id"] + "/json")
        if inspected is None: continue
        known[each["Id"]] = inspected
        words = each["Status"].partition("(")[2].strip(")")
        seen.append({
            "name": each["Names"][0][1:],
            "labels": each["Labels"],
            "health": words.removeprefix("health: "),
            "exposed": [int(port.split("/")[0]) for port in inspected["Config"].get("ExposedPorts") or {}],
        })
    if seen != last: print(json.dumps(seen), flush=True)
    last = seen
    time.sleep(0.03)
`;

/** Begins to look at a project on staging; what is called gives what was there, one moment after the other. */
export async function watchContainers(project: string): Promise<() => Promise<FoundContainer[][]>> {
  const end = `/tmp/${project}.seen`;
  const words = ["scripts/sandbox.sh", "exec", "--net", inject("net"), "staging", "python3", "-c", observer, project, end];
  await onHost("staging", `rm -f ${end}`);
  const watching = startProgram("bash", words, { cwd: top, stdin: "ignore" });
  const stop = async () => {
    await onHost("staging", `touch ${end}`);
    const { exitCode, stdout, output } = await watching.ended;
    if (exitCode !== 0) throw new Error(output);
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as FoundContainer[]);
  };
  onTestFinished(async () => void (await stop().catch(() => undefined)));
  await watching.says(/\]/);
  return stop;
}
