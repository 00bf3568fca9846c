"""Shelter balance of the town by hand, and the demo against the district's acceptance numbers."""

import geopandas as gpd
import pytest

from layers.district import District
from layers.whatif.balance import LISTING, balance, rows
from tests.layers.conftest import NOW, STAMP, area, point


def test_the_town_by_hand(own_town: District) -> None:
    with own_town.store.writing() as conn:
        own_town.store.upsert(
            conn,
            "shelter",
            gpd.GeoDataFrame(
                {
                    "id": ["s1", "s2"],
                    "name": ["广场", "学校"],
                    "class": ["emergency", "short"],
                    "capacity": [500, 250],
                    "effective_area_m2": [300.0, 1999.0],
                },
                geometry=[point(1.0, 1.5), point(4.0, 0.5)],
                crs=4326,
            ),
            **STAMP,
        )
    found = balance(own_town, at=NOW)
    assert found["persons_by"] == "village"
    west, east = found["streets"][1], found["streets"][0]
    assert (west["street"], east["street"]) == ("西街道", "东街道")
    assert (west["persons"], west["day_places"], west["fixed_places"]) == (1000, 500, 0)
    assert (west["fixed_needed"], west["fixed_missing"], west["missing_m2"]) == (150, 150, 300.0)
    assert (east["persons"], east["day_places"], east["fixed_places"]) == (2030, 3998, 250)
    assert (east["fixed_needed"], east["fixed_missing"]) == (305, 55)  # 304.5 rounded up
    assert west["near_day_persons"] == 1000  # 50 m
    assert east["near_day_persons"] == 0  # a kilometre and 50 m
    assert east["near_short_persons"] == 0
    assert east["near_medium_persons"] == 0  # there is none for a medium stay
    assert west["nearest_worst_m"] == pytest.approx(50.0, abs=0.2)
    assert east["nearest_mean_m"] == pytest.approx(1050.0, abs=0.2)
    assert east["without_route_persons"] == 30
    assert found["total"]["persons"] == 3030
    # The least of its class is 2000 m2 for a short stay; an emergency shelter has 1000.
    assert [row["id"] for row in found["small"]] == ["s1", "s2"]
    assert found["out"] == []
    zoned = balance(own_town, at=NOW, zone=str(area(0.5, 1, 1.5, 2).wkt))
    assert [(row["id"], row["out"]) for row in zoned["out"]] == [("s1", "in_zone")]
    assert zoned["total"]["day_places"] == 3998


def test_the_demo_has_the_acceptance_numbers_and_every_row_a_cell(demo: District) -> None:
    found = balance(demo)
    assert found["total"]["persons"] == 1_183_740
    assert found["total"]["fixed_needed"] == 177_561
    assert found["persons_by"] == "cell"
    table = rows(found, "全区")
    assert table[-1]["street"] == "全区"
    assert sum(row["persons"] for row in table[:-1]) == table[-1]["persons"]
    assert {column.name for column in LISTING.columns} <= set(table[0])
    assert all(0 <= table[-1][f"near_{stay}_share"] <= 1 for stay in ("day", "short", "medium", "long"))
