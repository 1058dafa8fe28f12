"""A workspace with its files on S3: machines that share nothing else, killed and refused uploads, ranges read."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import interlock
from interlock import errors, settings
from interlock.catalog import partitions, s3
from interlock.workspace import Workspace
from tests import s3 as stores
from tests.e2e import stories
from tests.e2e.stories import data, day, versions_read
from tests.postgres import Server
from tests.processes import ENDED, KILLED, Nursery, Tell

PREFIX = "team/lake"
FAST = {"AWS_MAX_ATTEMPTS": "1"}
BEFORE = {day(n): 1 for n in range(3)}


@dataclass(frozen=True)
class Shared:
    """A workspace that machines of the test share: nothing but the database and the bucket."""

    address: str
    bucket: str
    store: stores.Server
    machines: Path

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{PREFIX}"

    def opened(self, machine: str) -> Workspace:
        with settings.override(home=str(self.machines / machine)):
            return interlock.open(self.address)

    def keys(self, kind: str) -> list[str]:
        return [k for k in self.store.keys(self.bucket) if k.startswith(f"{PREFIX}/{kind}/")]


@pytest.fixture(scope="module", autouse=True)
def environment(s3: stores.Server) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patched.delenv(name)
        for name, value in {**s3.environment, **FAST}.items():
            patched.setenv(name, value)
        yield


def _made(s3: stores.Server, postgres: Server, machines: Path) -> Shared:
    bucket = s3.bucket()
    made = Shared(f"{postgres.url()}?schema={bucket}", bucket, s3, machines)
    with settings.override(home=str(machines / "first")):
        interlock.open(made.address, data=made.url).close()
    return made


@pytest.fixture
def shared(s3: stores.Server, postgres: Server, tmp_path: Path) -> Shared:
    return _made(s3, postgres, tmp_path / "machines")


@pytest.fixture(scope="module")
def empty(s3: stores.Server, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """One that nobody writes to."""
    return _made(s3, postgres, tmp_path_factory.mktemp("machines"))


@pytest.fixture
def lake(shared: Shared, tmp_path: Path) -> Shared:
    """Three days of version 1, and one more version of day 1 in quarantine."""
    with shared.opened("first") as ws:
        t = ws.table("flights", partition="day", key=["id"]).require("delay >= 0")
        t.backfill(str(data(tmp_path, *((n, 1) for n in range(3)))))
        t.write(str(data(tmp_path, (1, 5), bad=True)))
    return shared


def assert_whole(shared: Shared, machine: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Everything agrees, as seen from this machine: day → version, and what was recovered."""
    with shared.opened(machine) as ws:
        recovered, found = ws.recovered, versions_read(ws)
        assert [f for f in ws.doctor(data=True) if not f.ok] == []
        report = ws.verify_ledger()
        assert (report.problems, report.notes) == ((), ())
        with ws.site.catalog.read() as rx:
            known = {p.path for p in partitions.all_(rx)}
        assert {
            k.removeprefix(f"{PREFIX}/") for k in [*shared.keys("data"), *shared.keys("quarantine")]
        } == known
        assert not [p for p in ws.site.staging.glob("*") if p.is_dir()]
    return found, recovered


# --- machines -------------------------------------------------------------------------


def test_machines_that_share_no_disk_read_and_go_on_with_each_others_partitions(
    lake: Shared, tmp_path: Path
) -> None:
    with lake.opened("first") as first, lake.opened("second") as second:
        assert second.recovered == ()
        assert first.path != second.path
        assert versions_read(second) == BEFORE
        second.table("flights").write(str(data(tmp_path, (1, 2))))
        assert versions_read(first) == {**BEFORE, day(1): 2}
        first.table("flights").write(str(data(tmp_path, (2, 7), bad=True)))
        (held,) = second.quarantined()
        second.table("flights").release(held.label, "checked by hand")
        assert versions_read(first) == {**BEFORE, day(1): 2, day(2): 7}
        first.table("flights").write(str(data(tmp_path, (0, 3), bad=True)))
        second.table("flights").drop(day(0), "not worth keeping")
        assert first.quarantined() == []
        assert first.verify_ledger().ok
        assert first.verify_ledger().size == second.verify_ledger().size > 8
    assert sorted(p.name for p in (lake.machines / "second").iterdir()) == [second.site.catalog.id]
    assert not list(lake.machines.rglob("*.parquet"))


