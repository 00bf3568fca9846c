"""Whole runs on the demo district: totals kept, products that recompute themselves, explanations, bad input."""

import csv
import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from data.importers import import_frame
from data.parameters import ParameterSet, parameters
from geo.errors import Cancelled, InputError, NotFound
from layers.district import District
from layers.zoning import runs
from layers.zoning.compare import compare
from layers.zoning.explain import explain_street, explain_unit
from layers.zoning.products import model_csv, unit_outlines, units_csv, write_products
from layers.zoning.report import report_html
from layers.zoning.result import ZoningRun, load, save
from layers.zoning.run import judged_weights, judgements, run_zoning
from layers.zoning.scheme import parse_scheme, shipped_scheme

NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
BOTH = pytest.mark.parametrize("name", ["natural", "accident"])


@pytest.fixture
def run(name: str, request: pytest.FixtureRequest) -> ZoningRun:
    found: ZoningRun = request.getfixturevalue(name)
    return found


@BOTH
def test_persons_and_areas_are_kept_through_every_step(run: ZoningRun, demo: District) -> None:
    total = int(demo.view().frame("village")["persons"].sum())
    assert total == 1_183_740
    assert run.units["persons"].sum() == total
    assert run.streets["persons"].sum() == total
    assert run.exposed["persons"].sum() == total
    assert run.zones["persons"].sum() == total
    assert run.prevention["persons"].sum() == total
    assert run.streets[[f"persons_{k}" for k in range(6)]].to_numpy().sum() == total
    register = demo.view().frame("village").groupby("street")["persons"].sum()
    assert run.streets.set_index("street")["persons"].to_dict() == register.to_dict()
    streets = gpd.GeoSeries(demo.view().frame("street").geometry).to_crs(4549)
    area = shapely.union_all(streets.to_numpy()).area
    for frame in (run.zones, run.prevention, run.levels):
        assert frame.geometry.is_valid.all()
        assert frame.area.sum() == pytest.approx(area, rel=1e-9)
        assert frame["area_km2"].sum() * 1e6 == pytest.approx(area, rel=1e-9)
    for table in (run.streets, run.exposed):
        assert table["area_km2"].sum() * 1e6 == pytest.approx(area, rel=1e-9)
    for _, part in run.single.groupby("hazard"):
        assert part.area.sum() == pytest.approx(area, rel=1e-9)
    assert run.units["area_m2"].sum() == pytest.approx(area, rel=1e-9)


@BOTH
def test_levels_tell_units_apart_and_the_zones_have_names(run: ZoningRun) -> None:
    counts = run.units["level"].value_counts()
    assert set(counts.index) == {1, 2, 3, 4, 5}
    for hazard in run.model.hazards:
        assert run.units[f"h_{hazard.id}"].between(0, 1).all()
    assert run.zones["name"].is_unique
    assert (run.zones.area >= 250_000 - 1e-6).mean() > 0.9  # only a piece without a neighbour of its street is smaller
    assert run.units["stability"].between(0, 1).all()
    assert 0 < run.units["fragile"].mean() < 0.6
    assert set(run.units["prevention"]) == {1, 2, 3, 4}


Row = dict[str, Any]


