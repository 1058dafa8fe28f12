"""Several real processes at one workspace."""

from __future__ import annotations

from pathlib import Path

from interlock.catalog import Catalog, lake, outbox, partitions
from interlock.ledger import Ledger, verify
from tests.ledger import stories
from tests.ledger.stories import assert_whole, prepare
from tests.processes import Nursery


def test_writers_take_turns_and_readers_see_whole_commits(
    nursery: Nursery, place: str, tmp_path: Path
) -> None:
    folder = tmp_path / "workspace"
    prepare(place, 1)
    loads = {name: [(f"{name}{number % 3}", number) for number in range(1, 16)] for name in "abc"}
    writers = [nursery.start(stories.load_each, folder=place, loads=loads[name]) for name in "abc"]
    seen = 0
    with Catalog.open(place) as catalog:
        while not all(writer.over for writer in writers):
            with catalog.read() as rx:
                current = partitions.current(rx, "flights")
                assert sorted(f.id for f in lake.files(rx, "flights")) == sorted(
                    p.data_file_id or 0 for p in current
                )
                assert len({p.label for p in current}) == len(current)
                entries = len(outbox.all_(rx))
                assert entries >= seen
                seen = entries
            report = verify(folder / "ledger", catalog)
            assert report.size <= entries + 3 * 15
    for writer in writers:
        writer.ends()
    found = assert_whole(place)
    assert found == {f"{name}{n % 3}": n for name in "abc" for n in (13, 14, 15)}
    assert Ledger(folder / "ledger").size == 1 + 3 * 15


def test_a_workspace_made_by_several_at_once_is_one(nursery: Nursery, place: str) -> None:
    makers = [nursery.start(stories.make_and_note, folder=place) for _ in range(4)]
    ids = {maker.ends().told for maker in makers}
    assert len(ids) == 1
    with Catalog.open(place) as catalog:
        report = verify(catalog.folder / "ledger", catalog)
        assert (report.size, report.problems) == (4, ())
