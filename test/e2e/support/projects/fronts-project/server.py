"""A service that takes requests, and that fails in the way its environment asks for."""

import hashlib
import json
import os
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULT = os.environ.get("FAULT", "")


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    checks = 0

    def do_GET(self):
        if self.path == "/up":
            Service.checks += 1
            if FAULT == "crash once healthy" and Service.checks == 3:
                crash(5)
            return self.answer(500, "the till is stuck") if FAULT == "unwell" else self.answer(200, "ok")
        if self.path.startswith("/behind/"):
            return self.pass_on(self.path.removeprefix("/behind"))
        answer = {"service": os.environ["SERVICE"], "commit": os.environ["EDITION"]}
        return self.answer(200, json.dumps(answer))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, json.dumps({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}))

    def pass_on(self, path):
        """Answers as the service behind this one."""
        try:
            with urllib.request.urlopen(os.environ["BEHIND"] + path, timeout=5) as response:
                self.answer(response.status, response.read().decode())
        except OSError as error:
            self.answer(502, str(error))

    def answer(self, status, text):
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Says nothing: a client that has seen enough hangs up."""


def crash(code):
    print("cannot read the price list", flush=True)
    os._exit(code)


def main():
    print(f"opens as {os.environ['EDITION']}", flush=True)
    if FAULT == "crash":
        crash(3)
    if FAULT == "crash later":
        time.sleep(1)
        crash(4)
    if FAULT == "deaf":
        time.sleep(3600)
    time.sleep(float(os.environ.get("WARM_UP", "0")))
    Server(("", 8000), Service).serve_forever()


if __name__ == "__main__":
    sys.exit(main())