def recomputed(units: list[dict[str, str]], model: list[dict[str, str]]) -> list[Row]:
    """Every class from the two CSV files alone: of each hazard, of the composite, of prevention."""

    def value(part: str, name: str, key: str) -> str:
        return next(r["value"] for r in model if (r["part"], r["name"], r["key"]) == (part, name, key))

    def numbers(part: str, name: str, key: str) -> list[float]:
        return [float(r["value"]) for r in model if (r["part"], r["name"], r["key"]) == (part, name, key)]

    def names(part: str) -> list[str]:
        return list(dict.fromkeys(r["name"] for r in model if r["part"] == part))

    terms = {
        part: [
            (
                name,
                float(value(part, name, "weight")),
                value(part, name, "cost") == "1",
                np.array(numbers(part, name, "x")),
                np.array(numbers(part, name, "y")),
            )
            for name in names(part)
        ]
        for part in ("exposure", "vulnerability", "capacity")
    }
    hazards = [
        (value("hazard", n, "column"), float(value("hazard", n, "weight")), numbers("hazard", n, "lower"))
        for n in names("hazard")
    ]
    a, b, c = (float(value("setting", "exponent", key)) for key in "HEV")
    k = float(value("setting", "capacity_factor", ""))
    single, least = (int(value("setting", key, "")) for key in ("hot_single", "hot_least"))
    ordinal = value("setting", "score", "") == "ordinal"
    bounds = numbers("index", "", "lower")
    table = {n: float(value("prevention", n, "")) for n in names("prevention")}
    method = value("setting", "method", "")
    fragile = float(value("stability", "fragile_share", ""))
    found: list[Row] = []
    for unit in units:
        row: Row = {}
        dimension = {}
        for part, items in terms.items():
            total = 0.0
            for name, weight, cost, x, y in items:
                scaled = float(np.interp(float(unit[name]), x, y))
                total += weight * (1 - scaled if cost else scaled)
            dimension[part] = total if items else (0.0 if part == "capacity" else 1.0)
        parts = {}
        rest = dimension["exposure"] ** b * dimension["vulnerability"] ** c * (1 - k * dimension["capacity"])
        for column, weight, lower in hazards:
            name = column.removeprefix("h_")
            risk = round(float(unit[column]) ** a * rest, 9)
            row[f"level_{name}"] = 1 + sum(risk >= bound for bound in lower)
            score = row[f"level_{name}"] / 5 if ordinal else risk
            parts[name] = weight * (score if method == "sum" else float(unit[column]))
        index = sum(parts.values())
        if method == "product":
            index *= dimension["exposure"] * dimension["vulnerability"] * (1 - k * dimension["capacity"])
        elif method == "geometric":
            kept = [index, dimension["exposure"]]
            kept += [dimension["vulnerability"]] if terms["vulnerability"] else []
            kept += [1 - dimension["capacity"]] if terms["capacity"] else []
            index = float(np.prod(kept)) ** (1 / len(kept))
        row["dominant"] = max(parts, key=lambda name: parts[name])
        row["level_index"] = 1 + sum(round(index, 9) >= bound for bound in bounds)
        hot = single and max(row[f"level_{name}"] for name in parts) >= single
        row["level_computed"] = max(row["level_index"], least) if hot else row["level_index"]
        level, grade = int(unit["level"]), int(unit["capacity_grade"])
        weak = 1 <= grade <= table["weak_grade"]
        row["prevention"] = 1
        if level >= table["middle_level"] or (level >= table["facility_level"] and int(unit["key_facilities"])):
            row["prevention"] = 2
        if level >= table["high_level"] or (level >= table["middle_level"] and weak):
            row["prevention"] = 3
        if (
            level >= table["key_level"]
            or (level >= table["high_level"] and weak)
            or int(unit["danger_persons"]) >= table["hidden_danger_persons"]
            or float(unit["deep_spots_per_km2"]) >= table["spot_density_per_km2"]
        ):
            row["prevention"] = 4
        row["fragile"] = str(float(unit["stability"]) < fragile)
        found.append(row)
    return found


def assert_recomputed(run: ZoningRun) -> None:
    units = list(csv.DictReader(io.StringIO(units_csv(run).decode("utf-8-sig"))))
    model = list(csv.DictReader(io.StringIO(model_csv(run).decode("utf-8-sig"))))
    for unit, row in zip(units[::20], recomputed(units[::20], model), strict=True):
        assert {name: str(v) for name, v in row.items()} == {name: unit[name] for name in row}, unit["unit_id"]


@BOTH
def test_the_exported_tables_recompute_every_class(run: ZoningRun) -> None:
    assert_recomputed(run)


@pytest.mark.parametrize(("method", "classes"), [("product", "quantiles"), ("geometric", "mean_sigma")])
def test_other_composites_and_classes_recompute_too(demo: District, method: str, classes: str) -> None:
    text = shipped_scheme("natural").text.replace('method = "sum"', f'method = "{method}"')
    text = text.replace('method = "natural_breaks"', f'method = "{classes}"').replace("runs = 200", "runs = 3")
    found = run_zoning(demo, parse_scheme(text))
    assert found.model.method == method
    assert found.units["level"].max() == 5
    assert_recomputed(found)


