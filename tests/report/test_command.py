"""``interlock report`` and ``table.report``: what they write, print and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import interlock
from interlock.cli import main
from interlock.errors import StorageFailed
from tests.report.conftest import label


@pytest.fixture
def run(ws, tmp_path, monkeypatch, capsys):
    """``run("report", "sales")`` in an empty folder; status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTERLOCK_WORKSPACE", str(ws.path))

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_it_writes_the_page_and_says_where(run, tmp_path):
    status, out, _ = run("report", "sales", "-o", "sub/page.html")

    page = tmp_path / "sub" / "page.html"
    assert status == 0
    assert out.startswith(f"{page}: 40 partitions, 6 alerts, ")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_a_name_the_page_is_report_html(run, tmp_path):
    assert run("report", "sales", "--partitions", "3")[0] == 0
    assert "last 3 partitions" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_json_is_the_facts_on_the_page_and_writes_no_page_unless_one_is_named(run, sales, tmp_path):
    status, out, _ = run("report", "sales", "--json")
    found = json.loads(out)

    assert status == 0 and not (tmp_path / "report.html").exists()
    expected = json.loads(json.dumps(sales.facts().to_dict()))
    for facts in (found, expected):
        del facts["made_at"], facts["last"]["age_s"]
    assert found == expected
    assert found["answers"]["30"] == {"fail": 3, "inconclusive": 0, "alerted": 1, "pass": 26}
    assert found["last"]["partition"] == label(39)

    run("report", "sales", "--json", "-o", "page.html")
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("seles",), "IL405", "did you mean 'sales'?"),
        (("empty",), "IL406", "interlock write empty FILE adds the first"),
        (("sales", "-o", "folder"), "IL407", "give the name of a file, such as report.html"),
        (("sales", "-o", "file.txt/page.html"), "IL407", None),
        (("sales", "-o", "/proc/nowhere/page.html"), "IL407", None),
        (("sales", "-o", ""), "IL407", "give the name of a file, such as report.html"),
        (("sales", "--partitions", "0"), "IL100", "give 1 or more"),
        (("sales", "--partitions", "many"), "IL100", "interlock report --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_told_is_an_error_with_a_code_and_no_trace(run, ws, tmp_path, arguments, code, hint):
    ws.table("empty")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").write_text("mine")

    status, _, err = run("report", *arguments)
    as_json = json.loads(run("report", *arguments, "--json")[1]) if "-o" not in arguments else None

    assert status == 2 and err.startswith(f"error[{code}]: ") and "Traceback" not in err
    assert as_json is None or (as_json["error"], as_json["hint"]) == (code, hint)
    assert hint is None or hint in err
    assert (tmp_path / "file.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".tmp") == []


def test_a_page_that_was_there_is_replaced_as_a_whole(sales, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old" * 1_000_000)

    assert sales.report(page) == page
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


def test_a_device_is_not_replaced_by_a_page(sales):
    with pytest.raises(StorageFailed, match="is not a file"):
        sales.report("/dev/null")
    assert not Path("/dev/null").is_file()


def test_the_owner_of_the_contract_is_named(ws, tmp_path):
    folder = ws.path
    ws.close()
    (folder / "interlock.yaml").write_text(
        "version: 1\ntables:\n  sales:\n    owner: <Ann & Co>\n", encoding="utf-8"
    )
    with interlock.open(folder) as again:
        page = again.existing_table("sales").report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<dd>&lt;Ann &amp; Co&gt;</dd>" in page
