"""Looking into versions: what differs between two, what their files are, what they take."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select, true

from interlock.catalog.catalog import Reader
from interlock.catalog.vault import schema as s
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import READABLE, VersionRecord
from interlock.errors import InterlockError
from interlock.vault import layout, materialise, recipes
from interlock.vault.contents import Contents, contents
from interlock.vault.manifest import File, Stored
from interlock.vault.ranges import FileRanges, ObjectRanges, Ranges
from interlock.vault.recipes import RecipeRanges
from interlock.vault.stores.opened import Stores

if TYPE_CHECKING:
    from interlock.vault.difference import Difference


@dataclass(frozen=True, slots=True)
class Usage:
    """``held_bytes`` is what the files of all versions add up to, ``stored_bytes`` what their objects take."""

    versions: int
    files: int
    held_bytes: int
    stored_bytes: int

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def diff(stores: Stores, before: VersionRecord, after: VersionRecord) -> Difference:
    """What it takes to come from one version to the other."""
    from interlock.vault.difference import Side, difference  # needs numpy

    with ExitStack() as stack:
        sides = [
            {
                f.path: Side(f"{f.stored}:{f.sha256}", f.size_bytes, _opener(stack, stores, f))
                for f in materialise.manifest(stores, record).files
            }
            for record in (before, after)
        ]
        return difference(*sides)


def contents_of(stores: Stores, record: VersionRecord) -> dict[str, Contents]:
    """What each file is, by path; one that cannot be read is left out, as scrub tells more of it."""
    found = {}
    with ExitStack() as stack:
        for file in materialise.manifest(stores, record).files:
            try:
                found[file.path] = contents(_opener(stack, stores, file)())
            except InterlockError:
                continue
    return found


def usage(rx: Reader, prefix: str = "") -> Usage:
    """Of the versions at or under a name that can be read, tombstones too: they take their place still."""
    v, u, o = s.versions, s.uses, s.objects
    wanted = and_(
        v.c.state.in_([state.value for state in READABLE]),
        versions.at_or_under(v.c.name, prefix) if prefix else true(),
    )
    sums = select(func.count(), func.sum(v.c.files), func.sum(v.c.size_bytes)).where(wanted)
    count, files, held = rx.connection.execute(sums).one()
    used = select(u.c.key).join(v, v.c.id == u.c.version_id).where(wanted).distinct()
    stored = rx.connection.scalar(select(func.sum(o.c.size_bytes)).where(o.c.key.in_(used)))
    return Usage(int(count), int(files or 0), int(held or 0), int(stored or 0))


def _opener(stack: ExitStack, stores: Stores, file: File) -> Callable[[], Ranges]:
    """Opens a file of a version to be read from anywhere in it; what is in no store is copied first."""

    def open_() -> Ranges:
        store = stores.pinned()[0]
        if file.stored is Stored.PLAIN:
            return ObjectRanges(store, layout.object_key(file.sha256), file.size_bytes)
        if file.stored is Stored.RECIPE:
            return RecipeRanges(store, recipes.load(store, file.sha256))
        return stack.enter_context(_copied(stores, file))

    return open_


@contextmanager
def _copied(stores: Stores, file: File) -> Iterator[Ranges]:
    with tempfile.TemporaryDirectory(prefix="interlock-") as folder:
        copy = Path(folder) / "file"
        with copy.open("wb") as out:
            for data in materialise.pieces(stores, stores.pinned()[0], file):
                out.write(data)
        with FileRanges(copy) as ranges:
            yield ranges
