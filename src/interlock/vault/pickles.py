"""What a pickle would import, read from its bytes. Nothing of it is run or imported.

A pickle is a program: to load it is to call what it names. That it names `os.system` can be seen;
that it names nothing of the kind is no proof that it is safe to load.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

OPCODES_MAX = 2_000_000  # some seconds; where a pickle is longer, that is said
UNKNOWN = "?"
_ARGUMENT_BYTES_MAX = 1 << 20  # larger ones are stepped over: the bytes of an array import nothing
_BROKEN = (ValueError, LookupError, TypeError, OverflowError, struct.error)

_TOP_LEVEL = """
_ctypes _pickle asyncio bdb cloudpickle code codeop commands ctypes dill ensurepip ftplib http importlib marshal
multiprocessing nt os pdb pickle pip platform popen2 posix pty runpy shutil smtplib socket subprocess sys timeit
urllib venv webbrowser
"""
_ANY_PART = """
CodeType FunctionType __builtins__ __globals__ __import__ __subclasses__ attrgetter builtins eval exec getattr hub
load_library methodcaller os popen posix runstring setattr subprocess sys system
"""
_BUILTINS = """
bool bytearray bytes complex dict float frozenset int list long object range set slice str tuple unicode xrange
"""
_MODULES, _PARTS, _HARMLESS = map(frozenset, (_TOP_LEVEL.split(), _ANY_PART.split(), _BUILTINS.split()))


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """A dotted name that a pickle imports; ``?`` in the place of what only running it would tell."""

    name: str

    @property
    def dangerous(self) -> bool:
        """Whether it reaches the system, other code, or anything at all by its name.

        >>> [Import(name).dangerous for name in ("builtins.dict", "builtins.eval", "numpy.ndarray", "posix.system")]
        [False, True, False, True]
        """
        parts = self.name.split(".")
        if parts[0] in ("builtins", "__builtin__"):
            return len(parts) != 2 or parts[1] not in _HARMLESS
        return UNKNOWN in parts or parts[0] in _MODULES or not _PARTS.isdisjoint(parts)


@dataclass(frozen=True, slots=True)
class Imports:
    """``whole`` says that all of the pickle was read; where it was not, it may import more."""

    found: tuple[Import, ...]
    whole: bool


def imports(file: BinaryIO) -> Imports:
    """What is imported by the pickle that a file begins with, and by those right behind it, as torch once wrote."""
    reader, names, whole = _Reader(file), set[str](), True
    try:
        for name in _program(reader):
            names.add(name)
        while reader.peek() == b"\x80":
            for name in _program(reader):
                names.add(name)
    except _BROKEN:
        whole = False
    return Imports(tuple(map(Import, sorted(names))), whole)


def _program(reader: _Reader) -> Iterator[str]:
    """The names that one pickle imports. Follows the stack only so far as names come from texts on it."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for number, (opcode, argument, _) in enumerate(pickletools.genops(cast(Any, reader))):
        name = opcode.name
        if number == OPCODES_MAX:
            raise ValueError("too long")
        if name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", ".", 1)
        elif name == "STACK_GLOBAL":
            yield ".".join(part if isinstance(part, str) else UNKNOWN for part in stack[-2:])
        elif name in ("EXT1", "EXT2", "EXT4"):
            yield f"copyreg.{UNKNOWN}"
        _step(opcode, argument, stack, memo)


def _step(opcode: pickletools.OpcodeInfo, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """What an opcode does to the stack, where all but texts are None and marks."""
    mark, name = pickletools.markobject, opcode.name
    if name in ("PUT", "BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif name == "DUP":
        stack.append(stack[-1])
    else:
        takes = opcode.stack_before
        count = len(takes)
        if mark in takes or (name == "POP" and stack[-1] is mark):
            while stack.pop() is not mark:
                pass
            count = takes.index(mark) if mark in takes else 0
        if count > len(stack):
            raise ValueError("takes more than there is")
        del stack[len(stack) - count :]
        text = argument if "UNICODE" in name or "STRING" in name else None
        stack.extend(thing if thing is mark else text for thing in opcode.stack_after)


class _Skipped:
    """Stands for bytes that were stepped over: of their length, and of use for nothing else."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


class _Reader:
    """A file as `pickletools` reads it, but in bounded memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, length: int) -> bytes | _Skipped:
        if length <= _ARGUMENT_BYTES_MAX:
            return self._file.read(length)
        self._file.seek(length, 1)
        return _Skipped(length)

    def readline(self) -> bytes:
        return self._file.readline(_ARGUMENT_BYTES_MAX)

    def tell(self) -> int:
        return self._file.tell()

    def peek(self) -> bytes:
        data = self._file.read(1)
        self._file.seek(-len(data), 1)
        return data
