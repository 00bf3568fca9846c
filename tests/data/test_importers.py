"""Files through `import_file`: what comes in, and that a refused file leaves nothing at all."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, box

from data.importers import ImportReport, import_file, import_frame
from data.store import Store
from geo.crs import gcj02_to_bd09, to_lonlat, to_metric, wgs84_to_gcj02
from geo.errors import ImportRefused, InputError

NOW = datetime(2026, 7, 1, tzinfo=UTC)
EPSG = 4549
LON, LAT = 120.86, 32.01
HEAD = "编号,名称,类别,地址,经度,纬度"
ROW = "E1,甲厂,危化品,路1号,120.86,32.01"

Write = Callable[[Path], Path]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=EPSG) as made:
        yield made


def bring(store: Store, kind: str, path: Path, **options: Any) -> ImportReport:
    return import_file(store, kind, path, **{"now_utc": NOW, **options})


def counted(report: ImportReport) -> tuple[int, int, int, int]:
    return report.inserted, report.updated, report.unchanged, report.deleted


def csv_file(folder: Path, *lines: str, name: str = "a.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def xlsx_file(folder: Path, *rows: list[Any], name: str = "a.xlsx") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    path = folder / name
    book.save(path)
    return path


def places(n: int = 3, **columns: Any) -> gpd.GeoDataFrame:
    points = [Point(LON + 0.001 * i, LAT) for i in range(n)]
    data = {"id": [f"E{i}" for i in range(n)], "name": [f"厂{i}" for i in range(n)], **columns}
    return gpd.GeoDataFrame(data, geometry=points, crs=4326)


def vector_file(folder: Path, frame: gpd.GeoDataFrame, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".zip"):
        inner = folder / "unpacked"
        inner.mkdir()
        pyogrio.write_dataframe(frame, inner / "图.shp", encoding="UTF-8")
        with zipfile.ZipFile(path, "w") as archive:
            for part in inner.iterdir():
                archive.write(part, f"sub/{part.name}")
    else:
        options = {"encoding": "UTF-8"} if name.endswith(".shp") else {}
        pyogrio.write_dataframe(frame, path, **options)
    return path


def refused(store: Store, kind: str, path: Path, *words: str, **options: Any) -> ImportRefused:
    """The refusal, whose sentence has all `words`; nothing is written."""
    before, counts = store.revision(), store.counts()
    with pytest.raises(InputError) as caught:
        bring(store, kind, path, **options)
    for word in words:
        assert word in caught.value.detail, caught.value.detail
    assert store.revision() == before
    assert store.counts() == counts
    error = caught.value
    return error if isinstance(error, ImportRefused) else ImportRefused(error.detail)


def set_boundary(store: Store) -> None:
    frame = gpd.GeoDataFrame({"name": ["区"]}, geometry=[box(120.8, 31.95, 120.95, 32.1)], crs=4326)
    import_frame(store, "boundary", frame, source="t", source_datum="EPSG:4326", now_utc=NOW)


# -- formats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_encodings_and_delimiters(store: Store, tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [line.replace(",", delimiter) for line in (HEAD, ROW, "", "002,乙厂,,,,")]
    report = bring(store, "enterprises", csv_file(tmp_path, *lines, encoding=encoding), crs="EPSG:4326")
    assert counted(report) == (2, 0, 0, 0)
    assert report.unplaced == ("002",)
    found = store.frame("enterprise").set_index("id")
    assert found.loc["E1", "name"] == "甲厂"
    assert found.loc["E1", "categories"] == "hazardous_chemicals"
    assert found.loc["E1"].geometry.equals(Point(LON, LAT))


@pytest.mark.parametrize(
    "head",
    [
        ["id", "name", "workers_on_shift", "lon", "lat"],
        ["编号", "名称", "当班人数(人)", "经度", "纬度"],
        ["编码*", "企业名称", " 当班人数（人） ", "经度(°)", "纬度(°)"],
        ["ID", "Name", "workers on shift", "Longitude", "LATITUDE"],
    ],
)
def test_headers_in_both_languages_and_with_units(store: Store, tmp_path: Path, head: list[str]) -> None:
    path = xlsx_file(tmp_path, head, ["007", "甲厂", 12, LON, LAT])
    assert counted(bring(store, "enterprises", path, crs="EPSG:4326")) == (1, 0, 0, 0)
    row = store.frame("enterprise").iloc[0]
    assert (row["id"], row["name"], row["workers_on_shift"]) == ("007", "甲厂", 12)
    assert row.geometry.equals(Point(LON, LAT))


def test_map_of_columns(store: Store, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "号码,厂,X1,Y1,id", "E1,甲,120.86,32.01,zzz")
    mapping = {"号码": "id", "厂": "name", "X1": "lon", "Y1": "lat"}
    report = bring(store, "enterprises", path, crs="EPSG:4326", column_map=mapping)
    assert store.frame("enterprise")["id"].tolist() == ["E1"]
    assert report.notices == ("columns not used: id",)
    refused(store, "enterprises", path, "号", "has no column", column_map={"号": "id"})
    refused(store, "enterprises", path, "zz", "expected one of", column_map={"厂": "zz"})
    refused(store, "enterprises", path, "already", column_map={"厂": "name", "号码": "name"})


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.gpkg", "a.shp", "a.zip"])
def test_vector_files(store: Store, tmp_path: Path, name: str) -> None:
    frame = places(categories=["危险化学品", None, "粉尘涉爆;有限空间"])
    if name == "a.json":
        path = vector_file(tmp_path, frame, "b.geojson").rename(tmp_path / name)
    else:
        path = vector_file(tmp_path, frame, name)
    report = bring(store, "enterprises", path)
    assert counted(report) == (3, 0, 0, 0)
    found = store.frame("enterprise")
    assert found["categories"].tolist()[2] == "combustible_dust;confined_space"
    assert pd.isna(found["categories"].tolist()[1])
    assert shapely.equals_exact(found.geometry.to_numpy(), frame.geometry.to_numpy(), 1e-9).all()
    assert set(found["source_datum"]) == {"EPSG:4326"}
    revision = store.revision()
    assert counted(bring(store, "enterprises", path)) == (0, 0, 3, 0)
    assert store.revision() == revision


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp", "a.zip", "a.parquet"])
def test_roads_replace_and_append(store: Store, tmp_path: Path, name: str) -> None:
    lines = [LineString([(LON, LAT + 0.001 * i), (LON + 0.01, LAT)]) for i in range(3)]
    frame = gpd.GeoDataFrame(
        {"highway": ["primary", "service", "service"], "maxspeed": [60, None, 30.0], "name": ["路", None, None]},
        geometry=lines,
        crs=4326,
    )
    path = vector_file(tmp_path, frame, name)
    assert counted(bring(store, "roads", path)) == (3, 0, 0, 0)
    revision = store.revision()
    assert counted(bring(store, "roads", path)) == (0, 0, 3, 0)
    assert store.revision() == revision
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    path = vector_file(fewer, frame.iloc[:1], name)
    assert counted(bring(store, "roads", path, append=True)) == (0, 0, 1, 0)
    assert counted(bring(store, "roads", path)) == (0, 0, 1, 2)
    other = frame.iloc[1:2].assign(highway="tertiary")
    more = tmp_path / "more"
    more.mkdir()
    assert counted(bring(store, "roads", vector_file(more, other, name), append=True)) == (1, 0, 0, 0)
    assert len(store.frame("road")) == 2


@pytest.mark.parametrize("kind", ["boundary", "water"])
def test_boundary_and_water_replace(store: Store, tmp_path: Path, kind: str) -> None:
    for step, side in enumerate((0.1, 0.2)):
        frame = gpd.GeoDataFrame({"name": ["甲"]}, geometry=[box(LON, LAT, LON + side, LAT + side)], crs=4326)
        report = bring(store, kind, vector_file(tmp_path, frame, f"{step}.geojson"))
        assert counted(report) == (1, 0, 0, step)
    assert len(store.frame(kind)) == 1


def test_gbk_shapefile_that_does_not_say_so(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.shp"
    pyogrio.write_dataframe(places(), path, encoding="GB18030")
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    table = bytearray((tmp_path / "a.dbf").read_bytes())
    table[29] = 0
    (tmp_path / "a.dbf").write_bytes(table)
    bring(store, "enterprises", path)
    assert store.frame("enterprise")["name"].tolist() == ["厂0", "厂1", "厂2"]


def test_metric_crs_of_the_file_is_undone(store: Store, tmp_path: Path) -> None:
    path = vector_file(tmp_path, places().to_crs(EPSG), "a.gpkg")
    bring(store, "enterprises", path)
    found = store.frame("enterprise")
    away = to_metric(shapely.get_coordinates(found.geometry.to_numpy()), epsg=EPSG)
    assert np.abs(away - to_metric([(LON + 0.001 * i, LAT) for i in range(3)], epsg=EPSG)).max() < 0.01
    assert set(found["source_datum"]) == {f"EPSG:{EPSG}"}


def test_a_list_in_geojson_is_several_values(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"T","name":"队",'
        '"skills":["灭火","防汛"],"more":{"a":1}},"geometry":{"type":"Point","coordinates":[120.86,32.01]}}]}',
        "utf-8",
    )
    bring(store, "teams", path)
    assert store.frame("team")["skills"].tolist() == ["firefighting;flood"]


# -- again, changed, checked only -----------------------------------------------------------------


def test_leading_zeros_stay(store: Store, tmp_path: Path) -> None:
    path = xlsx_file(tmp_path, ["编号", "名称", "计量单位"], ["0012", "a", "只"], [7, "b", "只"], [8.0, "c", "只"])
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    sheet["A3"].number_format = "0000"
    book.save(path)
    bring(store, "items", path)
    assert store.frame("item")["id"].tolist() == ["0012", "0007", "8"]
    bring(store, "items", csv_file(tmp_path, "编号,名称,计量单位", "00034,x,只"))
    assert "00034" in store.frame("item")["id"].tolist()


def test_a_reserve_list_in_force_stays_as_it_was_decided(store: Store, tmp_path: Path) -> None:
    bring(store, "items", csv_file(tmp_path, "编号,名称,计量单位", "I1,沙袋,只", "I2,泵,台", name="i.csv"))
    head = "版本,级别,责任单位,物资编号,储备方式,下限,目标,上限,生效日期,失效日期,来历,出处"

    def listed(*rows: str) -> Path:
        return csv_file(tmp_path, head, *rows)

    now_v = "2026,区,区,I1,实物储备,10,20,30,2026-07-01,,本区确定,文1"
    next_v = "2027,区,区,I1,实物储备,10,20,30,2026-07-02,,本区确定,文2"
    bring(store, "reserve_targets", listed(now_v, next_v))
    assert counted(bring(store, "reserve_targets", listed(now_v))) == (0, 0, 1, 0)
    # It begins on that day, in the district's time; until then it may be changed.
    last = datetime(2026, 7, 1, 15, 59, 59, tzinfo=UTC)
    bring(store, "reserve_targets", listed(next_v.replace(",20,", ",21,")), now_utc=last)
    changed = listed(next_v.replace(",20,", ",22,"))
    error = refused(store, "reserve_targets", changed, "target", now_utc=last + timedelta(seconds=1))
    assert [(row["column"], row["expected"]) for row in error.rows] == [
        ("target", "a new version, for 2027 has been in force since 2026-07-02")
    ]
    refused(store, "reserve_targets", listed(now_v.replace("I1", "I2")), "2026 has been in force since 2026-07-01")
    ended = bring(store, "reserve_targets", listed(now_v.replace("2026-07-01,,", "2026-07-01,2026-12-31,")))
    assert counted(ended) == (0, 1, 0, 0)


def test_again_changed_and_checked_only(store: Store, tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEAD, ROW, "E2,乙厂,,,120.87,32.01")
    before = store.revision()
    dry = bring(store, "enterprises", path, crs="EPSG:4326", dry_run=True)
    assert counted(dry) == (2, 0, 0, 0)
    assert dry.dry_run
    assert "nothing written" in dry.to_text()
    assert store.revision() == before
    assert len(store.import_runs()) == 0
    bring(store, "enterprises", path, crs="EPSG:4326")
    revision = store.revision()
    assert counted(bring(store, "enterprises", path, crs="EPSG:4326")) == (0, 0, 2, 0)
    assert store.revision() == revision
    path = csv_file(tmp_path, HEAD, ROW.replace("甲厂", "甲甲厂"), "E2,乙厂,,,120.87,32.01")
    assert counted(bring(store, "enterprises", path, crs="EPSG:4326")) == (0, 1, 1, 0)
    assert [(c.id, c.operation) for c in store.changes(revision) if c.table == "enterprise"] == [("E1", "update")]
    assert len(store.import_runs()) == 2


def test_addresses_without_coordinates(store: Store, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "编号,名称,地址", "E1,甲厂,路1号", "E2,乙厂,路2号")
    report = bring(store, "enterprises", path)
    assert report.unplaced == ("E1", "E2")
    assert "to be placed: E1, E2" in report.to_text()
    assert report.to_json()["unplaced"] == ["E1", "E2"]
    assert store.frame("enterprise").geometry.isna().all()


def test_a_place_that_was_found_stays(store: Store, tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEAD, "E1,甲厂,,路1号,,")
    assert bring(store, "enterprises", path).unplaced == ("E1",)
    bring(store, "enterprises", csv_file(tmp_path, HEAD, ROW, name="b.csv"), crs="EPSG:4326")
    for text in ("E1,甲厂,,路1号,,", "E1,甲甲厂,,路1号,,"):
        report = bring(store, "enterprises", csv_file(tmp_path, HEAD, text))
        assert report.unplaced == ()
        assert store.frame("enterprise").geometry.iloc[0].equals(Point(LON, LAT))


def test_villages_make_their_streets(store: Store, tmp_path: Path) -> None:
    squares = [box(LON + 0.01 * i, LAT, LON + 0.01 * (i + 1), LAT + 0.01) for i in range(3)]
    frame = gpd.GeoDataFrame(
        {"编号": ["V1", "V2", "V3"], "名称": ["a", "b", "c"], "街道": ["甲", "甲", "乙"], "常住人口": [1, 2, 3]},
        geometry=squares,
        crs=4326,
    )
    assert counted(bring(store, "villages", vector_file(tmp_path, frame, "a.gpkg"))) == (3, 0, 0, 0)
    streets = store.frame("street").set_index("name")
    assert sorted(streets.index) == ["乙", "甲"]
    assert streets.geometry["甲"].symmetric_difference(box(LON, LAT, LON + 0.02, LAT + 0.01)).area < 1e-12


def stocked(store: Store, folder: Path) -> None:
    bring(store, "depots", csv_file(folder, "编号,名称,级别", "D1,库,街道", name="d.csv"))
    bring(store, "items", csv_file(folder, "编号,名称,计量单位", "I1,沙袋,只", "I2,泵,台", name="i.csv"))


LOT_HEAD = "仓库编号,物资编号,批号,数量,计量单位,已预留,冻结,有效期至"


def test_lots_go_through_the_ledger(store: Store, tmp_path: Path) -> None:
    stocked(store, tmp_path)
    path = csv_file(tmp_path, LOT_HEAD, "D1,I1,A,100,只,10,5,2027-01-01", "D1,I2,A,2,,,,")
    assert counted(bring(store, "lots", path)) == (2, 0, 0, 0)
    assert store.frame("movement")["kind"].tolist()[:1] == ["opening"]
    revision = store.revision()
    assert counted(bring(store, "lots", path)) == (0, 0, 2, 0)
    assert store.revision() == revision
    path = csv_file(tmp_path, LOT_HEAD, "D1,I1,A,90,只,10,5,2027-01-01", "D1,I2,A,2,,,,")
    assert counted(bring(store, "lots", path)) == (0, 1, 1, 0)
    last = store.frame("movement").iloc[-1]
    assert last["quantity_e3"] == 10_000
    assert store.frame("lot", where={"item_id": "I1"})["on_hand_e3"].tolist() == [90_000]


def test_parts_of_what_has_none_are_refused_row_by_row(store: Store, tmp_path: Path) -> None:
    bring(store, "depots", csv_file(tmp_path, "编号,名称,级别", "D1,库,街道", name="d.csv"))
    bring(store, "items", csv_file(tmp_path, "编号,名称,计量单位", "I1,帐篷,顶", "I2,大米,kg", name="i.csv"))
    rows = ("D1,I1,A,0.5,顶,,,", "D1,I2,A,0.5,kg,0.1,0.2,", "D1,I1,B,2,顶,0.001,1.999,", "D1,I1,C,1.000,顶,1.0,,")
    with pytest.raises(ImportRefused) as refused:
        bring(store, "lots", csv_file(tmp_path, LOT_HEAD, *rows))
    expected = "a whole number: the unit 顶 has no parts"
    assert [(f["row"], f["column"], str(f["value"]), f["expected"]) for f in refused.value.rows] == [
        (1, "quantity", "0.5", expected),
        (3, "reserved", "0.001", expected),
        (3, "on_hold", "1.999", expected),
    ]
    assert len(store.frame("lot")) == 0
    assert counted(bring(store, "lots", csv_file(tmp_path, LOT_HEAD, rows[1], rows[3]))) == (2, 0, 0, 0)


def test_lots_that_cannot_be(store: Store, tmp_path: Path) -> None:
    stocked(store, tmp_path)
    path = csv_file(
        tmp_path,
        LOT_HEAD,
        "D1,I1,A,100,箱,10,5,",
        "D1,I1,B,10,只,8,5,",
        "D9,I1,C,1,只,,,",
        "D1,I9,D,1,只,,,",
        "D1,I1,E,-1,只,,,",
        "D1,I1,F,1.2345,只,,,",
        "D1,I1,G,1,只,,,2027-02-30",
        "D1,I1,B,10,只,,,",
    )
    rows = refused(store, "lots", path, "8 faults", "data row 1 (line 2 of the file), unit", "'箱'", "只").rows
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [row["line"] for row in rows] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert [row["column"] for row in rows] == [
        "unit",
        "reserved, on_hold",
        "depot_id",
        "item_id",
        "quantity",
        "quantity",
        "expires_on",
        "depot_id, item_id, lot",
    ]


# -- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, head, row, words",
    [
        ("cells", "id,persons,lon,lat", "C1,-3,120.86,32.01", ["persons", "'-3'", "whole number in 人 from 0"]),
        ("cells", "id,persons,lon,lat", "C1,12 人,120.86,32.01", ["'12 人'", "without the unit"]),
        ("cells", "id,persons,lon,lat", "C1,1.5,120.86,32.01", ["'1.5'", "whole number"]),
        ("cells", "id,persons,lon,lat", "C1,nan,120.86,32.01", ["'nan'", "whole number"]),
        ("cells", "id,persons,lon,lat", "C1,1e999,120.86,32.01", ["'1e999'", "whole number"]),
        ("cells", "id,persons,lon,lat", "C1,,120.86,32.01", ["persons", "''", "required"]),
        ("cells", "id,persons,lon,lat", ",5,120.86,32.01", ["id", "required"]),
        ("cells", "id,persons,lon,lat", "C1,5,,", ["geometry", "a Point"]),
        ("cells", "id,persons,lon,lat", "C1,5,120.86,", ["lat", "both coordinates, or neither"]),
        ("cells", "id,persons,lon,lat", "C1,5,,32.01", ["lon", "both coordinates, or neither"]),
        ("cells", "id,persons,lon,lat", "C1,5,nan,32.01", ["lon", "'nan'", "finite"]),
        ("cells", "id,persons,lon,lat", "C1,5,120.86,inf", ["lat", "'inf'", "finite"]),
        ("cells", "id,persons,lon,lat", "C1,5,120°51',32.01", ["lon", "a number in the declared CRS"]),
        ("cells", "id,persons,lon,lat", "C1,5,32.01,120.86", ["32.01000, 120.86000", "look swapped"]),
        ("cells", "id,persons,lon,lat", "C1,5,520.86,32.01", ["520.86000", "in degrees"]),
        ("cells", "id,persons,lon", "C1,5,120.86", ["lon and lat", "persons"]),
        ("cells", "id,lon,lat", "C1,120.86,32.01", ["persons (人口)", "is missing"]),
        ("enterprises", HEAD, "E1,甲,棉花糖,,,", ["categories", "'棉花糖'", "危险化学品 (hazardous_chemicals)"]),
        ("enterprises", "编号,名称,风险等级", "E1,甲,五级", ["'五级'", "重大 (major)", "低 (low)"]),
        ("enterprises", "编号,名称,lon", "E1,甲,120", ["lon and lat"]),
        ("enterprises", "编号,名称", f"E1,{'长' * 2001}", ["name", "at most 2000 characters"]),
        ("enterprises", "编号,名称", "E1,a\x07b", ["name", "without control characters"]),
        ("enterprises", "编号,名称", "E1,a\x9bb", ["name", "without control characters"]),
        ("enterprises", "编号,名称", "E1,=1+1", ["'=1+1'", "not a formula"]),
        ("enterprises", "编号,名称", "E1,@SUM(A1)", ["not a formula"]),
        ("enterprises", "编号,名称", "E1,-2+cmd|' /C calc'!A0", ["not a formula"]),
        ("enterprises", "编号,名称", "E1,+B2", ["not a formula"]),
        ("enterprises", "编号,名称,编号", "E1,a,E1", ["编号 stands twice"]),
        ("enterprises", "编号,名称", "E1,a,b", ["3 cells", "2 cells as in the header"]),
        ("enterprises", "编号,名称,", "E1,a,b", ["'b'", "empty header"]),
        ("enterprises", "编号,名称", "编号,名称", ["the header once more"]),
        ("enterprises", "编号,名称", "E1,a\r\nE1,b", ["data row 2 (line 3 of the file), id", "'E1'", "data row 1"]),
        ("enterprises", "编号,名称", 'E1,"a', ["not a CSV table"]),
        ("enterprises", "编号,名称", "", ["no data rows"]),
        ("enterprises", "", "", ["the file is empty"]),
        ("shelters", "id,name,indoor", "S1,a,maybe", ["indoor", "'maybe'", "是/否"]),
        ("shelters", "id,name,area_m2", "S1,a,1e10", ["area_m2", "'1e10'", "m2"]),
        ("teams", "id,name,duty", "T1,a,always", ["duty", "'always'", "24h"]),
        ("substances", "enterprise_id,name,quantity_t", "E9,氨,5", ["enterprise_id", "'E9'", "there already"]),
    ],
)
def test_bad_rows_are_refused(store: Store, tmp_path: Path, kind: str, head: str, row: str, words: list[str]) -> None:
    refused(store, kind, csv_file(tmp_path, head, row), *words, crs="EPSG:4326")


@pytest.mark.parametrize("value", ["-3", "+5", "-", "+86 138-0000 0000", "- 无", "-1e3", "'quoted'"])
def test_no_formula(store: Store, tmp_path: Path, value: str) -> None:
    bring(store, "enterprises", csv_file(tmp_path, "编号,名称,电话", f"E1,甲,{value}"))
    assert store.frame("enterprise")["phone"].tolist() == [value]


def test_a_negative_number_is_read(store: Store, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "id,persons,lon,lat", "C1,+5,-51.2,-30.1")
    bring(store, "cells", path, crs="EPSG:4326")
    found = store.frame("cell")
    assert found["persons"].tolist() == [5]
    assert found.geometry.iloc[0].equals(Point(-51.2, -30.1))


def test_formulas_and_errors_in_a_sheet(store: Store, tmp_path: Path) -> None:
    path = xlsx_file(tmp_path, ["编号", "名称"], ["E1", "a"], [], ["E2", "=1+1"], ["E3", "#N/A"])
    rows = refused(store, "enterprises", path, "2 faults", "data row 2 (line 4 of the file)", "=1+1").rows
    assert [(r["row"], r["line"], r["expected"]) for r in rows] == [
        (2, 4, "a value, not a formula"),
        (3, 5, "a value, not an error"),
    ]


def test_faults_are_told_all_at_once_in_the_order_of_rows(store: Store, tmp_path: Path) -> None:
    set_boundary(store)
    path = csv_file(
        tmp_path,
        "编号,名称,当班人数,风险等级,经度,纬度",
        "E1,甲,1,低,120.86,32.01",
        "E2,,x,低,120.86,32.01",
        "",
        "E3,丙,2,绿,120.86,32.01",
        "E4,丁,2,低,10.0,32.01",
        "E1,戊,2,低,,",
    )
    rows = refused(store, "enterprises", path, "5 faults", "nothing written", crs="EPSG:4326").rows
    assert [(r["row"], r["line"], r["column"]) for r in rows] == [
        (2, 3, "name"),
        (2, 3, "workers_on_shift"),
        (3, 5, "risk_level"),
        (4, 6, "geometry"),
        (5, 7, "id"),
    ]


def test_the_list_of_faults_ends_and_the_count_goes_on(store: Store, tmp_path: Path) -> None:
    lines = [f"C{i % 7},-1,nan,32.01" for i in range(1000)]
    error = refused(store, "cells", csv_file(tmp_path, "id,persons,lon,lat", *lines), "2,993 faults", crs="EPSG:4326")
    assert len(error.rows) == 200


def test_ids_in_another_case_are_kept_and_told(store: Store, tmp_path: Path) -> None:
    report = bring(store, "enterprises", csv_file(tmp_path, "编号,名称", "a1,甲", "A1,乙"))
    assert report.inserted == 2
    assert "letter case only are kept apart: a1 and A1" in report.notices[0]


def test_out_of_district_and_swapped_with_a_boundary(store: Store, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["区"]}, geometry=[box(50.0, 20.0, 50.1, 20.1)], crs=4326)
    import_frame(store, "boundary", frame, source="t", source_datum="EPSG:4326", now_utc=NOW)
    path = csv_file(tmp_path, HEAD, "E1,甲,,,20.05,50.05")
    refused(store, "enterprises", path, "20.05000, 50.05000", "inside the district", "look swapped", crs="EPSG:4326")
    path = csv_file(tmp_path, HEAD, "E1,甲,,,55,20")
    error = refused(store, "enterprises", path, "inside the district's extent", crs="EPSG:4326")
    assert "swapped" not in error.detail


def test_roads_may_reach_out_but_not_lie_elsewhere(store: Store, tmp_path: Path) -> None:
    set_boundary(store)
    inside = LineString([(LON, LAT), (LON + 0.01, LAT)])
    outside = LineString([(10, 50), (10.1, 50)])
    frame = gpd.GeoDataFrame({"highway": "service"}, index=range(2), geometry=[inside, outside], crs=4326)
    report = bring(store, "roads", vector_file(tmp_path, frame, "a.gpkg"))
    assert "1 of 2 lie wholly outside" in " ".join(report.notices)
    refused(store, "roads", vector_file(tmp_path, frame.iloc[1:], "b.gpkg"), "inside the district's extent")


def test_shapes_that_cannot_be(store: Store, tmp_path: Path) -> None:
    bow = Polygon([(LON, LAT), (LON + 0.01, LAT + 0.01), (LON + 0.01, LAT), (LON, LAT + 0.01)])
    villages = {"id": ["V1"], "name": ["a"], "street": ["甲"], "persons": [1]}
    frame = gpd.GeoDataFrame(villages, geometry=[bow], crs=4326)
    refused(store, "villages", vector_file(tmp_path, frame, "a.gpkg"), "Self-intersection", "a valid outline")
    frame = gpd.GeoDataFrame(villages, geometry=[LineString([(LON, LAT), (LON, LAT + 1)])], crs=4326)
    refused(store, "villages", vector_file(tmp_path, frame, "b.gpkg"), "'LineString'", "Polygon or MultiPolygon")
    frame = gpd.GeoDataFrame(villages, geometry=[None], crs=4326)
    refused(store, "villages", vector_file(tmp_path, frame, "c.gpkg"), "geometry", "a Polygon")
    refused(
        store,
        "enterprises",
        vector_file(tmp_path, places().set_geometry([box(0, 0, 1, 1)] * 3, crs=4326), "e.gpkg"),
        "'Polygon'",
    )


def test_a_small_crossing_is_mended(store: Store, tmp_path: Path) -> None:
    spike = Polygon([(LON, LAT), (LON + 1, LAT), (LON + 1, LAT + 1), (LON, LAT + 1), (LON, LAT), (LON - 0.1, LAT)])
    frame = gpd.GeoDataFrame({"name": ["a"]}, geometry=[MultiPolygon([spike])], crs=4326)
    report = bring(store, "boundary", vector_file(tmp_path, frame, "a.gpkg"))
    assert "1 outlines crossed themselves and have been mended" in report.notices[0]
    assert store.frame("boundary").geometry.is_valid.all()


def test_coordinate_systems_that_cannot_be(store: Store, tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEAD, ROW)
    refused(store, "enterprises", path, "no coordinate reference system", "--crs GCJ-02")
    refused(store, "enterprises", path, "crs=EPSG:99999", "expected EPSG:CODE", crs="EPSG:99999")
    refused(store, "enterprises", path, "crs=12 人", crs="12 人")
    refused(store, "enterprises", path, "not a system of places", crs="EPSG:5773")
    shape = vector_file(tmp_path, places(), "a.shp")
    (tmp_path / "a.prj").unlink()
    refused(store, "enterprises", shape, "no coordinate reference system")
    assert bring(store, "enterprises", shape, crs="EPSG:4326").inserted == 3


def test_infinite_coordinates_of_a_vector_file(store: Store, tmp_path: Path) -> None:
    frame = places()
    frame.loc[1, "geometry"] = Point(np.inf, 32.0)
    refused(store, "enterprises", vector_file(tmp_path, frame, "a.gpkg"), "data row 2", "finite coordinates")


def test_unknown_references(store: Store, tmp_path: Path) -> None:
    line = LineString([(LON, LAT), (LON + 0.01, LAT)])
    routes = {"id": ["R1"], "name": ["a"], "shelter_id": ["S9"]}
    path = vector_file(tmp_path, gpd.GeoDataFrame(routes, geometry=[line], crs=4326), "a.gpkg")
    refused(store, "evacuation_routes", path, "shelter_id", "'S9'", "an id that is there already")


def test_unknown_kind_and_no_file(store: Store, tmp_path: Path) -> None:
    refused(store, "dragons", tmp_path / "a.csv", "kind=dragons", "enterprises")
    refused(store, "items", tmp_path / "none.csv", "there is no such file")
    assert store.path is not None
    refused(store, "boundary", store.path, "d.gpkg")


# -- datum ----------------------------------------------------------------------------------------


def on_roads(n: int = 24) -> Any:
    """Points on the roads of a sparse town, WGS 84, and the roads."""
    x, y = to_metric([(LON, LAT)], epsg=EPSG)[0]
    roads = [LineString([(x - 9000, y + d), (x + 9000, y + d * 1.1)]) for d in range(-8000, 8001, 2000)]
    roads += [LineString([(x + d, y - 9000), (x + d * 1.1, y + 9000)]) for d in range(-8000, 8001, 2000)]
    at = np.linspace(0.1, 0.9, n)
    points = [roads[i % len(roads)].interpolate(at[i], normalized=True) for i in range(n)]
    lines = [LineString(to_lonlat(shapely.get_coordinates(r), epsg=EPSG)) for r in roads]
    return to_lonlat(shapely.get_coordinates(points), epsg=EPSG), lines


def datum_csv(folder: Path, lonlat: Any) -> Path:
    rows = [f"E{i},厂{i},,,{lon:.8f},{lat:.8f}" for i, (lon, lat) in enumerate(lonlat)]
    return csv_file(folder, HEAD, *rows)


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09", "gcj-02"])
def test_declared_chinese_datum_is_undone(store: Store, tmp_path: Path, datum: str) -> None:
    true, _ = on_roads()
    given = wgs84_to_gcj02(true)
    if datum == "BD-09":
        given = gcj02_to_bd09(given)
    bring(store, "enterprises", datum_csv(tmp_path, given), crs=datum)
    found = store.frame("enterprise")
    stored = shapely.get_coordinates(found.geometry.to_numpy())
    away = np.hypot(*(to_metric(stored, epsg=EPSG) - to_metric(true, epsg=EPSG)).T)
    assert away.max() < 0.5
    assert set(found["source_datum"]) == {datum.upper()}


def test_wrong_datum_is_told_with_its_shift(store: Store, tmp_path: Path) -> None:
    true, lines = on_roads()
    roads = gpd.GeoDataFrame({"highway": "primary"}, index=range(len(lines)), geometry=lines, crs=4326)
    bring(store, "roads", vector_file(tmp_path, roads, "r.gpkg"))
    given = wgs84_to_gcj02(true)
    shift = np.hypot(*(to_metric(given, epsg=EPSG) - to_metric(true, epsg=EPSG)).mean(axis=0))
    path = datum_csv(tmp_path, given)
    refused(
        store, "enterprises", path, f"a shift of {shift:.0f} m", "GCJ-02", "--crs GCJ-02", "--force", crs="EPSG:4326"
    )
    assert bring(store, "enterprises", path, crs="GCJ-02", dry_run=True).inserted == 24
    assert bring(store, "enterprises", path, crs="EPSG:4326", force=True).inserted == 24
    assert bring(store, "enterprises", datum_csv(tmp_path, true), crs="EPSG:4326").updated == 24


def test_few_places_are_no_evidence(store: Store, tmp_path: Path) -> None:
    true, lines = on_roads()
    roads = gpd.GeoDataFrame({"highway": "primary"}, index=range(len(lines)), geometry=lines, crs=4326)
    bring(store, "roads", vector_file(tmp_path, roads, "r.gpkg"))
    assert bring(store, "enterprises", datum_csv(tmp_path, wgs84_to_gcj02(true)[:7]), crs="EPSG:4326").inserted == 7


# -- nothing by halves ----------------------------------------------------------------------------

KILLED = """
import os, sys
from datetime import UTC, datetime
from data.importers import import_file
from data.store import Store
real = Store.record_import
def killed(self, conn, **options):
    real(self, conn, **options)
    print("written", flush=True)
    os._exit(9)
