"""Who is compared: what each must do until a model is safe in a second place, and until it is back.

Everything a command line starts is counted, its imports too, as a person at a prompt waits for it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.profile.environments import NotInstallable, interpreter

NAME = "team/ranker"
PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Step:
    """One command. ``tells`` says that its output is a JSON object with figures of its own."""

    name: str
    argv: Sequence[str | Path]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    tells: bool = False


class Tool(Protocol):
    """``home`` is an empty folder for all it keeps; ``source`` the model's folder.

    ``syncs``: after these acts all is on the disk by the tool's own doing; after the others we sync.
    """

    name: str
    note: str
    syncs: Sequence[str]

    def prepare(self, home: Path, source: Path) -> Sequence[Step]:
        """Not timed: until a person could say *keep this*."""

    def put(self, home: Path, source: Path) -> Sequence[Step]: ...

    def kept(self, home: Path) -> Path:
        """Where it keeps what it was given."""

    def prepare_get(self, home: Path, target: Path) -> Sequence[Step]:
        """Not timed: another place, that has nothing of the model yet."""

    def get(self, home: Path, target: Path) -> Sequence[Step]:
        """Bring the model's file to somewhere in ``target``."""


class Cp:
    """The yardstick."""

    name = "cp"
    note = "`cp`, and fsync of what it wrote"
    syncs: Sequence[str] = ()

    def prepare(self, home: Path, source: Path) -> Sequence[Step]:
        return ()

    def put(self, home: Path, source: Path) -> Sequence[Step]:
        return (Step("cp", ("cp", "-r", source, self.kept(home)), home),)

    def kept(self, home: Path) -> Path:
        return home / "kept"

    def prepare_get(self, home: Path, target: Path) -> Sequence[Step]:
        return ()

    def get(self, home: Path, target: Path) -> Sequence[Step]:
        return (Step("cp", ("cp", "-r", self.kept(home), target / "model"), home),)


class Interlock:
    """Its command line."""

    name = "interlock"
    note = "`interlock vault put` and `get`: one plain file, verified on its way back"
    syncs: Sequence[str] = ("put", "get")

    def prepare(self, home: Path, source: Path) -> Sequence[Step]:
        return (ours("init", home),)

    def put(self, home: Path, source: Path) -> Sequence[Step]:
        return (self._vault(home, "put", NAME, source),)

    def kept(self, home: Path) -> Path:
        return home

    def prepare_get(self, home: Path, target: Path) -> Sequence[Step]:
        return ()

    def get(self, home: Path, target: Path) -> Sequence[Step]:
        return (self._vault(home, "get", NAME, target / "model"),)

    def _vault(self, home: Path, act: str, *arguments: str | Path) -> Step:
        program = Path(sys.executable).with_name("interlock")
        argv = (program, "vault", act, *arguments, "--workspace", home / "workspace")
        return Step(act, argv, ROOT, {"PYTHONPATH": f"{ROOT}/src"})


class InterlockCalls:
    """As a library, in a process that has the workspace open. ``dedup``: ``file``, or ``tensor`` for a series."""

    name = "interlock-calls"
    note = "`ws.vault.put` and `get`, which `call_s` times; the process around them puts a few bytes first"
    syncs: Sequence[str] = ("put", "get")

    def __init__(self, dedup: str = "file") -> None:
        self._dedup = dedup

    def prepare(self, home: Path, source: Path) -> Sequence[Step]:
        return (ours("init", home),)

    def put(self, home: Path, source: Path) -> Sequence[Step]:
        return (ours("put", home, source, self._dedup, tells=True),)

    def kept(self, home: Path) -> Path:
        return home

    def prepare_get(self, home: Path, target: Path) -> Sequence[Step]:
        return ()

    def get(self, home: Path, target: Path) -> Sequence[Step]:
        return (ours("get", home, target / "model", tells=True),)


