"""What the inputs of a run are, every parameter read, and each hazard as a map of its own, on the demo district."""

import shutil
import sqlite3
from collections.abc import Iterator
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
from data.rasters import import_values, read_raster
from data.store import Store
from geo.errors import CrsError
from geo.grid import Raster
from layers.district import District
from layers.zoning.inputs import Inputs
from layers.zoning.products import LEVEL_COLOURS, write_products
from layers.zoning.report import COLOURS
from layers.zoning.result import ZoningRun
from layers.zoning.run import run_zoning
from layers.zoning.scheme import parse_scheme, shipped_scheme

NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
BOTH = pytest.mark.parametrize("name", ["natural", "accident"])


@pytest.fixture
def run(name: str, request: pytest.FixtureRequest) -> ZoningRun:
    found: ZoningRun = request.getfixturevalue(name)
    return found


# -- what the inputs of a run are -------------------------------------------------------------------


def test_a_run_at_another_moment_is_another_run(demo: District, accident: ZoningRun) -> None:
    night = run_zoning(demo, shipped_scheme("accident"), at=datetime(2026, 11, 2, 19, 0, tzinfo=UTC))
    by_day, by_night = (run.units["i_response_time"].to_numpy() for run in (accident, night))
    assert not np.array_equal(by_day, by_night)  # other teams are on duty, other speeds hold
    assert night.id != accident.id
    assert not np.array_equal(accident.units["f_fire_response"], night.units["f_fire_response"])
    again = run_zoning(demo, shipped_scheme("accident"), at=datetime(2026, 11, 2, 0, 0, tzinfo=UTC))
    assert again.id == accident.id  # the scheme fixes 08:00; the run was ordered at noon
    pd.testing.assert_frame_equal(again.units, accident.units)


def test_every_input_has_its_hash(natural: ZoningRun, accident: ZoningRun) -> None:
    for run, wanted in (
        (natural, {"village", "building", "storm_track", "raster dem", "capacity", "hazard_area", "response_time"}),
        (accident, {"village", "enterprise", "substance", "GB 18218-2018", "response_time"}),
    ):
        records = {record.name: record for record in run.inputs}
        assert wanted <= set(records)
        assert all(len(record.hash) == 64 for record in records.values())


