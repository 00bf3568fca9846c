"""Renderers are pure: what goes in comes out, escaped, with units, and nothing else."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import shapely

from geo.errors import InputError
from layers.catalogue import LAYERS
from layers.html import popup_html
from layers.layer import LayerFrame, Steps, plain
from layers.render import _by_style, describe, display, render

EVIL = "<script>alert(1)</script>\"'&{{7*7}}"


def enterprises(**columns: Any) -> LayerFrame:
    n = len(next(iter(columns.values())))
    frame = gpd.GeoDataFrame(columns, geometry=shapely.points(np.linspace(120.8, 120.9, n), np.full(n, 32.0)), crs=4326)
    return LayerFrame(
        LAYERS["enterprises"],
        frame,
        n,
        n,
        False,
        "test",
        "2026-01-01T00:00:00.000Z",
        7,
        datetime(2026, 1, 2, tzinfo=UTC),
    )


@pytest.fixture
def result() -> LayerFrame:
    return enterprises(
        id=["a", "b"],
        name=[EVIL, "=1+1"],
        risk_level=["major", None],
        workers_on_shift=[3.0, np.nan],
        categories=["confined_space;gas_user", ""],
    )


def test_geojson_is_valid_and_says_its_source(result: LayerFrame) -> None:
    found = json.loads(render(result, "geojson"))
    assert found["onemap"]["count"] == 2
    assert found["onemap"]["revision"] == 7
    first, second = found["features"]
    assert first["properties"]["name"] == EVIL
    assert first["properties"]["workers_on_shift"] == 3
    assert second["properties"]["workers_on_shift"] is None
    assert first["geometry"] == {"type": "Point", "coordinates": [120.8, 32.0]}


def test_csv_has_labels_units_and_no_formula(result: LayerFrame) -> None:
    text = render(result, "csv").decode("utf-8-sig")
    head, first, second = list(csv.reader(io.StringIO(text)))
    assert "当班人数(人)" in head
    assert first[head.index("风险等级")] == "重大"
    assert first[head.index("类别")] == "有限空间、燃气使用场所"
    assert not second[head.index("名称")].startswith("=")
    assert second[head.index("当班人数(人)")] == ""


def test_xlsx_opens_and_has_no_formula(result: LayerFrame) -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(result, "xlsx")))
    sheet = book.worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert any(cell.value == EVIL for cell in cells)
    assert all(cell.data_type != "f" for cell in cells)


def test_gpkg_reads_back_equal(result: LayerFrame, tmp_path: Any) -> None:
    path = tmp_path / "x.gpkg"
    path.write_bytes(render(result, "gpkg"))
    back = gpd.read_file(path)
    assert back["name"].tolist() == [EVIL, "=1+1"]
    assert back.crs.to_epsg() == 4326


def test_unknown_format_names_the_formats(result: LayerFrame) -> None:
    with pytest.raises(InputError, match="geojson, csv, xlsx, gpkg"):
        render(result, "kml")


def test_popup_is_escaped(result: LayerFrame) -> None:
    text = popup_html(result.layer, result.frame.iloc[0].to_dict(), "viewer", "zh")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_description_counts_age_and_fields(result: LayerFrame) -> None:
    found = describe(result, "en")
    assert found["count"] == 2
    assert found["age_s"] == 86_400
    assert found["stale"] is False
    assert [f["name"] for f in found["fields"]][:2] == ["id", "name"]
    assert found["legend"][0]["label"] == "major"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.nan, None),
        (np.inf, None),
        (None, None),
        (np.int64(3), 3),
        (2.0, 2),
        (2.5, 2.5),
        (np.bool_(True), True),
    ],
)
def test_plain_values_are_json(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def test_display_in_both_languages() -> None:
    fields = {f.name: f for f in LAYERS["enterprises"].fields}
    assert display(fields["risk_level"], "major", "zh") == "重大"
    assert display(fields["risk_level"], "major", "en") == "major"
    assert display(fields["workers_on_shift"], 1234.0, "zh") == "1,234 人"
    assert display(fields["workers_on_shift"], np.nan, "zh") == "—"
    minutes = next(f for f in LAYERS["uncovered_places"].fields if f.name == "total_s")
    assert display(minutes, 90.0, "en") == "1.5 min"


def test_a_missing_number_is_drawn_as_above_every_step() -> None:
    """In the map's own language null is the number 0, which would be the best class."""
    layer = next(layer for layer in LAYERS.values() if isinstance(layer.style, Steps))
    style = layer.style
    assert isinstance(style, Steps)
    expression = _by_style(layer, lambda mark: mark.label.en)
    conditions, chosen = expression[1:-1:2], expression[2:-1:2]
    assert expression[-1] == style.other.label.en
    assert chosen == [mark.label.en for mark in style.marks]
    for (comparison, (number, (coalesce, got, instead), _unread), bound), upper in zip(
        conditions, style.upper, strict=True
    ):
        assert (comparison, number, coalesce, got) == ("<=", "to-number", "coalesce", ["get", style.field])
        assert bound == upper < instead
