"""What an orchestrator is told of a verdict: what holds what follows, what does not, and nothing of a row."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

import interlock
from interlock.integrations import told
from interlock.settings import override

SOURCE = Path(interlock.__file__).parents[1]
NEEDY = ("airflow", "dagster", "prefect")


@pytest.fixture
def orders(tmp_path: Path) -> interlock.Table:
    table = interlock.open(tmp_path / "w").table("orders", partition="day", key=["id"])
    table.require("amount > 0", name="positive")
    table.require("amount < 100", name="small", block=False, severity="ticket")
    return table.require("avg(discount) < 1", name="cheap")


def day(label: str, amount: int = 5, discount: float | None = 0.5) -> duckdb.DuckDBPyRelation:
    return duckdb.sql(
        f"SELECT DATE '{label}' AS day, i AS id, {amount} AS amount,"
        f" {'NULL' if discount is None else discount}::DOUBLE AS discount FROM range(7) t(i)"
    )


@pytest.mark.parametrize(
    ("data", "usually", "strictly"),
    [
        ({}, None, None),
        ({"amount": -4}, "is quarantined: ", "is quarantined: "),
        ({"amount": 500}, None, "has 1 ticket: "),
        ({"discount": None}, None, "is inconclusive"),
    ],
)
def test_what_holds_what_follows(
    orders: interlock.Table, data: Any, usually: str | None, strictly: str | None
) -> None:
    document = orders.write(day("2026-03-01", **data), "2026-03-01").to_dict()
    for strict, expected in ((False, usually), (True, strictly)):
        why = told.refusal(document, strict=strict)
        assert why is None if expected is None else (why or "").startswith(f"orders@2026-03-01 {expected}")


def test_a_refusal_says_what_to_do(orders: interlock.Table) -> None:
    why = told.refusal(orders.write(day("2026-03-01", -4), "2026-03-01").to_dict())
    assert "→ interlock quarantine show orders@2026-03-01" in str(why)


def test_what_cannot_be_stored_is_held_with_its_reason(orders: interlock.Table) -> None:
    orders.write(day("2026-03-01"), "2026-03-01")
    text = duckdb.sql(
        "SELECT DATE '2026-03-02' AS day, i AS id, [i] AS amount, 0.5 AS discount FROM range(3) t(i)"
    )
    assert "amount" in str(told.refusal(orders.write(text, "2026-03-02").to_dict()))


def test_the_brief_has_neither_violations_nor_keys_of_rows(orders: interlock.Table) -> None:
    document = orders.write(day("2026-03-01", -4), "2026-03-01").to_dict()
    assert document["violations"][0]["sample"], "there is something to leave out"
    brief = told.brief(document)
    assert json.loads(json.dumps(brief)) == brief
    assert "sample" not in json.dumps(brief)
    assert brief["alerts"][0]["blocks"] is True
    assert (brief["rows"], brief["alerts_more"], brief["released"]) == (7, 0, False)


def test_of_many_alerts_the_loudest_are_told_and_the_others_counted(orders: interlock.Table) -> None:
    document = orders.write(day("2026-03-01", -4), "2026-03-01").to_dict()
    document["alerts"] *= 5
    with override(told_alerts=2):
        brief = told.brief(document)
        assert (len(brief["alerts"]), brief["alerts_more"]) == (2, 3)
        assert "and 3 more" in told.markdown([document])


def test_markdown_shows_names_as_they_are(orders: interlock.Table) -> None:
    document = orders.write(day("2026-03-01", -4), "2026-03-01").to_dict()
    odd = "<script>x</script> **b** [l](http://x) `c`\n# h"
    document["alerts"][0]["title"] = odd
    text = told.markdown([{**document, "table": odd}])
    shown = r"&lt;script&gt;x&lt;/script&gt; \*\*b\*\* \[l\](http://x) \`c\` \# h"
    assert text.startswith(f"**{shown}@2026-03-01** quarantined, fail: 7 rows")
    assert f"- **page** {shown}\n" in text


# --- checking ----------------------------------------------------------------------------


def test_of_several_new_files_the_loudest_verdict_counts(tmp_path: Path) -> None:
    for label, amount in (("a", 5), ("b", -4), ("c", 5)):
        day("2026-03-01", amount).write_parquet(str(tmp_path / f"{label}.parquet"))
    scans = interlock.open(tmp_path / "w").attach("scans", tmp_path / "*.parquet").require("amount > 0")
    assert told.checked(scans)["partition"] == "b"
    assert told.checked(scans)["partition"] == "c", "nothing new: what was judged last"
    assert told.checked(scans, partition="a")["decision"] == "admitted"


def test_data_is_judged_and_not_stored(orders: interlock.Table) -> None:
    document = told.checked(orders, day("2026-03-01", -4), "2026-03-01")
    assert "would be quarantined" in str(told.refusal(document))
    assert orders.verdict() is None


def test_what_nobody_judged_is_an_error(orders: interlock.Table) -> None:
    with pytest.raises(interlock.InterlockError, match="orders has not been judged") as raised:
        told.checked(orders)
    assert raised.value.code == "IL406"
    with pytest.raises(interlock.InterlockError, match="orders@2026-03-01 has not been judged"):
        told.standing(orders, "2026-03-01")


def test_the_workspace_is_the_one_named_else_the_variable_s_else_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("named", "variable", "here"):
        (tmp_path / name).mkdir()
        interlock.open(tmp_path / name / ".interlock").close()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv(told.WORKSPACE, raising=False)

    def where(given: Path | None = None) -> str:
        with told.opened(given) as ws:
            return ws.path.parent.name

    assert where() == "here"
    monkeypatch.setenv(told.WORKSPACE, str(tmp_path / "variable"))
    assert (where(), where(tmp_path / "named")) == ("variable", "named")


# --- without the orchestrators ------------------------------------------------------------


@pytest.mark.parametrize("name", NEEDY)
def test_a_missing_orchestrator_is_said_with_the_extra_to_install(name: str) -> None:
    code = f"""
import sys
sys.modules[{name!r}] = None
from interlock.errors import ExtraMissing
try:
    import interlock.integrations.{name}
except ExtraMissing as error:
    print(error.code, error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         env={"PYTHONPATH": str(SOURCE)}).stdout  # fmt: skip
    assert out.startswith(f"IL800 {name.capitalize()} cannot be imported: ")
    assert f"pip install 'interlock[{name}]'" in out


def test_dbt_is_told_without_dbt() -> None:
    code = "import sys; sys.modules['dbt'] = None; import interlock.integrations.dbt, interlock.cli.app"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(SOURCE)})
