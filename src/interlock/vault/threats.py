"""Who could do the vault harm, and what comes of it: the data behind docs/threat-model.md.

Each row that says *prevented* or *detected* names a test by what it says; the page and the list of
tests are made of this, so neither can say anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Adversary(StrEnum):
    """Somebody with certain rights, who means harm or makes a mistake."""

    USER = "user"
    OS_USER = "os_user"
    STORE_USER = "store_user"
    BUCKET_OWNER = "bucket_owner"


class Answer(StrEnum):
    """What comes of it."""

    PREVENTED = "prevented"
    DETECTED = "detected"
    NEITHER = "neither"


WHO = {
    Adversary.USER: (
        "whoever goes through Interlock",
        "By commands, Python, `vault://` or MLflow, with every right there is in them.",
    ),
    Adversary.OS_USER: (
        "the workspace's operating-system user",
        "Writes its files and its catalog past Interlock. Of a shared workspace that is its role in PostgreSQL.",
    ),
    Adversary.STORE_USER: (
        "who holds the store's credentials",
        "Puts and deletes in the bucket as Interlock may; not in the catalog.",
    ),
    Adversary.BUCKET_OWNER: (
        "the owner of the bucket",
        "Or root on what is underneath it. May do anything to one store, whatever it locks.",
    ),
}

ACTIONS = {
    "deleting": "delete a version, a model, a file",
    "deleting_a_parent": "delete the parent folder of many, or everything",
    "many_small_calls": "the same in many small calls: one by one, renamed, overwritten, aliases moved",
    "purging_early": "purge before the retention is over",
    "purging_what_is_used": "purge what an alias, a service, a legal hold or a live model needs",
    "approving_oneself": "approve their own request",
    "replaying_an_approval": "use an approval twice, or for more than was asked",
    "loosening_the_policy": "shorten the retention, raise the limit, then delete",
    "acting_as_another": "pass for somebody else by environment variables",
    "overwriting": "put something else under a name that is taken",
    "leading_out_of_the_folder": "have a reader write outside its folder, by a name, a path or a manifest",
    "filling_the_memory": "have a reader run out of memory or disk, by a chunk that unpacks to much more",
    "running_code": "keep a model that runs code when it is loaded",
    "changing_objects": "flip bits, cut off, swap or replace objects",
    "poisoning_a_manifest": "make a version list other files",
    "removing_objects": "remove objects, one or all of a store",
    "removing_the_lock": "lift or shorten the lock of an object",
    "changing_the_catalog": "change the catalog: mark versions as purged, or live again, or with other files",
    "easing_the_gate": "change the catalog: drop a hold, move an alias, loosen the policy, add a second key",
    "changing_the_ledger": "change or remove entries of the ledger",
    "changing_catalog_and_ledger": "rewrite catalog and ledger, consistently, from some entry on",
    "removing_both_stores": "remove the store and its replica",
}


@dataclass(frozen=True, slots=True)
class Threat:
    """What somebody does. ``within`` is when it is noticed at the latest, None where it is prevented."""

    adversary: Adversary
    action: str
    answer: Answer
    how: str
    within: str | None = None

    @property
    def test(self) -> str | None:
        """The test, in tests/vault/test_threats.py, that shows it; None where there is nothing to show."""
        if self.answer is Answer.NEITHER:
            return None
        return f"test_{self.action}_by_{_ARTICLE[self.adversary]}_is_{self.answer}"


_ARTICLE = {a: f"{'an' if a is Adversary.OS_USER else 'a'}_{a}" for a in Adversary}

_READ = "the next read, else the next `interlock vault scrub`"
_MENDED = "readers get the replica's bytes, and `interlock vault scrub --repair` mends it from there"


def _by(adversary: Adversary, *rows: tuple[str, Answer, str] | tuple[str, Answer, str, str]) -> list[Threat]:
    return [Threat(adversary, *row) for row in rows]


_P, _D, _N = Answer.PREVENTED, Answer.DETECTED, Answer.NEITHER

THREATS: tuple[Threat, ...] = (
    *_by(
        Adversary.USER,
        ("deleting", _P, "a delete is a tombstone: read with `--deleted`, restored by one command"),
        (
            "deleting_a_parent",
            _P,
            "beyond `radius_models` it is refused whole, recorded, and waits for a second person;"
            " up to it, tombstones and one restore",
        ),
        (
            "many_small_calls",
            _P,
            "models affected add up over `radius_window_h`, whatever the call and the path",
        ),
        ("purging_early", _P, "refused until `retention_days` after the delete, whoever approves"),
        ("purging_what_is_used", _P, "refused by name of what uses it, whoever approves"),
        ("approving_oneself", _P, "an approval needs another identity than the request's, or a second key"),
        (
            "replaying_an_approval",
            _P,
            "it does once what the request lists by version, less what changed since",
        ),
        ("loosening_the_policy", _P, "what protects less waits for a second person"),
        ("acting_as_another", _P, "who acts is the process's user id, or the connection's PostgreSQL role"),
        ("overwriting", _P, "it becomes the next version; numbers and names are never given twice"),
        ("leading_out_of_the_folder", _P, "names and paths with `..`, `/` in front or `\\` are refused"),
        (
            "running_code",
            _N,
            "loading runs in your process. `Workspace.vault.contents` lists, without loading it, what a pickle would"
            " import; safetensors run nothing",
        ),
    ),
    *_by(
        Adversary.OS_USER,
        ("changing_objects", _D, f"every read compares with the digest; {_MENDED}", _READ),
        ("poisoning_a_manifest", _D, f"the catalog holds its digest; {_MENDED}", _READ),
        ("removing_objects", _D, _MENDED[0].upper() + _MENDED[1:], _READ),
        (
            "leading_out_of_the_folder",
            _P,
            "a reader refuses such a manifest before it writes a file, even one the catalog vouches for",
        ),
        ("filling_the_memory", _P, "a reader makes room for what the recipe says, 8 MiB a chunk at most"),
        (
            "changing_the_catalog",
            _D,
            "each state of a version is an entry of the ledger, and each purge has its approval there",
            "the next `interlock verify`",
        ),
        (
            "easing_the_gate",
            _D,
            "aliases, holds, second keys, the policy and how long a tombstone is kept are entries of the ledger"
            " whenever they change",
            "the next `interlock verify`",
        ),
        (
            "changing_the_ledger",
            _D,
            "the Merkle tree is derived again from the entries",
            "the next `interlock verify`",
        ),
        (
            "changing_catalog_and_ledger",
            _N,
            "unless somebody else keeps checkpoints: `ledger/checkpoint` copied elsewhere proves it",
        ),
        (
            "approving_oneself",
            _N,
            "who writes the catalog needs no approval. Here a second person prevents accidents, not intent; that"
            " needs the server",
        ),
        ("removing_both_stores", _N, "keep the replica under credentials this user does not have"),
    ),
    *_by(
        Adversary.STORE_USER,
        (
            "changing_objects",
            _P,
            "in a bucket with versions: readers ask for the version that was pinned, and what is put over it is"
            " not it. Elsewhere as for the operating-system user",
        ),
        ("poisoning_a_manifest", _P, "as above: a manifest is pinned too"),
        (
            "removing_objects",
            _P,
            "in a bucket with object lock: a pinned version cannot be deleted, and a delete marker hides nothing."
            " Without locks as for the operating-system user",
        ),
        ("removing_the_lock", _P, "locks are of the mode COMPLIANCE, which nobody shortens"),
    ),
    *_by(
        Adversary.BUCKET_OWNER,
        ("changing_objects", _D, f"underneath the lock too, every read compares; {_MENDED}", _READ),
        ("removing_objects", _D, f"also a whole bucket; {_MENDED}", _READ),
        (
            "removing_the_lock",
            _D,
            "what the store says of a lock is compared with what was read back when it was set; a repair locks again",
            "the next `interlock vault scrub`",
        ),
        ("removing_both_stores", _N, "no copy is left: the replica belongs to another account"),
    ),
)
