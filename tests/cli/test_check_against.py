"""What `interlock check FILE --against GLOB` says makes sense."""

from __future__ import annotations

from tests.cli.conftest import DAYS, people, save

NEW = DAYS  # the day after the history


def broken(column: str, by: str) -> str:
    return f"SELECT * REPLACE ({by} AS {column}) FROM ({people(NEW)})"


def test_an_ordinary_day_raises_nothing(run, history, tmp_path):
    new = save(people(NEW), tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "*.csv", "--strict", "--json")

    assert said.status == 0, said.out
    assert said.json["outcome"] == "pass"
    assert said.json["violations"] == []
    assert said.json["notes"] == []
    assert said.json["constraints"] > 50


def test_a_broken_column_is_named_first(run, history, tmp_path):
    new = save(broken("age", "CASE WHEN id % 2 = 0 THEN -age ELSE age END"), tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "*.csv", "--json")

    assert said.status == 0  # what was only learned never blocks
    (alert,) = said.json["alerts"]
    assert alert["columns"][0] == "age"
    assert alert["severity"] == "page"
    assert "negative" in alert["title"]
    assert alert["advice"] == f"interlock profile {new}"


def test_with_strict_the_alert_is_exit_status_1(run, history, tmp_path):
    new = save(broken("city", "'Bonn'"), tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "*.csv", "--strict", "--json")

    assert said.status == 1
    assert said.json["alerts"][0]["columns"][0] == "city"


def test_a_file_whose_name_tells_no_day_is_dated_by_what_it_holds(run, history, tmp_path):
    new = save(people(NEW), tmp_path / "new.csv")

    said = run("check", new, "--against", history / "*.csv", "--json")

    assert said.json["partition"] == "2024-01-31"
    assert said.json["violations"] == []


def test_without_any_day_moments_are_left_out_rather_than_wrong(run, tmp_path):
    for day in range(10):
        undated = f"SELECT * EXCLUDE (day) REPLACE (moment - to_days(id::INTEGER % 3) AS moment) FROM ({people(day)})"
        save(undated, tmp_path / f"part-{'abcdefghij'[day]}.csv")

    said = run("check", tmp_path / "part-j.csv", "--against", tmp_path / "part-*.csv", "--json")

    assert said.json["outcome"] == "pass"
    assert [v for v in said.json["violations"] if v["column"] == "moment"] == []


def test_the_day_may_stand_within_the_name(run, history, tmp_path):
    for path in history.iterdir():
        (tmp_path / f"people_{path.stem.replace('-', '')}_v1.csv").symlink_to(path)
    new = save(people(NEW), tmp_path / "people_20240131_v1.csv")

    said = run("check", new, "--against", tmp_path / "people_*.csv", "--json")

    assert said.json["partition"] == "2024-01-31"
    assert said.json["violations"] == []
    assert "left out" in said.json["notes"][0]  # itself, which the glob matches too


def test_folders_named_for_their_day_are_partitions(run, history, tmp_path):
    for path in history.iterdir():
        folder = tmp_path / f"dt={path.stem}"
        folder.mkdir()
        save(f"SELECT * FROM read_csv('{path}')", folder / "part.parquet")
    new = save(people(NEW), tmp_path / "2024-01-31.parquet")

    said = run("check", new, "--against", tmp_path / "dt=*" / "*.parquet", "--json")

    assert said.json["violations"] == []  # the folder's column is no missing column
    assert said.json["constraints"] > 50


def test_few_files_are_inconclusive_and_said_to_be(run, history, tmp_path):
    new = save(people(NEW), tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "2024-01-0[1-3].csv", "--strict", "--json")

    assert said.status == 3
    assert said.json["outcome"] == "inconclusive"
    assert said.json["notes"] == [
        "too few files to compare it with: 3; learning needs 7, so only the columns were compared"
    ]


def test_even_few_files_tell_that_a_column_is_missing(run, history, tmp_path):
    new = save(f"SELECT * EXCLUDE (city) FROM ({people(NEW)})", tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "2024-01-0[1-3].csv", "--json")

    assert said.json["outcome"] == "inconclusive"
    assert said.json["alerts"][0]["columns"] == ["city"]


def test_a_single_large_file_is_cut_into_parts(run, tmp_path):
    old = save(" UNION ALL ".join(people(day) for day in range(20)), tmp_path / "old.parquet")
    good = save(people(NEW), tmp_path / "good.parquet")
    bad = save(broken("age", "age * 100"), tmp_path / "bad.parquet")

    fine, wrong = (run("check", new, "--against", old, "--json").json for new in (good, bad))

    assert [a for a in fine["alerts"] if "age" in a["columns"] or "city" in a["columns"]] == []
    assert fine["outcome"] == "pass"
    assert "age" in {c for a in wrong["alerts"] for c in a["columns"]}


