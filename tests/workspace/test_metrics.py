"""A workspace in numbers: what they are, and that reading them costs the same however much there is."""

from __future__ import annotations

import datetime as dt
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event, insert

import interlock
from interlock.catalog import counts, schema, verdicts
from interlock.catalog.canonical import canonical
from interlock.cli.metrics import handler
from interlock.errors import TableNotFound, WorkspaceError
from interlock.workspace import Workspace
from interlock.workspace.exposition import Metric
from interlock.workspace.metrics import METRICS, collect
from tests import places
from tests.catalog.conftest import verdict
from tests.gates.conftest import a_day, label, ws

__all__ = ["ws"]


@pytest.fixture(params=places.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return places.of(request.param, tmp_path / "workspace", request)


def value(metrics: list[Metric], name: str, **labels: str) -> float | None:
    """The sample of these labels, whatever other labels it has; None where there is none."""
    (metric,) = (m for m in metrics if m.name == name)
    found = [s.value for s in metric.samples if labels.items() <= s.labels.items()]
    assert len(found) <= 1, found
    return found[0] if found else None


@pytest.fixture
def busy(ws: Workspace) -> Workspace:
    """Six good days, a bad one in quarantine, an alert that was useful."""
    t = ws.table("flights", partition="day", key=["id"]).require("delay >= 0").objective(0.8, "10d")
    for n in range(6):
        t.write(a_day(n))
    t.write(a_day(6, delay=-1.0))
    ws.alerts()[0].useful()
    return ws


def test_partitions_rows_and_verdicts_are_counted_by_what_became_of_them(busy: Workspace) -> None:
    found = collect(busy)
    assert value(found, "interlock_partitions", table="flights", state="published") == 6
    assert value(found, "interlock_partitions", table="flights", state="quarantined") == 1
    rows = sum(p.rows for p in busy.table("flights").partitions())
    assert value(found, "interlock_rows", table="flights") == rows > 0
    assert value(found, "interlock_verdicts_total", outcome="fail", decision="quarantined") == 1


def test_the_newest_partition_is_the_latest_that_readers_see(busy: Workspace) -> None:
    day = dt.datetime.fromisoformat(label(5)).replace(tzinfo=dt.UTC)
    assert value(collect(busy), "interlock_newest_partition_timestamp_seconds") == day.timestamp()


def test_alerts_are_counted_by_severity_and_by_what_people_said(busy: Workspace) -> None:
    found = collect(busy)
    assert value(found, "interlock_open_alerts", table="flights", severity="page") == 1
    assert value(found, "interlock_open_alerts", table="flights", severity="ticket") == 0
    assert value(found, "interlock_alert_precision_ratio", table="flights") == 1.0
    busy.alerts()[0].close()
    assert value(collect(busy), "interlock_open_alerts", table="flights", severity="page") == 0


def test_the_objective_stands_as_interlock_slo_says(busy: Workspace) -> None:
    stands = busy.table("flights").slo()
    assert stands is not None
    found = collect(busy)
    assert value(found, "interlock_slo_attained_ratio") == pytest.approx(6 / 7)
    assert value(found, "interlock_slo_budget_left_ratio") == stands.left
    assert value(found, "interlock_slo_missed") == (stands.outcome.value == "fail")
    busy.table("flights").release(label(6), "the clock ran backwards, it is true")
    assert value(collect(busy), "interlock_slo_attained_ratio") == 1.0


def test_a_ticket_on_a_published_partition_counts_against_the_objective(ws: Workspace) -> None:
    t = ws.table("t", partition="day").objective(0.5, "10d")
    t.require("delay >= 0", severity="ticket", block=False)
    t.write(a_day(0, delay=-1.0))
    t.write(a_day(1))
    assert value(collect(ws), "interlock_slo_attained_ratio") == 0.5


def test_a_false_alarm_counts_neither_in_the_metrics_nor_in_the_objective(ws: Workspace) -> None:
    t = ws.table("t", partition="day").objective(0.5, "10d")
    t.require("delay >= 0", severity="ticket", block=False)
    t.require("id < 1000", severity="ticket", block=False)
    t.write(a_day(0, delay=-1.0))
    t.write(a_day(1))

    def both() -> tuple[float | None, float]:
        stands = t.slo()
        assert stands is not None
        healthy = (stands.partitions - len(stands.unhealthy)) / stands.partitions
        return value(collect(ws), "interlock_slo_attained_ratio"), healthy

    assert both() == (0.5, 0.5)
    ws.alerts()[0].false_alarm("early birds are fine")
    assert both() == (1.0, 1.0)
    t.write(a_day(2, delay=-1.0, id=range(5_000, 5_030)))
    assert both() == (pytest.approx(2 / 3), pytest.approx(2 / 3)), "its other alert is one"


def test_the_ledger_is_verified_only_where_asked(busy: Workspace) -> None:
    assert value(collect(busy), "interlock_ledger_verified") is None
    assert value(collect(busy, verify=True), "interlock_ledger_verified") == 1
    assert value(collect(busy), "interlock_ledger_entries") == len(busy.ledger_entries(1_000))
    tile = next(p for p in (busy.site.ledger / "tile").rglob("*") if p.is_file() and "entries" in str(p))
    tile.write_bytes(tile.read_bytes().replace(b"flights", b"flighty"))
    assert value(collect(busy, verify=True), "interlock_ledger_verified") == 0


def test_one_table_of_many_is_told_of_alone(busy: Workspace) -> None:
    busy.table("other")
    tables = {s.labels["table"] for m in collect(busy, ["other"]) for s in m.samples if "table" in s.labels}
    assert tables == {"other"}
    with pytest.raises(TableNotFound):
        busy.metrics("flihgts")


def test_names_carry_their_unit_and_labels_are_few(busy: Workspace) -> None:
    for metric in collect(busy, verify=True):
        assert metric.type == ("counter" if metric.name.endswith("_total") else "gauge")
        if "timestamp" in metric.name:
            assert metric.name.endswith("_timestamp_seconds")
        for sample in metric.samples:
            assert set(sample.labels) <= {
                *("workspace", "table", "state", "severity", "outcome", "decision"),
                *("how", "said", "version"),
            }


def test_no_cell_column_or_partition_is_in_the_text(ws: Workspace) -> None:
    t = ws.table("t", partition="day").require("carrier <> 'secret'", block=False, name="not_secret")
    t.write(a_day(0, carrier=["secret"] * 30))
    text = ws.metrics()
    assert "carrier" not in text and "secret" not in text and label(0) not in text


def test_every_metric_is_in_the_how_to() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/prometheus.md").read_text()
    assert [name for name, *_ in METRICS if f"`{name}`" not in page] == []


# --- cost -----------------------------------------------------------------------------


@contextmanager
def counted(ws: Workspace) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*given: Any) -> None:
        statements.append(given[2])

    event.listen(ws.site.catalog.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(ws.site.catalog.database.engine, "before_cursor_execute", note)


def fill(ws: Workspace, tables: int, partitions: int) -> None:
    """Published partitions and their verdicts, an alert each tenth, straight into the catalog."""
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    quiet = canonical({"alerts": []}).decode()
    loud = canonical({"alerts": [{"severity": "ticket", "title": "t"}]}).decode()
    names = [f"t{i:03}" for i in range(tables)]
    for name in names:
        ws.table(name, partition="day").objective(0.5, "30d")
    days = [start + dt.timedelta(days=n) for n in range(partitions)]
    with ws.site.catalog.database.engine.begin() as connection:
        for i, name in enumerate(names):
            made = [
                {
                    "table_name": name,
                    "label": day.date().isoformat(),
                    "loaded_at": day,
                    "judged_at": day,
                    "id": f"{name}-{n}",
                    "sequence": 1 + i * partitions + n,
                    "verdict_id": f"{name}-{n}",
                    "document": loud if n % 10 == 0 else quiet,
                }
                for n, day in enumerate(days)
            ]
            connection.execute(
                insert(schema.verdicts).values(
                    gate="write", outcome="pass", decision="published", entry_digest=""
                ),
                [{k: v for k, v in m.items() if k in schema.verdicts.c} for m in made],
            )
            connection.execute(
                insert(schema.partitions).values(
                    state="published", rows=10, size_bytes=10, data_file_id=1, schema=[]
                ),
                [{k: v for k, v in m.items() if k in schema.partitions.c and k != "id"} for m in made],
            )


def test_the_number_of_statements_depends_on_neither_tables_nor_partitions(tmp_path: Path) -> None:
    found = []
    for tables, partitions in ((1, 5), (1, 400), (40, 20)):
        with interlock.open(tmp_path / f"{tables}x{partitions}") as ws:
            fill(ws, tables, partitions)
            with counted(ws) as statements:
                metrics = collect(ws)
            found.append(len(statements))
            assert sum(s.value for m in metrics if m.name == "interlock_partitions" for s in m.samples) == (
                tables * partitions
            )
    assert found[0] == found[1] == found[2] < 25


def test_the_window_of_an_objective_is_all_that_is_looked_into(ws: Workspace) -> None:
    fill(ws, 1, 100)
    assert value(collect(ws), "interlock_slo_attained_ratio") == 27 / 30
    stands = ws.table("t000").slo()
    assert stands is not None and len(stands.unhealthy) == 3


def test_an_alarm_is_known_by_its_title_whatever_letters_are_in_it(ws: Workspace) -> None:
    """Of what follows a NUL SQLite tells nothing, and PostgreSQL has no NUL."""
    titles = ['a "quote"', "back\\slash \\u0000", "Größe ✓ 🎯", "x\0y\0\0z", "50%% of %s", "a:b ::c"]
    for number, title in enumerate(titles):
        record = verdict(f"v{number}", document={"alerts": [{"severity": "page", "title": title}]})
        with ws.site.catalog.write() as tx:
            verdicts.put(tx, record)
    with ws.site.catalog.read() as rx:
        found = counts.alarms(rx, [f"v{number}" for number in range(len(titles))])
        postgres = rx.connection.dialect.name == "postgresql"
    told = [t.replace("\0", "\ufffd") if postgres else t.partition("\0")[0] for t in titles]
    assert [found[f"v{n}"] for n in range(len(titles))] == told


# --- HTTP -----------------------------------------------------------------------------


@contextmanager
def served(read: Any) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), handler(read)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_metrics_are_read_anew_at_every_call() -> None:
    answers = iter(["one 1\n", "one 2\n"])
    with served(lambda: next(answers)) as url:
        for expected in (b"one 1\n", b"one 2\n"):
            with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
                assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                assert response.read() == expected


def test_an_error_is_a_500_in_one_line_and_other_paths_are_404() -> None:
    def broken() -> str:
        raise WorkspaceError("the catalog is gone")

    with served(broken) as url:
        for path, status in (("/metrics", 500), ("/", 404)):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(url + path, timeout=10)
            assert caught.value.code == status
            if status == 500:
                assert b"the catalog is gone" in caught.value.read()
            caught.value.close()
