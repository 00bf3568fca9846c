"""Exports: nothing that a spreadsheet would run, the same bytes again, and read back as written."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
from shapely import Point, Polygon

from data.exporters import neutralised, to_csv, to_gpkg, to_xlsx
from data.importers import import_file
from data.kinds import KINDS
from data.store import Store

LABELS = {"name": "名称", "value": "数值(t)"}
RUNNING = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", '=HYPERLINK("http://x")', "-2+cmd|' /C x'!A0"]


def table(*values: Any, name: str = "甲") -> pd.DataFrame:
    return pd.DataFrame({"name": [name] * len(values), "value": pd.Series(values, dtype=object)})


def of_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def of_xlsx(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


@pytest.mark.parametrize("text", RUNNING)
def test_a_running_cell_is_neutralised(text: str) -> None:
    frame = table(text, name=text)
    written = of_csv(to_csv(frame, LABELS))[1]
    assert written == ["'" + text, "'" + text]
    sheet = of_xlsx(to_xlsx(frame, LABELS, title="t"))
    for cell in sheet[2]:
        assert cell.data_type == "s"
        assert str(cell.value).startswith("'")


def test_a_running_header_is_neutralised() -> None:
    labels = {"name": "=1+1", "value": "@x"}
    assert of_csv(to_csv(table(1), labels))[0] == ["'=1+1", "'@x"]
    assert [c.value for c in of_xlsx(to_xlsx(table(1), labels, title="t"))[1]] == ["'=1+1", "'@x"]


@pytest.mark.parametrize("text", ["", "甲 = 乙", "a-b", "1-2", "'quoted", "12@x", "、"])
def test_plain_text_stays(text: str) -> None:
    assert neutralised(text) == text


@pytest.mark.parametrize(
    "value, shown",
    [(-3, "-3"), (0, "0"), (-2.5, "-2.5"), (5.0, "5"), (Decimal("-1.250"), "-1.250"), (np.int64(-7), "-7")],
)
def test_numbers_stay_numbers(value: Any, shown: str) -> None:
    frame = table(value)
    assert of_csv(to_csv(frame, LABELS))[1][1] == shown
    cell = of_xlsx(to_xlsx(frame, LABELS, title="t"))["B2"]
    assert cell.data_type == "n"
    assert float(cell.value) == float(value)


@pytest.mark.parametrize("value", [None, np.nan, np.inf, -np.inf, pd.NA, pd.NaT])
def test_nothing_and_the_infinite_are_empty(value: Any) -> None:
    frame = table(value, 1)
    assert of_csv(to_csv(frame, LABELS))[1][1] == ""
    assert of_xlsx(to_xlsx(frame, LABELS, title="t"))["B2"].value in (None, "")


def test_dates_lists_and_zones_are_text() -> None:
    frame = table(pd.Timestamp("2026-07-01T08:00", tz="Asia/Shanghai"), ["a", "b"], {"=": 1})
    rows = of_csv(to_csv(frame, LABELS))
    assert [row[1] for row in rows[1:]] == ["2026-07-01T08:00:00+08:00", "['a', 'b']", "{'=': 1}"]
    sheet = of_xlsx(to_xlsx(frame, LABELS, title="t"))
    assert sheet["B2"].value == "2026-07-01T08:00:00+08:00"


def test_control_characters_fall_out() -> None:
    frame = table("a\x00b\x0bc\x1fd\x7fe\ud800f\ufffeg", "\x00=1+1")
    assert [row[1] for row in of_csv(to_csv(frame, LABELS))[1:]] == ["abcdefg", "'=1+1"]
    sheet = of_xlsx(to_xlsx(frame, LABELS, title="t"))
    assert sheet["B2"].value == "abcdefg"
    assert sheet["B3"].value == "'=1+1"


def test_quotes_commas_and_lines_in_csv() -> None:
    text = '甲, "乙"\n丙'
    assert of_csv(to_csv(table(text), LABELS))[1][1] == text


def test_an_empty_frame_has_its_header() -> None:
    empty = table().iloc[:0]
    assert of_csv(to_csv(empty, LABELS)) == [["名称", "数值(t)"]]
    assert [c.value for c in of_xlsx(to_xlsx(empty, LABELS, title="t"))[1]] == ["名称", "数值(t)"]


def test_columns_follow_the_labels() -> None:
    assert of_csv(to_csv(table(1), {"value": "v"})) == [["v"], ["1"]]


@pytest.mark.parametrize("title", ["a/b:c*d?e[f]\\g", "", "长" * 60])
def test_any_title_makes_a_sheet(title: str) -> None:
    assert 0 < len(of_xlsx(to_xlsx(table(1), LABELS, title=title)).title) <= 31


def test_the_same_frame_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    frame = table("甲", -1, 2.5)
    first = to_xlsx(frame, LABELS, title="t")
    later = time.localtime(2_000_000_000)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert to_xlsx(frame, LABELS, title="t") == first


def test_gpkg_reads_back(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "fid": [7, 8, 9],
            "name": ["甲", None, "a\x01=1"],
            "persons": [1.0, np.nan, 3.0],
            "is_open": pd.Series([True, None, False], dtype=object),
        },
        geometry=[Point(120.86, 32.01), None, Point(120.87, 32.02)],
        crs=4326,
    )
    path = tmp_path / "x.gpkg"
    path.write_bytes(to_gpkg(frame, layer="企业"))
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["企业"]
    back = gpd.read_file(path)
    assert back.crs.to_epsg() == 4326
    assert back["name"].tolist()[0] == "甲"
    assert back["fid_"].tolist() == [7, 8, 9]
    assert back["persons"].tolist()[0] == 1.0
    assert back.geometry.iloc[0].equals(Point(120.86, 32.01))
    assert back.geometry.iloc[1] is None


def test_gpkg_of_mixed_shapes_and_of_none(tmp_path: Path) -> None:
    square = Polygon([(0, 0), (1, 0), (1, 1)])
    mixed = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[Point(0, 0), square], crs=4326)
    for number, frame in enumerate((mixed, mixed.iloc[:0])):
        path = tmp_path / f"{number}.gpkg"
        path.write_bytes(to_gpkg(frame, layer="x"))
        assert len(gpd.read_file(path)) == len(frame)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_our_own_table_of_a_kind_is_read_back(tmp_path: Path, ending: str, lang: str) -> None:
    row = {
        "id": "007",
        "name": "=1+1",
        "level": "street",
        "volume_m3": 12.5,
        "address": None,
        "contact": "@王",
        "phone": "+86 138-0000-0000",
        "lon": 120.86,
        "lat": 32.01,
    }
    depots = KINDS["depots"].columns
    labels = {c.name: (c.zh if lang == "zh" else c.en) + (f"({c.unit})" if c.unit else "") for c in depots}
    labels |= {"lon": "lon", "lat": "lat"}
    frame = pd.DataFrame([row, {**row, "id": "8", "lon": None, "lat": None}], dtype=object)
    content = to_csv(frame, labels) if ending == "csv" else to_xlsx(frame, labels, title="t")
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=4549) as store:
        report = import_file(store, "depots", path, crs="EPSG:4326", now_utc=datetime(2026, 7, 1, tzinfo=UTC))
        assert report.notices == ()
        assert report.unplaced == ("8",)
        found = store.frame("depot").iloc[0]
    assert [found[name] for name in ("id", "name", "level", "volume_m3", "contact", "phone")] == [
        row[name] for name in ("id", "name", "level", "volume_m3", "contact", "phone")
    ]
    assert found.geometry.equals(Point(120.86, 32.01))
