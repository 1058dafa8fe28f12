"""The runner of documentation pages notices what does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import blocks, matches, run


def run_text(text: str, folder: Path) -> int:
    (folder / "page.md").write_text(text, encoding="utf-8")
    return run(folder / "page.md", folder)


def test_blocks_share_names_and_files(tmp_path: Path) -> None:
    page = """
```yaml title=a.yaml
x: 1
```
```python
text = open("a.yaml").read()
```
```python
print(text)
```
```text
x: 1
```
```console
$ cat a.yaml
x: 1
$ false  # exit status 1
```
"""
    assert run_text(page, tmp_path) == 4


@pytest.mark.parametrize(
    "page",
    [
        "```python\nraise ValueError\n```\n",
        "```python\nprint(1)\n```\n\n```text\n2\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ true  # exit status 3\n```\n",
    ],
)
def test_a_page_that_does_not_hold_fails(page: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:"):
        run_text(page, tmp_path)


def test_a_block_marked_not_run_is_left_out(tmp_path: Path) -> None:
    assert run_text("<!-- not run: needs a shop -->\n```console\n$ buy milk\n```\n", tmp_path) == 0


def test_a_block_knows_its_line() -> None:
    assert [block.line for block in blocks("one\n\n```python\npass\n```\n")] == [3]


def test_dots_stand_for_anything() -> None:
    assert matches("took ... ms\n...\nend", "took 12 ms\na\nb\nend  \n")
    assert not matches("took ... ms", "took 12 s")
