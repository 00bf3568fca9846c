"""Readings of devices: good ones are taken once, bad ones are kept aside, nothing older goes over newer."""

import itertools
import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import sqlalchemy as sa
from shapely import Point

from data import ledger, readings, schema
from data.readings import Device, Refused, checked, moves_on_map, take
from data.store import Store
from geo.errors import Conflict, InputError, TooLarge

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
EXTENT = (120.7, 31.8, 121.1, 32.1)
STAMP: dict[str, Any] = {"source": "test", "source_datum": "EPSG:4326", "now_utc": NOW}

GPS = Device("gps", "position", vehicle_id="v1")
COUNTER = Device("cnt", "count", minimum=0, maximum=500, depot_id="d1", item_id="quilt")
COLD = Device("cold", "temperature", minimum=-40, maximum=60)
DOOR = Device("door", "door")


def at(seconds: float = -10.0) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(str(tmp_path / "d.gpkg"), name="小镇", epsg=4549) as made:
        with made.writing() as conn:
            depot = gpd.GeoDataFrame(
                {"id": ["d1"], "name": ["西库"], "level": ["district"]}, geometry=[Point(120.9, 32.0)], crs=4326
            )
            made.upsert(conn, "depot", depot, **STAMP)
            made.upsert(conn, "item", pd.DataFrame({"id": ["quilt"], "name": ["棉被"], "unit": ["床"]}), **STAMP)
            vehicle = gpd.GeoDataFrame({"id": ["v1"], "name": ["苏F·示01"]}, geometry=[None], crs=4326)
            made.upsert(conn, "vehicle", vehicle, **STAMP)
            devices = pd.DataFrame(
                {
                    "id": ["gps", "cnt", "cold", "door"],
                    "name": ["定位", "计数", "温度", "门"],
                    "type": ["position", "count", "temperature", "door"],
                    "vehicle_id": ["v1", None, None, None],
                    "depot_id": [None, "d1", "d1", "d1"],
                    "item_id": [None, "quilt", None, None],
                    "minimum": [None, 0, -40, None],
                    "maximum": [None, 500, 60, None],
                    "alarm_below": [None, None, 2, None],
                    "alarm_above": [None, None, 8, None],
                }
            )
            made.upsert(conn, "device", devices, **STAMP)
            lots = pd.DataFrame({"depot_id": ["d1"], "item_id": ["quilt"], "lot": ["A"], "quantity": ["100"]})
            ledger.apply_lots(conn, lots, source="test", now_utc=NOW - timedelta(days=1))
        yield made


def report(store: Store, device: str, *entries: Any, now: datetime = NOW) -> dict[str, Any]:
    with store.writing() as conn:
        return take(conn, device, list(entries), now_utc=now, extent=EXTENT)


def rows(store: Store, table: str) -> list[dict[str, Any]]:
    with store.reading() as conn:
        return [dict(row) for row in conn.execute(sa.select(schema.table(table))).mappings()]


def place(seconds: float, lon: float = 120.9, lat: float = 32.0) -> dict[str, Any]:
    return {"quantity": "position", "measured_utc": at(seconds), "lon": lon, "lat": lat}


BAD = [
    (GPS, place(-10, 32.0, 120.9), "swapped"),
    (GPS, place(-10, 31.9, 120.8), "swapped"),
    (GPS, place(-10, 0, 0), "no fix"),
    (GPS, place(-10, 116.4, 39.9), "more than 5 degrees"),
    (GPS, place(-10, 200, 32), "no place on the earth"),
    (GPS, place(-10, EXTENT[2] + 5.0001), "more than 5 degrees"),
    (GPS, place(-10, math.nan), "expected a finite number"),
    (GPS, place(-10, "120.9"), "lon: expected a number, got '120.9'"),  # type: ignore[arg-type]
    (GPS, {"measured_utc": at(), "lon": 120.9}, "lat: expected a number, got nothing"),
    (GPS, {**place(-10), "value": 3}, "lon and lat only"),
    (GPS, place(120.001), "in the future"),
    (GPS, place(-366 * 86_400 - 1), "clock is not set"),
    (GPS, {**place(0), "measured_utc": "2026-07-01T08:00:00"}, "with a time zone"),
    (GPS, {**place(0), "measured_utc": "yesterday"}, "expected ISO 8601"),
    (GPS, {**place(0), "measured_utc": 1782000000}, "expected a time"),
    (GPS, {**place(0), "speed": 3}, "speed: not known"),
    (GPS, {"quantity": "temperature", "measured_utc": at(), "value": 3}, "gps reports position"),
    (COUNTER, {"measured_utc": at(), "value": 501}, "outside the range of cnt, 0 to 500"),
    (COUNTER, {"measured_utc": at(), "value": -1}, "outside the range"),
    (COUNTER, {"measured_utc": at(), "value": 1.0005}, "three digits"),
    (COUNTER, {"measured_utc": at(), "value": True}, "expected a number"),
    (COUNTER, {"measured_utc": at(), "value": 10**400}, "expected a finite number"),
    (COUNTER, {"measured_utc": at(), "value": 3, "lon": 120}, "has a value only"),
    (COLD, {"measured_utc": at(), "value": 60.01}, "outside the range of cold, -40 to 60"),
    (COLD, {"measured_utc": at(), "value": math.inf}, "finite"),
    (DOOR, {"measured_utc": at(), "value": 0.5}, "0 \\(shut\\) or 1 \\(open\\)"),
    (DOOR, [1], "expected an object, got list"),
    (DOOR, None, "expected an object"),
]