Store.record_import = killed
import_file(Store(sys.argv[1]), "enterprises", sys.argv[2], crs="EPSG:4326", now_utc=datetime(2026, 7, 1, tzinfo=UTC))
"""


def test_killed_in_the_middle_leaves_nothing(store: Store, tmp_path: Path) -> None:
    bring(store, "enterprises", csv_file(tmp_path, HEAD, ROW), crs="EPSG:4326")
    before, rows = store.revision(), store.frame("enterprise")
    path = csv_file(tmp_path, HEAD, *(f"E{i},新厂{i},,,120.86,32.01" for i in range(2000)))
    store.close()
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "d.gpkg"), str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout.strip()) == (9, "written"), run.stderr
    with Store(tmp_path / "d.gpkg") as again:
        assert again.revision() == before
        assert len(again.import_runs()) == 1
        assert again.frame("enterprise")["name"].tolist() == rows["name"].tolist()
        assert counted(bring(again, "enterprises", path, crs="EPSG:4326")) == (1999, 1, 0, 0)


def test_an_error_in_the_middle_leaves_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise InputError("stop")

    monkeypatch.setattr(Store, "record_import", fail)
    refused(store, "enterprises", csv_file(tmp_path, HEAD, ROW), "stop", crs="EPSG:4326")


# -- what zoning reads ---------------------------------------------------------------------------------


def test_capacity_is_of_a_street_that_is_there(store: Store, tmp_path: Path) -> None:
    head = "街道,年份,灾害管理工作人员数,是否开展风险评估,上年防灾减灾救灾资金(万元),实有住院床位数"
    path = csv_file(tmp_path, head, "城东,2025,7,是,120.5,300")
    with pytest.raises(ImportRefused, match="'城东', expected an id that is there already"):
        bring(store, "capacity", path)
    villages = gpd.GeoDataFrame(
        {"id": ["V"], "name": ["村"], "street": ["城东"], "persons": [9]}, geometry=[Point(LON, LAT)]
    )
    import_frame(store, "villages", villages.set_crs(4326), source="t", source_datum="EPSG:4326", now_utc=NOW)
    assert counted(bring(store, "capacity", path)) == (1, 0, 0, 0)
    assert counted(
        bring(store, "capacity", csv_file(tmp_path, head, "城东,2025,8,是,120.5,300", "城东,2024,6,否,,"))
    ) == (
        1,
        1,
        0,
        0,
    )
    found = store.frame("capacity")
    assert found["id"].tolist() == ["城东/2025", "城东/2024"]
    assert found["staff"].tolist() == [8, 6]
    assert found["risk_assessed"].tolist() == [True, False]
    with pytest.raises(ImportRefused, match="each key once"):
        bring(store, "capacity", csv_file(tmp_path, head, "城东,2025,8,是,1,1", "城东,2025,9,是,1,1"))


def test_ages_and_product_of_villages_come_in_and_stay(store: Store, tmp_path: Path) -> None:
    head = "编号,名称,街道,常住人口,经度,纬度"
    bring(
        store,
        "villages",
        csv_file(tmp_path, head + ",0-14岁人数,65岁（含）以上人数,GDP", f"V,村,城东,900,{LON},{LAT},100,200,1234.5"),
        crs="EPSG:4326",
    )
    bring(store, "villages", csv_file(tmp_path, head, f"V,村,城东,901,{LON},{LAT}"), crs="EPSG:4326")
    row = store.frame("village").to_dict("records")[0]
    assert [row[name] for name in ("persons", "persons_0_14", "persons_65_over", "gdp_wan")] == [901, 100, 200, 1234.5]


def test_storms_come_from_far_away_and_in_utc(store: Store, tmp_path: Path) -> None:
    square = gpd.GeoDataFrame({"name": ["区"]}, geometry=[box(LON - 0.1, LAT - 0.1, LON + 0.1, LAT + 0.1)], crs=4326)
    import_frame(store, "boundary", square, source="t", source_datum="EPSG:4326", now_utc=NOW)
    head = "台风编号,时间,最大风速(m/s),中心气压(hPa),经度,纬度"
    rows = ("T1,2022-09-14T12:00Z,42,955,135.0,18.0", "T1,2022-09-14T20:00+08:00,43,950,134.0,19.0")
    with pytest.raises(ImportRefused, match="each key once"):
        bring(store, "storm_tracks", csv_file(tmp_path, head, *rows[:1], *rows[:1]), crs="EPSG:4326")
    bring(
        store, "storm_tracks", csv_file(tmp_path, head, rows[0], "T1,2022-09-14 20:30,43,,134.0,19.0"), crs="EPSG:4326"
    )
    assert store.frame("storm_track")["time_utc"].tolist() == ["2022-09-14T12:00:00.000Z", "2022-09-14T12:30:00.000Z"]
    far = csv_file(tmp_path, "编号,名称,积水深度(m),经度,纬度", "W1,桥下,0.4,135.0,18.0")
    with pytest.raises(ImportRefused, match="inside the district's extent"):
        bring(store, "waterlogging_spots", far, crs="EPSG:4326")


def test_two_spellings_of_one_moment_are_one_key(store: Store, tmp_path: Path) -> None:
    head = "台风编号,时间,经度,纬度"
    twice = ("T1,2022-09-14T12:00Z,135.0,18.0", "T1,2022-09-14T20:00+08:00,134.0,19.0")
    with pytest.raises(InputError, match="occurs twice"):
        bring(store, "storm_tracks", csv_file(tmp_path, head, *twice), crs="EPSG:4326")
    assert store.counts()["storm_track"] == 0


def test_hazard_areas_are_zones_or_lines_of_the_bank(store: Store) -> None:
    shapes = [box(LON, LAT, LON + 0.01, LAT + 0.01), LineString([(LON, LAT), (LON + 0.01, LAT)])]
    data = {"id": ["A", "B"], "name": ["区", "岸"], "hazard": ["地质", "geological"], "kind": [None, "未护岸段"]}
    areas = gpd.GeoDataFrame(data, geometry=shapes, crs=4326)
    stamp: dict[str, Any] = {"source": "t", "source_datum": "EPSG:4326", "now_utc": NOW}
    import_frame(store, "hazard_areas", areas, **stamp)
    assert store.frame("hazard_area")["kind"].tolist() == ["zone", "unprotected_bank"]
    with pytest.raises(ImportRefused, match="from 1 to 5"):
        import_frame(store, "hazard_areas", areas.assign(level=[0, 6]), **stamp)
    with pytest.raises(ImportRefused, match="'Point'"):
        import_frame(store, "hazard_areas", areas.assign(geometry=[Point(LON, LAT)] * 2), **stamp)


def test_buildings_from_a_map_file(store: Store, tmp_path: Path) -> None:
    shapes = [box(LON + 0.001 * i, LAT, LON + 0.001 * i + 0.0003, LAT + 0.0002) for i in range(3)]
    data = {
        "id": ["1", "2", "3"],
        "用途": ["住宅", "学校", None],
        "层数": [6, 4, None],
        "结构类型": ["砖混", "钢混", "砖木"],
    }
    path = tmp_path / "b.geojson"
    gpd.GeoDataFrame(data, geometry=shapes, crs=4326).to_file(path)
    assert counted(bring(store, "buildings", path)) == (3, 0, 0, 0)
    found = store.frame("building")
    assert found["use"].tolist() == ["residential", "school", None]
    assert found["structure"].tolist() == ["mixed", "steel_concrete", "brick_wood"]


def test_parameters_and_corrections(store: Store, tmp_path: Path) -> None:
    head = "版本,代码,数值,单位,来历,出处,生效日期"
    path = csv_file(
        tmp_path, head, "2026.1,typhoon.b,1.3,,建议,手册,2026-01-01", "2026.1,typhoon.b,1.4,,P,手册,2026-06-01"
    )
    assert counted(bring(store, "parameters", path)) == (2, 0, 0, 0)
    found = store.frame("parameter")
    assert found["id"].tolist() == ["2026.1/typhoon.b/2026-01-01", "2026.1/typhoon.b/2026-06-01"]
    assert found[["value", "provenance", "reference"]].to_numpy().tolist() == [
        [1.3, "proposed", "手册"],
        [1.4, "proposed", "手册"],
    ]
    with pytest.raises(ImportRefused, match="reason"):
        bring(store, "zoning_corrections", csv_file(tmp_path, "方案,区划单元,等级,理由", "natural,U1,4,"))
    bring(store, "zoning_corrections", csv_file(tmp_path, "方案,区划单元,等级,理由", "natural,U1,4,现场核查"))
    assert store.frame("zoning_correction")["id"].tolist() == ["natural/U1"]


def test_rasters_are_not_read_as_a_table(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its rows are made from GeoTIFF or NetCDF files; use `onemap import rasters"):
        bring(store, "rasters", csv_file(tmp_path, "code,title", "a,b"))


def test_an_import_is_in_the_audit_and_a_dry_run_is_not(tmp_path: Path) -> None:
    from data import audit

    with Store.create(tmp_path / "d.gpkg", name="t", epsg=4549) as store:
        file = tmp_path / "items.csv"
        file.write_text("id,name,unit\nI-1,棉被,床\n", encoding="utf-8")
        import_file(store, "items", file, dry_run=True, now_utc=NOW)
        import_file(store, "items", file, now_utc=NOW)
        import_file(store, "items", file, now_utc=NOW)  # nothing differs: nothing is written
        with store.reading() as conn:
            (entry,) = audit.entries(conn)
            assert (entry.action, entry.actor, entry.details["file"]) == ("import items", audit.AT_HAND, "items.csv")
            assert audit.verify(conn)[2] is None
