"""Whatever the path is, the radius counts it: alias moves, overwrites, renames, and all of them together."""

from __future__ import annotations

import pytest

from interlock.catalog.vault.records import RequestState
from interlock.errors import (
    ApprovalRefused,
    DeleteRefused,
    NameRefused,
    VaultError,
    VersionNotFound,
    WorkspaceBusy,
)
from interlock.gates.delete import alias, overwrite
from interlock.gates.delete import rename as renaming
from interlock.gates.delete.approval import approve
from interlock.gates.delete.delete import delete
from interlock.gates.delete.holds import hold
from interlock.gates.delete.rename import rename
from interlock.gates.delete.restore import restore
from tests.gates.delete.conftest import BOTH, DAY, HOUR, Later, People, refused, waits

# --- aliases --------------------------------------------------------------------------------


def ranked(people: People, count: int) -> list[str]:
    """Models with two versions, the first of them champion; all but one may be affected."""
    people.limit(count - 1)
    names = [f"m{n}" for n in range(count)]
    for name in names:
        people.put(name)
        people.put(name)
        alias.put(people("kim"), f"{name}@v1", "champion")
    return names


@BOTH
def test_an_alias_stands_for_a_version_until_it_is_moved_or_removed(people: People) -> None:
    for _ in range(2):
        people.put("ranker")
    alias.put(people("kim"), "ranker@v1", "champion")
    assert people.ws.vault.show("ranker@champion").version == 1
    alias.put(people("kim"), "ranker", "champion", "better")
    assert people.ws.vault.show("ranker@champion").version == 2
    alias.remove(people("kim"), "ranker", "champion")
    assert people.alias("ranker") == {}
    assert [(e["action"], e["models"]) for e in people.said()] == [("alias", 0), ("alias", 1), ("alias", 1)]


def test_an_alias_cannot_stand_for_what_is_not_there(people: People) -> None:
    people.put("ranker")
    for call in (
        lambda: alias.put(people("kim"), "ranker@v2", "champion"),
        lambda: alias.put(people("kim"), "rankr", "champion"),
        lambda: alias.remove(people("kim"), "ranker", "champion"),
    ):
        with pytest.raises(VersionNotFound):
            call()
    with pytest.raises(NameRefused):
        alias.put(people("kim"), "ranker@v1", "v7")


def test_moving_aliases_of_many_models_is_refused(people: People, later: Later) -> None:
    names = ranked(people, 3)
    for name in names[:2]:
        alias.put(people("kim"), f"{name}@v2", "champion")
    ref = waits(lambda: alias.put(people("lee"), f"{names[2]}@v2", "champion"))
    assert people.alias(names[2]) == {"champion": 1}
    alias.put(people("kim"), f"{names[0]}@v1", "champion")  # back again: counts no longer
    alias.put(people("kim"), f"{names[2]}@v2", "champion")
    assert refused(lambda: approve(people("eve"), ref)).message.endswith("it stands for v2 now")
    assert people.request(ref).state is RequestState.PENDING


def test_an_approved_move_is_made(people: People) -> None:
    names = ranked(people, 3)
    for name in names[:2]:
        alias.remove(people("kim"), name, "champion")
    ref = waits(lambda: alias.remove(people("kim"), names[2], "champion"))
    approve(people("eve"), ref)
    assert people.alias(names[2]) == {}


def test_an_alias_is_not_moved_to_what_was_deleted_meanwhile(people: People) -> None:
    names = ranked(people, 3)
    for name in names[:2]:
        alias.put(people("kim"), f"{name}@v2", "champion")
    ref = waits(lambda: alias.put(people("kim"), f"{names[2]}@v2", "champion"))
    restore(people("kim"), ["D4"])
    delete(people("kim"), [f"{names[2]}@v2"])
    assert "is not live any more" in refused(lambda: approve(people("eve"), ref)).message
    assert people.alias(names[2]) == {"champion": 1}


# --- overwrites -----------------------------------------------------------------------------


def write(people: People, path: str, data: bytes, who: str = "kim") -> None:
    """As the workspace writes a file by its path."""
    overwrite.admit(people(who), path)
    people.write(path, data, who=who)


@BOTH
def test_overwriting_many_models_is_refused_before_a_byte_is_taken(people: People, later: Later) -> None:
    people.limit(2)
    paths = [f"stores/{n}/model.pkl" for n in range(3)]
    for path in paths:
        write(people, path, b"first")
    with later(2 * DAY):
        for path in paths[:2]:
            write(people, path, b"second")
        error = refused(lambda: write(people, paths[2], b"second"))
        assert "it affects 1 model after 2 others" in error.message
        assert people.states(paths[2]) == {f"{paths[2]}@v1": "live"}
        write(people, paths[0], b"third")  # counts once
        approve(people("eve"), error.request or "")
        write(people, paths[2], b"second")
    with later(4 * DAY):
        write(people, paths[2], b"third")


