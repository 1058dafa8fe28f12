"""What the operating system refuses is one clear error, and leaves the workspace as it was."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable

import pytest

from interlock import durable, errors
from interlock.catalog import Catalog, outbox
from interlock.ledger import Ledger, verify
from tests.ledger.stories import in_child

NOBODY = 65_534


def note(catalog: Catalog, text: str = "") -> None:
    with catalog.write() as tx:
        outbox.append(tx, "note", {"text": text})


def refused(work: Callable[[], None]) -> str:
    """The message of the `StorageFailed` that the work must end in, in a child process."""

    def attempt(acknowledge: Callable[[str], None]) -> None:
        try:
            work()
        except errors.StorageFailed as error:
            acknowledge(error.message)

    acknowledged, finished = in_child(attempt)
    assert finished
    assert len(acknowledged) == 1, "nothing was refused"
    return acknowledged[0]


def test_a_full_disk_while_committing(catalog: Catalog) -> None:
    with catalog.write() as tx:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(errors.StorageFailed, match="no space left on device"), catalog.write() as tx:  # noqa: PT012
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        outbox.append_all(tx, [("note", {"text": "x" * 60_000})] * 5)
    with catalog.read() as rx:
        assert outbox.all_(rx) == []


def test_files_that_may_not_grow(catalog: Catalog) -> None:
    folder = catalog.folder
    note(catalog, "before")
    catalog.close()
    limit = (folder / "catalog.sqlite").stat().st_size

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit // 2, limit // 2))
        with Catalog.open(folder) as opened:
            for _ in range(100):
                note(opened, "x" * 60_000)

    assert "catalog.sqlite" in refused(work)
    with Catalog.open(folder) as opened, opened.read() as rx:
        assert outbox.all_(rx)[0].kind == "note"


def test_ledger_files_that_may_not_grow(catalog: Catalog) -> None:
    folder = catalog.folder
    note(catalog, "x" * 60_000)
    catalog.close()

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with Catalog.open(folder) as opened:
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
            Ledger(folder / "ledger").project(opened)

    assert "File too large" in refused(work)
    with Catalog.open(folder) as opened:
        assert Ledger(folder / "ledger").project(opened) == 1
        report = verify(folder / "ledger", opened)
        assert (report.problems, report.notes) == ((), ())


@pytest.mark.skipif(os.getuid() != 0, reason="needs to become another user")
def test_a_folder_of_somebody_else(catalog: Catalog) -> None:
    folder = catalog.folder
    note(catalog)
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.getuid() and "pytest" in str(place):
            place.chmod(0o755)

    def work() -> None:
        os.setuid(NOBODY)
        with Catalog.open(folder) as opened:
            note(opened)

    assert "catalog.sqlite" in refused(work)

    def write_file() -> None:
        os.setuid(NOBODY)
        durable.write(folder / "data" / "x", b"")

    assert "Permission denied" in refused(write_file)
