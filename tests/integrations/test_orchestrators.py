"""Each tool in an environment of its own, with the real library: what ``inside/test_<name>.py`` says holds there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.integrations.environments import ALSO, APART, LIMIT_S, ROOT, environment

HERE = Path(__file__).parent
SHOWN_MAX = 12_000


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", APART)
def test_what_its_own_tests_say_holds_in_its_own_environment(name: str, tmp_path: Path) -> None:
    with environment(name, tmp_path) as (python, variables):
        done = subprocess.run(
            [str(python), "-m", "pytest", "-c", str(HERE / "inside.ini"), "--rootdir", str(ROOT),
             "--confcutdir", str(HERE / "inside"), "--basetemp", str(tmp_path / "inside"),
             "--durations=5", str(HERE / "inside" / f"test_{name}.py")],
            cwd=tmp_path, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
    print(done.stdout[-SHOWN_MAX:])
    assert done.returncode == 0, done.stdout[-SHOWN_MAX:]
    # There may be no build of torch for CPUs here; in continuous integration there must be.
    torch = r"(, 1 skipped)?" if name in ALSO and not os.environ.get("CI") else ""
    assert re.search(rf"=+ \d+ passed{torch}(, \d+ warnings?)? in ", done.stdout), "some were skipped"


def test_each_has_its_lock_its_tests_and_its_page() -> None:
    for folder, pattern in (
        (ROOT / "requirements" / "orchestrators", "{}.lock"),
        (HERE / "inside", "test_{}.py"),
        (ROOT / "docs" / "how-to", "{}.md"),
    ):
        assert [n for n in APART if not (folder / pattern.format(n)).is_file()] == []
