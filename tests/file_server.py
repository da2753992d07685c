"""A real HTTP server on this machine that serves bytes, and misbehaves as told."""

import contextlib
import dataclasses
import hashlib
import http.server
import re
import threading
import time


@dataclasses.dataclass
class Answer:
    """How one request is answered; by default as a good server would."""

    status: int | None = None  # instead of a file
    headers: dict = dataclasses.field(default_factory=dict)  # None as a value leaves one out
    body: bytes | None = None  # instead of the file's
    cut: int | None = None  # close the connection after so many bytes
    hold: int | None = None  # after so many bytes, wait until the server is released
    drip: float = 0.0  # seconds between bytes
    ranges: str = "honoured"  # or "ignored", or "blind": whatever If-Range says


class FileServer(http.server.ThreadingHTTPServer):
    """Attributes: `files` by path; `answers` to come by path; `requests`, as (path, headers)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.answers, self.requests = {}, {}, []
        self.released = threading.Event()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def put(self, path, content, *answers):
        """Serve a file, the next requests being answered like this; gives its address."""
        self.files[path] = content
        self.answers[path] = list(answers)
        return self.url(path)

    def handle_error(self, request, client_address):
        """Say nothing: clients that hang up are part of the tests."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers))
        scripted = server.answers.get(self.path)
        answer = scripted.pop(0) if scripted else Answer()
        content = server.files.get(self.path) if answer.body is None else answer.body
        status, start, headers = answer.status or (200 if content is not None else 404), 0, {}
        if status != 200:
            content = b"no"
        else:
            headers["ETag"] = f'"{hashlib.md5(content).hexdigest()}"'
            start = self._start(answer, answer.headers.get("ETag", headers["ETag"]))
            if start is not None and start >= len(content):
                status, headers["Content-Range"], content = 416, f"bytes */{len(content)}", b""
            elif start is not None:
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        payload = content[start or 0 :]
        headers |= {"Content-Length": str(len(payload)), "Connection": "close", **answer.headers}
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self._send(payload if answer.cut is None else payload[: answer.cut], answer)
        self.close_connection = True

    def _start(self, answer, validator):
        """First byte that is asked for, or None for all of them."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        validator = validator or answer.headers.get("Last-Modified")
        if not match or answer.ranges == "ignored":
            return None
        if answer.ranges == "honoured" and condition not in (None, validator):
            return None
        return int(match[1])

    def _send(self, payload, answer):
        if answer.drip:
            for i in range(len(payload)):
                self.wfile.write(payload[i : i + 1])
                time.sleep(answer.drip)
            return
        held = len(payload) if answer.hold is None else answer.hold
        self.wfile.write(payload[:held])
        if answer.hold is not None:
            self.server.released.wait(60)
            self.wfile.write(payload[held:])


@contextlib.contextmanager
def serving():
    """A running server, stopped afterwards."""
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