def ours(act: str, home: Path, *arguments: str | Path, tells: bool = False) -> Step:
    """A process that does one thing with a workspace; see `benchmarks.vault.ours`."""
    argv = (sys.executable, "-m", "benchmarks.vault.ours", act, home, *arguments)
    return Step(act, argv, ROOT, {"PYTHONPATH": f"{ROOT}/src:{ROOT}"}, tells)


class Dvc:
    """Adds to its cache and pushes to a remote on the same disk; pulls into a clone without a cache.

    The file lies in DVC's folder before the clock starts. ``links`` is its setting ``cache.type``: with
    hard links it copies least, once each way; as installed it copies twice.
    """

    syncs: Sequence[str] = ()

    def __init__(self, links: str | None) -> None:
        self.name = "dvc" if links is None else f"dvc-{links}"
        self.note = "`dvc add` and `dvc push`; `dvc pull` into another folder. MD5"
        if links is not None:
            self.note += f". With `cache.type {links}`, the least it can copy"
        self._links = links

    def prepare(self, home: Path, source: Path) -> Sequence[Step]:
        work = home / "work"
        work.mkdir()
        shutil.copytree(source, work / "model")
        return (
            self._dvc(work, "init", "--no-scm", "--quiet"),
            self._dvc(work, "config", "core.analytics", "false"),
            *([self._dvc(work, "config", "cache.type", self._links)] if self._links else []),
            self._dvc(work, "remote", "add", "--default", "second", str(self.kept(home))),
        )

    def put(self, home: Path, source: Path) -> Sequence[Step]:
        work = home / "work"
        return (self._dvc(work, "add", "--quiet", "model"), self._dvc(work, "push", "--quiet"))

    def kept(self, home: Path) -> Path:
        return home / "remote"

    def prepare_get(self, home: Path, target: Path) -> Sequence[Step]:
        (target / ".dvc").mkdir()
        for name in ("model.dvc", ".dvc/config"):
            shutil.copy(home / "work" / name, target / name)
        return ()

    def get(self, home: Path, target: Path) -> Sequence[Step]:
        return (self._dvc(target, "pull", "--quiet"),)

    def _dvc(self, cwd: Path, *arguments: str) -> Step:
        program = interpreter("dvc", PEERS).with_name("dvc")
        return Step(arguments[0], (program, *arguments), cwd, {"DVC_NO_ANALYTICS": "1"})


class Restic:
    """Backs up into a repository on the same disk, and restores into an empty folder."""

    syncs: Sequence[str] = ("put",)

    def __init__(self, compression: str) -> None:
        self.name = "restic" if compression == "auto" else f"restic-{compression}"
        self.note = f"`restic backup` and `restore`, `--compression {compression}`; it also encrypts"
        self._compression = compression

    def prepare(self, home: Path, source: Path) -> Sequence[Step]:
        return (self._restic(home, "init"),)

    def put(self, home: Path, source: Path) -> Sequence[Step]:
        return (self._restic(home, "backup", "--compression", self._compression, source),)

    def kept(self, home: Path) -> Path:
        return home / "repository"

    def prepare_get(self, home: Path, target: Path) -> Sequence[Step]:
        return ()

    def get(self, home: Path, target: Path) -> Sequence[Step]:
        return (self._restic(home, "restore", "latest", "--target", target),)

    def _restic(self, home: Path, act: str, *arguments: str | Path) -> Step:
        program = shutil.which("restic")
        if program is None:
            raise NotInstallable("no restic: `apt-get install restic`")
        environment = {"RESTIC_PASSWORD": "benchmark", "RESTIC_CACHE_DIR": str(home / "cache")}
        argv = (program, "--quiet", "--repo", self.kept(home), act, *arguments)
        return Step(act, argv, home, environment)


TOOLS: tuple[Tool, ...] = (
    Cp(),
    Interlock(),
    InterlockCalls(),
    Dvc(None),
    Dvc("hardlink"),
    Restic("auto"),
    Restic("off"),
)