def test_quantiles_class_the_shipped_scheme_by_fifths(demo: District) -> None:
    """Bank collapse is nowhere but at the river: its quantiles coincide, and the run says what it did instead."""
    text = shipped_scheme("natural").text.replace('method = "natural_breaks"', 'method = "quantiles"')
    found = run_zoning(demo, parse_scheme(text.replace("runs = 200", "runs = 2")))
    share = (found.units["level_index"] == 5).mean()
    assert share == pytest.approx(0.2, abs=0.02)
    assert any("geological" in notice.en and "natural breaks" in notice.en for notice in found.notices)
    assert any("地质" in notice.zh and "自然断点" in notice.zh for notice in found.notices)


def test_the_map_of_prevention_holds_every_unit_that_meets_a_rule(natural: ZoningRun) -> None:
    by_units = natural.units.groupby("prevention")[["persons", "area_m2"]].sum()
    by_map = natural.prevention.groupby("prevention")[["persons", "area_km2"]].sum()
    assert by_map["persons"].to_dict() == by_units["persons"].to_dict()
    np.testing.assert_allclose(by_map["area_km2"] * 1e6, by_units["area_m2"], rtol=1e-6)


@pytest.mark.parametrize("unit", ["grid", "street"])
def test_prevention_reads_dangers_spots_and_facilities_where_they_are(demo: District, unit: str) -> None:
    text = shipped_scheme("accident").text.replace('type = "grid"', f'type = "{unit}"')
    found = run_zoning(demo, parse_scheme(text.replace("runs = 200", "runs = 0")))
    units, store = found.units, demo.store
    shapes = unit_outlines(found).geometry
    spread = run_zoning(demo, parse_scheme(shipped_scheme("accident").text.replace("runs = 200", "runs = 0"))).units
    lived = spread[spread["persons"] > 0]
    homes = gpd.GeoSeries(gpd.points_from_xy(lived["lon"], lived["lat"]), crs=4326).to_crs(4549)
    dangers = store.frame("hidden_danger").to_crs(4549)
    dangers = dangers[(dangers["state"] != "closed") & (dangers["impact_radius_m"] > 0)]
    assert len(dangers)
    for point, radius in zip(dangers.geometry, dangers["impact_radius_m"], strict=True):
        residents = int(lived["persons"].to_numpy()[(homes.distance(point) <= radius).to_numpy()].sum())
        assert (units["danger_persons"][shapes.intersects(point)] >= residents).all()
    lifelines = store.frame("lifeline").to_crs(4549)
    key = lifelines[lifelines["type"].isin(["school", "pumping_station", "substation"])].geometry
    places = [*key, *store.frame("hospital").to_crs(4549).geometry]
    assert units["key_facilities"].sum() == len(places)
    for place in places[:10]:
        assert (units["key_facilities"][shapes.intersects(place)] > 0).all()
    if unit == "street":
        spots = store.frame("waterlogging_spot").to_crs(4549)
        deep = spots[spots["depth_m"] >= 0.5].geometry
        inside = [int(deep.intersects(shape).sum()) for shape in shapes]
        np.testing.assert_allclose(units["deep_spots_per_km2"], np.array(inside) / (shapes.area / 1e6), atol=1e-5)


def test_what_lies_in_no_unit_is_told(demo: District) -> None:
    from sqlalchemy import text as sql

    nowhere = gpd.GeoDataFrame(
        {"id": ["S-X"], "name": ["无址"], "class": ["emergency"], "capacity": [5]}, geometry=[None], crs=4326
    )
    with demo.store.writing() as conn:
        demo.store.upsert(conn, "shelter", nowhere, source="t", source_datum="WGS 84", now_utc=NOW)
    try:
        text = shipped_scheme("accident").text.replace("runs = 200", "runs = 0")
        found = run_zoning(demo, parse_scheme(text))
        assert any(notice.en.startswith("1 shelters have no place") for notice in found.notices)
        assert found.exposed["shelters"].sum() == len(demo.store.frame("shelter")) - 1
    finally:
        with demo.store.writing() as conn:
            conn.execute(sql("DELETE FROM shelter WHERE id = 'S-X'"))


