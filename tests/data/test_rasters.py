"""Rasters: what is refused and with which words, what comes back, what is left when it is killed."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from pyproj import CRS

from data import rasters
from data.rasters import (
    content_hash,
    import_raster,
    import_values,
    open_lazily,
    read_raster,
    read_window,
    remove_orphans,
    write_cog,
)
from data.store import Store
from geo.crs import to_metric
from geo.errors import CrsError, InputError, NotFound, TooLarge, Unavailable
from geo.grid import Grid, Raster

NOW = datetime(2026, 7, 1, tzinfo=UTC)
X0, Y0 = (float(v) for v in np.round(to_metric([(120.86, 32.01)], epsg=4549)[0], -2))
TRANSFORM = Affine(30, 0, X0, 0, -30, Y0)
ROUGH = np.random.default_rng(5).uniform(1.0, 6.0, (40, 50)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "d.gpkg", name="试", epsg=4549) as made:
        yield made


def tif(path: Path, values: Any = ROUGH, **changes: Any) -> Path:
    """A GeoTIFF as its owner might write it; `changes` spoil it."""
    array = np.asarray(values)
    bands = array if array.ndim == 3 else array[None]
    scales, offsets = changes.pop("scales", None), changes.pop("offsets", None)
    profile: dict[str, Any] = {"crs": "EPSG:4549", "transform": TRANSFORM, "dtype": bands.dtype.name} | changes
    profile = {key: value for key, value in profile.items() if value is not None}
    height, width = bands.shape[1:]
    with rasterio.open(path, "w", driver="GTiff", count=len(bands), height=height, width=width, **profile) as dst:
        dst.write(bands)
        if scales:
            dst.scales, dst.offsets = scales, offsets
    return path


def bring(store: Store, path: Path, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "code": "dem",
        "title": "地面高程",
        "quantity": "elevation",
        "unit": "m",
        "vertical_datum": "cgvd1985",
        "now_utc": NOW,
    }
    return import_raster(store, path, **(given | changes))


def refused(store: Store, path: Path, *said: str, error: type[InputError] = InputError, **changes: Any) -> None:
    with pytest.raises(error) as caught:
        bring(store, path, **changes)
    for words in said:
        assert words in caught.value.detail
    assert store.counts()["raster"] == 0
    assert not store.raster_folder().exists()


# -- what comes back -----------------------------------------------------------------------------------


def test_it_comes_back_as_it_went(store: Store, tmp_path: Path) -> None:
    values = ROUGH.copy()
    values[3, 4] = np.nan
    report = bring(store, tif(tmp_path / "dem.tif", values, nodata=np.nan))
    assert (report.kind, report.rows, report.inserted, report.notices) == ("rasters", 1, 1, ())
    found = read_raster(store, "dem")
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, values)
    assert found.grid == Grid(4549, X0, Y0, 30, 30, 40, 50)
    assert (found.quantity, found.unit, found.vertical_datum) == ("elevation", "m", "cgvd1985")
    row = store.frame("raster").to_dict("records")[0]
    assert (row["id"], row["code"], row["title"], row["source"]) == ("dem", "dem", "地面高程", "dem.tif")
    assert row["sha256"] == content_hash(found)
    assert row["file"] == f"dem-{row['sha256'][:12]}.tif"
    assert store.path is not None
    assert store.raster_folder() == store.path.parent / "d.rasters"
    run = store.import_runs().to_dict("records")[0]
    assert (run["kind"], run["file"]) == ("rasters", "dem.tif")
    assert run["sha256"] == hashlib.sha256((tmp_path / "dem.tif").read_bytes()).hexdigest()


def test_the_same_again_changes_nothing_and_another_replaces(store: Store, tmp_path: Path) -> None:
    path = tif(tmp_path / "dem.tif")
    bring(store, path)
    revision = store.revision()
    assert bring(store, path).unchanged == 1
    assert store.revision() == revision
    first = store.frame("raster")["file"][0]
    assert bring(store, tif(tmp_path / "b.tif", ROUGH + 1)).updated == 1
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH + 1)
    assert (store.raster_folder() / first).is_file()  # somebody may still be reading it
    assert [p.name for p in remove_orphans(store, older_than_s=-60.0)] == [first]
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH + 1)
    assert bring(store, tif(tmp_path / "b.tif", ROUGH + 1), vertical_datum="吴淞高程").updated == 1
    assert read_raster(store, "dem").vertical_datum == "wusong"


def test_a_dry_run_writes_nothing(store: Store, tmp_path: Path) -> None:
    report = bring(store, tif(tmp_path / "dem.tif"), dry_run=True)
    assert (report.dry_run, report.rows, report.inserted) == (True, 1, 0)
    assert not store.raster_folder().exists()
    assert store.counts()["raster"] == 0


def test_values_in_memory_get_the_same_checks(store: Store) -> None:
    grid = Grid(4549, X0, Y0, 30, 30, 40, 50)
    given = {"code": "built", "title": "不透水率", "source": "demo", "now_utc": NOW}
    import_values(store, Raster(grid, ROUGH, "share", "1"), **given)  # type: ignore[arg-type]
    np.testing.assert_array_equal(read_raster(store, "built").values, ROUGH)
    assert store.frame("raster")["source"].tolist() == ["demo"]
    with pytest.raises(CrsError, match="vertical_datum is not declared"):
        import_values(store, Raster(grid, ROUGH, "elevation", "m"), **given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cells hold -9999"):
        import_values(store, Raster(grid, np.where(ROUGH > 5, -9999, ROUGH), "share", "1"), **given)  # type: ignore[arg-type]


def test_lazily_is_as_eagerly(store: Store, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(700, 900)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    bring(store, tif(tmp_path / "dem.tif", values, nodata=np.nan))
    lazy = open_lazily(store, "dem", chunks=256)
    assert lazy.chunks == ((256, 256, 188), (256, 256, 256, 132))
    assert (lazy.dims, lazy.dtype, lazy.name) == (("y", "x"), np.float32, "dem")
    eager = read_raster(store, "dem")
    np.testing.assert_array_equal(lazy.compute().values, eager.values)
    np.testing.assert_array_equal(lazy.x.values, eager.grid.x)
    np.testing.assert_array_equal(lazy.y.values, eager.grid.y)
    assert lazy.attrs["vertical_datum"] == "cgvd1985"
    assert float((lazy * 2).sum()) == pytest.approx(2 * float(np.nansum(eager.values.astype(np.float64))), rel=1e-4)
    part = read_window(store, "dem", 100, 200, 7, 9)
    np.testing.assert_array_equal(part.values, eager.values[100:107, 200:209])
    assert part.grid == eager.grid.window(100, 200, 7, 9)
    for window in ((-1, 0, 1, 1), (0, 0, 0, 1), (699, 0, 2, 1), (0, 899, 1, 2)):
        with pytest.raises(InputError, match="window"):
            read_window(store, "dem", *window)
    assert read_window(store, "dem", 699, 899, 1, 1).values.shape == (1, 1)


def test_what_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no raster 'dem'; there are: none"):
        read_raster(store, "dem")
    bring(store, tif(tmp_path / "dem.tif"))
    for path in store.raster_folder().iterdir():
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(Unavailable, match="import the raster again"):
        read_raster(store, "dem")
    assert bring(store, tmp_path / "dem.tif").unchanged == 1
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH)  # the damaged file was written anew
    for path in store.raster_folder().iterdir():
        path.unlink()
    with pytest.raises(Unavailable, match="the file of raster 'dem' is missing"):
        open_lazily(store, "dem")
    store.raster_folder().mkdir(exist_ok=True)
    tif(store.raster_folder() / store.frame("raster")["file"][0], ROUGH[:10])
    with pytest.raises(Unavailable, match="not the file that the register describes"):
        read_raster(store, "dem")
    with pytest.raises(Unavailable, match="not the file that the register describes"):
        open_lazily(store, "dem")


# -- what is mended ------------------------------------------------------------------------------------


def test_upside_down_is_turned_over(store: Store, tmp_path: Path) -> None:
    path = tif(tmp_path / "up.tif", ROUGH[::-1], transform=Affine(30, 0, X0, 0, 30, Y0 - 40 * 30))
    assert bring(store, path).notices == ("the rows ran from south to north; turned over",)
    found = read_raster(store, "dem")
    np.testing.assert_array_equal(found.values, ROUGH)
    assert found.grid == Grid(4549, X0, Y0, 30, 30, 40, 50)


def test_mirrored_is_turned_over(store: Store, tmp_path: Path) -> None:
    path = tif(tmp_path / "m.tif", ROUGH[:, ::-1], transform=Affine(-30, 0, X0 + 50 * 30, 0, -30, Y0))
    assert bring(store, path).notices == ("the columns ran from east to west; turned over",)
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH)


def test_scale_and_offset_are_applied(store: Store, tmp_path: Path) -> None:
    raw = np.arange(2000, dtype=np.int16).reshape(40, 50)
    raw[0, 0] = -32768
    path = tif(tmp_path / "s.tif", raw, nodata=-32768, scales=(0.01,), offsets=(-5.0,))
    assert bring(store, path).notices == ("values are stored x 0.01 + -5, as the file says",)
    found = read_raster(store, "dem").values
    assert np.isnan(found[0, 0])
    np.testing.assert_allclose(found.reshape(-1)[1:], np.arange(1, 2000) * 0.01 - 5, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_types(store: Store, tmp_path: Path, dtype: str) -> None:
    values = np.arange(100).reshape(10, 10).astype(dtype)
    bring(store, tif(tmp_path / "t.tif", values))
    np.testing.assert_array_equal(read_raster(store, "dem").values, values.astype(np.float32))


def test_zero_is_a_value_and_no_data_is_not_zero(store: Store, tmp_path: Path) -> None:
    values = ROUGH.copy()
    values[0], values[1] = 0.0, -9999.0
    bring(store, tif(tmp_path / "z.tif", values, nodata=-9999))
    found = read_raster(store, "dem").values
    assert (found[0] == 0).all()
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[2:]).all()
    report = bring(store, tif(tmp_path / "z.tif", np.where(values < 0, 1, values).astype(np.float32), nodata=0))
    assert report.notices == ("the file marks 0 as no data: 50 cells have none",)
    assert np.isnan(read_raster(store, "dem").values[0]).all()


def test_a_declared_crs_wins_and_says_so(store: Store, tmp_path: Path) -> None:
    assert bring(store, tif(tmp_path / "a.tif", crs=None), crs="EPSG:4549").notices == ()
    report = bring(store, tif(tmp_path / "b.tif", crs="EPSG:4550"), crs="EPSG:4549")
    assert "was declared and is taken" in report.notices[0]
    assert read_raster(store, "dem").grid.epsg == 4549


def test_degrees_are_kept_as_degrees(store: Store, tmp_path: Path) -> None:
    bring(store, tif(tmp_path / "g.tif", crs="EPSG:4326", transform=Affine(0.001, 0, 120.8, 0, -0.001, 32.05)))
    assert read_raster(store, "dem").grid == Grid(4326, 120.8, 32.05, 0.001, 0.001, 40, 50)


# -- what is refused -----------------------------------------------------------------------------------


def test_no_crs(store: Store, tmp_path: Path) -> None:
    refused(store, tif(tmp_path / "a.tif", crs=None), "a.tif: it has no CRS; declare it", error=CrsError)


def test_no_place_at_all(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        tif(path, crs=None, transform=None)
    refused(store, path, "it says nowhere where it lies", error=CrsError, crs="EPSG:4549")


@pytest.mark.parametrize(
    ("crs", "said"),
    [
        ("EPSG:2225", "counts in US survey foot"),
        ("+proj=utm +zone=51 +datum=WGS84 +units=ft", "counts in foot"),
        ("EPSG:3857", "stretched with the latitude"),
        ("EPSG:3395", "stretched with the latitude"),
        ("EPSG:4978", "not a system of places on the map"),
        ("EPSG:99999", "cannot be read"),
        ("nonsense", "cannot be read"),
    ],
)
def test_systems_that_do_not_measure(store: Store, tmp_path: Path, crs: str, said: str) -> None:
    refused(store, tif(tmp_path / "a.tif", crs=None), said, error=CrsError, crs=crs)


def test_feet_in_the_file_itself(store: Store, tmp_path: Path) -> None:
    refused(store, tif(tmp_path / "a.tif", crs="EPSG:2225"), "a.tif: ", "US survey foot", "gdalwarp", error=CrsError)
    refused(store, tif(tmp_path / "a.tif", crs="EPSG:3857"), "a.tif: ", "Mercator", "gdalwarp", error=CrsError)


def test_rotated_and_sheared(store: Store, tmp_path: Path) -> None:
    turned = Affine.translation(X0, Y0) @ Affine.rotation(5) @ Affine.scale(30, -30)
    refused(store, tif(tmp_path / "r.tif", transform=turned), "r.tif: its grid is rotated or sheared", error=CrsError)
    sheared = Affine(30, 2, X0, 0, -30, Y0)
    refused(store, tif(tmp_path / "s.tif", transform=sheared), "rotated or sheared (2, 0)", error=CrsError)


@pytest.mark.parametrize("value", [-9999.0, -32768.0, -999.0, 1e20, -3.4028234663852886e38, 9.969209968386869e36])
@pytest.mark.parametrize("cells", [1, 300])
def test_no_data_that_is_not_marked(store: Store, tmp_path: Path, value: float, cells: int) -> None:
    values = ROUGH.copy()
    values.reshape(-1)[:cells] = value
    path = tif(tmp_path / "n.tif", values)
    shown = f"{np.float32(value):.10g}"
    refused(store, path, f"n.tif: {cells:,} cells hold {shown} while the others lie from 1", f"give --nodata {shown}")
    bring(store, path, nodata=str(value))
    found = read_raster(store, "dem").values
    assert np.isnan(found.reshape(-1)[:cells]).all()
    np.testing.assert_array_equal(found.reshape(-1)[cells:], ROUGH.reshape(-1)[cells:])


def test_a_second_mark_beside_the_tag(store: Store, tmp_path: Path) -> None:
    values = ROUGH.copy()
    values[0], values[1] = -9999, -32768
    refused(store, tif(tmp_path / "n.tif", values, nodata=-9999), "50 cells hold -32768")


def test_a_repeated_value_far_from_the_rest(store: Store, tmp_path: Path) -> None:
    values = ROUGH.copy()
    values[0, :2] = 88_888
    path = tif(tmp_path / "n.tif", values)
    refused(store, path, "2 cells hold 88888")
    bring(store, path, nodata="none")
    assert read_raster(store, "dem").values.max() == 88_888


@pytest.mark.parametrize(("dtype", "value"), [("int16", 32767), ("uint8", 255), ("uint16", 65535)])
def test_the_bound_of_the_type(store: Store, tmp_path: Path, dtype: str, value: int) -> None:
    values = np.arange(100).reshape(10, 10).astype(dtype)
    values[0, 0] = value
    refused(store, tif(tmp_path / "n.tif", values), f"1 cells hold {value}")


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((4, 4), np.float32),
        np.eye(4, dtype=np.float32) * 5000,  # two values only
        np.where(np.arange(16).reshape(4, 4) == 3, 80_000, np.arange(16).reshape(4, 4)).astype(
            np.float32
        ),  # one hot cell
        np.linspace(-9999, 20_000, 16).reshape(4, 4).astype(np.float32),
        np.arange(256, dtype=np.uint8).reshape(16, 16),
        np.full((3, 3), 255, np.uint8),
    ],
)
def test_what_is_no_mark(store: Store, tmp_path: Path, values: Any) -> None:
    bring(store, tif(tmp_path / "v.tif", values), quantity="persons", unit="人", vertical_datum=None)
    np.testing.assert_array_equal(read_raster(store, "dem").values, values.astype(np.float32))


def test_nothing_but_no_data(store: Store, tmp_path: Path) -> None:
    refused(store, tif(tmp_path / "n.tif", np.full((4, 4), -9999.0), nodata=-9999), "n.tif: no cell has data")
    refused(store, tif(tmp_path / "n.tif", np.full((4, 4), np.nan)), "n.tif: no cell has data")
    refused(store, tif(tmp_path / "n.tif", np.full((4, 4), -9999.0)), "16 cells hold -9999")


def test_infinity(store: Store, tmp_path: Path) -> None:
    values = ROUGH.copy()
    values[0, :3] = np.inf, -np.inf, np.inf
    refused(store, tif(tmp_path / "n.tif", values), "n.tif: 3 cells are infinite")
    values[0, 1] = np.inf
    bring(store, tif(tmp_path / "n.tif", values), nodata=np.inf)
    assert np.isnan(read_raster(store, "dem").values[0, :3]).all()


def test_more_than_float32_can(store: Store, tmp_path: Path) -> None:
    values = ROUGH.astype(np.float64)
    values[0, 0] = 1e300
    refused(store, tif(tmp_path / "n.tif", values), "it holds 1e+300, more than float32 can", nodata="none")


def test_heights_without_their_datum(store: Store, tmp_path: Path) -> None:
    path = tif(tmp_path / "dem.tif")
    for quantity in rasters.HEIGHTS:
        for datum in (None, "none", ""):
            refused(
                store,
                path,
                "vertical_datum is not declared",
                "wusong (吴淞高程), cgvd1985 (1985国家高程基准), other",
                error=CrsError,
                quantity=quantity,
                vertical_datum=datum,
            )
    refused(store, path, "vertical_datum=yellow sea: expected one of wusong", vertical_datum="yellow sea")
    refused(store, path, "unit=ft: expected m for elevation", unit="ft")


def test_several_bands(store: Store, tmp_path: Path) -> None:
    path = tif(tmp_path / "b.tif", np.stack([ROUGH, ROUGH + 1]))
    refused(store, path, "b.tif: it has 2 bands (1, 2); name one with band")
    refused(store, path, "band=3: b.tif has the bands 1 to 2", band=3)
    refused(store, path, "band=0", band=0)
    bring(store, path, band=2)
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH + 1)


def test_too_large_is_seen_in_the_header(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    profile = {"crs": "EPSG:4549", "transform": TRANSFORM, "dtype": "uint8", "compress": "DEFLATE", "tiled": True}
    with rasterio.open(path, "w", driver="GTiff", count=1, height=60_000, width=60_000, sparse_ok=True, **profile):
        pass
    assert path.stat().st_size < 2_000_000
    refused(store, path, "bomb.tif: 60,000 x 60,000 cells are more than 250,000,000", error=TooLarge)
    small = tif(tmp_path / "a.tif")
    refused(store, small, "40 x 50 cells are more than 1,999", error=TooLarge, max_cells=1999)
    bring(store, small, max_cells=2000)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
@pytest.mark.parametrize("how", [{}, {"compress": "DEFLATE"}, {"compress": "LZW", "tiled": True, "blockxsize": 16}])
def test_a_file_that_is_cut_off(store: Store, tmp_path: Path, share: float, how: dict[str, Any]) -> None:
    if "blockxsize" in how:
        how = how | {"blockysize": 16}
    path = tif(tmp_path / "c.tif", **how)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(store, path, "c.tif: it is damaged or cut off, and cannot be read")


def test_what_is_no_raster(store: Store, tmp_path: Path) -> None:
    text = tmp_path / "a.tif"
    text.write_text("hello")
    refused(store, text, "neither a GeoTIFF nor a NetCDF file")
    text.write_bytes(b"")
    refused(store, text, "neither a GeoTIFF nor a NetCDF file")
    refused(store, tmp_path, "there is no such file")
    refused(store, Path("/vsicurl/http://127.0.0.1/a.tif"), "there is no such file")
    assert store.path is not None
    refused(store, store.path, "own database")
    refused(store, tif(tmp_path / "z.tif", ROUGH.astype(np.complex64)), "complex64; expected real numbers")


@pytest.mark.parametrize("code", ["", "1dem", "a b", "../x", "a-b", "x" * 41, "高程"])
def test_codes(store: Store, tmp_path: Path, code: str) -> None:
    refused(store, tif(tmp_path / "a.tif"), f"code={code!r}", code=code)


def test_empty_words(store: Store, tmp_path: Path) -> None:
    refused(store, tif(tmp_path / "a.tif"), "title is empty", title=" ")
    refused(store, tif(tmp_path / "a.tif"), "nodata=nothing", nodata="nothing")


def test_somewhere_else(store: Store, tmp_path: Path) -> None:
    import geopandas as gpd
    import shapely

    box = gpd.GeoDataFrame({"name": ["d"]}, geometry=[shapely.box(120.8, 31.9, 120.9, 32.1)], crs=4326)
    with store.writing() as conn:
        store.replace(conn, "boundary", box, source="t", source_datum="EPSG:4326", now_utc=NOW)
    bring(store, tif(tmp_path / "a.tif"))
    far = Affine(30, 0, X0 + 200_000, 0, -30, Y0)
    with pytest.raises(InputError, match=r"b\.tif: it lies at .* outside the district .* --crs"):
        bring(store, tif(tmp_path / "b.tif", transform=far))


def test_degrees_that_are_none(store: Store, tmp_path: Path) -> None:
    refused(store, tif(tmp_path / "a.tif", crs="EPSG:4326"), "expected degrees from -180 to 180", error=CrsError)


# -- NetCDF --------------------------------------------------------------------------------------------


def netcdf(path: Path, *, engine: Any = "h5netcdf", **arrays: Any) -> Path:
    """A file of variables on one grid of degrees, latitudes from south to north."""
    lat = np.float32(31.9) + np.arange(40, dtype=np.float32) * np.float32(0.005)
    lon = np.float32(120.7) + np.arange(50, dtype=np.float32) * np.float32(0.005)
    made = xr.Dataset(
        {name: (("lat", "lon"), values) for name, values in arrays.items()},
        coords={
            "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )
    made.to_netcdf(path, engine=engine)
    return path


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_netcdf_of_degrees(store: Store, tmp_path: Path, engine: Any) -> None:
    values = ROUGH[::-1].copy()
    values[0, 0] = np.nan
    report = bring(store, netcdf(tmp_path / "a.nc", engine=engine, z=values))
    assert set(report.notices) == {
        "coordinates are degrees without a datum; taken as EPSG:4326",
        "the rows ran from south to north; turned over",
    }
    found = read_raster(store, "dem")
    np.testing.assert_array_equal(found.values, values[::-1])
    assert (found.grid.epsg, found.grid.dx) == (4326, pytest.approx(0.005, rel=1e-4))
    assert found.grid.left == pytest.approx(120.6975, abs=1e-5)
    assert found.grid.top == pytest.approx(31.9 + 39.5 * 0.005, abs=1e-5)


def test_netcdf_with_its_grid_mapping(store: Store, tmp_path: Path) -> None:
    x = X0 + 15 + 30 * np.arange(50)
    y = Y0 - 15 - 30 * np.arange(40)
    for attrs in ({"crs_wkt": CRS.from_epsg(4549).to_wkt()}, CRS.from_epsg(4549).to_cf()):
        made = xr.Dataset(
            {"z": (("time", "x", "y"), ROUGH.T[None], {"grid_mapping": "tm"}), "tm": ((), 0, attrs)},
            coords={"x": x, "y": y, "time": [0]},
        )
        made.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
        assert bring(store, tmp_path / "b.nc").notices == ()
        found = read_raster(store, "dem")
        np.testing.assert_array_equal(found.values, ROUGH)
        assert found.grid == Grid(4549, X0, Y0, 30, 30, 40, 50)


def test_netcdf_packed(store: Store, tmp_path: Path) -> None:
    values = np.round(ROUGH, 2)
    values[2, 2] = np.nan
    path = netcdf(tmp_path / "p.nc", z=values)
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        packed = opened.load()
    packed["z"].encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 1.0, "_FillValue": -32768}
    packed.to_netcdf(tmp_path / "q.nc", engine="h5netcdf")
    bring(store, tmp_path / "q.nc")
    np.testing.assert_allclose(read_raster(store, "dem").values, values[::-1], atol=1e-5)


def test_netcdf_several_variables(store: Store, tmp_path: Path) -> None:
    path = netcdf(tmp_path / "v.nc", wind=ROUGH, gust=ROUGH + 1)
    refused(store, path, "v.nc: it has the variables wind, gust; name one with variable")
    refused(store, path, "variable=rain: v.nc has wind, gust", variable="rain")
    refused(store, path, "its layers are named with variable", band=1)
    refused(store, tif(tmp_path / "a.tif"), "its bands are named with band", variable="z")
    bring(store, path, variable="gust")
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH[::-1] + 1)


def test_netcdf_without_a_mark_of_no_data(store: Store, tmp_path: Path) -> None:
    values = ROUGH.copy()
    values[0] = -9999
    path = netcdf(tmp_path / "n.nc", z=values)
    refused(store, path, "50 cells hold -9999")
    bring(store, path, nodata=-9999)
    assert np.isnan(read_raster(store, "dem").values[-1]).all()


def test_netcdf_that_lies_nowhere(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "n.nc"
    xr.Dataset({"z": (("y", "x"), ROUGH)}, coords={"x": np.arange(50.0), "y": np.arange(40.0)}).to_netcdf(
        path, engine="h5netcdf"
    )
    refused(store, path, "n.nc: it has no CRS", error=CrsError)
    xr.Dataset({"z": (("y", "x"), ROUGH)}).to_netcdf(path, engine="h5netcdf")
    refused(store, path, "n.nc: x has no coordinates")
    xr.Dataset({"z": (("a", "b"), ROUGH)}).to_netcdf(path, engine="h5netcdf")
    refused(store, path, "no variable lies on a grid")
    uneven = {"x": np.arange(50.0) ** 2, "y": np.arange(40.0)}
    xr.Dataset({"z": (("y", "x"), ROUGH)}, coords=uneven).to_netcdf(path, engine="h5netcdf")
    refused(store, path, "the steps along x are not even")
    steps = {"x": np.arange(50.0), "y": np.arange(40.0), "time": [0, 1, 2]}
    xr.Dataset({"z": (("time", "y", "x"), np.stack([ROUGH] * 3))}, coords=steps).to_netcdf(path, engine="h5netcdf")
    refused(store, path, "'z' has 3 steps along time")
    xr.Dataset({"z": (("y", "x"), ROUGH[:, :1])}, coords={"x": [1.0], "y": np.arange(40.0)}).to_netcdf(
        path, engine="h5netcdf"
    )
    refused(store, path, "one cell along x")


def test_netcdf_too_large_is_seen_in_the_header(store: Store, tmp_path: Path) -> None:
    path = netcdf(tmp_path / "n.nc", z=ROUGH)
    refused(store, path, "n.nc: 40 x 50 cells are more than 1,999", error=TooLarge, max_cells=1999)
    bring(store, path, max_cells=2000)


def test_netcdf_of_another_sort(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "n.nc"
    path.write_bytes(b"CDF\x05" + bytes(40))
    refused(store, path, "64-bit data format; convert it, e.g. nccopy")


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_netcdf_that_is_cut_off(store: Store, tmp_path: Path, engine: Any, share: float) -> None:
    path = netcdf(tmp_path / "c.nc", engine=engine, z=ROUGH)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(store, path, "c.nc: ")


# -- out -----------------------------------------------------------------------------------------------


def test_a_product_is_the_same_bytes_and_can_be_read(tmp_path: Path) -> None:
    grid = Grid(4549, X0, Y0, 10, 10, 600, 700)
    classes = np.random.default_rng(1).integers(0, 6, grid.shape).astype(np.int8)
    raster = Raster(grid, classes, "level", "")  # type: ignore[arg-type]
    colours = {0: (0, 0, 0, 0), 1: (0, 128, 0, 255), 5: (255, 0, 0, 255)}
    a = write_cog(tmp_path / "a.tif", raster, colours=colours, tags={"SCHEME": "natural"})
    b = write_cog(tmp_path / "b.tif", raster, colours=colours, tags={"SCHEME": "natural"})
    assert a.read_bytes() == b.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "b.tif"]
    with rasterio.open(a) as src:
        assert (src.dtypes, src.nodata, src.overviews(1)) == (("uint8",), 0, [2])
        assert src.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        np.testing.assert_array_equal(src.read(1), classes)
        assert {k: src.colormap(1)[k] for k in colours} == colours
        assert (src.tags()["SCHEME"], src.tags()["QUANTITY"]) == ("natural", "level")
        assert src.crs.to_epsg() == 4549
    real = write_cog(tmp_path / "c.tif", Raster(grid, classes.astype(np.float32), "score", ""))
    with rasterio.open(real) as src:
        assert np.isnan(src.nodata)


def test_products_that_cannot_be_written(tmp_path: Path) -> None:
    grid = Grid(4549, X0, Y0, 10, 10, 2, 2)
    with pytest.raises(InputError, match="float64"):
        write_cog(tmp_path / "a.tif", Raster(grid, np.zeros((2, 2)), "q", ""))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="colour table"):
        write_cog(tmp_path / "a.tif", Raster(grid, np.zeros((2, 2), np.float32), "q", ""), colours={0: (0, 0, 0, 0)})
    with pytest.raises(InputError, match="down to -1"):
        write_cog(tmp_path / "a.tif", Raster(grid, np.full((2, 2), -1, np.int8), "q", ""))  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="cannot be written"):
        write_cog(tmp_path / "no" / "a.tif", Raster(grid, np.zeros((2, 2), np.float32), "q", ""))
    assert list(tmp_path.iterdir()) == []


def test_the_hash_is_of_what_is_said() -> None:
    grid = Grid(4549, X0, Y0, 10, 10, 2, 2)
    values = np.array([[1, 2], [3, np.nan]], np.float32)
    first = content_hash(Raster(grid, values, "q", "m"))
    other_nan = values.copy()
    other_nan.view(np.uint32)[1, 1] = 0x7FC00001
    assert content_hash(Raster(grid, other_nan, "q", "m")) == first
    changed = [
        Raster(grid, values + 1, "q", "m"),
        Raster(grid, values, "q", "m", "wusong"),
        Raster(grid, values, "q", "km"),
        Raster(Grid(4549, X0 + 1, Y0, 10, 10, 2, 2), values, "q", "m"),
        Raster(Grid(4550, X0, Y0, 10, 10, 2, 2), values, "q", "m"),
    ]
    assert len({first, *map(content_hash, changed)}) == 6


_KILLED = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from data import rasters
from data.store import Store
db, tif, where = sys.argv[1:]
store = Store(db)
if where == "between":
    store.writing = lambda: os._exit(9)  # the file is there, the row is not
elif where == "in file":
    rasters.os.fsync = lambda handle: os._exit(9)
else:
    store.record_import = lambda *a, **k: os._exit(9)  # within the transaction
rasters.import_raster(store, tif, code="dem", title="t", quantity="share", unit="1", now_utc=datetime.now(UTC))
"""


@pytest.mark.parametrize("where", ["in file", "between", "in transaction"])
def test_killed_on_the_way(store: Store, tmp_path: Path, where: str) -> None:
    assert store.path is not None
    first = tif(tmp_path / "a.tif")
    bring(store, first, quantity="share", unit="1", vertical_datum=None)
    second = tif(tmp_path / "b.tif", ROUGH + 1)
    script = tmp_path / "killed.py"
    script.write_text(_KILLED, encoding="utf-8")
    command = [sys.executable, str(script), str(store.path), str(second), where]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, check=False
    )
    assert done.returncode == 9, done.stderr.decode()
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH)
    assert len(store.import_runs()) == 1
    left = sorted(p.name for p in store.raster_folder().iterdir())
    assert len(left) == 2  # what was there, and an orphan that nobody reads
    report = bring(store, second, quantity="share", unit="1", vertical_datum=None)
    assert report.updated == 1
    np.testing.assert_array_equal(read_raster(store, "dem").values, ROUGH + 1)
    remove_orphans(store, older_than_s=-60.0)
    assert [p.name for p in store.raster_folder().iterdir()] == store.frame("raster")["file"].tolist()
    assert json.loads(store.import_runs()["notices"].iloc[-1]) == []
