"""The list of what changed since a moment: all of the hand-over, each change once, with its place."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pytest

from data.store import Store
from geo.errors import InputError
from layers.actions import supplies
from layers.actions.closures import close, reopen
from layers.analyses import dispatch
from layers.analyses.dispatch import LONGEST_SHIFT
from layers.district import District
from layers.permissions import Actor
from layers.since import TOGETHER, since
from tests.layers.conftest import BRIDGE, EPSG, RECEIVER, Clock, fill, lonlat, point

WANG = Actor("wang", "王", "dispatcher")


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    """The town by the real clock, which the database writes into its log of changes."""
    with Store.create(str(tmp_path / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        time.sleep(0.01)
        yield District(store)


def reserve(district: District) -> str:
    body = {
        **RECEIVER,
        "needs": [{"item_id": "quilt", "quantity": "10"}],
        "lines": [{"depot_id": "d1", "item_id": "quilt", "lot": "A", "quantity": "2"}],
    }
    return str(supplies.reserve(district, WANG, body, key="a-key-of-the-form")["orders"][0]["id"])


def name_hospitals(district: District, ids: list[str]) -> None:
    places = [point(1.0 + k / 10, 1.0) for k in range(len(ids))]
    frame = gpd.GeoDataFrame({"id": ids, "name": [f"新{i}" for i in ids]}, geometry=places, crs=4326)
    with district.store.writing() as conn:
        district.store.upsert(
            conn, "hospital", frame, source="town", source_datum="WGS 84", now_utc=district.now().astimezone(UTC)
        )


def told(district: District, begin: datetime) -> list[tuple[str, str]]:
    return [(row["part"], row["id"]) for row in since(district, begin, role="dispatcher")["rows"]]


def test_it_has_what_the_hand_over_has_the_newest_first(district: District) -> None:
    begin = district.now()
    order = reserve(district)
    time.sleep(0.01)
    closure = close(district, WANG, {"reason": "积水", "geometry": BRIDGE}, key="another-key-of-it")["id"]
    found = since(district, begin, role="dispatcher")
    sheet = dispatch.handover(district, begin)
    parts = ("events", "movements", "counts", "states", "closures")
    assert found["count"] == sum(len(sheet[part]) for part in parts) == 2
    first, second = found["rows"]
    assert (first["part"], first["id"], first["title"]) == ("closures", closure, "新增 积水")
    assert first["place"] == pytest.approx(lonlat(2.5, 1.0), abs=2e-3)
    assert (second["part"], second["id"], second["page"]) == ("events", order, f"/supplies/orders/{order}")
    assert second["place"] == pytest.approx(lonlat(5.0, 1.0), abs=1e-6), "an order leads to where it goes"
    assert "<script>学校" in second["detail"], "told as it is; who shows it escapes it"


def test_the_moment_itself_counts_and_what_was_before_does_not(district: District) -> None:
    begin = district.now()
    order = reserve(district)
    recorded = datetime.fromisoformat(since(district, begin, role="dispatcher")["rows"][0]["recorded_utc"])
    time.sleep(0.01)
    assert told(district, recorded) == [("events", order)]
    assert told(district, recorded + timedelta(milliseconds=1)) == []


def test_without_a_moment_it_is_since_the_last_ten_in_the_evening(own_town: District, clock: Clock) -> None:
    district = District(own_town.store, clock=clock)
    for hours, begin in ((0, "06-30T22:00"), (11, "06-30T22:00"), (1, "07-01T22:00")):
        clock.go_on(hours=hours)
        assert since(district)["since"] == f"2026-{begin}:00+08:00"


def test_a_closure_is_told_once_and_as_lifted_when_it_was_undone(district: District) -> None:
    begin = district.now()
    closure = close(district, WANG, {"reason": "积水", "geometry": BRIDGE}, key="another-key-of-it")["id"]
    reopen(district, WANG, closure, {}, key="a-third-key-of-it")
    rows = since(district, begin, role="dispatcher", lang="en")["rows"]
    assert [(row["id"], row["title"]) for row in rows] == [(closure, "lifted 积水")]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d – \d{4}-", rows[0]["detail"])


def test_registers_come_row_by_row_or_together(district: District) -> None:
    begin = district.now()
    name_hospitals(district, [f"n{k}" for k in range(TOGETHER)])
    rows = since(district, begin)["rows"]
    assert {row["id"] for row in rows} == {f"n{k}" for k in range(TOGETHER)}
    assert {row["title"] for row in rows} == {"医院 新增"}
    assert all(row["place"] for row in rows)
    name_hospitals(district, [f"n{k}" for k in range(TOGETHER + 1)])
    rows = since(district, begin)["rows"]
    assert [(row["id"], row["detail"], row["place"]) for row in rows] == [("hospitals", f"{TOGETHER + 1} 条", None)]


def test_who_may_not_read_supplies_hears_of_closures_and_registers(district: District) -> None:
    begin = district.now()
    reserve(district)
    close(district, WANG, {"reason": "积水", "geometry": BRIDGE}, key="another-key-of-it")
    name_hospitals(district, ["n0"])
    assert {row["part"] for row in since(district, begin, role="viewer")["rows"]} == {"closures", "registers"}
    assert {part for part, _ in told(district, begin)} == {"closures", "events", "registers"}


@pytest.mark.parametrize(
    ("ago", "good"),
    [
        (timedelta(0), True),
        (timedelta(milliseconds=-1), False),
        (LONGEST_SHIFT, True),
        (LONGEST_SHIFT + timedelta(milliseconds=1), False),
    ],
)
def test_the_moment_is_of_the_last_month(own_town: District, clock: Clock, ago: timedelta, good: bool) -> None:
    district = District(own_town.store, clock=clock)
    if good:
        assert since(district, clock.now - ago)["count"] >= 0
        return
    with pytest.raises(InputError, match="the last 31 days"):
        since(district, clock.now - ago)