def test_a_model_in_the_making_does_not_count(people: People, later: Later) -> None:
    paths = [f"runs/{n}/model.pkl" for n in range(5)]
    people.limit(2)
    for _ in range(2):
        for path in paths:
            write(people, path, b"step")
    assert people.said() == []
    with later(HOUR):  # another's models are not theirs to make
        for path in paths[:2]:
            write(people, path, b"other", who="lee")
        assert refused(lambda: write(people, paths[2], b"other", who="lee"))


def test_many_files_of_one_model_are_one_model(people: People, later: Later) -> None:
    people.limit(1)
    files = ["MLmodel", *(f"data/{n}.bin" for n in range(4))]
    for file in files:
        people.write(f"m/artifacts/{file}")
    with later(2 * DAY):
        for file in files:
            write(people, f"m/artifacts/{file}", b"again")
    assert [(e["action"], e["subject"]) for e in people.said()] == [("overwrite", "m/artifacts/")]


def test_deletions_alias_moves_overwrites_and_renames_add_up(people: People, later: Later) -> None:
    names = ranked(people, 2)
    people.limit(5)
    for n in range(2):
        people.write(f"f/{n}.pkl")
        people.put(f"d{n}")
        people.put(f"r{n}")
    people.put("d2")
    kim = people("kim")
    with later(2 * DAY):
        alias.put(kim, f"{names[0]}@v2", "champion")
        overwrite.admit(kim, "f/0.pkl")
        delete(kim, ["d0"])
        rename(kim, "r0", "s0")
        delete(kim, ["d1"])
        for call in (
            lambda: alias.put(kim, f"{names[1]}@v2", "champion"),
            lambda: overwrite.admit(kim, "f/1.pkl"),
            lambda: delete(kim, ["d2"]),
            lambda: rename(kim, "r1", "s1"),
        ):
            assert "after 5 others in the last 24 h" in refused(call).message
        restore(kim, ["d0"])
        delete(kim, ["d2"])


# --- renames --------------------------------------------------------------------------------


def test_a_file_gets_its_name_while_its_model_is_made_and_that_affects_nothing(
    people: People, later: Later
) -> None:
    """Whoever writes a checkpoint beside its name first, as PyTorch does, makes a dozen a day."""
    people.limit(1)
    for step in range(3):
        people.write(f"run/{step}/__0_0.distcp")
        people.write(f"run/{step}/.metadata.tmp")
        outcome = rename(people("kim"), f"run/{step}/.metadata.tmp", f"run/{step}/.metadata")
        assert outcome.request is not None and outcome.request.models == 0
    rename(people("lee"), "run/0/.metadata", "run/0/another")
    with pytest.raises(DeleteRefused, match="1 other"):
        rename(people("lee"), "run/1/.metadata", "run/1/another")
    with pytest.raises(DeleteRefused, match="1 other"):
        rename(people("kim"), "run/1", "run/elsewhere")
    with later(2 * DAY):
        rename(people("kim"), "run/1/.metadata", "run/1/another")
        with pytest.raises(DeleteRefused, match="1 other"):
            rename(people("kim"), "run/2/.metadata", "run/2/another")


@BOTH
def test_a_renamed_model_keeps_versions_bytes_aliases_holds_and_lineage(people: People) -> None:
    first = people.put("old", b"one", metadata={"auc": 0.9}, lineage={"run": "17"})
    people.put("old", b"two")
    outcome = rename(people("kim"), "old", "team/new")
    assert outcome.versions == 2
    assert people.live() == ["team/new@v1", "team/new@v2"]
    assert people.ws.vault.open("team/new@v1").read() == b"one"
    assert people.ws.vault.open("team/new@v2").read() == b"two"
    record = people.ws.vault.show("team/new@v1")
    assert (record.metadata, record.created_at, record.who) == ({"auc": 0.9}, first.created_at, "kim")
    assert record.lineage == {"run": "17", "renamed_from": ["old@v1"]}
    assert people.ws.vault.manifest("team/new@v1").lineage == record.lineage
    assert people.put("team/new").version == 3
    assert people.ws.vault.open("old@v1", deleted=True).read() == b"one"
    assert people.ws.verify_ledger().ok