def test_the_limit_of_consistency_is_that_of_the_parameter_set() -> None:
    known = parameters(on=NOW.date())
    assert "weights.cr_limit" in known
    matrix = judgements(known, shipped_scheme("natural"), [h.id for h in shipped_scheme("natural").hazards])
    titles = [h.title.zh for h in shipped_scheme("natural").hazards]
    found = judged_weights(known, matrix, titles)
    assert round(found.cr, 4) == 0.0046
    strict = {row["code"]: row for row in known.rows()}
    strict["weights.cr_limit"] = {**strict["weights.cr_limit"], "value": 0.004}
    with pytest.raises(InputError, match=r"CR=0\.0046: expected a consistency ratio below 0\.00"):
        judged_weights(ParameterSet("own", strict), matrix, titles)


@BOTH
def test_a_saved_run_is_the_run(run: ZoningRun, tmp_path: Path) -> None:
    again = load(save(run, tmp_path))
    assert again.model == run.model
    assert again.columns == run.columns
    pd.testing.assert_frame_equal(again.units, run.units)
    assert again.zones.geometry.geom_equals(run.zones.geometry).all()
    assert [p.name for p in tmp_path.iterdir()] == [run.id]
    with pytest.raises(NotFound):
        load(tmp_path / "none")


def test_the_same_inputs_give_the_same_bytes(natural: ZoningRun, demo: District, tmp_path: Path) -> None:
    again = run_zoning(District(demo.store, clock=lambda: NOW), shipped_scheme("natural"))
    assert again.id == natural.id

    def hashes(run: ZoningRun, folder: Path) -> dict[str, str]:
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in write_products(run, folder)}

    first = hashes(natural, tmp_path / "a")
    assert first == hashes(again, tmp_path / "b")
    assert {"units.csv", "model.csv", "zoning.gpkg", "level.tif", "level_typhoon.tif", "report.html"} <= set(first)
    with rasterio.open(tmp_path / "a" / "level.tif") as level:
        assert level.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert level.colormap(1)[5][:3] == (177, 9, 9)
        assert np.bincount(level.read(1).ravel(), minlength=6)[1:].sum() == len(natural.units)
    with rasterio.open(tmp_path / "a" / "persons.tif") as persons:
        assert np.nansum(persons.read(1, out_dtype=np.float64)) == natural.persons
    layers = gpd.list_layers(tmp_path / "a" / "zoning.gpkg")["name"].tolist()
    single = [f"hazard_{hazard.id}" for hazard in natural.scheme.hazards]
    assert layers == ["units", "levels", "zones", "prevention", *single]


def test_products_are_all_or_nothing(natural: ZoningRun, tmp_path: Path) -> None:
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        write_products(natural, tmp_path / "out", cancelled=lambda: next(calls) > 2)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(InputError, match="not empty"):
        write_products(natural, tmp_path / "full")
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["x"]


def test_a_run_can_be_cancelled(demo: District) -> None:
    with pytest.raises(Cancelled):
        run_zoning(demo, shipped_scheme("accident"), cancelled=lambda: True)


def test_a_level_is_explained_from_raw_to_class(natural: ZoningRun) -> None:
    row = natural.units.sort_values("index").iloc[-1]
    found = explain_unit(natural, lonlat=(float(row["lon"]), float(row["lat"])))
    assert found["unit"] == row["unit_id"]
    assert found == explain_unit(natural, unit_id=str(row["unit_id"]))
    assert sum(h["contribution"] for h in found["hazards"]) == pytest.approx(found["index"], abs=1e-8)
    exposure = found["exposure"]
    assert sum(i["weight"] * i["scaled"] for i in exposure["indicators"]) == pytest.approx(exposure["value"])
    for item in [*found["hazards"], *exposure["indicators"]]:
        assert item["label"]["zh"]
        assert item["source"] != "-"
        assert item["updated_utc"]
    assert found["hazards"][0]["factors"][0]["unit"] == "m"
    street = explain_street(natural, str(row["street"]))
    assert street["highest"]["level"] == street["street"]["highest_level"]
    with pytest.raises(NotFound):
        explain_unit(natural, lonlat=(0.0, 0.0))
    with pytest.raises(NotFound):
        explain_unit(natural, unit_id="nowhere")
    with pytest.raises(NotFound):
        explain_street(natural, "无此街道")