def test_a_single_small_file_is_too_little(run, tmp_path):
    old, new = save(people(0), tmp_path / "old.csv"), save(people(1), tmp_path / "new.csv")

    said = run("check", new, "--against", old, "--json")

    assert said.json["outcome"] == "inconclusive"
    assert "too little to compare it with" in said.json["notes"][0]


def test_a_file_is_not_compared_with_itself(run, tmp_path):
    new = save(people(0), tmp_path / "new.csv")

    said = run("check", new, "--against", new, "--json")

    assert said.json["outcome"] == "inconclusive"
    assert said.json["notes"] == ["there is nothing but itself to compare it with"]


def test_other_columns_altogether_are_one_alert(run, history, tmp_path):
    new = save("SELECT 1 AS a, 2 AS b, 3 AS c FROM range(300)", tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "*.csv", "--json")

    drift = [a for a in said.json["alerts"] if "the columns changed" in a["title"]]
    assert len(drift) == 1
    assert "6 missing (id, age, city and 3 more), 3 new (a, b, c)" in drift[0]["title"]


def test_a_file_with_a_header_and_nothing_else_is_news_about_rows_only(run, history, tmp_path):
    new = tmp_path / "2024-01-31.csv"
    new.write_text("id,age,city,amount,moment,day\n")

    said = run("check", new, "--against", history / "*.csv", "--json")

    assert [v["statistic"] for v in said.json["violations"]] == ["rows"]


def test_a_column_that_is_empty_today_is_news_about_nulls_not_about_its_type(run, history, tmp_path):
    new = save(broken("amount", "NULL"), tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "*.csv", "--json")

    assert {v["statistic"] for v in said.json["violations"] if v["column"] == "amount"} >= {"nulls"}
    assert [v for v in said.json["violations"] if v["statistic"] == "schema"] == []


def test_csv_and_parquet_of_the_same_rows_agree(run, history, tmp_path):
    (tmp_path / "p").mkdir()
    for path in history.iterdir():
        save(f"SELECT * FROM read_csv('{path}')", tmp_path / "p" / f"{path.stem}.parquet")
    query = broken("age", "-age")
    csv = save(query, tmp_path / "2024-01-31.csv")
    parquet = save(query, tmp_path / "2024-01-31.parquet")

    by_csv = run("check", csv, "--against", history / "*.csv", "--json").json
    by_parquet = run("check", parquet, "--against", tmp_path / "p" / "*.parquet", "--json").json

    assert [a["columns"] for a in by_csv["alerts"]] == [a["columns"] for a in by_parquet["alerts"]]


def test_a_glob_the_shell_spelled_out_is_explained(run, tmp_path):
    said = run("check", "new.csv", "--against", "a.csv", "b.csv", "c.csv", "d.csv")

    assert said.status == 2
    assert "put the glob in quotes" in said.err


def test_a_file_without_anything_to_judge_by_is_explained(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(people(0), tmp_path / "new.csv")

    said = run("check", "new.csv")

    assert said.status == 2
    assert "--against" in said.err


def test_the_words_show_the_cause_its_past_and_the_next_command(run, history, tmp_path):
    new = save(broken("age", "CASE WHEN id % 2 = 0 THEN -age ELSE age END"), tmp_path / "2024-01-31.csv")

    said = run("check", new, "--against", history / "*.csv", columns=80)

    lines = said.out.splitlines()
    assert lines[0].split() == f"{tmp_path.name}@2024-01-31 would be published, 1 page".split()
    assert "age is negative in 150 rows, 50%" in said.out
    assert "more (--all)" in said.out
    assert "0 … 0 before, 0.5 now" in said.out
    assert "▁█" in said.out
    assert "next: interlock profile" in said.out
    assert len(lines) <= 14
    assert max(map(len, lines)) <= 80


def test_all_shows_every_violation_with_its_constraint(run, history, tmp_path):
    new = save(broken("age", "-age"), tmp_path / "2024-01-31.csv")

    short = run("check", new, "--against", history / "*.csv")
    whole = run("check", new, "--against", history / "*.csv", "--all")

    assert "age_never_negative" not in short.out
    assert "age_never_negative" in whole.out
    assert len(whole.out.splitlines()) > len(short.out.splitlines())
