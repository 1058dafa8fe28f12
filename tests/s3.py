"""An S3 server of the tests' own on a free port of 127.0.0.1: moto's, which logs requests and can be told to fail."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "s3cr3t-k3y"
_buckets = itertools.count(1)


@dataclass(frozen=True)
class Request:
    """What was asked, and how many bytes the answer had."""

    method: str
    path: str
    status: int
    sent_bytes: int


Fault = Callable[[dict[str, Any]], "tuple[str, str] | None"]


@dataclass
class Server:
    """``url`` is where it listens; ``requests`` everything it was asked, oldest first.

    ``fault``, given a request's WSGI environment, may answer in its place: a status and an error code.
    ``done`` is called when a request was carried out, and before it is answered.
    """

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    fault: Fault | None = None
    done: Callable[[dict[str, Any]], None] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What makes any AWS client talk to it."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="tester",
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )

    def bucket(self) -> str:
        """A new one's name."""
        name = f"lake-{next(_buckets)}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        found = self.client().list_objects_v2(Bucket=bucket).get("Contents", ())
        return [one["Key"] for one in found]

    @contextlib.contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    @contextlib.contextmanager
    def telling(self, done: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        self.done = done
        try:
            yield
        finally:
            self.done = None


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server for the length of the block."""
    made, application = Server(), DomainDispatcherApplication(create_backend_app)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        told: list[int] = []

        def started(status: str, headers: Any, *rest: Any) -> Any:
            told.append(int(status.split()[0]))
            return start(status, headers, *rest)

        failed = made.fault(environ) if made.fault is not None else None
        if failed is not None:
            status, code = failed
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            said = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
            parts: Iterable[bytes] = [said]
            started(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(said)))])
        else:
            parts = application(environ, started)
        data = b"".join(parts)
        if failed is None and made.done is not None:
            made.done(environ)
        made.requests.append(Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], told[0], len(data)))
        return [data]

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=_Quiet)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="s3", daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
