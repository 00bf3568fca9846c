"""The shipped schemes block by block: modules and indicators of the district give what they give in memory."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import psutil
import pytest
import rasterio
import shapely
from sqlalchemy import text

from data.importers import import_frame
from geo.errors import Cancelled, InputError
from layers.analyses.zoning import ZONING_FUNCTIONS
from layers.district import District
from layers.zoning import chunked, large, runs
from layers.zoning.large import LargeRun, run_large
from layers.zoning.result import ZoningRun
from layers.zoning.run import run_zoning
from layers.zoning.scheme import parse_scheme, shipped_scheme
from tests.layers.zoning.test_chunked import cluster

__all__ = ["cluster"]
NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)

MIXED = """
[scheme]
id = "mixed"
title = "各类来源"
title_en = "Every kind of source"
kind = "combined"
[unit]
type = "grid"
size_m = 250
[[hazard]]
id = "shaking"
module = "earthquake"
[[hazard]]
id = "spots"
points = "waterlogging_spot"
radius_m = 800
[[hazard]]
id = "rivers"
vector = "water"
buffer_m = 300
[[hazard]]
id = "paved"
raster = "impervious"
[[hazard]]
id = "both"
formula = "clip(0.5 * shaking + 0.3 * paved + 0.2 * enterprise_risk, 0, 1)"
[[exposure]]
indicator = "persons"
weight = 0.5
scale = "percentile"
[[exposure]]
name = "crowd"
formula = "sqrt(persons + 1) + rivers"
weight = 0.5
[[vulnerability]]
indicator = "elderly_share"
weight = 1.0
[weights]
method = "{weights}"
values = [0.2, 0.2, 0.2, 0.2, 0.2]
judgements = [[1, 2, 2, 2, 2], ["1/2", 1, 1, 1, 1], ["1/2", 1, 1, 1, 1], ["1/2", 1, 1, 1, 1], ["1/2", 1, 1, 1, 1]]
[composite]
score = "cardinal"
[classes]
method = "natural_breaks"
[stability]
runs = 0
"""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (chunked, large):
        monkeypatch.setattr(module, "BLOCK_CELLS", 3_000)


def require_equal(found: LargeRun, whole: ZoningRun) -> None:
    """Bit for bit, cell by cell and street by street."""
    cells = whole.units["cell"].to_numpy()
    level, index = found.found.level.reshape(-1), found.found.index.reshape(-1)
    np.testing.assert_array_equal(level[cells], whole.units["level"])
    np.testing.assert_array_equal(index[cells], whole.units["index"].astype(np.float32))
    assert (np.delete(level, cells) == 0).all()
    assert found.found.dominant is not None
    ids = np.array([*(hazard.id for hazard in whole.scheme.hazards), ""])
    np.testing.assert_array_equal(ids[found.found.dominant.reshape(-1)[cells]], whole.units["dominant"])
    streets = found.streets.set_index("zone").loc[whole.streets["street"]]
    for name in ("persons", *(f"persons_{k}" for k in range(6))):
        np.testing.assert_array_equal(streets[name], whole.streets[name], err_msg=name)


def require_products(out: Path, whole: ZoningRun) -> None:
    """Rasters, zones and report are those of the run in memory."""
    cells = whole.units["cell"].to_numpy()
    for column in (
        "level",
        *(f"{part}_{h.id}" for h in whole.scheme.hazards for part in ("level", "native", "hazard5")),
    ):
        with rasterio.open(out / f"{column}.tif") as written:
            values = written.read(1).reshape(-1)
            assert written.crs.to_epsg() == whole.epsg
            assert written.tags()["DEMO"] == "yes"
        np.testing.assert_array_equal(values[cells], whole.units[column].to_numpy(), err_msg=column)
        assert (np.delete(values, cells) == 0).all()
    zones = gpd.read_file(out / "zones.gpkg", layer="zones")
    for column in ("zone_id", "name", "street", "level", "dominant", "persons", "area_km2", "measures"):
        assert zones[column].fillna("").tolist() == whole.zones[column].tolist(), column
    assert shapely.equals(zones.geometry.to_numpy(), whole.zones.geometry.to_numpy()).all()
    report = (out / "report.html").read_text(encoding="utf-8")
    assert whole.scheme.title.zh in report
    assert all(str(street) in report for street in whole.streets["street"])
    assert "http" not in report.replace("http-equiv", "")


def require_on_the_map(demo: District, found: LargeRun, whole: ZoningRun) -> None:
    """The newest run of its kind is a layer; what is too large, or combined, says why it is not."""
    kind, layer = whole.scheme.kind, ZONING_FUNCTIONS[f"zones_large_{whole.scheme.kind}"]
    said = {"made_utc": NOW, "made_by": "test"}
    try:
        assert len(layer(demo.view(), at=NOW)) == 0
        assert runs.publish_large(demo, found, scheme=whole.scheme, **said) == ""
        shown = layer(demo.view(), at=NOW)
        assert shown.crs.to_epsg() == 4326
        assert shown["persons"].sum() == whole.persons
        assert shown["area_km2"].sum() == pytest.approx(whole.zones["area_km2"].sum(), abs=1e-6)
        drawn = shown.to_crs(whole.epsg)
        assert drawn.area.sum() / 1e6 == pytest.approx(shown["area_km2"].sum(), rel=0.02)
        assert not drawn.duplicated(["street", "level"]).any()
        assert found.id[:8] in shown.attrs["source"]
        many = replace(found, products=replace(found.products, zones=None))
        assert "polygons are made of at most" in runs.publish_large(demo, many, scheme=whole.scheme, **said)
        both = replace(whole.scheme, kind="combined")
        assert "no layer" in runs.publish_large(demo, found, scheme=both, **said)
    finally:
        (runs.folder(demo) / f"large-{kind}.parquet").unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["natural", "accident"])
def test_the_shipped_schemes_equal_the_run_in_memory_bit_for_bit(
    name: str, demo: District, request: pytest.FixtureRequest, tmp_path: Path, small_blocks: None
) -> None:
    whole: ZoningRun = request.getfixturevalue(name)
    found = run_large(demo, shipped_scheme(name), tmp_path / "out")
    assert found.found.model == whole.model
    require_equal(found, whole)
    about = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert about["inputs"].keys() <= {record.name for record in whole.inputs}
    assert {record.name: record.hash for record in whole.inputs}.items() >= about["inputs"].items()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # no column file is left
    require_products(tmp_path / "out", whole)
    require_on_the_map(demo, found, whole)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["natural", "accident"])
def test_the_shipped_schemes_are_the_same_bytes_on_two_workers(
    name: str, cluster: str, demo: District, tmp_path: Path, small_blocks: None
) -> None:
    scheme = replace(shipped_scheme(name), size_m=300.0)
    alone = run_large(demo, scheme, tmp_path / "alone")
    there = run_large(demo, scheme, tmp_path / "there", scheduler=cluster)
    assert there.id == alone.id
    assert [path.name for path in there.files] == [path.name for path in alone.files]
    for one, other in zip(alone.files, there.files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "there"]


@pytest.mark.parametrize("weights", ["given", "entropy", "combined"])
def test_every_kind_of_source_and_of_weights(
    weights: str, demo: District, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (chunked, large):
        monkeypatch.setattr(module, "BLOCK_CELLS", 500)
    scheme = parse_scheme(MIXED.format(weights=weights))
    whole = run_zoning(demo, scheme)
    found = run_large(demo, scheme, tmp_path / "out")
    own = [hazard.weight for hazard in found.found.model.hazards]
    assert own == pytest.approx([hazard.weight for hazard in whole.model.hazards], abs=1e-12)
    require_equal(found, whole)


def test_a_cancel_between_columns_leaves_no_file(demo: District, tmp_path: Path) -> None:
    asked = iter([False] * 3 + [True] * 100)
    with pytest.raises(Cancelled):
        run_large(
            demo, replace(shipped_scheme("natural"), size_m=500.0), tmp_path / "out", cancelled=lambda: next(asked)
        )
    assert list(tmp_path.iterdir()) == []


def test_what_would_not_fit_is_refused_in_a_sentence(
    demo: District, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = replace(shipped_scheme("natural"), size_m=5.0)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2_000_000_000))
    with pytest.raises(InputError, match=r"unit.size_m=5: .* cells need about .* GB of memory at once \(waterlogging"):
        run_large(demo, scheme, tmp_path / "out")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2_000_000_000_000))
    monkeypatch.setattr(psutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(InputError, match="give a folder with more room"):
        run_large(demo, scheme, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    village = parse_scheme(scheme.text.replace('type = "grid"', 'type = "village"'))
    with pytest.raises(InputError, match=r"unit\.type=village"):
        run_large(demo, village, tmp_path / "out")


def test_levels_by_hand_hold_block_by_block_too(
    demo: District, accident: ZoningRun, tmp_path: Path, small_blocks: None
) -> None:
    unit = accident.units[accident.units["level"] == 2].iloc[0]
    frame = pd.DataFrame(
        {
            "scheme": "accident",
            "unit": [unit["unit_id"], "100m-0-0", "250m-1-1"],
            "level": [4, 3, 3],
            "reason": ["现场核查", "不存在", "格网不同"],
            "author": "规划科",
            "decided_on": "2026-11-01",
        }
    )
    import_frame(demo.store, "zoning_corrections", frame, source="t", source_datum="EPSG:4326", now_utc=NOW)
    try:
        found = run_large(demo, shipped_scheme("accident"), tmp_path / "out")
        assert found.found.level.reshape(-1)[unit["cell"]] == 4
        about = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
        assert [(row["unit"], row["computed"], row["level"]) for row in about["corrections"]] == [
            (unit["unit_id"], 2, 4)
        ]
        for name in ("100m-0-0", "250m-1-1"):
            assert any(name in notice for notice in about["notices"])
        assert "现场核查" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    finally:
        with demo.store.writing() as conn:
            conn.execute(text("DELETE FROM zoning_correction"))