def test_a_table_in_postgresql_is_filled_from_files_on_s3(
    lake: Shared, postgres: Server, tmp_path: Path
) -> None:
    """With what other machines published, what this one writes, and what it releases."""
    name = f"{lake.bucket.replace('-', '_')}_flights"
    with lake.opened("second") as ws:
        ws.table("flights", postgres=name)
        ws.table("flights").write(str(data(tmp_path, (3, 1))))
        ws.existing_table("flights").release(day(1), "looked at")
        expected = ws.rows(
            "SELECT day::VARCHAR, count(*), sum(delay) FROM flights GROUP BY day ORDER BY day"
        )[1]
        assert [f.text for f in ws.doctor(data=True) if not f.ok] == []
    with postgres.connect() as db:
        found = db.execute(
            f"SELECT day::text, count(*), sum(delay) FROM {name} GROUP BY day ORDER BY day".encode()
        ).fetchall()
    assert found == expected and len(found) == 4


def test_a_machine_that_lost_its_folder_starts_with_a_new_one(lake: Shared, tmp_path: Path) -> None:
    (lake.machines / "first").rename(tmp_path / "lost")
    found, recovered = assert_whole(lake, "first")
    assert (found, recovered) == (BEFORE, ())


def test_a_backtest_and_a_model_see_the_same_rows_as_in_a_folder(shared: Shared, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    days = [
        pd.DataFrame({"day": pd.Timestamp(day(n)).date(), "id": range(50), "x": rng.normal(size=50).round(6)})
        for n in range(16)
    ]

    def told(ws: Workspace) -> tuple[Any, ...]:
        with ws:
            t = ws.table("t", partition="day", key="id").require("x < 90", block=False, severity="page")
            t.backfill(pd.concat(days[:15]))
            ws.model("m", reads=["t.x"], predict=lambda rows: rows["x"], loss=lambda rows, p: p.abs())
            hit = t.write(days[15].assign(x=100.0)).alerts[0].hit
            return hit, t.backtest(partitions=1).to_dict()

    with interlock.open(tmp_path / "folder") as folder:
        expected = told(folder)
    assert told(shared.opened("first")) == expected


def test_nothing_that_is_kept_holds_a_credential(lake: Shared, postgres: Server) -> None:
    with postgres.connect() as db:
        names = db.execute(
            "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = %s",
            [lake.bucket],
        ).fetchall()
        assert len(names) > 20
        for (name,) in names:
            rows = db.execute(f'SELECT t::text FROM "{lake.bucket}".{name} t'.encode()).fetchall()
            assert not any(stores.SECRET in row or "tester" in row for (row,) in rows)
        query = f"SELECT value FROM \"{lake.bucket}\".ducklake_metadata WHERE key = 'data_path'"
        assert db.execute(query.encode()).fetchall() == [(f"{lake.url}/data/",)]
    kept = [p.read_bytes() for p in lake.machines.rglob("*") if p.is_file()]
    assert kept and not any(stores.SECRET.encode() in one for one in kept)


def answering(method: str, status: str, code: str) -> stores.Fault:
    return lambda environ: (status, code) if environ["REQUEST_METHOD"] == method else None


# --- writing --------------------------------------------------------------------------


def test_every_object_is_written_once_under_its_own_name_and_never_over_another(lake: Shared) -> None:
    written = [r.path for r in lake.store.requests if r.method == "PUT" and f"/{lake.bucket}/" in r.path]
    assert len(written) == len(set(written)) == 5  # the mark, three days, one in quarantine
    store, one = s3.S3.of(lake.url), lake.machines / "one"
    one.write_bytes(b"other bytes")
    path = lake.keys("data")[0].removeprefix(f"{PREFIX}/")
    with pytest.raises(errors.StoreRefused, match="PreconditionFailed"):
        store.put({one: path})
    assert_whole(lake, "second")


def test_an_upload_whose_answer_was_lost_is_known_to_be_there(
    lake: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    lost = []

    def lose(environ: dict[str, Any]) -> None:
        if environ["REQUEST_METHOD"] == "PUT" and not lost:
            lost.append(environ["PATH_INFO"])
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)

    with lake.opened("first") as ws, lake.store.telling(lose):
        assert ws.table("flights").write(str(data(tmp_path, (1, 2)))).decision == "published"
    assert lost
    assert assert_whole(lake, "second")[0] == {**BEFORE, day(1): 2}


def test_an_upload_that_s3_refuses_publishes_nothing_and_loses_nothing(lake: Shared, tmp_path: Path) -> None:
    file = str(data(tmp_path, (1, 2), (2, 2)))
    with lake.opened("first") as ws:
        for status, code, expected in (
            ("403 Forbidden", "AccessDenied", errors.StoreRefused),
            ("404 Not Found", "NoSuchBucket", errors.StoreRefused),
            ("400 Bad Request", "BadDigest", errors.StoreRefused),  # truncated or changed on the way
            ("503 Slow Down", "SlowDown", errors.StoreUnreachable),
        ):
            with lake.store.failing(answering("PUT", status, code)), pytest.raises(expected) as told:
                ws.table("flights").backfill(file)
            assert told.value.message == f"{lake.url}: S3 answers {code}"
            assert len(lake.keys("data")) == 3
        assert versions_read(ws) == BEFORE
        ws.table("flights").backfill(file)
    assert assert_whole(lake, "first") == ({**BEFORE, day(1): 2, day(2): 2}, ())


def test_one_upload_of_several_that_fails_takes_the_others_back(lake: Shared, tmp_path: Path) -> None:
    def refuse(environ: dict[str, Any]) -> tuple[str, str] | None:
        put = environ["REQUEST_METHOD"] == "PUT"
        return ("403 Forbidden", "AccessDenied") if put and day(2) in environ["PATH_INFO"] else None

    with lake.opened("first") as ws, lake.store.failing(refuse), pytest.raises(errors.StoreRefused):
        ws.table("flights").backfill(str(data(tmp_path, (1, 2), (2, 2), (3, 2))))
    assert assert_whole(lake, "first") == (BEFORE, ())


def test_what_could_not_be_taken_back_is_by_the_next_start(lake: Shared, tmp_path: Path) -> None:
    def refuse(environ: dict[str, Any]) -> tuple[str, str] | None:
        failing = environ["REQUEST_METHOD"] == "POST" or day(2) in environ["PATH_INFO"]
        return ("503 Slow Down", "SlowDown") if failing else None

    with lake.opened("first") as ws, lake.store.failing(refuse), pytest.raises(errors.StoreUnreachable):
        ws.table("flights").backfill(str(data(tmp_path, (1, 2), (2, 2))))
    assert len(lake.keys("data")) == 4
    found, (recovered,) = assert_whole(lake, "first")
    assert found == BEFORE
    assert "cut off before its commit; nothing of it was published" in recovered


def write_there(tell: Tell, address: str, home: str, file: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    tell(os.getpid())
    with settings.override(home=home):
        stories.write(tell, address, file)


@pytest.mark.parametrize("moment", ["in the middle of the upload", "between upload and commit"])
def test_killed_while_it_uploads_a_machine_publishes_nothing_and_its_next_start_cleans_up(
    lake: Shared, nursery: Nursery, tmp_path: Path, moment: str
) -> None:
    writer: list[int] = []
    known = threading.Event()

    def kill(environ: dict[str, Any]) -> None:
        if environ["REQUEST_METHOD"] == "PUT":
            known.wait(30)
            os.kill(writer[0], signal.SIGKILL)

    def kill_early(environ: dict[str, Any]) -> tuple[str, str] | None:
        if environ["REQUEST_METHOD"] != "PUT":
            return None
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]) // 2)
        kill(environ)
        return "400 Bad Request", "IncompleteBody"

    early = moment.startswith("in")
    with lake.store.failing(kill_early) if early else lake.store.telling(kill):
        running = nursery.start(
            write_there,
            address=lake.address,
            home=str(lake.machines / "first"),
            file=data(tmp_path, (1, 2)),
            environment={**lake.store.environment, **FAST},
        )
        running.until_told(1)
        writer.append(running.told[0])
        known.set()
        assert running.wait().how == KILLED
    assert len(lake.keys("data")) == (3 if early else 4)
    with lake.opened("second") as ws:
        assert versions_read(ws) == BEFORE
        assert all(f.ok for f in ws.doctor(data=True))
        assert ws.table("flights").write(str(data(tmp_path, (0, 3)))).decision == "published"
    found, (recovered,) = assert_whole(lake, "first")
    assert found == {**BEFORE, day(0): 3}
    assert recovered.endswith("was cut off before its commit; nothing of it was published")


