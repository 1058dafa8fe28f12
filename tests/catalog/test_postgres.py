"""A catalog in PostgreSQL: its address, who may what, what happens when a connection or the server is lost."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from interlock import errors, settings
from interlock.catalog import Catalog, outbox, tables
from interlock.catalog.address import Address
from tests import places
from tests.catalog.test_catalog import a_table
from tests.postgres import Cluster, Server, cluster

SECRET = "s3cr3t"


@pytest.fixture
def place(postgres: Server, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return places.of("postgres", tmp_path / "workspace", request)


def notes(place: str) -> list[str]:
    with Catalog.open(place) as catalog, catalog.read() as rx:
        return [row.kind for row in outbox.all_(rx)]


def note(catalog: Catalog, kind: str) -> None:
    with catalog.write() as tx:
        outbox.append(tx, kind, {})


# --- the address ----------------------------------------------------------------------


def test_an_address_names_database_schema_and_folder() -> None:
    found = Address.of("postgresql://ann@db.example:6543/shop?sslmode=require&schema=a%26b&data=/mnt/x%20y")
    assert (found.schema, found.data) == ("a&b", "/mnt/x y")
    assert found.options == {
        "user": "ann",
        "host": "db.example",
        "port": "6543",
        "dbname": "shop",
        "sslmode": "require",
    }
    assert found.where == "db.example:6543, database shop, schema a&b"


def test_the_schema_is_not_that_of_rules_unless_named() -> None:
    from interlock.constraints.postgres import SCHEMA

    assert Address.of("postgresql://h/d").schema != SCHEMA


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql://ann:{SECRET}@h/d?schema=interlock", "not for a workspace"),
        (f"postgresql://ann:{SECRET}@h/d?schema=pg_x", "not for a workspace"),
        (f"postgresql://ann:{SECRET}@h/d?schema=", "cannot name a schema"),
        (f"postgresql://ann:{SECRET}@h/d?schema={'ü' * 32}", "1 to 63 bytes"),
        (f"postgresql://ann:{SECRET}@h/d?colour=red", "no PostgreSQL address"),
        (f"postgresql://ann:x@{SECRET}@h/d", "more than one @"),
        (f"postgresql://ann:{SECRET}/x@h/d", "more than one @"),
        (f"mysql://ann:{SECRET}@h/d", "mysql:// is no workspace"),
    ],
)
def test_what_is_no_address_is_told_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(errors.UsageError, match=said) as refused:
        Catalog.open(url)
    assert SECRET not in str(refused.value)


def test_63_bytes_name_a_schema_and_several_live_in_one_database(postgres: Server, tmp_path: Path) -> None:
    first, second = (
        places.address(postgres, tmp_path / name, schema)
        for name, schema in (("a", "ü" * 31), ("b", "select"))
    )
    with Catalog.create(first) as one, Catalog.create(second) as other:
        assert one.id != other.id
        note(one, "one")
        with one.write() as tx, settings.override(lock_timeout_s=0.05):
            note(other, "other")
            outbox.append(tx, "two", {})
    assert (notes(first), notes(second)) == (["one", "two"], ["other"])


@pytest.mark.parametrize(
    "url", [f"postgresql://ann:{SECRET}@127.0.0.1:1/d", f"postgresql://ann:{SECRET}@h.invalid/d"]
)
def test_a_server_that_is_not_there_is_told_without_secrets(url: str) -> None:
    with pytest.raises(errors.DatabaseUnreachable, match="cannot reach") as refused:
        Catalog.open(url)
    assert SECRET not in str(refused.value)


def test_a_database_that_is_not_there_is_told(postgres: Server) -> None:
    with pytest.raises(errors.DatabaseUnreachable, match='"nowhere" does not exist'):
        Catalog.open(postgres.url("nowhere"))


# --- the folder -----------------------------------------------------------------------


def test_a_new_workspace_needs_a_folder(postgres: Server) -> None:
    with pytest.raises(errors.UsageError, match="no place for its files"):
        Catalog.create(f"{postgres.url()}?schema=homeless")
    with pytest.raises(errors.UsageError, match="no address of files on S3"):
        Catalog.create(f"{postgres.url()}?schema=homeless", "gs://bucket/lake")
    with pytest.raises(errors.WorkspaceNotFound):
        Catalog.open(f"{postgres.url()}?schema=homeless")


def test_the_folder_is_kept_and_another_machine_may_reach_it_otherwise(
    postgres: Server, tmp_path: Path
) -> None:
    url, mounted = f"{postgres.url()}?schema=kept", tmp_path / "mounted elsewhere"
    Catalog.create(url, tmp_path / "lake").close()
    with Catalog.open(url) as opened:
        assert opened.folder == tmp_path / "lake"
    mounted.symlink_to(tmp_path / "lake")
    with Catalog.open(url, mounted) as opened:
        assert (opened.folder, opened.files.where) == (mounted, str(mounted))
    with Catalog.open(f"{url}&data={quote(str(mounted))}") as opened:
        assert opened.folder == mounted
    with Catalog.open(url) as opened:
        assert opened.folder == tmp_path / "lake", "what one machine says is not the others'"


def test_a_folder_that_is_not_there_or_anothers_is_told_before_anything_is_written(
    postgres: Server, tmp_path: Path
) -> None:
    url = f"{postgres.url()}?schema=lost"
    Catalog.create(url, tmp_path / "lake").close()
    Catalog.create(f"{postgres.url()}?schema=other", tmp_path / "other").close()
    (tmp_path / "empty").mkdir()
    for given, said in (
        (tmp_path / "nowhere", "there is no"),
        (tmp_path / "empty", "holds no files of this workspace"),
        (tmp_path / "other", "holds the files of another workspace"),
    ):
        with pytest.raises(errors.FolderMissing, match=said):
            Catalog.create(url, given)
        with pytest.raises(errors.FolderMissing, match=said):
            Catalog.open(url, given)
    (tmp_path / "lake").rename(tmp_path / "unmounted")
    with pytest.raises(errors.FolderMissing, match="there is no"):
        Catalog.open(url)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "other", "unmounted"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_two_workspaces_do_not_share_a_folder(postgres: Server, tmp_path: Path) -> None:
    Catalog.create(f"{postgres.url()}?schema=first", tmp_path / "lake").close()
    with pytest.raises(errors.UsageError, match="holds data of another workspace"):
        Catalog.create(f"{postgres.url()}?schema=second", tmp_path / "lake")
    with pytest.raises(errors.WorkspaceNotFound):
        Catalog.open(f"{postgres.url()}?schema=second")


def test_what_a_making_that_was_cut_off_left_is_no_obstacle(postgres: Server, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / ".interlock-workspace").write_text("of a workspace that was never committed\n")
    Catalog.create(f"{postgres.url()}?schema=again", tmp_path / "lake").close()
    Catalog.open(f"{postgres.url()}?schema=again").close()


# --- rights ---------------------------------------------------------------------------


def role(server: Server, name: str) -> str:
    with server.connect() as connection:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    return name


def as_user(place: str, server: Server, name: str) -> str:
    return place.replace(server.url(), server.url(user=name))


def test_who_may_nothing_is_told_so(place: str, postgres: Server) -> None:
    Catalog.create(place).close()
    with pytest.raises(errors.DatabaseRefused, match="permission denied"):
        Catalog.open(as_user(place, postgres, role(postgres, "nobody_at_all")))


def test_who_may_make_no_schema_is_told_so(place: str, postgres: Server) -> None:
    with pytest.raises(errors.DatabaseRefused, match="permission denied for database"):
        Catalog.create(as_user(place, postgres, role(postgres, "guest")))


def test_the_rights_of_the_how_to_are_enough(place: str, postgres: Server) -> None:
    Catalog.create(place).close()
    user = role(postgres, "pipeline")
    page = (Path(__file__).parents[2] / "docs/how-to/share-a-workspace.md").read_text("utf-8")
    grants = page.partition("```sql\n")[2].partition("```")[0]
    assert "GRANT" in grants
    with postgres.connect() as connection:
        connection.execute(
            grants.replace("interlock_workspace", sql.Identifier(Address.of(place).schema).as_string())
        )
    with Catalog.open(as_user(place, postgres, user)) as catalog:
        for number in range(120):  # so that old commits' rows are swept once
            note(catalog, f"n{number}")
        with catalog.write() as tx:
            tables.put(tx, a_table("flights"))
    assert len(notes(place)) == 120


def test_a_database_that_only_reads_is_told(place: str, postgres: Server) -> None:
    Catalog.create(place).close()
    with Catalog.open(f"{place}&options=-c%20default_transaction_read_only%3Don") as catalog:
        with catalog.read() as rx:
            assert outbox.all_(rx) == []
        with pytest.raises(errors.DatabaseRefused, match="read-only"):
            note(catalog, "x")


def test_text_that_postgres_cannot_hold_is_told(place: str) -> None:
    with (
        Catalog.create(place) as catalog,
        pytest.raises(errors.DataError, match="NUL"),
        catalog.write() as tx,
    ):
        tables.put(tx, a_table("a\0b"))


def test_a_workspace_whose_tables_were_dropped_is_told(place: str, postgres: Server) -> None:
    with Catalog.create(place) as catalog:
        name = sql.Identifier(Address.of(place).schema).as_string()
        with postgres.connect() as connection:
            connection.execute(f"DROP TABLE {name}.interlock_outbox")  # type: ignore[call-overload]
        with pytest.raises(errors.WorkspaceCorrupt, match="interlock_outbox"):
            note(catalog, "x")


def test_texts_sort_as_in_sqlite_whatever_the_databases_locale(postgres: Server, tmp_path: Path) -> None:
    with postgres.connect() as connection:
        connection.execute(
            "CREATE DATABASE english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'"
        )
        assert connection.execute("SELECT 'a' < 'B' COLLATE \"en-US-x-icu\"").fetchone() == (True,)
    with Catalog.create(postgres.url("english"), tmp_path / "lake") as catalog:
        with catalog.write() as tx:
            for name in ("a", "B", "Ä", "_"):
                tables.put(tx, a_table(name))
        with catalog.read() as rx:
            assert [t.name for t in tables.list_(rx)] == ["B", "_", "a", "Ä"]
        with pytest.raises(errors.TableConflict), catalog.write() as tx:
            tables.put(tx, a_table("A"))


def test_a_commit_is_on_disk_whatever_the_database_defaults_to(place: str) -> None:
    with Catalog.create(place).__enter__() as catalog, catalog.read() as rx:
        assert rx.connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    with Catalog.open(f"{place}&options=-c%20synchronous_commit%3Doff") as catalog, catalog.read() as rx:
        assert rx.connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    with (
        Catalog.open(f"{place}&options=-c%20synchronous_commit%3Dremote_apply") as catalog,
        catalog.read() as rx,
    ):
        assert rx.connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "remote_apply"


def test_a_reader_cannot_write(place: str) -> None:
    refused = pytest.raises(errors.DatabaseRefused, match="read-only")
    with Catalog.create(place) as catalog, refused, catalog.read() as rx:
        rx.connection.exec_driver_sql("DELETE FROM interlock_outbox")


# --- others at the same tables --------------------------------------------------------


def test_a_stock_writer_and_ours_wait_for_each_other(place: str, postgres: Server) -> None:
    with Catalog.create(place) as catalog, postgres.connect() as theirs:
        name = sql.Identifier(Address.of(place).schema).as_string()
        insert = f"INSERT INTO {name}.ducklake_snapshot VALUES (1, now(), 0, 1, 0)"
        with theirs.transaction():
            theirs.execute(insert)  # type: ignore[call-overload]
            with settings.override(lock_timeout_s=0.05), pytest.raises(errors.WorkspaceBusy):
                note(catalog, "too early")
        with catalog.write() as tx:
            outbox.append(tx, "seen", {})
            theirs.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                theirs.execute(insert.replace("(1,", "(2,"))  # type: ignore[call-overload]
    assert notes(place) == ["seen"]


# --- locks ----------------------------------------------------------------------------


def test_a_lock_is_one_for_all_machines_whatever_they_call_the_folder(place: str, tmp_path: Path) -> None:
    (tmp_path / "mounted").symlink_to(tmp_path / "workspace")
    with Catalog.create(place) as one, Catalog.open(place, tmp_path / "mounted") as other:
        mine, theirs = one.folder / "locks" / "a", other.folder / "locks" / "a"
        with one.locks.locked(mine, timeout_s=1):
            for timeout_s in (0, 0.05):
                refused = pytest.raises(errors.WorkspaceBusy, match="another process holds")
                with refused, other.locks.locked(theirs, timeout_s=timeout_s):
                    pass
                with pytest.raises(errors.WorkspaceBusy), other.locks.shared(theirs, timeout_s=timeout_s):
                    pass
            with other.locks.locked(other.folder / "locks" / "b", timeout_s=0):
                pass
        with other.locks.shared(theirs, timeout_s=0), one.locks.shared(mine, timeout_s=0):
            pass
        with other.locks.locked(theirs, timeout_s=0):
            pass


def test_locks_are_a_threads_own_and_not_taken_twice(place: str) -> None:
    with Catalog.create(place) as catalog:
        path, said = catalog.folder / "x", list[str]()

        def take() -> None:
            try:
                with catalog.locks.locked(path, timeout_s=0):
                    said.append("taken")
            except errors.WorkspaceBusy:
                said.append("busy")

        with catalog.locks.locked(path, timeout_s=0):
            refused = pytest.raises(errors.WorkspaceBusy, match="this thread")
            with refused, catalog.locks.locked(path, timeout_s=5):
                pass
            other = threading.Thread(target=take)
            other.start()
            other.join()
        take()
        assert said == ["busy", "taken"]


def test_locks_do_not_keep_writers_or_readers_out(place: str) -> None:
    with Catalog.create(place) as catalog, catalog.locks.locked(catalog.folder / "x", timeout_s=0):
        note(catalog, "one")
        with catalog.write() as tx:
            outbox.append(tx, "two", {})
            with pytest.raises(errors.WorkspaceBusy, match="this thread"), catalog.write():
                pass
    assert notes(place) == ["one", "two"]


def backends_end(server: Server) -> None:
    """End every connection of workspaces, and wait until it is gone."""
    with server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE application_name = 'interlock'"
        )


def test_what_was_prepared_under_a_lock_that_was_lost_is_not_committed(place: str, postgres: Server) -> None:
    with Catalog.create(place) as catalog:
        with catalog.locks.locked(catalog.folder / "x", timeout_s=0):
            backends_end(postgres)
            for _ in range(2):
                with pytest.raises(errors.DatabaseUnreachable):
                    note(catalog, "too late")
            refused = pytest.raises(errors.DatabaseUnreachable)
            with refused, catalog.locks.locked(catalog.folder / "y", timeout_s=0):
                pass
        note(catalog, "afterwards")
        with catalog.locks.locked(catalog.folder / "x", timeout_s=0):
            note(catalog, "again")
    assert notes(place) == ["afterwards", "again"]


def test_a_pooled_connection_that_died_is_replaced(place: str, postgres: Server) -> None:
    with Catalog.create(place) as catalog:
        for kind in ("one", "two"):
            backends_end(postgres)
            with catalog.read() as rx:
                outbox.all_(rx)
            backends_end(postgres)
            note(catalog, kind)
    assert notes(place) == ["one", "two"]


# --- a connection that is lost at the commit ------------------------------------------


class Line:
    """Stands between a client and the server; cut where the client says COMMIT, before or after the server hears it.

    For ``dead_s`` after the cut nobody gets through.
    """

    def __init__(self, server: Server, *, heard: bool) -> None:
        self._server, self._heard = server, heard
        self.cut, self.repaired = threading.Event(), threading.Event()
        self.armed = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.cut.is_set() and not self.repaired.is_set():
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._server.port))
                for source, target, watch in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._carry, args=(source, target, watch), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, watch: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if watch and self.armed and not self.cut.is_set() and b"COMMIT" in data:
                    self.cut.set()
                    source.shutdown(socket.SHUT_RDWR)
                    if self._heard:
                        target.sendall(data)
                        target.shutdown(socket.SHUT_WR)
                    break
                target.sendall(data)
        if not (self._heard and self.cut.is_set()):
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def line(postgres: Server) -> Iterator[Callable[[bool], Line]]:
    made: list[Line] = []

    def make(heard: bool) -> Line:
        made.append(Line(postgres, heard=heard))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("heard", [True, False])
def test_a_commit_whose_answer_was_lost_is_found_out(
    place: str, postgres: Server, line: Callable[[bool], Line], heard: bool
) -> None:
    Catalog.create(place).close()
    between = line(heard)
    between.repaired.set()
    with Catalog.open(place.replace(f":{postgres.port}/", f":{between.port}/")) as catalog:
        between.armed = True
        if heard:
            note(catalog, "lost")
        else:
            with pytest.raises(errors.DatabaseUnreachable, match="did not take place"):
                note(catalog, "lost")
        assert between.cut.is_set()
        note(catalog, "next")
    assert notes(place) == (["lost", "next"] if heard else ["next"])


@pytest.mark.parametrize("heard", [True, False])
def test_a_commit_that_nobody_can_be_asked_about_is_called_unknown(
    place: str, postgres: Server, line: Callable[[bool], Line], heard: bool
) -> None:
    Catalog.create(place).close()
    between = line(heard)
    with Catalog.open(place.replace(f":{postgres.port}/", f":{between.port}/")) as catalog:
        between.armed = True
        with settings.override(lock_timeout_s=0.3), pytest.raises(errors.CommitUnknown, match="not known"):
            note(catalog, "lost")
        between.repaired.set()
        note(catalog, "next")
    assert notes(place) == (["lost", "next"] if heard else ["next"])


# --- a server that falls --------------------------------------------------------------


@pytest.fixture(scope="module")
def falling() -> Iterator[Cluster]:
    with cluster("fsync=off") as made:
        yield made


def test_a_server_that_falls_loses_no_commit_and_is_found_again(falling: Cluster, tmp_path: Path) -> None:
    place = places.address(falling.server, tmp_path / "lake", "work")
    with Catalog.create(place) as catalog:
        note(catalog, "before")
        falling.fall()
        with pytest.raises(errors.DatabaseUnreachable):
            note(catalog, "while it is away")
        falling.start()
        note(catalog, "after")
    assert notes(place) == ["before", "after"]


def test_a_server_that_falls_in_a_transaction_takes_all_of_it_back(falling: Cluster, tmp_path: Path) -> None:
    place = places.address(falling.server, tmp_path / "lake", "halved")
    with Catalog.create(place) as catalog:
        with pytest.raises(errors.DatabaseUnreachable), catalog.write() as tx:  # noqa: PT012
            outbox.append(tx, "half", {})
            falling.fall()
            falling.start()
            outbox.append(tx, "other half", {})
        note(catalog, "whole")
    assert notes(place) == ["whole"]