def test_the_report_is_whole_and_escaped(natural: ZoningRun) -> None:
    evil = natural.inside.copy()
    evil.loc[0, "name"] = "<script>alert(1)</script>"
    text = report_html(replace(natural, inside=evil))
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text
    for word in (natural.id, "待核对", "1,183,740", "0.0046", "演示数据", natural.parameter_version):
        assert word in text


def test_a_correction_keeps_the_original_and_is_listed(demo: District, accident: ZoningRun) -> None:
    unit = accident.units[accident.units["level"] == 2].iloc[0]
    frame = pd.DataFrame(
        {
            "scheme": ["accident", "accident"],
            "unit": [unit["unit_id"], "100m-0-0"],
            "level": [4, 3],
            "reason": ["现场核查", "不存在"],
            "author": ["规划科", "规划科"],
            "decided_on": ["2026-11-01", "2026-11-01"],
        }
    )
    import_frame(demo.store, "zoning_corrections", frame, source="t", source_datum="EPSG:4326", now_utc=NOW)
    try:
        found = run_zoning(demo, shipped_scheme("accident"))
        row = found.units[found.units["unit_id"] == unit["unit_id"]].iloc[0]
        assert (row["level"], row["level_computed"], row["corrected"]) == (4, 2, True)
        assert "现场核查" in row["reason"]
        assert found.levels["corrected"].any()
        assert "现场核查" in report_html(found)
        assert any("100m-0-0" in notice.en for notice in found.notices)
        assert found.id != accident.id
    finally:
        with demo.store.writing() as conn:
            from sqlalchemy import text

            conn.execute(text("DELETE FROM zoning_correction"))


@pytest.mark.parametrize("unit", ["village", "street", "national"])
def test_other_units(demo: District, unit: str) -> None:
    text = shipped_scheme("natural").text.replace('type = "grid"', f'type = "{unit}"')
    found = run_zoning(demo, parse_scheme(text))
    assert found.persons == 1_183_740
    expected = {"village": 200, "street": 19}.get(unit)
    assert expected is None or len(found.units) == expected
    assert unit != "national" or 322 <= len(found.units) <= 460
    assert found.areas is not None
    assert found.units["level"].between(1, 5).all()
    place = found.units.iloc[3]
    assert explain_unit(found, lonlat=(place["lon"], place["lat"]))["unit"] == place["unit_id"]


def test_frozen_classes_compare_two_years(demo: District, natural: ZoningRun) -> None:
    text = shipped_scheme("natural").text.replace(
        'method = "natural_breaks"', f'method = "fixed"\nfrom_run = "{natural.id}"'
    )
    found = run_zoning(demo, parse_scheme(text))
    assert found.model.breaks == natural.model.breaks
    assert (found.units["level"] == natural.units["level"]).all()
    assert found.units["stability"].between(0, 1).all(), "frozen classes are tried too"
    assert found.units["stability_weights"].mean() > 0.9
    without = text.replace('method = "fixed"\n', "")
    assert 'method = "fixed"' not in without
    again = run_zoning(demo, parse_scheme(without))
    assert again.model.classification == "fixed", "whoever names a run takes its classes"
    pd.testing.assert_series_equal(again.units["stability"], found.units["stability"])
    with pytest.raises(NotFound, match="no zoning run"):
        run_zoning(demo, parse_scheme(text.replace(natural.id, "0123456789abcdef")))


@pytest.mark.parametrize("method", ["entropy", "combined"])
def test_weights_by_entropy(demo: District, method: str) -> None:
    text = shipped_scheme("natural").text.replace('method = "ahp"', f'method = "{method}"')
    found = run_zoning(demo, parse_scheme(text))
    weights = found.statistics["weights"]
    assert sum(weights.values()) == pytest.approx(1.0)
    assert ("ahp" in found.statistics) == (method == "combined")


