import { expect, test } from "vitest";
import { parseFields, parseState } from "../../../src/lib/host/observation.ts";

const answer = (fields: Record<string, string>) =>
  Buffer.from(
    Object.entries(fields)
      .map(([name, content]) => `${name}\t${Buffer.byteLength(content)}\n${content}\n`)
      .join(""),
  );

/** What every host says. */
const places = { protocol: "1", state: "/s", directory: "/d" };

test("fields are read by their length, whatever is in them", () => {
  const fields = parseFields("h", answer({ model: '{"a":\n"ü\t1"}', empty: "", error: "x\n" }));
  expect(Object.fromEntries(fields)).toEqual({ model: '{"a":\n"ü\t1"}', empty: "", error: "x\n" });
});

test("output of a chatty login shell is an error that says so", () => {
  expect(() => parseFields("h", Buffer.from("Welcome to host!\nprotocol\t1\n1\n"))).toThrow(
    expect.objectContaining({ code: "HOST_ANSWER" }),
  );
});

test("a state is read with its containers", () => {
  const state = parseState(
    "h",
    parseFields(
      "h",
      answer({
        protocol: "1",
        state: "/s",
        directory: "/d",
        current: "r1",
        containers: "id\tshop-web-1\tweb\timg\tdef\t/s\trunning\thealthy\tFalse\thost\nid2\tx\tdb\timg\t\t\texited\t-\tTrue\tx_default\n",
        model: '{"services":{}}',
        error: "variable X is not set\n",
      }),
    ),
  );
  expect(state.containers).toEqual([
    {
      id: "id",
      name: "shop-web-1",
      service: "web",
      image: "img",
      definition: "def",
      state: "/s",
      status: "running",
      health: "healthy",
      oneOff: false,
      network: "host",
    },
    {
      id: "id2",
      name: "x",
      service: "db",
      image: "img",
      definition: "",
      state: "",
      status: "exited",
      health: "",
      oneOff: true,
      network: "x_default",
    },
  ]);
  expect(state.warnings).toEqual(["variable X is not set"]);
});

test("what is mounted into a container is read, whatever the Compose files say by now", () => {
  const mounts = [
    { Type: "bind", Source: "/srv/app/media", Destination: "/media", Mode: "rw", RW: true, Propagation: "rprivate" },
    { Type: "volume", Name: "app_db", Source: "/var/lib/docker/volumes/app_db/_data", Destination: "/db", Driver: "local", RW: false },
    { Type: "tmpfs", Source: "", Destination: "/tmp", RW: true },
  ];
  const line = (...rest: string[]) =>
    ["id", "n", "web", "img", "", "", "running", "-", "False", "x_default", "1", "/p", "overlay2", ...rest].join("\t");
  const containers = [line("/srv/app", JSON.stringify(mounts)), line("", "null"), line("", "garbage"), line()].join("\n");
  const state = parseState("h", parseFields("h", answer({ ...places, model: "", containers })));
  expect(state.containers.map(({ workingDirectory, mounts: found }) => [workingDirectory, found])).toEqual([
    [
      "/srv/app",
      [
        { type: "bind", source: "/srv/app/media", target: "/media", writable: true },
        { type: "volume", name: "app_db", source: "/var/lib/docker/volumes/app_db/_data", target: "/db", writable: false },
        { type: "tmpfs", source: "", target: "/tmp", writable: true },
      ],
    ],
    [undefined, []],
    [undefined, undefined],
    [undefined, undefined],
  ]);
});

test("files that Compose refuses are an error that quotes it", () => {
  const fields = parseFields("h", answer({ ...places, model: "", error: "services.web.port: not allowed\n" }));
  expect(() => parseState("h", fields)).toThrow(
    expect.objectContaining({ code: "COMPOSE_REFUSED", details: ["services.web.port: not allowed"] }),
  );
});

test("what Compose says of a file names it as the repository does, and an env file that is not there comes with the way out", () => {
  const directory = "/home/deploy/.coldtivate/incoming.x/compose";
  const error = `env file ${directory}/app.env not found: stat ${directory}/app.env: no such file or directory\n`;
  expect(() => parseState("h", parseFields("h", answer({ protocol: "1", directory, model: "", error })))).toThrow(
    expect.objectContaining({
      code: "COMPOSE_REFUSED",
      details: ["env file ./app.env not found: stat ./app.env: no such file or directory"],
      hint: expect.stringContaining("env_file: ${DOT_ENV_PATH}") as string,
    }),
  );
});
