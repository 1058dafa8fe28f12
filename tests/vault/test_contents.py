"""What a model file is, and what loading it would import, told without loading it."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import pickle
import pickletools
import tracemalloc
import zipfile
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from interlock.vault import pickles
from interlock.vault.contents import Contents, contents
from interlock.vault.pickles import Import, imports
from tests.vault.model_files import Memory, noise, tensor_file, weights

CANARY = "INTERLOCK_TEST_CANARY"


class Evil:
    """What calls ``function`` when it is loaded."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def names(data: bytes) -> set[str]:
    return {found.name for found in imports(io.BytesIO(data)).found}


def told(data: bytes) -> Contents:
    return contents(Memory(data))


# --- pickles --------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
def test_what_would_be_run_is_named_and_not_run(protocol: int) -> None:
    found = told(pickle.dumps({"weights": [Evil(os.putenv, CANARY, "1"), Evil(eval, "1")]}, protocol))
    assert found.kind == "pickle"
    assert found.whole
    dangerous = {name.name for name in found.imports if name.dangerous}
    assert dangerous in ({"posix.putenv", "builtins.eval"}, {"posix.putenv", "__builtin__.eval"})
    assert CANARY not in os.environ


VALUES = st.recursive(
    st.none()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=300)
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.uuids()
    | st.complex_numbers(allow_nan=False)
    | st.builds(range, st.integers(0, 9))
    | st.builds(lambda seed: np.random.default_rng(seed).random(3), st.integers(0, 9)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.frozensets(st.text(max_size=3))
        | st.builds(OrderedDict, st.dictionaries(st.text(max_size=3), inner, max_size=3))
        | st.builds(deque, st.lists(inner, max_size=3))
        | st.builds(Counter, st.text(max_size=9))
        | st.builds(lambda d: defaultdict(list, d), st.dictionaries(st.text(max_size=3), inner, max_size=3))
    ),
    max_leaves=12,
)


@given(VALUES, st.integers(0, 5), st.booleans())
@hypothesis_settings(max_examples=80, deadline=None)
def test_the_names_are_those_that_loading_asks_for(value: Any, protocol: int, shorter: bool) -> None:
    data = pickle.dumps(value, protocol)
    data = pickletools.optimize(data) if shorter else data
    asked = set()

    class Asking(pickle._Unpickler):  # type: ignore[name-defined,misc]
        def find_class(self, module: str, name: str) -> Any:
            asked.add(f"{module}.{name}")
            return super().find_class(module, name)

    Asking(io.BytesIO(data), fix_imports=False).load() if protocol >= 3 else Asking(io.BytesIO(data)).load()
    found = imports(io.BytesIO(data))
    assert found.whole
    assert {name.name for name in found.found} == asked
    assert not any(name.dangerous for name in found.found)


@given(VALUES, st.integers(0, 5), st.data())
@hypothesis_settings(max_examples=80, deadline=None)
def test_no_damaged_pickle_raises(value: Any, protocol: int, draw: st.DataObject) -> None:
    data = bytearray(pickle.dumps([value, Evil(os.putenv, CANARY, "1")], protocol))
    for _ in range(draw.draw(st.integers(1, 5))):
        at = draw.draw(st.integers(0, len(data) - 1))
        data[at : at + draw.draw(st.integers(0, 2))] = draw.draw(st.binary(max_size=3))
    imports(io.BytesIO(bytes(data)))
    told(bytes(data))


def code(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


def text(content: bytes) -> bytes:
    return b"\x8c" + bytes([len(content)]) + content


HIDDEN = {
    "fetched from the memo": (
        text(b"os") + b"\x94" + text(b"system") + b"\x94" + b"00" + b"h\x00h\x01\x93",
        "os.system",
    ),
    "duplicated": (text(b"os") + b"2\x93", "os.os"),
    "with more pushed and popped between": (
        text(b"os") + b"N0" + text(b"system") + b"(NNN1\x93",
        "os.system",
    ),
    "popped to a mark": (text(b"os") + b"(0" + text(b"system") + b"\x93", "os.system"),
    "an old instance": (b"(ios\nsystem\n", "os.system"),
    "made while it runs": (text(b"os") + b"N\x93", "os.?"),
    "from the registry of extensions": (b"\x82\x01", "copyreg.?"),
    "through another module": (
        text(b"torch") + text(b"serialization.os.system") + b"\x93",
        "torch.serialization.os.system",
    ),
    "behind an array": (
        b"\x8e" + (3 << 20).to_bytes(8, "little") + bytes(3 << 20) + b"cos\nsystem\n",
        "os.system",
    ),
}


@pytest.mark.parametrize("hidden", [pytest.param(h, id=name) for name, h in HIDDEN.items()])
def test_a_dangerous_name_is_found(hidden: tuple[bytes, str]) -> None:
    program, name = hidden
    assert names(code(program)) == {name}
    assert Import(name).dangerous


def test_a_name_after_the_first_of_several_pickles_is_found() -> None:
    legacy = (
        pickle.dumps(1, 2) + pickle.dumps(2, 2) + pickle.dumps(Evil(os.putenv, "a", "b"), 2) + noise(1, 500)
    )
    found = imports(io.BytesIO(legacy))
    assert found.whole
    assert [name.name for name in found.found] == ["posix.putenv"]


def test_a_pickle_that_breaks_off_keeps_what_was_found() -> None:
    data = pickle.dumps([Evil(os.putenv, "a", "b"), "x" * 100])
    found = told(data[:-50])
    assert (found.kind, found.whole) == ("pickle", False)
    assert [name.name for name in found.imports] == ["posix.putenv"]


def test_a_large_array_is_stepped_over(tmp_path: Path) -> None:
    data = pickle.dumps([np.zeros(4 << 20), Evil(os.putenv, "a", "b")], 4)
    file = io.BytesIO(data)
    tracemalloc.start()
    found = imports(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20
    assert found.whole
    assert "posix.putenv" in {name.name for name in found.found}


def test_a_pickle_of_too_many_steps_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "OPCODES_MAX", 100)
    assert imports(io.BytesIO(pickle.dumps(list(range(20))))).whole
    assert not imports(io.BytesIO(pickle.dumps(list(range(200))))).whole


HARMLESS = (
    "collections.OrderedDict",
    "numpy._core.multiarray._reconstruct",
    "torch._utils._rebuild_tensor_v2",
    "sklearn.linear_model._logistic.LogisticRegression",
    "builtins.set",
    "__builtin__.object",
    "scipy.signal.butter",
    "copy_reg._reconstructor",
)
DANGEROUS = (
    "os.system",
    "nt.system",
    "subprocess.Popen",
    "builtins.getattr",
    "builtins.set.__class__",
    "__builtin__.execfile",
    "importlib.import_module",
    "operator.attrgetter",
    "types.CodeType",
    "torch.hub.load",
    "cloudpickle.cloudpickle._make_function",
    "numpy.testing._private.utils.runstring",
)


def test_what_is_dangerous_and_what_is_not() -> None:
    assert [name for name in HARMLESS if Import(name).dangerous] == []
    assert [name for name in DANGEROUS if not Import(name).dangerous] == []


# --- kinds ----------------------------------------------------------------------------


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), out)
    return out.getvalue()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npz() -> bytes:
    out = io.BytesIO()
    np.savez(out, a=np.zeros(3))
    return out.getvalue()