def test_every_parameter_that_is_shipped_is_read_and_recorded(
    demo: District, natural: ZoningRun, accident: ZoningRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    real, plain, many = ParameterSet.row, ParameterSet.__getitem__, ParameterSet.prefix

    def row(self: ParameterSet, code: str) -> Any:
        read.add(code)
        return real(self, code)

    def prefix(self: ParameterSet, beginning: str) -> dict[str, float]:
        read.update(beginning + rest for rest in many(self, beginning))
        return many(self, beginning)

    monkeypatch.setattr(ParameterSet, "row", row)
    monkeypatch.setattr(ParameterSet, "prefix", prefix)
    fresh = District(demo.store, clock=lambda: NOW)
    texts = [shipped_scheme(name).text.replace("runs = 200", "runs = 2") for name in ("natural", "accident")]
    texts[0] = texts[0].replace('method = "ahp"', 'method = "combined"')
    for text in texts:
        run_zoning(fresh, parse_scheme(text))
    # What begins with "supply." is read by the boards of the stock.
    shipped = {str(r["code"]) for r in parameters(on=NOW.date()).rows() if not str(r["code"]).startswith("supply.")}
    drawn = {code for code in shipped if code.startswith("level.colour.")}
    without_raster = {"earthquake.pga_default_g"}
    assert shipped - read == drawn | without_raster
    recorded = {str(r["code"]) for run in (natural, accident) for r in run.parameters}
    assert recorded == shipped
    assert plain(parameters(on=NOW.date()), "level.colour.5.r") == LEVEL_COLOURS[5][0]


def test_the_colours_are_those_of_the_parameter_set() -> None:
    p = parameters(on=NOW.date())
    for level in range(1, 6):
        colour = tuple(int(p[f"level.colour.{level}.{part}"]) for part in "rgb")
        assert LEVEL_COLOURS[level][:3] == colour
        assert COLOURS[level] == "#" + "".join(f"{part:02x}" for part in colour)


# -- single hazards ---------------------------------------------------------------------------------


@BOTH
def test_each_hazard_is_a_product_by_its_own_classes_and_the_common_five(run: ZoningRun, tmp_path: Path) -> None:
    write_products(run, tmp_path / "out")
    layers = set(gpd.list_layers(tmp_path / "out" / "zoning.gpkg")["name"])
    cells = run.units["cell"].to_numpy()
    for hazard in run.scheme.hazards:
        native, five = run.units[f"native_{hazard.id}"], run.units[f"hazard5_{hazard.id}"]
        with rasterio.open(tmp_path / "out" / f"native_{hazard.id}.tif") as tif:
            assert tif.read(1).reshape(-1)[cells].tolist() == native.tolist()
            names = {int(k[6:]): v for k, v in tif.tags().items() if k.startswith("CLASS_")}
        with rasterio.open(tmp_path / "out" / f"hazard5_{hazard.id}.tif") as tif:
            assert tif.read(1).reshape(-1)[cells].tolist() == five.tolist()
        assert set(native.unique()) <= {0, *names}
        assert {names[k] for k in native.unique() if k} == set(run.single[run.single["hazard"] == hazard.id]["native"])
        assert run.units.groupby(f"native_{hazard.id}")[f"hazard5_{hazard.id}"].nunique().max() == 1
        assert native.nunique() > 1 or hazard.id == "typhoon"  # the wind hardly differs within a district
        assert f"hazard_{hazard.id}" in layers
        drawn = gpd.read_file(tmp_path / "out" / "zoning.gpkg", layer=f"hazard_{hazard.id}")
        assert {"native", "level", "level_name"} <= set(drawn.columns)


def test_own_classes_follow_from_the_printed_factors(natural: ZoningRun) -> None:
    units = natural.units
    depth, above = units["f_waterlogging_depression_depth"], units["f_waterlogging_height_above_drainage"]
    wet, far = units["f_waterlogging_wetness"], units["f_waterlogging_drainage_distance"]
    sealed, spot = units["f_waterlogging_impervious"], units["f_waterlogging_spots"]

    def steps(values: Any, *bounds: float) -> Any:
        return 1 + sum((values >= bound).astype(int) for bound in bounds)

    fifths = np.quantile(wet, [0.2, 0.4, 0.6, 0.8])
    score = (
        0.25 * steps(depth, 0.1, 0.15, 0.3, 0.6)
        + 0.20 * (5 - sum((above > bound).astype(int) for bound in (0.5, 1, 2, 3)))
        + 0.15 * steps(sealed, 0.2, 0.4, 0.6, 0.8)
        + 0.10 * steps(wet, *fifths)
        + 0.10 * (2.5 + 0.5 * steps(far, 100, 300, 600, 1000))
        + 0.20 * np.select([spot <= 0, spot <= 50], [5, 4], 1)
    )
    np.testing.assert_allclose(units["h_waterlogging"], (score - 1) / 4, atol=1e-6)
    assert (units["native_waterlogging"] == np.floor(np.round(score, 9) + 0.5)).all()
    assert (units["native_storm_surge"] == steps(units["f_storm_surge_depth"], 0.15, 0.5, 1.2, 3.0)).all()
    assert (units["native_earthquake"] == steps(units["f_earthquake_site_pga"], 0.04, 0.09, 0.19, 0.38, 0.75)).all()
    wind = units["f_typhoon_wind"]
    assert (units["native_typhoon"] == steps(wind, 10.8, 17.2, 24.5, 32.7, 41.5, 51.0)).all()
    yearly = units[[f"f_typhoon_yearly_{k}" for k in range(2, 8)]].to_numpy()
    assert (np.diff(yearly, axis=1) <= 1e-6).all()
    assert yearly[:, 0].min() > 0


def _one_hazard(hazard: str, extra: str = "") -> str:
    return f"""
[scheme]
id = "one"
title = "一"
kind = "natural"
[[hazard]]
id = "one"
{hazard}
[[exposure]]
indicator = "persons"
weight = 1
{extra}
[weights]
method = "given"
values = [1]
[stability]
runs = 0
"""


@pytest.fixture
def own_demo(demo: District, tmp_path: Path) -> Iterator[District]:
    """A copy of the demo for a test that adds to it."""
    path = tmp_path / "own.gpkg"
    source, target = sqlite3.connect(str(demo.store.path)), sqlite3.connect(path)
    source.backup(target)
    source.close()
    target.close()
    shutil.copytree(demo.store.raster_folder(), path.with_suffix(".rasters"))
    with Store(str(path)) as store:
        yield District(store, clock=lambda: NOW)


def test_heights_of_unlike_datums_do_not_meet_in_a_formula(own_demo: District) -> None:
    dem = read_raster(own_demo.store, "dem")
    assert dem.vertical_datum == "cgvd1985"
    for datum in ("wusong", "cgvd1985"):
        level = Raster(dem.grid, np.full(dem.grid.shape, 5.2, dtype=np.float32), "water_level", "m", datum)
        import_values(own_demo.store, level, code=f"tide_{datum}", title="潮位", source="t", now_utc=NOW)
    formula = 'formula = "clip((tide_{} - dem) / 3, 0, 1)"'
    found = run_zoning(own_demo, parse_scheme(_one_hazard(formula.format("cgvd1985"))))
    assert found.units["h_one"].max() > 0
    with pytest.raises(CrsError, match=r"'tide_wusong' is in the vertical datum 'wusong' and 'dem' in 'cgvd1985'"):
        run_zoning(own_demo, parse_scheme(_one_hazard(formula.format("wusong"))))
    indicator = '[[vulnerability]]\nformula = "dem - tide_wusong"\nweight = 1'
    with pytest.raises(CrsError, match="unlike datums"):
        run_zoning(own_demo, parse_scheme(_one_hazard('module = "typhoon"', indicator)))


def test_age_groups_are_whole_persons_none_lost(demo: District) -> None:
    extra = "".join(f'[[exposure]]\nindicator = "{name}"\nweight = 0\n' for name in ("persons_0_14", "persons_65_over"))
    found = run_zoning(demo, parse_scheme(_one_hazard('module = "convection"', extra)))
    villages = demo.view().frame("village")
    for name in ("persons_0_14", "persons_65_over"):
        group = found.units[f"i_{name}"]
        assert group.sum() == villages[name].sum()
        assert (group == group.round()).all()
        assert (group <= found.units["persons"]).all()


def test_zones_stand_in_for_rasters_of_the_earthquake(own_demo: District, monkeypatch: pytest.MonkeyPatch) -> None:
    streets = own_demo.view().frame("street")
    west, south, east, north = streets.total_bounds
    middle = (west + east) / 2
    zones = gpd.GeoDataFrame(
        {
            "id": ["z1", "z2", "z3"],
            "name": ["西区", "东区", "软土"],
            "hazard": ["earthquake"] * 3,
            "kind": ["intensity", "intensity", "site_class"],
            "value": [0.05, 0.20, 4.0],
            "unit": ["g", "g", None],
        },
        geometry=[
            shapely.box(west - 1, south - 1, middle, north + 1),
            shapely.box(middle, south - 1, east + 1, north + 1),
            shapely.box(west - 1, south - 1, middle, north + 1),
        ],
        crs=4326,
    )
    import_frame(own_demo.store, "hazard_areas", zones, source="t", source_datum="EPSG:4326", now_utc=NOW)
    monkeypatch.setattr(Inputs, "has_raster", lambda self, code: code not in ("pga", "site_class"))
    found = run_zoning(own_demo, parse_scheme(_one_hazard('module = "earthquake"')))
    units = found.units
    there = (units["lon"] < middle - 0.002, units["lon"] > middle + 0.002)
    assert units.loc[there[0], "f_one_site_pga"].unique().tolist() == [0.0625]
    assert units.loc[there[1], "f_one_site_pga"].unique().tolist() == [0.2]
    assert [set(units.loc[side, "native_one"]) for side in there] == [{2}, {4}]