@pytest.mark.parametrize(("device", "entry", "why"), BAD)
def test_a_bad_reading_says_why(device: Device, entry: Any, why: str) -> None:
    with pytest.raises(Refused, match=why):
        checked(entry, device, now_utc=NOW, extent=EXTENT)


@pytest.mark.parametrize(
    ("device", "entry"),
    [
        (GPS, place(120)),
        (GPS, place(-366 * 86_400)),
        (GPS, place(-10, EXTENT[2] + 5.0, EXTENT[1] - 5.0)),
        (COUNTER, {"measured_utc": at(), "value": 500}),
        (COUNTER, {"measured_utc": at(), "value": 0}),
        (COLD, {"measured_utc": at(), "value": -40}),
        (DOOR, {"measured_utc": at(), "value": True}),
        (DOOR, {"quantity": "door", "measured_utc": "2026-07-01T16:00:00+08:00", "value": 0}),
    ],
)
def test_bounds_are_included(device: Device, entry: Any) -> None:
    assert checked(entry, device, now_utc=NOW, extent=EXTENT).quantity == device.type


def test_without_an_extent_any_place_but_none_is_taken() -> None:
    assert checked(place(-1, -70.0, -33.0), GPS, now_utc=NOW, extent=None).lon == -70.0
    with pytest.raises(Refused, match="no fix"):
        checked(place(-1, 0, 0), GPS, now_utc=NOW, extent=None)


def test_good_ones_of_a_batch_are_taken_and_the_answer_names_the_others(store: Store) -> None:
    answer = report(
        store, "cold", {"measured_utc": at(-3), "value": 5}, {"value": 5}, {"measured_utc": at(-2), "value": 99}
    )
    assert (answer["taken"], answer["known"]) == (1, 0)
    assert [row["index"] for row in answer["refused"]] == [1, 2]
    kept = rows(store, "reading_refused")
    assert [row["reason"] for row in kept] == [row["reason"] for row in answer["refused"]]
    assert json.loads(kept[1]["body"])["value"] == 99


def test_the_same_report_twice_is_there_once(store: Store) -> None:
    batch = [place(-30), place(-20, 120.95), {"measured_utc": "?"}]
    first = report(store, "gps", *batch)
    before = rows(store, "vehicle"), rows(store, "reading_refused")
    again = report(store, "gps", *batch, batch[0], now=NOW + timedelta(seconds=5))
    assert (first["taken"], first["known"], again["taken"], again["known"]) == (2, 0, 0, 3)
    assert len(rows(store, "reading")) == 2
    assert (rows(store, "vehicle"), rows(store, "reading_refused")) == before
    assert [row["index"] for row in again["refused"]] == [2]


def test_another_value_for_the_same_moment_is_kept_aside(store: Store) -> None:
    report(store, "cold", {"measured_utc": at(-3), "value": 5})
    answer = report(
        store,
        "cold",
        {"measured_utc": at(-3), "value": 6},
        {"measured_utc": at(-2), "value": 6},
        {"measured_utc": at(-2), "value": 7},
    )
    assert answer["taken"] == 1
    assert ["another reading" in row["reason"] for row in answer["refused"]] == [True, True]
    assert sorted(row["value"] for row in rows(store, "reading")) == [5, 6]


def test_an_unknown_device_leaves_its_readings_aside(store: Store) -> None:
    answer = report(store, "ghost", place(-3))
    assert answer["taken"] == 0
    assert answer["refused"] == [{"index": 0, "reason": "there is no device ghost"}]
    assert rows(store, "reading_refused")[0]["device_id"] == "ghost"


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "坏" * 5000, {"a": [1, {"b": "\udfff"}]}])
def test_what_no_database_takes_is_kept_aside_all_the_same(store: Store, text: Any) -> None:
    answer = report(store, "cold", {"measured_utc": at(), "value": text}, {"measured_utc": text}, {"quantity": text})
    assert len(answer["refused"]) == 3
    assert len(rows(store, "reading_refused")) == 3
    assert all(len(row["body"]) <= 1_000 for row in rows(store, "reading_refused"))


