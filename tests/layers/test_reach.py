"""A place that is clicked: every number against the routing between the two places alone, every row with its age."""

import json
from datetime import timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geo.crs import to_metric
from geo.times import last_leg_s
from layers import analyses
from layers.district import District
from layers.whatif.refuges import refuges
from tests.layers.conftest import DEMO_NOW, EPSG, NOW, STAMP, lonlat, point


def test_where_it_is_is_said_in_degrees_in_metres_and_by_road(town: District) -> None:
    found = analyses.reach(town, lonlat=lonlat(1.5, 1.2), at=NOW)
    assert found["datum"] == "WGS 84"
    x, y = to_metric([lonlat(1.5, 1.2)], epsg=EPSG)[0]
    assert found["metric"] == {"epsg": EPSG, "x_m": pytest.approx(x, abs=0.01), "y_m": pytest.approx(y, abs=0.01)}
    assert (found["village"], found["street"]) == ("西村", "西街道")
    assert found["road"] == {"name": "1号路", "class": "tertiary", "distance_m": pytest.approx(200, abs=0.2)}
    far = analyses.reach(town, lonlat=lonlat(10, 1), at=NOW)
    assert (far["road"], far["teams"], far["hospital"], far["shelter"]) == (None, [], None, None)
    json.dumps([found, far], allow_nan=False)


def test_hospital_and_shelter_are_the_quickest_of_all_that_count(demo: District) -> None:
    view = demo.view()
    rng = np.random.default_rng(6)
    villages = view.frame("village")
    for k in rng.integers(0, len(villages), 8):
        inside = villages.geometry.iloc[int(k)].representative_point()
        found = analyses.reach(demo, lonlat=(inside.x, inside.y), at=DEMO_NOW)
        here = view.snap_lonlat([(inside.x, inside.y)])
        for table, key in (("hospital", "hospital"), ("shelter", "shelter")):
            snapped = view.snapped(table)
            total_s = np.array(
                [
                    view.travel(DEMO_NOW).matrix_s(here, snapped.take([j]))[0, 0]
                    + last_leg_s(here.access_m)[0]
                    + last_leg_s(snapped.access_m)[j]
                    for j in range(len(snapped))
                ]
            )
            order = np.argsort(total_s, kind="stable")
            if table == "shelter":
                out = refuges(view, None, stay=None).table["out"]
                before = list(order[: next(n for n, j in enumerate(order) if out[j] is None)])
                assert [row["id"] for row in found["shelters_out"]] == view.frame("shelter")["id"].iloc[before].tolist()
                assert [row["out"] for row in found["shelters_out"]] == out.iloc[before].tolist()
                order = np.array([j for j in order if out[j] is None])
                assert found["shelter"]["places"] == refuges(view, None, stay=None).places[order[0]] > 0
            best = found[key]
            assert best["id"] == view.frame(table)["id"].iloc[order[0]]
            assert best["total_s"] == pytest.approx(total_s[order[0]], abs=0.001)
            assert best["travel_s"] + best["last_leg_s"] == pytest.approx(best["total_s"], abs=0.002)


def test_a_nearer_shelter_that_holds_nobody_is_passed_over_with_the_reason(own_town: District) -> None:
    here = {"lonlat": lonlat(1, 1), "at": NOW}
    assert analyses.reach(own_town, **here)["shelter"]["id"] == "s1"
    empty = gpd.GeoDataFrame(
        {"id": ["s0"], "name": ["空地"], "class": ["emergency"], "capacity": pd.Series([None], dtype="Int64")},
        geometry=[point(1.0, 1.0)],
        crs=4326,
    )
    with own_town.store.writing() as conn:
        own_town.store.upsert(conn, "shelter", empty, **STAMP)
    found = analyses.reach(own_town, **here)
    assert (found["shelter"]["id"], found["shelter"]["places"]) == ("s1", 500)
    assert [(row["id"], row["out"]) for row in found["shelters_out"]] == [("s0", "unknown")]


def test_every_row_says_where_it_comes_from_and_how_old_it_is(town: District) -> None:
    later = District(town.store, cache=town.cache, clock=lambda: NOW + timedelta(hours=5))
    found = analyses.reach(later, lonlat=lonlat(1, 1), at=NOW)
    rows = [*found["teams"], found["hospital"], found["shelter"]]
    assert len(rows) == 4
    for row in rows:
        assert (row["source"], row["age_s"]) == ("town", 5 * 3600)
        assert row["updated_utc"].startswith("2026-07-01T02:00")
