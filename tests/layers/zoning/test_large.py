"""Rasters larger than memory: the same scheme block by block gives what it gives in memory, or nothing at all."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from geo.errors import Cancelled, InputError, NotFound
from layers.district import District
from layers.zoning import chunked, large, runs
from layers.zoning.large import is_large, run_large
from layers.zoning.run import run_zoning
from layers.zoning.scheme import Scheme, parse_scheme

TEXT = """
[scheme]
id = "low_ground"
title = "低洼地"
title_en = "Low ground"
kind = "natural"
[unit]
type = "grid"
size_m = {size}
[[hazard]]
id = "paved"
title = "硬化"
title_en = "Paved"
raster = "impervious"
low = 0.0
high = 1.0
[[hazard]]
id = "low"
title = "低洼"
title_en = "Low"
formula = "clip((6 - dem) / 6, 0, 1)"
[[exposure]]
name = "eastness"
formula = "(x - 565000) / 1000 + impervious"
weight = 1.0
[weights]
method = "given"
values = [0.4, 0.6]
[composite]
score = "{score}"
hot_rule = true
[classes]
method = "natural_breaks"
[stability]
runs = 0
"""


def scheme(size: int = 250, score: str = "cardinal", **changes: str) -> Scheme:
    text = TEXT.format(size=size, score=score)
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return parse_scheme(text)


@pytest.mark.parametrize("score", ["cardinal", "ordinal"])
def test_block_by_block_equals_in_memory(
    score: str, demo: District, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked, "BLOCK_CELLS", 900)
    monkeypatch.setattr(large, "BLOCK_CELLS", 900)
    assert not is_large(demo, scheme(score=score))
    monkeypatch.setattr(large, "LARGE_CELLS", 1_000)
    assert is_large(demo, scheme(score=score))
    whole = run_zoning(demo, scheme(score=score))
    told: list[float] = []
    found = run_large(demo, scheme(score=score), tmp_path / "out", progress=lambda phase, share: told.append(share))
    assert told == sorted(told)
    assert found.found.units == (whole.units["level"] > 0).sum()
    cells = whole.units["cell"].to_numpy()
    level = found.found.level.reshape(-1)
    index = found.found.index.reshape(-1)[cells]
    np.testing.assert_allclose(index, whole.units["index"], atol=2e-6)  # float32 beside 9 decimals
    # A cell within rounding of a break may fall on either side of it: none on this district.
    np.testing.assert_array_equal(level[cells], whole.units["level_computed"])
    assert (np.delete(level, cells) == 0).all()

    each = {f"{part}_{hazard}.tif" for part in ("level", "native", "hazard5") for hazard in ("paved", "low")}
    files = {"index.tif", "level.tif", "run.json", "streets.csv", "zones.gpkg", "report.html"}
    assert {path.name for path in found.files} == files | each
    with rasterio.open(tmp_path / "out" / "level.tif") as written:
        values = written.read(1, masked=True)
        assert written.crs.to_epsg() == demo.epsg
        np.testing.assert_array_equal(values.filled(0).astype(np.uint8), found.found.level)
    streets = pd.read_csv(tmp_path / "out" / "streets.csv")
    assert set(streets["zone"]) == set(whole.streets["street"])
    shares = streets.set_index("zone")[[f"share_{k}" for k in range(6)]]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0, abs=1e-5)
    about = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert about["id"] == found.id
    assert set(about["inputs"]) >= {"raster dem", "raster impervious", "street"}
    again = run_large(demo, scheme(score=score), tmp_path / "again")
    assert again.id == found.id
    for one, other in zip(found.files, again.files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('raster = "impervious"', 'raster = "nowhere"'), "raster 'nowhere' was not imported"),
        (("clip((6 - dem) / 6, 0, 1)", "nowhere / 6"), "'nowhere' is no raster, hazard or indicator"),
        (("high = 1.0", "high = 0.0"), "expected low below high"),
    ],
)
def test_what_is_not_there_is_refused(change: tuple[str, str], says: str, demo: District, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        run_large(demo, scheme(a=change), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_run_leaves_nothing_and_a_full_folder_is_kept(demo: District, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        run_large(demo, scheme(), tmp_path / "out", cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        run_large(demo, scheme(), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_frozen_classes_and_mended_weights_hold_block_by_block_too(demo: District, tmp_path: Path) -> None:
    whole = run_zoning(demo, scheme())
    runs.publish(demo, whole, made_utc=datetime(2026, 11, 2, tzinfo=UTC), made_by="test", seconds=1.0)
    try:
        again = scheme(
            frozen=('method = "natural_breaks"', f'method = "natural_breaks"\nfrom_run = "{whole.id}"'),
            weights=("[0.4, 0.6]", "[0.4, 0.602]"),
        )
        found = run_large(demo, again, tmp_path / "out")
        assert found.found.model.breaks == whole.model.breaks
        about = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
        assert any("1.002" in notice for notice in about["notices"])
        with pytest.raises(NotFound, match="no zoning run"):
            run_large(
                demo,
                scheme(frozen=('method = "natural_breaks"', 'method = "fixed"\nfrom_run = "0123456789abcdef"')),
                tmp_path / "none",
            )
    finally:
        shutil.rmtree(runs.folder(demo) / whole.id)
