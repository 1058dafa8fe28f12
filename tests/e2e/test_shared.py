"""A workspace in PostgreSQL that several machines share: killed writers, a server that falls, nothing half or lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock import errors
from tests import places
from tests.e2e import stories
from tests.e2e.stories import assert_whole, data, data_of_each, day
from tests.postgres import Cluster, Server, cluster
from tests.processes import ENDED, KILLED, Nursery

STEP = 1 if "INTERLOCK_TEST_KILLS" in os.environ else 5
FALLS = 3
BEFORE = {day(n): 1 for n in range(3)}


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    made = places.of("postgres", tmp_path / "workspace", request)
    stories.prepare(made)
    return made


@pytest.fixture(scope="module")
def falling() -> Iterator[Cluster]:
    with cluster("fsync=off") as made:
        yield made


def test_killed_at_every_boundary_of_a_write_the_next_start_puts_it_right(
    nursery: Nursery, place: str, tmp_path: Path
) -> None:
    at, version, how = 0, 1, KILLED
    while how == KILLED:
        at, before = at + STEP, version
        version += 1
        file = data(tmp_path, (1, version))
        ending = nursery.run(stories.write, kill_at=at, folder=place, file=file)
        assert ending.how in (KILLED, ENDED), ending.why
        found, recovered = assert_whole(place)
        assert found in ({**BEFORE, day(1): before}, {**BEFORE, day(1): version})
        happened = found[day(1)] == version
        assert happened or not ending.told, "a write that was acknowledged is lost"
        assert not (happened and any("cut off" in said for said in recovered))
        version, how = found[day(1)], ending.how
    assert version > 1
    assert at > 40, "the story has fewer boundaries than its effects have"


def test_killed_with_rows_on_their_way_to_postgresql_nothing_of_them_is_there(
    nursery: Nursery, place: str, tmp_path: Path
) -> None:
    file = data(tmp_path, (1, 9))
    ending = nursery.run(stories.write_and_die_copying, folder=place, file=file)
    assert ending.how == KILLED and not ending.told, ending.why
    found, recovered = assert_whole(place)
    assert found == BEFORE
    assert len(recovered) == 1 and "cut off before its commit" in recovered[0]


def test_writers_on_several_machines_and_readers_beside_them(
    nursery: Nursery, place: str, tmp_path: Path
) -> None:
    """Every machine reaches the folder under a name of its own."""
    writers, until = [], tmp_path / "until"
    for number in range(2):
        mounted = tmp_path / f"mounted-{number}"
        mounted.symlink_to(tmp_path / "workspace")
        versions = [(3 + number, 10 + v, False) for v in range(3)] + [
            (0, 20 + 10 * number + v, False) for v in range(3)
        ]
        files = data_of_each(tmp_path, versions)
        there = f"{place}&data={mounted}"
        writers.append(nursery.start(stories.write_on, folder=there, files=files))
    reader = nursery.start(stories.read_on, folder=place, until=until)
    told = [writer.ends().told for writer in writers]
    until.touch()
    (reads,) = reader.ends().told
    assert reads[0] == "reads"
    assert [len(t) for t in told] == [6, 6]
    found, recovered = assert_whole(place)
    assert recovered == ()
    assert {label: version for label, version in found.items() if label in (day(3), day(4))} == {
        day(3): 12,
        day(4): 12,
    }
    assert found[day(0)] in (22, 32)


def test_a_server_that_falls_while_writers_are_at_it(
    falling: Cluster, nursery: Nursery, tmp_path: Path
) -> None:
    place = places.address(falling.server, tmp_path / "workspace", "falls")
    stories.prepare(place)
    acknowledged: dict[str, int] = {}
    for round_ in range(FALLS):
        versions = [(3 + round_ % 2, 100 * (round_ + 1) + v, False) for v in range(40)]
        files = data_of_each(tmp_path, versions)
        writer = nursery.start(stories.write_on, folder=place, files=files)
        writer.until_told(1 + round_)
        falling.fall()
        ending = writer.wait()
        assert ending.how == "failed", "it wrote everything before the server fell"
        assert "errors.DatabaseUnreachable" in ending.why or "errors.CommitUnknown" in ending.why, ending.why
        falling.start()
        acknowledged |= {day(n): version for n, version, _ in ending.told}
        found, _ = assert_whole(place)
        for label, version in acknowledged.items():
            assert found[label] >= version, "a write that was acknowledged is lost"


def test_a_write_whose_connection_is_lost_leaves_nothing(
    place: str, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock's session ends while the partition is judged: another machine may have taken over."""
    from interlock.gates import write

    judged = write.judged

    def judged_meanwhile(*given: object) -> object:
        result = judged(*given)  # type: ignore[arg-type]
        with postgres.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE application_name = 'interlock'"
            )
        return result

    with interlock.open(place) as ws:
        monkeypatch.setattr(write, "judged", judged_meanwhile)
        with pytest.raises(errors.DatabaseUnreachable):
            ws.table("flights").write(str(data(tmp_path, (1, 9))))
        monkeypatch.undo()
    found, recovered = assert_whole(place)
    assert found == BEFORE
    assert len(recovered) == 1 and "cut off before its commit" in recovered[0]
    with interlock.open(place) as ws:
        assert ws.table("flights").write(str(data(tmp_path, (1, 9)))).decision.value == "published"
    assert assert_whole(place)[0] == {**BEFORE, day(1): 9}


def test_the_folder_of_a_shared_workspace_is_not_taken_for_a_workspace(place: str, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="whose catalog is in a database"):
        interlock.open(tmp_path / "workspace")
    with pytest.raises(errors.UsageError, match="data= goes with"):
        interlock.open(tmp_path / "new", data=tmp_path)
    with pytest.raises(errors.WorkspaceNotFound):
        interlock.open(place.replace("schema=", "schema=x"), create=False)


def test_the_contract_is_that_of_the_current_folder_else_the_shared_one(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    contract = "version: 1\ntables: {NAME: {partition: day}}\n"
    with interlock.open(place) as ws:
        assert ws.contract_path == tmp_path / "workspace" / "interlock.yaml"
        ws.contract_path.write_text(contract.replace("NAME", "trains"))
    with interlock.open(place) as ws:
        assert [t.name for t in ws.tables()] == ["flights", "trains"]
    (tmp_path / "interlock.yaml").write_text(contract.replace("NAME", "ships"))
    with interlock.open(place) as ws:
        assert ws.contract_path == tmp_path / "interlock.yaml"
        assert [t.name for t in ws.tables()] == ["flights", "ships", "trains"]
