"""A proxy in front of an HTTP server that fails as a test says: answers in its place, breaks off, or says nothing."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """``path`` with its query."""

    method: str
    path: str


@dataclass(frozen=True)
class Fault:
    """What happens to a request in place of being answered.

    ``status`` and ``code``: it is answered so, and never arrives. ``wait_s``: nothing comes before. ``sent_bytes``:
    it is carried out, and the connection closed after so many bytes of the answer's body, None after all of them;
    ``lost``: closed before the answer. ``without``: the answer's headers that begin so are left out.
    """

    status: int = 0
    code: str = ""
    wait_s: float = 0
    sent_bytes: int | None = None
    lost: bool = False
    without: str = ""


Judge = Callable[[Request], Fault | None]


@dataclass
class Proxy:
    """``url`` is where it listens; ``requests`` everything that was asked, oldest first."""

    url: str
    fault: Judge = lambda _: None
    requests: list[Request] = field(default_factory=list)

    @contextlib.contextmanager
    def failing(self, fault: Judge) -> Iterator[list[Request]]:
        """For the length of the block; the requests that are asked meanwhile."""
        self.fault, before = fault, len(self.requests)
        asked: list[Request] = []
        try:
            yield asked
        finally:
            self.fault = lambda _: None
            asked += self.requests[before:]


def times(count: int, fault: Fault, of: Callable[[Request], bool]) -> Judge:
    """The fault happens to the first so many requests of these."""
    left = [fault] * count

    def judge(request: Request) -> Fault | None:
        return left.pop() if left and of(request) else None

    return judge


@contextlib.contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """In front of the server at this port of 127.0.0.1, on a free one of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()

        def carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path)
            made.requests.append(request)
            fault = made.fault(request) or Fault()
            time.sleep(fault.wait_s)
            if fault.status:
                said = f"<Error><Code>{fault.code}</Code><Message>no</Message></Error>".encode()
                self.answer(fault.status, {"Content-Type": "application/xml"}, said, fault)
                return
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("expect", "connection"):
                        upstream.putheader(name, value)
                upstream.endheaders(body)
                found = upstream.getresponse()
                headers = {n: v for n, v in found.getheaders() if n.lower() != "connection"}
                self.answer(found.status, headers, found.read(), fault)
            except OSError:
                self.hang_up()
            finally:
                upstream.close()

        def answer(self, status: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
            if fault.lost:
                self.hang_up()
                return
            self.send_response_only(status)
            for name, value in headers.items():
                kept = not fault.without or not name.lower().startswith(fault.without)
                if kept and name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body if fault.sent_bytes is None else body[: fault.sent_bytes])
            if fault.sent_bytes is not None:
                self.hang_up()

        def hang_up(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = carry

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Proxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, name="faulty", daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