def test_what_a_machine_that_never_came_back_left_goes_after_its_grace(lake: Shared) -> None:
    stray = f"{PREFIX}/data/main/flights/stray.parquet"
    lake.store.client().put_object(Bucket=lake.bucket, Key=stray, Body=b"half")
    other = f"{PREFIX}-other/data/x.parquet"
    lake.store.client().put_object(Bucket=lake.bucket, Key=other, Body=b"x")
    with lake.opened("second") as ws:
        ws.doctor()
        assert stray in lake.keys("data")
        with settings.override(orphan_grace_s=-60):  # server and client count seconds differently
            (removed,) = [f for f in ws.doctor() if "unreferenced" in f.detail]
        assert removed.detail.startswith("1 unreferenced")
    assert other in lake.store.keys(lake.bucket)
    assert_whole(lake, "second")


def test_writers_of_two_machines_at_once_lose_nothing(lake: Shared, nursery: Nursery, tmp_path: Path) -> None:
    environment = {**lake.store.environment, **FAST}
    running = [
        nursery.start(
            write_there,
            address=lake.address,
            home=str(lake.machines / name),
            file=data(tmp_path, (n, 2)),
            environment=environment,
        )
        for n, name in enumerate(("first", "second"))
    ]
    assert [r.wait().how for r in running] == [ENDED, ENDED]
    assert assert_whole(lake, "third") == ({**BEFORE, day(0): 2, day(1): 2}, ())


