"""``interlock metrics``: a workspace in numbers, for Prometheus."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Annotated

import typer

from interlock import durable
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import plain, print_json, stderr
from interlock.errors import InterlockError, UsageError

PATH = "/metrics"


def metrics(
    tables: Annotated[list[str] | None, typer.Argument(help="These tables only.")] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Replace this file as a whole, for a textfile collector."),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(
            "--serve", metavar="HOST:PORT", help=f"Answer {PATH} until interrupted; read at each call."
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Verify the ledger as well, which takes as long as it is.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Partitions, alerts, objectives and the ledger in numbers, in the text format of Prometheus."""
    from interlock.workspace import exposition
    from interlock.workspace.metrics import collect

    if sum(map(bool, (output, serve, as_json))) > 1:
        raise UsageError("--output, --serve and --json are three ways to tell", hint="choose one")
    with existing(workspace) as ws:
        if serve is not None:
            _serve(serve, lambda: ws.metrics(*(tables or ()), verify=verify))
            return 0
        found = collect(ws, tables or (), verify=verify)
    if as_json:
        print_json([m.to_dict() for m in found])
    elif output is not None:
        durable.write(Path(output).absolute(), exposition.text(found).encode())
    else:
        sys.stdout.write(exposition.text(found))
    return 0


def _serve(address: str, read: Callable[[], str]) -> None:
    host, port = _address(address)
    with durable.refusals(address), HTTPServer((host, port), handler(read)) as server:
        shown = f"http://{host}:{server.server_port}{PATH}"
        stderr().print(plain(f"{shown} until interrupted"), markup=False, style="dim")
        server.serve_forever()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(
            f"{text!r} is no address to serve at", hint="write HOST:PORT, such as 127.0.0.1:9187"
        )
    return host.strip("[]"), int(port)


def handler(read: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    """Answers a GET of `PATH` with what ``read`` gives: 500 with the error's line where it fails, 404 elsewhere."""
    from interlock.workspace.exposition import CONTENT_TYPE

    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0  # of a caller that says nothing: one is answered at a time

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != PATH:
                self._answer(404, f"only {PATH} is here\n", "text/plain; charset=utf-8")
                return
            try:
                text = read()
            except InterlockError as error:
                self._answer(500, f"{error.code}: {error.message}\n", "text/plain; charset=utf-8")
                return
            self._answer(200, text, CONTENT_TYPE)

        def _answer(self, status: int, text: str, content_type: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    return Handler