def test_a_batch_is_bounded(store: Store) -> None:
    many = [{"measured_utc": at(-k), "value": 5} for k in range(readings.MAX_READINGS)]
    assert report(store, "cold", *many)["taken"] == readings.MAX_READINGS
    with pytest.raises(TooLarge, match="1001 entries; at most 1000"):
        report(store, "cold", *many, many[0])
    for nothing in ([], None, {"a": 1}):
        with store.writing() as conn, pytest.raises(InputError, match="at least one reading"):
            take(conn, "cold", nothing, now_utc=NOW, extent=EXTENT)  # type: ignore[arg-type]


def test_readings_are_never_altered(store: Store) -> None:
    report(store, "cold", {"measured_utc": at(), "value": 5})
    with pytest.raises(Conflict), store.writing() as conn:
        conn.exec_driver_sql("UPDATE reading SET value = 6")


@pytest.mark.parametrize(
    ("old_utc", "seconds", "metres", "moves"),
    [
        (None, 0, 0, True),
        (at(-60), -60, 500, False),  # the same moment
        (at(-60), -61, 500, False),  # older
        (at(-60), -59, 14.9, False),
        (at(-60), -59, 15.1, True),
        (at(-60), -0.001, 0, False),
        (at(-60), 0, 0, True),  # standing, after a minute
    ],
)
def test_when_a_vehicle_moves_on_the_map(old_utc: str | None, seconds: float, metres: float, moves: bool) -> None:
    old = schema.utc_text(old_utc) if old_utc else None
    new = (120.9, 32.0 + metres / 111_320.0)
    assert moves_on_map(old, (120.9, 32.0) if old else None, schema.utc_text(at(seconds)), new) is moves


def test_a_vehicle_follows_its_tracker_and_never_goes_back(store: Store) -> None:
    assert report(store, "gps", place(-20, 120.95), place(-30, 120.90))["position"]["place"] == [120.95, 32.0]
    assert report(store, "gps", place(-25, 120.99))["position"] is None  # late: known, but not where it is now
    (vehicle,) = rows(store, "vehicle")
    assert (vehicle["geom"].x, vehicle["position_utc"]) == (120.95, schema.utc_text(at(-20)))
    assert vehicle["source"] == "test"
    assert len(rows(store, "reading")) == 3
    before = store.revision()
    assert report(store, "gps", place(-10, 120.95))["position"] is None  # stands: no change of the map for that
    assert [change.table for change in store.changes(before)] == ["reading"]


@pytest.mark.parametrize(("ahead_s", "follows"), [(120.0, False), (120.001, True), (86_400.0, True)])
def test_a_place_of_the_future_holds_no_vehicle(store: Store, ahead_s: float, follows: bool) -> None:
    """A list may say a time that is not yet; as much ahead as a device's clock may be is believed."""
    with store.writing() as conn:
        vehicle = gpd.GeoDataFrame(
            {"id": ["v1"], "name": ["v1"], "position_utc": [schema.utc_text(at(ahead_s))]},
            geometry=[Point(120.9, 32.0)],
            crs=4326,
        )
        store.upsert(conn, "vehicle", vehicle, **STAMP)
    moved = report(store, "gps", place(-5, 120.95))["position"]
    assert (moved is not None) is follows


