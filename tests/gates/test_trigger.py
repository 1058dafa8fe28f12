"""Triggers: actions on a verdict, tried within bounds, on record, and never able to change it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.catalog import TriggerRun, triggers
from interlock.errors import UsageError
from interlock.gates import trigger
from interlock.workspace import Workspace
from tests.gates.conftest import a_day, label

SECRET = "s3cret-t0ken"


class Server(ThreadingHTTPServer):
    """Takes every POST; answers with the next of ``statuses``, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.seen: list[tuple[str, Any]] = []
        self.during: Callable[[], None] | None = None  # called while a POST is under way

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, json.loads(body)))
        if self.server.during is not None:
            self.server.during()
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return None


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def project(folder: Path, *triggers: str, table: str = "flights") -> Workspace:
    """A project whose contract has these triggers, each a flow mapping."""
    lines = "\n".join(f"      - {t}" for t in triggers)
    (folder / "interlock.yaml").write_text(
        f"version: 1\ntables:\n  {table}:\n    partition: day\n    key: [id]\n"
        f'    constraints: ["delay >= 0"]\n    triggers:\n{lines}\n'
    )
    return interlock.open(folder)


def runs(ws: Workspace) -> list[TriggerRun]:
    with ws.site.catalog.read() as rx:
        return triggers.list_(rx)


def states(ws: Workspace) -> list[tuple[str, int]]:
    return [(r.state.value, r.attempts) for r in runs(ws)]


GOOD, BAD = a_day(0), a_day(1, delay=[-1.0] * 30)


def test_a_webhook_gets_the_verdict(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, f"{{on: quarantined, webhook: 'http://{server.address}/hook'}}") as ws:
        ws.table("flights").write(GOOD)
        assert server.seen == []
        verdict = ws.table("flights").write(BAD)
        ((path, document),) = server.seen
        assert (path, document["id"], document["decision"]) == ("/hook", verdict.id, "quarantined")
        assert states(ws) == [("done", 1)]


def test_apprise_notifies(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, f"{{on: fail, notify: 'json://{server.address}/alerts'}}") as ws:
        ws.table("flights").write(BAD)
        ((path, document),) = server.seen
        assert path.startswith("/alerts")
        assert document["title"] == f"flights@{label(1)} quarantined"
        assert "delay" in document["message"]
        assert states(ws) == [("done", 1)]