def test_a_file_too_large_for_one_upload_goes_in_parts(
    lake: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PUT_BYTES_MAX", 1_000)
    with lake.opened("first") as ws:
        ws.table("flights").write(str(data(tmp_path, (1, 2))))
    assert assert_whole(lake, "second") == ({**BEFORE, day(1): 2}, ())


# --- reading --------------------------------------------------------------------------


def test_a_query_fetches_the_columns_it_reads_and_nothing_else(shared: Shared) -> None:
    rows = 100_000
    rng = np.random.default_rng(0)
    wide = {f"c{n}": rng.random(rows) for n in range(20)}
    with shared.opened("first") as ws:
        ws.table("wide").write(pd.DataFrame({"n": np.arange(rows) % 100, **wide}), partition="all")
    (key,) = shared.keys("data")
    size = shared.store.client().head_object(Bucket=shared.bucket, Key=key)["ContentLength"]
    with shared.opened("second") as ws:
        before = len(shared.store.requests)
        assert ws.rows("SELECT sum(n) FROM wide")[1] == [(rows // 100 * 4950,)]
        asked = shared.store.requests[before:]
        assert {r.method for r in asked} == {"GET"}
        assert sum(r.sent_bytes for r in asked) < size / 10
        assert size > 10_000_000
        assert len(asked) < 20


def test_files_that_are_gone_or_changed_are_found_and_said(lake: Shared) -> None:
    missing, longer, other = lake.keys("data")
    client = lake.store.client()
    body = client.get_object(Bucket=lake.bucket, Key=other)["Body"].read()
    client.delete_object(Bucket=lake.bucket, Key=missing)
    client.put_object(Bucket=lake.bucket, Key=longer, Body=b"longer" * 1000)
    client.put_object(Bucket=lake.bucket, Key=other, Body=body[:50] + b"!" + body[51:])
    with lake.opened("second") as ws:
        found = [f.detail for f in ws.doctor(data=True) if not f.ok]
        assert [f.partition(".parquet ")[2] for f in found] == [
            "is missing",
            "was changed",
            "was changed; its size is the same, its contents are not",
        ]
        assert all(f"{lake.url}/data/main/flights/" in f for f in found)


def test_a_query_for_an_object_that_is_gone_says_which(lake: Shared) -> None:
    missing = lake.keys("data")[0]
    lake.store.client().delete_object(Bucket=lake.bucket, Key=missing)
    with lake.opened("second") as ws, pytest.raises(errors.StorageFailed) as told:
        ws.rows("SELECT * FROM flights")
    assert str(told.value) == f"s3://{lake.bucket}/{missing}: no such object"


def test_a_query_that_s3_does_not_answer_says_so_in_one_line(lake: Shared) -> None:
    refuse = answering("GET", "403 Forbidden", "AccessDenied")
    with lake.opened("second") as ws:
        with lake.store.failing(refuse), pytest.raises(errors.StoreRefused) as told:
            ws.rows("SELECT count(delay) FROM flights")
        assert told.value.message == f"{lake.url}: S3 answers AccessDenied"
        assert told.value.hint and told.value.hint.startswith("the credentials need")
        assert versions_read(ws) == BEFORE


# --- places that are none -------------------------------------------------------------


def test_credentials_or_anything_else_in_an_address_is_refused_and_not_repeated(
    empty: Shared, postgres: Server
) -> None:
    address = f"{postgres.url()}?schema=none"
    for url in (
        f"s3://key:{stores.SECRET}@{empty.bucket}/x",
        f"s3://{empty.bucket}/x?secret={stores.SECRET}",
        f"s3://{empty.bucket}/../x#{stores.SECRET}",
        f"s3://{empty.bucket}/../{stores.SECRET}",
        f"gs://{empty.bucket}/{stores.SECRET}",
        "s3://",
        "s3://UPPER/x",
    ):
        with pytest.raises(errors.UsageError) as told:
            interlock.open(address, data=url)
        assert stores.SECRET not in str(told.value)
    with pytest.raises(errors.UsageError, match="data= goes with"):
        interlock.open(empty.machines / "folder", data=empty.url)


def test_a_prefix_belongs_to_one_workspace(empty: Shared, postgres: Server, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="holds objects already"):
        interlock.open(f"{postgres.url()}?schema=another", data=empty.url)
    other = f"s3://{empty.bucket}/elsewhere"
    with pytest.raises(errors.FolderMissing, match="no files of this workspace"):
        interlock.open(empty.address, data=other)
    interlock.open(f"{postgres.url()}?schema=other_{empty.bucket}", data=other).close()
    with pytest.raises(errors.FolderMissing, match="of another workspace"):
        interlock.open(empty.address, data=other)
    with pytest.raises(errors.UsageError, match=re.escape(f"are in {empty.url}")):
        interlock.open(empty.address, data=tmp_path)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}, "IL412"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "IL413"),
        ({"AWS_PROFILE": "nobody"}, "IL413"),
        ({"AWS_ENDPOINT_URL_S3": "nonsense"}, "IL413"),
    ],
)
def test_an_s3_that_cannot_be_asked_is_said_when_the_workspace_is_opened(
    empty: Shared, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str | None], code: str
) -> None:
    for name, value in changed.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(errors.WorkspaceError) as told:
        empty.opened("second")
    assert told.value.code == code, told.value
    assert stores.SECRET not in str(told.value)


def test_a_bucket_that_is_not_there_makes_no_workspace(empty: Shared, postgres: Server) -> None:
    address = f"{postgres.url()}?schema=no_{empty.bucket}"
    with pytest.raises(errors.StoreRefused, match="NoSuchBucket"):
        interlock.open(address, data="s3://not-there/lake")
    with pytest.raises(errors.WorkspaceNotFound):
        interlock.open(address, create=False)


def test_without_boto3_it_says_what_to_install(empty: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(errors.ExtraMissing, match=r"interlock\[s3\]"):
        empty.opened("second")


def test_a_workspace_in_a_folder_imports_nothing_of_it(tmp_path: Path) -> None:
    code = f"import sys, interlock; interlock.open({str(tmp_path)!r}).close(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {m.partition(".")[0] for m in done.stdout.split()}.isdisjoint({"boto3", "botocore", "fsspec"})