def test_formulas_rasters_vectors_and_points_are_hazards(demo: District) -> None:
    text = """
[scheme]
id = "mixed"
title = "混合"
kind = "combined"
[[hazard]]
id = "raster"
raster = "lightning"
low = 0
high = 5
[[hazard]]
id = "vector"
vector = "hazard_area"
where = "hazard=geological"
buffer_m = 200
[[hazard]]
id = "points"
points = "waterlogging_spot"
radius_m = 150
[[hazard]]
id = "kernel"
points = "enterprise"
bandwidth_m = 500
high = 20
[[hazard]]
id = "formula"
formula = "clip(0.5 * raster + 0.5 * impervious, 0, 1)"
[[exposure]]
indicator = "persons"
weight = 1.0
[weights]
method = "given"
values = [0.2, 0.2, 0.2, 0.2, 0.202]
[stability]
runs = 5
"""
    found = run_zoning(demo, parse_scheme(text))
    assert any("0.002" in n.en or "1.002" in n.en for n in found.notices), found.notices
    half = 0.5 * found.units["h_raster"] + 0.5 * _impervious(demo, found)
    np.testing.assert_allclose(found.units["h_formula"], half, atol=2e-6)
    assert 0 < (found.units["h_vector"] > 0).mean() < 0.2
    with pytest.raises(InputError, match="nothing_there"):
        run_zoning(demo, parse_scheme(text.replace("0.5 * impervious", "0.5 * nothing_there")))
    with pytest.raises(InputError, match="sum is"):
        run_zoning(demo, parse_scheme(text.replace("0.202", "0.3")))
    with pytest.raises(InputError, match="no column"):
        run_zoning(demo, parse_scheme(text.replace("hazard=geological", "colour=red")))
    with pytest.raises(InputError, match="raster 'none'"):
        run_zoning(demo, parse_scheme(text.replace('raster = "lightning"', 'raster = "none"')))


def _impervious(demo: District, run: ZoningRun) -> Any:
    from data.rasters import read_raster
    from geo.grid import on_grid

    assert run.grid is not None
    values = on_grid(read_raster(demo.store, "impervious"), run.grid).values.reshape(-1)
    return values[run.units["cell"].to_numpy()]


def test_runs_are_kept_and_found(demo: District, natural: ZoningRun, accident: ZoningRun) -> None:
    kept = runs.records(demo)
    assert {record.scheme for record in kept} == {"natural", "accident"}
    found = runs.latest(demo, "natural")
    assert found is not None
    assert found.id == natural.id
    assert runs.latest(demo, "nothing") is None
    with pytest.raises(NotFound):
        runs.kept_run(demo, "../x")


def test_a_run_that_another_version_wrote_is_not_read(demo: District, natural: ZoningRun) -> None:
    record = runs.folder(demo) / natural.id / "record.json"
    kept = record.read_text(encoding="utf-8")
    record.write_text(kept.replace(f'"format": {runs.FORMAT}', '"format": 1'), encoding="utf-8")
    try:
        assert natural.id not in [one.run for one in runs.records(demo)]
        with pytest.raises(NotFound, match=f"no zoning run '{natural.id}'"):
            runs.kept_run(demo, natural.id)
    finally:
        record.write_text(kept, encoding="utf-8")
    assert runs.kept_run(demo, natural.id).id == natural.id


def test_the_difference_map_has_the_area_of_the_units_that_moved(demo: District, natural: ZoningRun) -> None:
    """Recounted unit by unit; cells that reach over the district's edge are cut there."""
    text = natural.scheme.text
    start = text.index("[weights]")
    end = text.index("\n[", start)
    given = '[weights]\nmethod = "given"\nvalues = [0.1, 0.2, 0.3, 0.2, 0.1, 0.1]\n'
    new = run_zoning(demo, parse_scheme(text[:start] + given + text[end:]))
    found = compare(natural, new)
    before, after = (run.units.set_index("unit_id") for run in (natural, new))
    change = after.loc[before.index, "level"] - before["level"]
    assert len(found.moved) == (change != 0).sum() > 0
    area = before["area_m2"].groupby(change.to_numpy()).sum() / 1e6
    drawn = found.map.groupby("change")["area_km2"].sum()
    assert drawn.to_dict() == pytest.approx(area.to_dict(), rel=1e-5)
    assert found.matrix["persons"].sum() == natural.persons
