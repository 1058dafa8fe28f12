"""Several processes at once: nobody fails, nobody sees half, nothing mixes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import interlock
from tests.e2e import stories
from tests.e2e.stories import assert_whole, data, day
from tests.processes import Nursery

DAYS = 12


def files_of(place: Path, versions: range, days: int = 3) -> list[list[Any]]:
    """One file each for so many versions, going round the days."""
    return [[v % days, v, str(data(place, (v % days, v)))] for v in versions]


def test_one_writes_while_two_read_and_one_checks(nursery: Nursery, workspace: Path, tmp_path: Path) -> None:
    until = tmp_path / "done"
    readers = [nursery.start(stories.read_on, folder=workspace, until=until) for _ in range(2)]
    checker = nursery.start(stories.check_on, folder=workspace, file=data(tmp_path, (2, 1)), until=until)
    files = files_of(tmp_path, range(10, 10 + DAYS), days=6)
    writer = nursery.run(stories.write_on, folder=workspace, files=files)
    until.touch()
    assert writer.how == "ended", writer.why
    assert [decision for *_, decision in writer.told] == ["published"] * DAYS
    for reader in readers:
        ((word, reads),) = reader.ends().told
        assert word == "reads"
        assert reads >= 3
    ((word, checks),) = checker.ends().told
    assert word == "checks"
    assert checks >= 3
    found, recovered = assert_whole(workspace)
    assert found == {day(v % 6): v for v in range(10, 10 + DAYS)}
    assert recovered == ()


def test_writers_of_one_table_take_turns(nursery: Nursery, workspace: Path, tmp_path: Path) -> None:
    work = [files_of(tmp_path, range(100 * n, 100 * n + 6)) for n in (1, 2, 3)]
    running = [nursery.start(stories.write_on, folder=workspace, files=files) for files in work]
    endings = [one.ends() for one in running]
    found, recovered = assert_whole(workspace)
    last = [{day(n): version for n, version, _ in ending.told} for ending in endings]
    for label, version in found.items():
        assert version in [one[label] for one in last], "the last of one of the writers wins, whole"
    with interlock.open(workspace) as ws:
        assert len(ws.verdicts("flights")) == 4 + 18, "every write has its verdict, once"
    assert recovered == ()


def test_writers_of_different_tables_do_not_wait_for_each_other(
    nursery: Nursery, workspace: Path, tmp_path: Path
) -> None:
    with interlock.open(workspace) as ws:
        ws.table("trains", partition="day")
    until = tmp_path / "done"
    holder = nursery.start(stories.hold, folder=workspace, until=until)
    holder.until_told()
    with interlock.open(workspace) as ws:
        assert ws.table("trains").write(str(data(tmp_path, (0, 1)))).decision.value == "published"
    until.touch()
    holder.ends()


def test_one_who_waits_too_long_is_told_what_to_do_and_nothing_is_stored(
    nursery: Nursery, workspace: Path, tmp_path: Path
) -> None:
    until = tmp_path / "done"
    holder = nursery.start(stories.hold, folder=workspace, until=until)
    holder.until_told()
    file = data(tmp_path, (1, 2))
    (error,) = nursery.start(stories.impatient, folder=workspace, file=file, timeout_s=0.1).ends().told
    assert error["error"] == "IL403"
    assert "another process" in error["message"]
    assert "try again" in error["hint"]
    until.touch()
    holder.ends()
    assert assert_whole(workspace)[0] == {day(n): 1 for n in range(3)}
    (decision,) = nursery.start(stories.impatient, folder=workspace, file=file, timeout_s=0.1).ends().told
    assert decision == "published"


def test_a_killed_holder_of_the_lock_blocks_nobody(nursery: Nursery, workspace: Path, tmp_path: Path) -> None:
    holder = nursery.start(stories.hold, folder=workspace, until=tmp_path / "never")
    holder.until_told()
    holder.kill()
    holder.wait()
    file = data(tmp_path, (1, 2))
    (decision,) = nursery.start(stories.impatient, folder=workspace, file=file, timeout_s=0.1).ends().told
    assert decision == "published"


def test_several_who_make_a_workspace_at_once_make_one(nursery: Nursery, tmp_path: Path) -> None:
    for round_ in range(5):
        folder = tmp_path / f"workspace-{round_}"
        for one in [nursery.start(stories.create, folder=folder) for _ in range(4)]:
            one.ends()
        assert (folder / "catalog.sqlite").is_file()
        assert not (folder / ".interlock").exists()
        assert assert_whole(folder) == ({}, ())
        with interlock.open(folder) as ws:
            assert [e["kind"] for e in ws.ledger_entries()] == ["table"]


def test_a_start_beside_a_live_writer_leaves_it_alone(
    nursery: Nursery, workspace: Path, tmp_path: Path
) -> None:
    writer = nursery.start(stories.write_on, folder=workspace, files=files_of(tmp_path, range(10, 18)))
    while len(writer.told) < 8 and not writer.over:
        with interlock.open(workspace) as ws:
            assert not [line for line in ws.recovered if "write of" in line], ws.recovered
    writer.ends()
    assert assert_whole(workspace)[0] == {day(0): 15, day(1): 16, day(2): 17}
