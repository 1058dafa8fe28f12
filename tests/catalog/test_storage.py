"""What the operating system refuses is one clear error, and leaves the workspace as it was."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock import durable, errors, settings
from interlock.catalog import Catalog, outbox
from interlock.catalog import sqlite as storage
from interlock.ledger import Ledger, verify
from tests.processes import Nursery, Tell

NOBODY = 65_534


@pytest.fixture
def place(tmp_path: Path) -> str:
    """SQLite's files; what a database server refuses is in ``test_postgres``."""
    return str(tmp_path / "workspace")


def note(catalog: Catalog, text: str = "") -> None:
    with catalog.write() as tx:
        outbox.append(tx, "note", {"text": text})


def refused(nursery: Nursery, work: Callable[..., None], **given: Any) -> str:
    """The message of the `StorageFailed` that the work must tell, in another process."""
    told = nursery.start(work, **given).ends().told
    assert len(told) == 1, "nothing was refused"
    return str(told[0])


@contextlib.contextmanager
def refusal(tell: Tell) -> Iterator[None]:
    try:
        yield
    except errors.StorageFailed as error:
        tell(error.message)


def let_no_file_grow_past(size_bytes: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def commit_in_little_room(tell: Tell, folder: str, size_bytes: int) -> None:
    let_no_file_grow_past(size_bytes)
    with refusal(tell), Catalog.open(folder) as opened:
        for _ in range(100):
            note(opened, "x" * 60_000)


def project_in_little_room(tell: Tell, folder: str, size_bytes: int) -> None:
    with refusal(tell), Catalog.open(folder) as opened:
        let_no_file_grow_past(size_bytes)
        Ledger(Path(folder) / "ledger").project(opened)


def commit_as_nobody(tell: Tell, folder: str) -> None:
    os.setuid(NOBODY)
    with refusal(tell), Catalog.open(folder) as opened:
        note(opened)


def write_as_nobody(tell: Tell, file: str) -> None:
    os.setuid(NOBODY)
    with refusal(tell):
        durable.write(Path(file), b"")


def test_a_full_disk_while_committing(catalog: Catalog) -> None:
    with catalog.write() as tx:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(errors.StorageFailed, match="no space left on device"), catalog.write() as tx:  # noqa: PT012
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        outbox.append_all(tx, [("note", {"text": "x" * 60_000})] * 5)
    with catalog.read() as rx:
        assert outbox.all_(rx) == []


def test_files_that_may_not_grow(nursery: Nursery, catalog: Catalog) -> None:
    folder = catalog.folder
    note(catalog, "before")
    catalog.close()
    limit = (folder / "catalog.sqlite").stat().st_size
    message = refused(nursery, commit_in_little_room, folder=folder, size_bytes=limit // 2)
    assert "catalog.sqlite" in message
    with Catalog.open(folder) as opened, opened.read() as rx:
        assert outbox.all_(rx)[0].kind == "note"


def test_ledger_files_that_may_not_grow(nursery: Nursery, catalog: Catalog) -> None:
    folder = catalog.folder
    note(catalog, "x" * 60_000)
    catalog.close()
    message = refused(nursery, project_in_little_room, folder=folder, size_bytes=30_000)
    assert "File too large" in message
    with Catalog.open(folder) as opened:
        assert Ledger(folder / "ledger").project(opened) == 1
        report = verify(folder / "ledger", opened)
        assert (report.problems, report.notes) == ((), ())


@pytest.mark.skipif(os.getuid() != 0, reason="needs to become another user")
def test_a_folder_of_somebody_else(nursery: Nursery, catalog: Catalog) -> None:
    folder = catalog.folder
    note(catalog)
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.getuid() and "pytest" in str(place):
            place.chmod(0o755)
    assert "catalog.sqlite" in refused(nursery, commit_as_nobody, folder=folder)
    assert "Permission denied" in refused(nursery, write_as_nobody, file=folder / "data" / "x")


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_new_file_waits_for_who_is_at_it(tmp_path: Path, begin: str) -> None:
    file = tmp_path / "catalog.sqlite"
    with (
        contextlib.closing(storage.connect(file)) as other,
        contextlib.closing(storage.connect(file)) as ours,
    ):
        other.execute("CREATE TABLE held (a)")
        other.execute(begin)
        other.execute("SELECT * FROM held").fetchall()
        let_go = threading.Timer(0.2, other.execute, ["COMMIT"])
        let_go.start()
        storage.prepare(ours, file)
        let_go.join()
        assert ours.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_new_file_is_not_waited_for_without_end(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    with (
        contextlib.closing(storage.connect(file)) as other,
        contextlib.closing(storage.connect(file)) as ours,
    ):
        other.execute("BEGIN IMMEDIATE")
        with settings.override(lock_timeout_s=0.05), pytest.raises(errors.WorkspaceBusy):
            storage.prepare(ours, file)