def test_a_command_gets_the_verdict_on_standard_input(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    code = (
        "import json, os, sys; told = json.load(sys.stdin); told['env'] = os.environ['INTERLOCK_PARTITION'];"
        f" json.dump(told, open('{out}', 'w'))"
    )
    words = json.dumps([sys.executable, "-c", code])
    with project(tmp_path, f"{{on: quarantined, run: {words}}}") as ws:
        verdict = ws.table("flights").write(BAD)
    told = json.loads(out.read_text())
    assert (told["id"], told["env"]) == (verdict.id, label(1))


def test_a_command_is_no_shell(tmp_path: Path) -> None:
    with project(tmp_path, f"{{on: quarantined, run: ['echo x > {tmp_path}/made'], attempts: 1}}") as ws:
        ws.table("flights").write(BAD)
        assert states(ws) == [("given_up", 1)]
    assert not (tmp_path / "made").exists()


def test_a_function_gets_the_verdict_itself(ws: Workspace) -> None:
    seen: list[interlock.Verdict] = []
    ws.on("quarantined", seen.append)
    t = ws.table("flights", partition="day").require("delay >= 0")
    t.write(GOOD)
    verdict = t.write(BAD)
    assert len(seen) == 1
    assert seen[0] is verdict
    assert states(ws) == [("done", 1)]


def test_events_are_outcomes_decisions_and_alerts(ws: Workspace) -> None:
    seen: list[tuple[str, str]] = []
    for event in ("pass", "fail", "inconclusive", "published", "quarantined", "alert"):
        ws.on(event, lambda v, event=event: seen.append((event, v.partition)), table="flights")
    t = ws.table("flights", partition="day")
    t.write(GOOD)
    t.require("delay >= 0")
    t.write(BAD)
    ws.table("other", partition="day").write(GOOD)
    first, second = label(0), label(1)
    assert sorted(seen) == sorted(
        [
            ("inconclusive", first),
            ("published", first),
            ("fail", second),
            ("quarantined", second),
            ("alert", second),
        ]
    )
    with pytest.raises(UsageError, match="did you mean 'published'"):
        ws.on("publishd", seen.append)


def test_a_failing_trigger_is_tried_again_within_bounds_and_changes_nothing(
    tmp_path: Path, server: Server
) -> None:
    server.statuses = [500, 503]
    with project(tmp_path, f"{{on: fail, webhook: 'http://{server.address}/', attempts: 3}}") as ws:
        assert ws.table("flights").write(BAD).decision == "quarantined"
        assert (len(server.seen), states(ws)) == (3, [("done", 3)])
        server.statuses = [500] * 9
        assert ws.table("flights").write(BAD).decision == "quarantined"
        assert (len(server.seen), states(ws)[0]) == (6, ("given_up", 3))
        ws.table("flights").write(GOOD)
        assert len(server.seen) == 6, "what was given up stays so"
        (finding,) = [f for f in ws.doctor() if not f.ok]
        assert "given up after 3 tries" in finding.detail
        assert "500" in finding.detail


def test_a_function_that_raises_is_recorded(ws: Workspace) -> None:
    def broken(verdict: interlock.Verdict) -> None:
        raise ValueError("no such pager")

    ws.on("published", broken, attempts=2)
    assert ws.table("flights", partition="day").write(GOOD).decision == "published"
    (run,) = runs(ws)
    assert (run.state, run.attempts, run.detail) == ("given_up", 2, "no such pager")
    assert all(v["partition"] == label(0) for v in ws.verdicts())


def test_a_function_that_hangs_is_left_behind(ws: Workspace) -> None:
    forever = threading.Event()
    ws.on("published", lambda v: forever.wait(), attempts=1, timeout_s=0.05)
    assert ws.table("flights", partition="day").write(GOOD).decision == "published"
    assert runs(ws)[0].detail == "not done within 0.05 s"
    forever.set()


def test_a_function_may_write_itself(ws: Workspace) -> None:
    seen: list[str] = []
    t = ws.table("flights", partition="day").require("delay >= 0")
    ws.on("quarantined", lambda v: t.write(a_day(1)), table="flights", attempts=1)
    ws.on("published", lambda v: seen.append(v.partition), table="flights")
    t.write(BAD)
    assert seen == [label(1)]
    assert ws.quarantined() == []
    assert sorted(states(ws)) == [("done", 1), ("done", 1)]


def test_secrets_stay_in_the_contract(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", SECRET)
    server.statuses = [500] * 99
    with project(
        tmp_path,
        f"{{on: fail, webhook: 'http://{server.address}/$HOOK_TOKEN', attempts: 1}}",
        f"{{on: fail, notify: 'json://user:{SECRET}@{server.address}/{SECRET}', attempts: 1}}",
        f"{{on: fail, webhook: 'http://user:{SECRET}@127.0.0.1:1/{SECRET}', attempts: 1}}",
        f"{{on: fail, webhook: 'ftp://{SECRET}/', attempts: 1}}",
        f"{{on: fail, webhook: 'http://user:{SECRET}@localhost/', attempts: 1}}",
        f"{{on: fail, webhook: 'http://localhost/{SECRET} x', attempts: 1}}",
        f"{{on: fail, webhook: 'http://localhost:{SECRET}/', attempts: 1}}",
        f"{{on: fail, notify: '{SECRET}', attempts: 1}}",
    ) as ws:
        ws.table("flights").write(BAD)
        assert f"/{SECRET}" in [path for path, _ in server.seen], "the variable is expanded"
        assert states(ws) == [("given_up", 1)] * 8
        shown = json.dumps([f.to_dict() for f in ws.doctor()])
        with sqlite3.connect(ws.site.catalog.folder / "catalog.sqlite") as connection:
            stored = "\n".join(connection.iterdump())
    assert SECRET not in stored
    assert SECRET not in shown
    assert all(
        SECRET.encode() not in f.read_bytes() for f in (tmp_path / ".interlock").rglob("*") if f.is_file()
    )


def test_one_tables_writer_leaves_another_tables_triggers_alone(tmp_path: Path, server: Server) -> None:
    server.statuses = [500]
    with project(tmp_path, f"{{on: fail, webhook: 'http://{server.address}/', attempts: 1}}") as ws:
        pending(ws, label(1))
        ws.table("other", partition="day").write(GOOD)
        assert states(ws) == [("pending", 0)]
        ws.table("flights").write(GOOD)
        assert states(ws) == [("given_up", 1)]


def pending(ws: Workspace, partition: str) -> None:
    """As a process leaves it that dies between its commit and its triggers."""
    t = ws.table("flights")
    after, trigger.run_pending = trigger.run_pending, lambda *_, **__: None
    try:
        assert t.write(BAD).partition == partition
    finally:
        trigger.run_pending = after


def test_what_a_process_that_died_left_undone_is_done_at_the_next_start(
    tmp_path: Path, server: Server
) -> None:
    with project(tmp_path, f"{{on: fail, webhook: 'http://{server.address}/'}}") as ws:
        pending(ws, label(1))
        assert server.seen == []
    with interlock.open(tmp_path) as ws:
        assert [document["partition"] for _, document in server.seen] == [label(1)]
        assert states(ws) == [("done", 1)]
    interlock.open(tmp_path).close()
    assert len(server.seen) == 1


def test_a_trigger_no_longer_declared_is_given_up(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, f"{{on: fail, webhook: 'http://{server.address}/old'}}") as ws:
        pending(ws, label(1))
    with project(tmp_path, f"{{on: fail, webhook: 'http://{server.address}/new'}}") as ws:
        assert states(ws) == [("given_up", 0)]
        assert runs(ws)[0].detail == "no longer declared"
    assert server.seen == []


def test_a_function_of_another_process_is_left_to_it_until_it_must_be_dead(ws: Workspace, place: str) -> None:
    t = ws.table("flights", partition="day").require("delay >= 0")
    ws.on("quarantined", print)
    pending(ws, label(1))
    with interlock.open(place) as other:
        other.table("flights").write(GOOD)
        assert states(other) == [("pending", 0)]
        with ws.site.catalog.write() as tx:
            tx.connection.exec_driver_sql(
                "UPDATE interlock_trigger_run SET created_at = '2020-01-01T00:00:00.000000+00:00'"
            )
        other.table("flights").write(GOOD)
        assert [(r.state.value, r.detail) for r in runs(other)] == [
            ("given_up", "the process that held the function is gone")
        ]
    assert t.name == "flights"


WRITE = """
import sys, interlock
from tests.gates.conftest import a_day
with interlock.open(sys.argv[1]) as ws:
    ws.table("flights").write(a_day(int(sys.argv[2])))
"""


def test_two_processes_never_run_the_same_trigger(tmp_path: Path, server: Server) -> None:
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root / 'src'}:{root}", "INTERLOCK_LOCK_TIMEOUT_S": "0.5"}

    def another_writes() -> None:
        server.during = None
        subprocess.run([sys.executable, "-c", WRITE, tmp_path, "5"], cwd=root, env=environment, check=True)

    server.during = another_writes
    with project(tmp_path, f"{{on: published, webhook: 'http://{server.address}/', timeout_s: 120}}") as ws:
        ws.table("flights").write(a_day(0))
        assert [document["partition"] for _, document in server.seen] == [label(0)]
        assert states(ws) == [("pending", 0), ("done", 1)], "the other one's is left to the next write"
        ws.table("flights").write(a_day(1))
        told = [document["partition"] for _, document in server.seen]
        assert sorted(told) == [label(0), label(1), label(5)]
        assert states(ws) == [("done", 1)] * 3