@pytest.mark.parametrize("seed", range(12))
def test_bursts_out_of_order_end_where_the_newest_reading_is(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    moments = rng.sample(range(1, 3_000), 60)
    truth = {k: (120.8 + rng.random() * 0.2, 31.9 + rng.random() * 0.1) for k in moments}
    sent = [place(-k, *truth[k]) for k in moments for _ in range(rng.choice((1, 1, 2)))]
    rng.shuffle(sent)
    while sent:
        n = rng.randint(1, 15)
        report(store, "gps", *sent[:n])
        sent = sent[n:]
    (vehicle,) = rows(store, "vehicle")
    newest = min(moments)
    # Every step of the truth is farther than the vehicle may lag behind.
    assert vehicle["position_utc"] == schema.utc_text(at(-newest))
    assert (vehicle["geom"].x, vehicle["geom"].y) == truth[newest]
    assert len(rows(store, "reading")) == len(moments)
    assert rows(store, "reading_refused") == []


def test_standing_about_lags_at_most_by_what_is_stated(store: Store) -> None:
    rng, lon = random.Random(5), 120.9
    for k in range(80):
        lon += rng.random() * 6e-5  # up to 6 m
        report(store, "gps", place(k * 7 - 1400, lon))
        (vehicle,) = rows(store, "vehicle")
        lag_s = (
            datetime.fromisoformat(at(k * 7 - 1400)) - datetime.fromisoformat(vehicle["position_utc"])
        ).total_seconds()
        assert lag_s < 60
        assert abs(vehicle["geom"].x - lon) * 111_320 * math.cos(math.radians(32)) < 15


def test_latest_says_value_and_age(store: Store) -> None:
    report(store, "cold", {"measured_utc": at(-90), "value": 5}, {"measured_utc": at(-60), "value": 6})
    report(store, "cold", {"measured_utc": at(-75), "value": 7})
    with store.reading() as conn:
        found = {row["id"]: row for row in readings.latest(conn, now_utc=NOW)}
    assert (found["cold"]["value"], found["cold"]["age_s"]) == (6, 60)
    assert found["door"]["value"] is None
    assert found["door"]["age_s"] is None


def alarm_kinds(store: Store) -> list[tuple[str, str]]:
    with store.reading() as conn:
        return [(row["kind"], row["since_utc"]) for row in readings.alarms(conn, now_utc=NOW)]


def test_alarms_of_doors_and_temperatures(store: Store) -> None:
    report(store, "door", *({"measured_utc": at(-k), "value": v} for k, v in ((90, 1), (80, 0), (70, 1), (60, 1))))
    for value, kind in ((8, None), (8.01, "temperature_high"), (2, None), (1.99, "temperature_low")):
        report(store, "cold", {"measured_utc": at(-50 + value), "value": value})
        expected = [("door_open", schema.utc_text(at(-70)))]
        with store.reading() as conn:
            newest = next(row for row in readings.latest(conn, now_utc=NOW) if row["id"] == "cold")["value"]
        if newest == value and kind:
            assert (kind, schema.utc_text(at(-50 + value))) in alarm_kinds(store)
        elif newest == value:
            assert alarm_kinds(store) == expected
    report(store, "door", {"measured_utc": at(-1), "value": False})
    assert "door_open" not in dict(alarm_kinds(store))


def test_alarms_since_is_that_of_a_plain_walk(store: Store) -> None:
    rng = random.Random(11)
    values = [rng.choice((0, 5, 12)) for _ in range(60)]
    for k, value in enumerate(values):
        report(store, "cold", {"measured_utc": at(k - 100), "value": value})
        run = len(list(next(itertools.groupby(reversed(values[: k + 1])))[1]))
        kind = {0: "temperature_low", 12: "temperature_high"}.get(value)
        expected = [(kind, schema.utc_text(at(k - 100 - run + 1)))] if kind else []
        assert alarm_kinds(store) == expected


def test_a_count_that_differs_asks_for_a_check_and_leaves_the_ledger_alone(store: Store) -> None:
    before = rows(store, "lot"), rows(store, "movement")
    assert report(store, "cnt", {"measured_utc": at(-50), "value": 100})["check"] is None
    check = report(store, "cnt", {"measured_utc": at(-40), "value": 97})["check"]
    assert (check["counted"], check["ledger"], check["difference"]) == (97, 100, -3)
    assert [kind for kind, _ in alarm_kinds(store)] == ["count_check"]
    assert (rows(store, "lot"), rows(store, "movement")) == before
    assert report(store, "cnt", {"measured_utc": at(-30), "value": 100})["check"] is None  # a later one agrees
    assert alarm_kinds(store) == []
    # A late one is no news.
    assert report(store, "cnt", {"measured_utc": at(-35), "value": 90})["check"] is None


def test_a_count_is_held_against_the_ledger_of_its_own_moment(store: Store) -> None:
    report(store, "cnt", {"measured_utc": at(-50), "value": 100})
    with store.writing() as conn:
        ledger.record(
            conn,
            [ledger.Movement("d1/quilt/A", 30_000, "depot", "in_transit", "issue", NOW - timedelta(seconds=40))],
            source="test",
            now_utc=NOW,
        )
    assert alarm_kinds(store) == []  # issued since: the counter has not spoken yet
    assert report(store, "cnt", {"measured_utc": at(-40), "value": 70})["check"] is None
    assert report(store, "cnt", {"measured_utc": at(-41), "value": 100})["check"] is None
    assert report(store, "cnt", {"measured_utc": at(-30), "value": 100})["check"]["difference"] == 30


def test_a_count_by_hand_settles_the_check(store: Store) -> None:
    report(store, "cnt", {"measured_utc": at(-40), "value": 97})
    table = schema.table("stock_count")
    row = {
        "lot_id": "d1/quilt/A",
        "expected_e3": 100_000,
        "counted_e3": 100_000,
        "actor": "keeper",
        "recorded_utc": schema.utc_text(NOW),
    }
    with store.writing() as conn:
        conn.execute(sa.insert(table), {**row, "occurred_utc": schema.utc_text(at(-41))})
    assert len(alarm_kinds(store)) == 1  # counted before the counter spoke
    with store.writing() as conn:
        conn.execute(sa.insert(table), {**row, "occurred_utc": schema.utc_text(at(-40))})
    assert alarm_kinds(store) == []
