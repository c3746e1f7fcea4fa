"""Looks into every container of a Compose project, from the host it runs on, and prints what each of them sees as JSON.

What a process sees is read in /proc, files at its root, and names and ports are asked for in its network namespace: nothing
is started in a container.
usage: look.py PROJECT QUESTIONS | look.py remove PROJECT...
QUESTIONS: JSON {names: [NAME], ports: {NAME: [PORT]}, published: [[ADDRESS, PORT]]}
"""

import ctypes
import hashlib
import http.client
import json
import os
import re
import socket
import struct
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

libc = ctypes.CDLL(None, use_errno=True)
OWN = {"/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"}


class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")

    def ask(self, method, path, raw=False):
        self.request(method, path)
        response = self.getresponse()
        body = response.read()
        if response.status >= 400:
            return None
        return body if raw or not body else json.loads(body)

    def get(self, path, raw=False):
        return self.ask("GET", path, raw)


engine = Engine("docker")


def containers(project):
    filters = urllib.parse.quote(json.dumps({"label": [f"com.docker.compose.project={project}"]}))
    listed = engine.get(f"/containers/json?all=1&filters={filters}") or []
    return [engine.get(f"/containers/{each['Id']}/json") for each in listed]


def lines(path):
    try:
        with open(path, errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def words(path):
    try:
        with open(path, "rb") as file:
            return [word.decode(errors="surrogateescape") for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return []


def describe(path):
    """A file as whoever looks at it sees it."""
    try:
        found = os.lstat(path)
    except OSError as error:
        return error.strerror
    text = f"{found.st_mode:o} {found.st_uid}:{found.st_gid}"
    if os.path.islink(path):
        return f"{text} -> {os.readlink(path)}"
    if os.path.isfile(path):
        with open(path, "rb") as file:
            return f"{text} {found.st_size} {hashlib.sha256(file.read(10_000_000)).hexdigest()[:16]}"
    return text


def tree(root, path, limit=300):
    seen = {path: describe(root + path)}
    if not os.path.isdir(root + path) or os.path.islink(root + path):
        return seen
    for folder, folders, files in os.walk(root + path):
        for name in sorted(folders + files):
            place = os.path.join(folder, name)
            seen[place[len(root) :]] = describe(place)
            if len(seen) > limit:
                return seen
    return seen


def mounts(pid):
    """Mount points with their kind and options, and their content where it is not the engine's own."""
    found = {}
    for line in lines(f"/proc/{pid}/mountinfo"):
        left, right = line.split(" - ", 1)
        fields, kind = left.split(), right.split()
        point = fields[4]
        if point in OWN and point != "/dev/shm" or point.startswith(("/proc/", "/sys/")):
            continue
        options = [word for word in fields[5].split(",") if word not in ("relatime", "noatime")]
        shared = [re.sub(r":.*", "", word) for word in fields[6:]]
        sizes = [word for word in kind[2].split(",") if word.startswith(("size=", "mode=", "uid=", "gid="))] if kind[0] == "tmpfs" else []
        found[point] = " ".join(["tmpfs" if kind[0] == "tmpfs" else "disk", *sorted(options), *shared, *sizes])
    return found


def status(pid):
    wanted = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Umask")
    pairs = (line.split(":", 1) for line in lines(f"/proc/{pid}/status"))
    return {name: " ".join(value.split()) for name, value in pairs if name in wanted}


def limits(pid):
    return {line[:26].strip(): " ".join(line[26:].split()[:2]) for line in lines(f"/proc/{pid}/limits")[1:]}


def in_network(pid, work):
    """What a function gives in the network and IPC namespaces of a process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = {}
        try:
            for kind in ("ipc", "net"):
                with open(f"/proc/{pid}/ns/{kind}") as namespace:
                    if libc.setns(namespace.fileno(), 0) != 0:
                        raise OSError(ctypes.get_errno(), f"setns {kind}")
            answer = work()
        except BaseException as error:
            answer = {"error": repr(error)}
        with os.fdopen(writing, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as source:
        answer = json.load(source)
    os.waitpid(child, 0)
    return answer


def resolve(name):
    """Addresses that the engine's own name server has for a name."""
    query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0)
    query += b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        try:
            client.sendto(query, ("127.0.0.11", 53))
            answer = client.recv(4096)
        except OSError:
            return []
    count, place, found = struct.unpack(">H", answer[6:8])[0], len(query), []
    for _ in range(count):
        place += 2 if answer[place] & 0xC0 else answer.index(0, place) - place + 1
        kind, _, _, length = struct.unpack(">HHIH", answer[place : place + 10])
        if kind == 1:
            found.append(".".join(map(str, answer[place + 10 : place + 14])))
        place += 10 + length
    return sorted(found)


def knock(address, port):
    """What a port answers to a request: its first line."""
    try:
        with socket.create_connection((address, port), timeout=2) as client:
            client.settimeout(2)
            client.sendall(b"GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
            return client.recv(200).split(b"\r\n")[0].split(b"\n")[0].decode(errors="replace") or "closed"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "closed"
    except OSError as error:
        return f"no answer: {error}"


def hosts_of(root):
    """The names in /etc/hosts, with their addresses."""
    found = {}
    for line in lines(f"{root}/etc/hosts"):
        address, *names = line.split("#")[0].split() or [""]
        for name in names:
            found.setdefault(name, []).append(address)
    return found


def network(root, questions, sysctls):
    has_names = any("127.0.0.11" in line for line in lines(f"{root}/etc/resolv.conf"))
    own = hosts_of(root)

    def lookup(name):
        return own.get(name) or (resolve(name) if has_names else [])

    def ports_of(item):
        name, ports = item
        addresses = lookup(name)
        return {f"{name}:{port}": knock(addresses[0], port) for port in ports} if addresses else {}

    with ThreadPoolExecutor(16) as pool:
        names = dict(zip(questions["names"], pool.map(lookup, questions["names"])))
        answers = [pair for each in pool.map(ports_of, questions["ports"].items()) for pair in each.items()]
    listening = [line.split() for table in ("tcp", "tcp6") for line in lines(f"/proc/thread-self/net/{table}")[1:]]
    return {
        "names": names,
        "ports": dict(answers),
        "listening": sorted({int(f[1].rsplit(":", 1)[1], 16) for f in listening if f[3] == "0A" and not f[1].startswith("0B00007F")}),
        "sysctls": {name: " ".join(lines("/proc/sys/" + name.replace(".", "/"))) for name in sysctls},
    }


def view(each, questions):
    pid = each["State"]["Pid"]
    seen = {
        "id": each["Id"],
        "name": each["Name"][1:],
        "inspect": {name: each.get(name) for name in ("Config", "HostConfig", "Mounts", "NetworkSettings", "State", "Path", "Args", "Image")},
    }
    if not pid:
        logs = engine.get(f"/containers/{each['Id']}/logs?stdout=1&stderr=1&tail=20", raw=True) or b""
        text = logs if each["Config"]["Tty"] else b"".join(re.findall(rb"[\0-\2]\0\0\0....(.*?\n)", logs, re.S))
        return {**seen, "logs": text.decode(errors="replace").splitlines()}
    root = f"/proc/{pid}/root"
    if not questions["names"]:
        return {**seen, "hosts": hosts_of(root), "network": in_network(pid, lambda: network(root, questions, []))}
    points = mounts(pid)
    changes = engine.get(f"/containers/{each['Id']}/changes") or []
    files = {}
    for place in [*points, *(change["Path"] for change in changes if change["Kind"] != 2)]:
        if place not in files and not place.startswith(("/dev", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/run/docker.sock")):
            files.update(tree(root, place) if place in points else {place: describe(root + place)})
    sysctls = list((each["HostConfig"].get("Sysctls") or {}).keys())
    return {
        **seen,
        "environment": words(f"/proc/{pid}/environ"),
        "arguments": words(f"/proc/{pid}/cmdline"),
        "directory": os.readlink(f"/proc/{pid}/cwd"),
        "oom": lines(f"/proc/{pid}/oom_score_adj"),
        "status": status(pid),
        "limits": limits(pid),
        "mounts": points,
        "files": files,
        "removed": sorted(change["Path"] for change in changes if change["Kind"] == 2),
        "hosts": hosts_of(root),
        "resolv": [line for line in lines(f"{root}/etc/resolv.conf") if line and not line.startswith("#")],
        "hostname": lines(f"{root}/etc/hostname"),
        "network": in_network(pid, lambda: network(root, questions, sysctls)),
    }


def remove(project):
    """Takes a project's containers, networks and volumes away."""
    label = urllib.parse.quote(json.dumps({"label": [f"com.docker.compose.project={project}"]}))
    for each in engine.get(f"/containers/json?all=1&filters={label}") or []:
        engine.ask("DELETE", f"/containers/{each['Id']}?force=1&v=1")
    for each in engine.get(f"/networks?filters={label}") or []:
        engine.ask("DELETE", f"/networks/{each['Id']}")
    for each in (engine.get(f"/volumes?filters={label}") or {}).get("Volumes") or []:
        engine.ask("DELETE", f"/volumes/{each['Name']}?force=1")


def settled(project):
    """All containers of a project, once none of them is on its way to be healthy, or to its end."""
    deadline = time.monotonic() + 30
    while True:
        found = [each for each in containers(project) if each]
        if time.monotonic() > deadline or not any(each["State"].get("Health", {}).get("Status") == "starting" for each in found):
            return found
        time.sleep(0.3)


def main():
    project, questions = sys.argv[1], json.loads(sys.argv[2])
    found = [view(each, questions) for each in settled(project)]
    published = {f"{address}:{port}": knock(address, port) for address, port in questions["published"]}
    json.dump({"containers": found, "published": published}, sys.stdout)


if sys.argv[1] == "remove":
    for name in sys.argv[2:]:
        remove(name)
else:
    main()
