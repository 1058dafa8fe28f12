"""Several real processes at one workspace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from interlock.catalog import Catalog, lake, outbox, partitions
from interlock.ledger import Ledger, verify
from tests.ledger.stories import assert_whole, prepare

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
from interlock.catalog import Catalog
from tests.ledger.stories import load
folder, name = sys.argv[1:]
with Catalog.open(folder) as catalog:
    for number in range(1, 16):
        load(catalog, f"{name}{number % 3}", number)
"""

CREATOR = """
import sys
from interlock.catalog import Catalog, outbox
from interlock.ledger import Ledger
with Catalog.create(sys.argv[1]) as catalog:
    with catalog.write() as tx:
        outbox.append(tx, "note", {})
    Ledger(catalog.folder / "ledger").project(catalog)
    print(catalog.id)
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    path = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=path, stdout=subprocess.PIPE, text=True
    )


def test_writers_take_turns_and_readers_see_whole_commits(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    prepare(folder, 1)
    writers = [start(WRITER, str(folder), name) for name in "abc"]
    seen = 0
    with Catalog.open(folder) as catalog:
        while any(writer.poll() is None for writer in writers):
            with catalog.read() as rx:
                current = partitions.current(rx, "flights")
                assert sorted(f.id for f in lake.files(rx, "flights")) == sorted(
                    p.data_file_id or 0 for p in current
                )
                assert len({p.label for p in current}) == len(current)
                entries = len(outbox.all_(rx))
                assert entries >= seen
                seen = entries
            report = verify(folder / "ledger")
            assert report.size <= entries + 3 * 15
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    found = assert_whole(folder)
    assert found == {f"{name}{n % 3}": n for name in "abc" for n in (13, 14, 15)}
    assert Ledger(folder / "ledger").size == 1 + 3 * 15


def test_a_workspace_made_by_several_at_once_is_one(tmp_path: Path) -> None:
    makers = [start(CREATOR, str(tmp_path / "workspace")) for _ in range(4)]
    ids = {maker.communicate()[0] for maker in makers}
    assert [maker.returncode for maker in makers] == [0] * 4
    assert len(ids) == 1
    with Catalog.open(tmp_path / "workspace") as catalog:
        report = verify(catalog.folder / "ledger", catalog)
        assert (report.size, report.problems) == (4, ())
