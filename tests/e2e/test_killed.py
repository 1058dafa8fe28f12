"""``kill -9`` at every boundary and at any moment: nothing half, nothing acknowledged lost, nothing twice.

``INTERLOCK_TEST_KILLS=200`` sets the number of random moments, and lets the
tests of boundaries stop before and after each call.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock import settings
from tests import processes
from tests.e2e import stories
from tests.e2e.stories import assert_whole, data, data_of_each, day
from tests.processes import ENDED, KILLED, Ending, Nursery

KILLS = int(os.environ.get("INTERLOCK_TEST_KILLS", "15"))
STEP = 1 if "INTERLOCK_TEST_KILLS" in os.environ else 5  # before and after the calls by turns
WRITES = 12  # more than fit into the time before the kill
BEFORE = {day(n): 1 for n in range(3)}

CUT_OFF, COMMITTED, CAUGHT_UP = "cut off before its commit", "had committed", "ledger entries"


def every_boundary(
    nursery: Nursery, prepared: Path | None, place: Path, work: Callable[..., None], **given: Any
) -> Iterator[tuple[Path, Ending]]:
    return processes.every_boundary(nursery, prepared, place, work, step=STEP, more_than=40, **given)


def assert_says_what_happened(recovered: tuple[str, ...], *, happened: bool, acknowledged: bool) -> None:
    """``recovered`` never calls lost what is there, nor published what is not; what was acknowledged is no news."""
    said = "\n".join(recovered)
    assert not (happened and CUT_OFF in said), said
    assert not (not happened and (COMMITTED in said or CAUGHT_UP in said)), said
    assert not (acknowledged and said), said


def test_a_write_is_there_or_not(nursery: Nursery, prepared: Path, tmp_path: Path) -> None:
    file = data(tmp_path, (1, 2))
    said = set()
    for folder, ending in every_boundary(nursery, prepared, tmp_path, stories.write, file=file):
        found, recovered = assert_whole(folder)
        happened = found[day(1)] == 2
        assert found == {**BEFORE, day(1): 2 if happened else 1}
        assert happened or not ending.told, "an acknowledged write was lost"
        assert_says_what_happened(recovered, happened=happened, acknowledged=bool(ending.told))
        said |= {word for word in (CUT_OFF, COMMITTED, CAUGHT_UP) for line in recovered if word in line}
    assert said == {CUT_OFF, COMMITTED, CAUGHT_UP}


def test_a_refused_write_is_in_quarantine_or_not(nursery: Nursery, prepared: Path, tmp_path: Path) -> None:
    file = data(tmp_path, (2, 3), bad=True)
    for folder, ending in every_boundary(nursery, prepared, tmp_path, stories.write, file=file):
        found, recovered = assert_whole(folder)
        assert found == BEFORE
        held = held_labels(folder)
        assert held.count(day(2)) <= 1
        assert day(2) in held or not ending.told, "an acknowledged verdict was lost"
        assert_says_what_happened(recovered, happened=day(2) in held, acknowledged=bool(ending.told))


def test_a_backfill_is_there_as_a_whole_or_not_at_all(
    nursery: Nursery, prepared: Path, tmp_path: Path
) -> None:
    file = data(tmp_path, (2, 2), (3, 2), (4, 2))
    after = {**BEFORE, day(2): 2, day(3): 2, day(4): 2}
    for folder, ending in every_boundary(nursery, prepared, tmp_path, stories.backfill, file=file):
        found, recovered = assert_whole(folder)
        assert found in (BEFORE, after)
        assert found == after or not ending.told
        assert_says_what_happened(recovered, happened=found == after, acknowledged=bool(ending.told))


def test_a_release_happened_or_not(nursery: Nursery, prepared: Path, tmp_path: Path) -> None:
    for folder, ending in every_boundary(nursery, prepared, tmp_path, stories.release, label=day(1)):
        found, recovered = assert_whole(folder)
        happened = found[day(1)] == 5
        assert held_labels(folder) == ([] if happened else [day(1)])
        assert labels_in_ledger(folder, "release") == ([day(1)] if happened else [])
        assert happened or not ending.told
        assert_says_what_happened(recovered, happened=happened, acknowledged=bool(ending.told))


def test_a_drop_happened_or_not(nursery: Nursery, prepared: Path, tmp_path: Path) -> None:
    seen = set()
    for folder, ending in every_boundary(nursery, prepared, tmp_path, stories.drop, label=day(1)):
        found, recovered = assert_whole(folder)
        assert found == BEFORE
        happened = held_labels(folder) == []
        assert labels_in_ledger(folder, "drop") == ([day(1)] if happened else [])
        assert len(files_after_the_grace_period(folder)) == (0 if happened else 1)
        assert happened or not ending.told, "an acknowledged drop was lost"
        assert_says_what_happened(recovered, happened=happened, acknowledged=bool(ending.told))
        seen.add((happened, bool(ending.told)))
    assert seen == {(False, False), (True, False), (True, True)}


def test_an_attached_file_is_judged_once(nursery: Nursery, prepared: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    data(tmp_path, (0, 1)).rename(lake / f"{day(0)}.parquet")
    glob = str(lake / "*.parquet")
    for folder, ending in every_boundary(nursery, prepared, tmp_path, stories.judge_new, glob=glob):
        assert assert_whole(folder)[0] == BEFORE
        with interlock.open(folder) as ws:
            again = ws.attach("lake", glob).judge_new()
            assert not (again and ending.told), "an acknowledged verdict was lost and made again"
            assert [v["partition"] for v in ws.verdicts("lake")] == [day(0)]
            assert ws.verify_ledger().ok


def test_a_first_workspace_can_be_opened_again(nursery: Nursery, tmp_path: Path) -> None:
    for folder, ending in every_boundary(nursery, None, tmp_path, stories.create):
        again = nursery.run(stories.create, folder=folder)
        assert again.how == ENDED, again.why
        assert (folder / "catalog.sqlite").is_file(), "the second start made its workspace in another place"
        assert assert_whole(folder) == ({}, ())
        if ending.told:
            assert len(entries_of(folder)) == 1


@pytest.mark.timeout(300 + 5 * KILLS)
def test_at_random_moments_of_a_run(nursery: Nursery, workspace: Path, tmp_path: Path) -> None:
    chance = random.Random(11)
    expected = dict(BEFORE)
    for round_ in range(KILLS):
        plan = [
            (chance.randrange(6), 10 + round_ * 100 + number, number % 5 == 4) for number in range(WRITES)
        ]
        files = data_of_each(tmp_path, plan)
        child = nursery.start(stories.write_on, folder=workspace, files=files)
        threading.Timer(chance.uniform(0.05, 1.5), child.kill).start()
        ending = child.wait()
        assert ending.how in (KILLED, ENDED), ending.why
        found, recovered = assert_whole(workspace)
        for n, version, decision in ending.told:
            if decision == "published":
                expected[day(n)] = version
        pending = files[len(ending.told)] if len(ending.told) < len(files) else None
        if pending is not None and found.get(day(pending[0])) == pending[1]:
            expected[day(pending[0])] = pending[1]
            assert CUT_OFF not in "\n".join(recovered)
        assert found == expected, (recovered, ending.told)


def held_labels(folder: Path) -> list[str]:
    with interlock.open(folder) as ws:
        return [h.label for h in ws.quarantined("flights")]


def entries_of(folder: Path) -> list[dict[str, Any]]:
    with interlock.open(folder) as ws:
        return ws.ledger_entries(100)


def labels_in_ledger(folder: Path, kind: str) -> list[str]:
    return [e["partition"] for e in entries_of(folder) if e["kind"] == kind]


def files_after_the_grace_period(folder: Path) -> list[Path]:
    """What is left in quarantine once files that nobody refers to are removed."""
    with settings.override(orphan_grace_s=0), interlock.open(folder) as ws:
        assert all(f.ok for f in ws.doctor())
    return list((folder / "quarantine").rglob("*.parquet"))