# A model of one node as the onnx library writes it: ir_version 8, producer "x", a graph, an opset.
ONNX = b"\x08\x08\x12\x01x\x3a\x05\x0a\x01g\x12\x00\x42\x04\x0a\x00\x10\x11"

KINDS: dict[str, bytes] = {
    "torch": zipped(
        {"archive/data.pkl": pickle.dumps({}), "archive/data/0": bytes(100), "archive/version": b"3"}
    ),
    "npz": npz(),
    "npy": npy(np.zeros(3)),
    "keras": zipped({"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b"\x89HDF"}),
    "skops": zipped({"schema.json": b"{}"}),
    "zip": zipped({"readme": b""}),
    "parquet": parquet(),
    "onnx": ONNX,
    "gguf": b"GGUF\x03\x00\x00\x00" + bytes(100),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "json": json.dumps({"a": 1}, indent=1).encode(),
    "pickle": pickle.dumps({"a": 1}),
    "unknown": noise(1, 1000),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_told_by_the_bytes(kind: str) -> None:
    assert told(KINDS[kind]).kind == kind


def test_an_empty_file_is_of_no_kind() -> None:
    assert told(b"") == Contents("unknown")


def test_a_text_is_of_no_kind() -> None:
    assert told(b"cats are no pickles\nnor are these lines\n") == Contents("unknown")


def test_safetensors_brings_its_tensors() -> None:
    found = told(tensor_file({"a": weights(1, 10)}))
    assert found.kind == "safetensors"
    assert found.header is not None
    assert [t.name for t in found.header.tensors] == ["a"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_pickles_in_a_torch_file_are_read(compression: int) -> None:
    data = zipped({"m/data.pkl": pickle.dumps(OrderedDict(a=Evil(os.putenv, "a", "b")), 2)}, compression)
    found = told(data)
    assert (found.kind, found.whole) == ("torch", True)
    assert [name.name for name in found.imports] == ["collections.OrderedDict", "posix.putenv"]


def test_a_joblib_file_is_known_by_what_it_imports_and_says_where_reading_ended() -> None:
    # As joblib writes: a pickled wrapper, and right behind it the array's own bytes.
    wrapper = b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b"
    found = told(wrapper + noise(1, 1000))
    assert (found.kind, found.whole) == ("joblib", False)


@pytest.mark.parametrize(
    "data", [b"\x1f\x8b" + noise(1, 100), b"x\x9c" + noise(1, 100)], ids=["gzip", "zlib"]
)
def test_what_is_compressed_is_not_looked_into_and_says_so(data: bytes) -> None:
    assert not told(data).whole


def test_a_broken_zip_says_that_it_was_not_read() -> None:
    data = KINDS["torch"]
    assert told(data[: len(data) // 2]) == Contents("zip", whole=False)


@given(st.sampled_from(["torch", "npz", "keras"]), st.data())
@hypothesis_settings(max_examples=80, deadline=None)
def test_no_damaged_zip_raises(kind: str, draw: st.DataObject) -> None:
    data = bytearray(KINDS[kind])
    for _ in range(draw.draw(st.integers(1, 6))):
        at = draw.draw(st.integers(0, len(data) - 1))
        data[at : at + draw.draw(st.integers(0, 4))] = draw.draw(st.binary(max_size=4))
    told(bytes(data))


def test_a_zip_whose_list_claims_too_much_is_not_read() -> None:
    data = zipped({"archive/data.pkl": pickle.dumps({})})
    end = data.rindex(b"PK\x05\x06")
    size = (40 << 20).to_bytes(4, "little")
    huge = data[:end] + bytes(40 << 20) + data[end : end + 12] + size + data[end + 16 :]
    tracemalloc.start()
    assert told(huge) == Contents("zip", whole=False)
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()
