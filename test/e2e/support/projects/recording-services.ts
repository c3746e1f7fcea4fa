/** What a project of writers is at some time; a switch that is on is what a later commit may have. */
export interface Course {
  version: number;
  conf: number;
  uploads: number;
  keep: number;
  /** Services that get a new container, by how often they did. */
  rolls: Readonly<Record<string, number>>;
  /** Whether coldtivate.yml calls what the commit has data. */
  isDeclared: boolean;
  /** Whether the commit has lost the folder that it had. */
  isUntracked: boolean;
  /** Whether the untracked folder is to be a volume. */
  isVolume: boolean;
  /** Whether the volume with a name is to be another one. */
  isRenamed: boolean;
  /** Whether a folder is mounted so that nobody can write. */
  isReadOnly: boolean;
  /** Whether a folder is mounted elsewhere in the container. */
  isMoved: boolean;
  /** Whether a volume is mounted no longer. */
  isRemoved: boolean;
  /** The service whose container ends soon after it has begun. */
  fails: string;
  /** A service that the commit does not have. */
  lacks: string;
}

export const firstCourse: Course = {
  version: 1,
  conf: 1,
  uploads: 0,
  keep: 1,
  rolls: {},
  isDeclared: false,
  isUntracked: false,
  isVolume: false,
  isRenamed: false,
  isReadOnly: false,
  isMoved: false,
  isRemoved: false,
  fails: "",
  lacks: "",
};

/**
 * A record goes to its mount first, then to the ledger, which coldtivate knows nothing of: each one there has to be in both.
 * WRITES has `key=path` words; `=no` behind a path: nothing is written there.
 */
export const writer = `import os, socket, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def append(path, text):
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, text.encode())
    os.close(file)


if os.environ.get("PORT"):
    server = ThreadingHTTPServer(("", int(os.environ["PORT"])), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
places = [word.split("=") for word in os.environ["WRITES"].split()]
turn = 0
while True:
    turn += 1
    for key, path, *no in places:
        if no:
            continue
        record = f"{key}/{socket.gethostname()}-{turn}\\n"
        append(path if os.path.isfile(path) else f"{path}/records", record)
        append(f"/ledger/{key}", record)
    if os.environ["FAILS"] == "yes" and turn > 2:
        os._exit(7)
    time.sleep(0.25)
`;

export interface Mount {
  /** What the records of this place are called by. */
  key: string;
  /** As Compose writes it; empty: the image declares it. */
  written: string;
  target: string;
  writes?: boolean;
}

/** Every kind of mount. */
export function everyMount(name: string, course: Course): Mount[] {
  const moved = course.isMoved ? "/moved/absolute" : "/k/absolute";
  const flag = course.isReadOnly ? ":ro" : "";
  const isData = course.isDeclared || course.isUntracked;
  return [
    course.isVolume
      ? { key: "untracked-volume", written: "other:/k/untracked", target: "/k/untracked" }
      : { key: "untracked", written: "./media:/k/untracked", target: "/k/untracked" },
    { key: "placeholder", written: `./uploads:/k/placeholder${flag}`, target: "/k/placeholder", writes: !course.isReadOnly },
    // Written to only where it is data: otherwise nothing could be deployed but what serves.
    { key: "folder", written: "./conf:/k/folder", target: "/k/folder", writes: isData },
    { key: "file", written: "./one.ini:/k/file.ini", target: "/k/file.ini", writes: course.isDeclared },
    { key: "outside", written: `../beside-${name}:/k/outside`, target: "/k/outside" },
    { key: "absolute", written: `/srv/${name}:${moved}`, target: moved },
    course.isRenamed
      ? { key: "named-2", written: "named2:/k/named", target: "/k/named" }
      : { key: "named", written: "named:/k/named", target: "/k/named" },
    ...(course.isRemoved ? [] : [{ key: "external", written: "others:/k/external", target: "/k/external" }]),
    { key: "anonymous", written: "/k/anonymous", target: "/k/anonymous" },
    { key: "image", written: "", target: "/k/image" },
  ];
}

/** What a service writes to, beside every kind; services that two of may write, that are held, that are several. */
export const others: Record<string, { mounts: Mount[]; more: string }> = {
  held: {
    mounts: [
      { key: "held", written: "held:/k/held", target: "/k/held" },
      { key: "held-shared", written: "./uploads:/k/shared", target: "/k/shared" },
      { key: "held-image", written: "", target: "/k/image" },
    ],
    more: "    expose: [8000]\n",
  },
  twin: {
    mounts: [
      { key: "twin", written: "twin:/k/twin", target: "/k/twin" },
      { key: "twin-folder", written: "./twin:/k/folder", target: "/k/folder" },
      { key: "twin-image", written: "", target: "/k/image" },
    ],
    more: "    expose: [8000]\n",
  },
  many: {
    mounts: [
      { key: "many", written: "many:/k/many", target: "/k/many" },
      { key: "many-anonymous", written: "/k/anonymous", target: "/k/anonymous" },
      { key: "many-image", written: "", target: "/k/image" },
    ],
    more: "    scale: 2\n",
  },
};

export const health = `    healthcheck: { test: [CMD, curl, -fsS, "http://localhost:8000/"], interval: 20s, retries: 2, start_period: 20s, start_interval: 500ms }\n`;