def test_what_is_used_by_its_name_waits_for_a_second_person(people: People) -> None:
    for _ in range(2):
        people.put("old")
    alias.put(people("kim"), "old@v1", "champion")
    hold(people("ops"), "old@v2", "case 12")
    error = refused(lambda: rename(people("kim"), "old", "new"))
    assert "old@v1 is in use (alias champion)" in error.message
    assert people.live() == ["old@v1", "old@v2"]
    approve(people("eve"), error.request or "")
    assert people.live() == ["new@v1", "new@v2"]
    assert people.alias("new") == {"champion": 1}
    assert people.alias("old") == {}
    assert "case 12" in refused(lambda: delete(people("kim"), ["new@v2"])).message


def test_what_was_made_of_a_renamed_model_still_names_it(people: People) -> None:
    people.put("base")
    people.put("tuned", lineage={"models": ["base@v1"]})
    rename(people("kim"), "base", "middle")
    rename(people("kim"), "middle", "final")
    assert "lineage of tuned@v1" in refused(lambda: delete(people("kim"), ["final"])).message


def test_a_folder_is_renamed_with_all_in_it(people: People) -> None:
    people.put("a/x")
    people.put("a/b/y")
    people.put("ab")
    rename(people("kim"), "a/", "c/d")
    assert people.live() == ["ab@v1", "c/d/b/y@v1", "c/d/x@v1"]


def test_a_rename_can_be_taken_back(people: People) -> None:
    people.put("old", b"one")
    alias.put(people("kim"), "old@v1", "champion")
    hold(people("ops"), "old@v1", "case 12")
    ref = waits(lambda: rename(people("kim"), "old", "new"))
    approve(people("eve"), ref)
    outcome = restore(people("lee"), [ref])
    assert outcome.left_out == ()
    assert people.states() == {"new@v1": "deleted", "old@v1": "live"}
    assert people.alias("old") == {"champion": 1}
    assert people.request(ref).state is RequestState.UNDONE
    assert "H1" in refused(lambda: delete(people("kim"), ["old"])).message


def test_everything_somebody_deleted_is_not_what_they_renamed(people: People) -> None:
    people.put("old")
    people.put("gone")
    rename(people("kim"), "old", "new")
    delete(people("kim"), ["gone"])
    assert restore(people("kim"), by="kim").versions == 1
    assert people.live() == ["gone@v1", "new@v1"]


@pytest.mark.parametrize("new", ["taken", "deleted", "taken/under", "team"])
def test_a_name_that_was_in_the_vault_is_not_given_again(people: People, new: str) -> None:
    for name in ("old", "taken", "deleted", "team/a"):
        people.put(name)
    delete(people("kim"), ["deleted"])
    with pytest.raises(VaultError):
        rename(people("kim"), "old", new)
    assert "old@v1" in people.live()


def test_renaming_many_models_is_refused_and_approved_whole(people: People) -> None:
    people.limit(2)
    for n in range(3):
        people.put(f"team/m{n}")
    ref = waits(lambda: rename(people("kim"), "team", "crew"))
    assert len(people.live("team")) == 3
    people.put("team/late")
    outcome = approve(people("eve"), ref)
    assert outcome.versions == 3
    assert people.live() == [*(f"crew/m{n}@v1" for n in range(3)), "team/late@v1"]


def test_a_rename_that_was_cut_off_can_be_tried_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put("old", b"one")
    with monkeypatch.context() as patch:
        patch.setattr(
            "interlock.gates.delete.rename.ask", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            rename(people("kim"), "old", "new")
    assert people.live() == ["old@v1"]
    rename(people("kim"), "old", "new")
    assert people.ws.vault.open("new@v1").read() == b"one"


def test_a_rename_that_slept_too_long_is_not_made(
    people: People, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put("old", b"one")
    ask = renaming.ask

    def slept(*given: object) -> object:
        with later(2 * HOUR):
            return ask(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(renaming, "ask", slept)
        with pytest.raises(WorkspaceBusy, match="changed meanwhile"):
            rename(people("kim"), "old", "new")
    assert people.live() == ["old@v1"]
    rename(people("kim"), "old", "new")
    assert people.live() == ["new@v1"]


def test_only_the_second_person_makes_manifests(people: People) -> None:
    people.limit(1)
    people.put("team/a")
    people.put("team/b")
    ref = waits(lambda: rename(people("kim"), "team", "crew"))
    with pytest.raises(ApprovalRefused):
        approve(people("kim"), ref)
    assert list(people.stores.main.list("versions/crew")) == []
