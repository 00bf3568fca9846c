"""Packs at the depots of a district: by hand in the town, by recount in the demo."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo.errors import ImportRefused, InputError, NotFound
from layers import query
from layers.district import District
from layers.layer import Text
from layers.whatif.layers import SHORTFALLS
from layers.whatif.saved import load, save
from layers.whatif.scenario import Closure, Scenario
from layers.whatif.stocking import (
    KIND,
    Asked,
    StockItem,
    items_of_file,
    needs_of_file,
    stock_depots,
    stocking_lines,
)
from tests.layers.conftest import DEMO_NOW, NOW, line

QUILT = StockItem("quilt", 10, 0.5, 99.5)


def asked(**parts: Any) -> Asked:
    return Asked(**{"at": NOW, "items": (QUILT,), "budget": 1000.0, "needs": {("v1", "quilt"): 100}, **parts})


# -- the town: no depot says how large it is ----------------------------------------------------------


def test_what_is_held_serves_and_a_depot_of_unknown_volume_takes_nothing_more(town: District) -> None:
    found = stock_depots(town, "x", asked())
    told = found.summary
    # West holds 70 of 100 usable (30 reserved, 50 expired) and east 200: 7 and 20 packs, nothing to buy.
    packs = found.tables["packs"].set_index("depot_id")
    assert packs["held_packs"].to_dict() == {"d1": 7, "d2": 20}
    assert packs["packs"].sum() == told["packs"] == told["cost"] == 0
    assert told["depots_without_room"] == 2
    assert (told["in_time_share"], told["short_units"], told["is_optimal"]) == (1.0, 0, True)
    deliveries = found.tables["deliveries"].set_index("depot_id")
    assert deliveries["units"].to_dict() == {"d1": 70, "d2": 30}  # the nearer one first
    more = stock_depots(town, "x", asked(needs={("v1", "quilt"): 300, ("v3", "quilt"): 5}))
    short = more.tables["short"].set_index("village_id")
    assert short["short"].to_dict() == {"v1": 30, "v3": 5}
    assert short["reason"].to_dict() == {"v1": "volume", "v3": "no_road"}
    assert set(short["reason"]) <= set(SHORTFALLS)
    said = list(stocking_lines(more))
    assert any("v3 远村, 棉被: 5 of 5 short, no_road" in text for text in said)


def test_a_closed_bridge_keeps_the_other_depot_away(town: District) -> None:
    cut = Scenario("cut", Text("断", "cut"), closures=(Closure(line((2.5, 0.9), (2.5, 1.1))),))
    found = stock_depots(town, "x", asked(scenario=cut))
    assert found.tables["deliveries"]["depot_id"].tolist() == ["d1"]
    assert found.tables["short"]["short"].tolist() == [30]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"items": ()}, "0 of them"),
        ({"items": (QUILT, QUILT)}, "each once"),
        ({"items": (StockItem("tent", 1, 1.0, 1.0),), "needs": {("v1", "tent"): 1}}, "no item 'tent'"),
        ({"items": (dataclasses.replace(QUILT, units=0),)}, "units=0"),
        ({"items": (dataclasses.replace(QUILT, volume_m3=-1.0),)}, "volume_m3=-1"),
        ({"items": (dataclasses.replace(QUILT, price=0.005),)}, "price=0.005"),
        ({"budget": -1.0}, "budget=-1"),
        ({"budget": 1.001}, "two decimals"),
        ({"needs": None}, "either the needs or the shares"),
        ({"evacuated_share": 0.1}, "either the needs or the shares"),
        ({"needs": None, "evacuated_share": 1.1}, "evacuated_share=1.1"),
        ({"needs": {("v9", "quilt"): 1}}, "needs: v9, quilt"),
        ({"needs": {("v1", "pump"): 1}}, "needs: v1, pump"),
        ({"limit_s": 0.0}, "limit_s=0"),
    ],
)
def test_what_cannot_be_asked_is_refused(town: District, parts: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        stock_depots(town, "x", asked(**parts))


def test_shares_need_standards(town: District) -> None:
    with pytest.raises(NotFound, match="no relief standards"):
        stock_depots(town, "x", asked(needs=None, evacuated_share=0.1))


def test_files_of_items_and_needs(town: District, tmp_path: Path) -> None:
    items, wanted = tmp_path / "items.csv", tmp_path / "needs.csv"
    items.write_text("物资编号,每包数量,每包体积,每包价格\nquilt,10,0.5,99.5\n", encoding="utf-8")
    wanted.write_text("村(社区)编号,物资编号,数量\nv1,quilt,100\n", encoding="utf-8")
    assert items_of_file(town, items) == (QUILT,)
    assert needs_of_file(town, wanted) == {("v1", "quilt"): 100}
    items.write_text("物资编号,每包数量,每包体积,每包价格\nquilt,0,0.5,99.5\n", encoding="utf-8")
    with pytest.raises(ImportRefused):
        items_of_file(town, items)


# -- the demo district ------------------------------------------------------------------------------


def test_the_demo_stays_within_volume_and_budget_and_says_what_is_missing(demo: District) -> None:
    items = (StockItem("P-1-01-05", 10, 0.4, 800.0), StockItem("P-1-01-01", 1, 0.6, 1500.0))
    found = stock_depots(
        demo, "储备", Asked(DEMO_NOW, items, 60_000.0, evacuated_share=0.01, days=3, time_limit_s=20.0)
    )
    told, depots, packs = found.summary, found.tables["depots"], found.tables["packs"]
    assert told["villages"] > 100
    assert 0 < told["cost"] <= 60_000.0
    assert (depots["used_after_m3"] <= depots["volume_m3"] + 1e-9).all()
    added = packs.groupby("depot_id")["volume_m3"].sum().reindex(depots["depot_id"]).fillna(0).to_numpy()
    assert np.allclose(depots["used_before_m3"] + added, depots["used_after_m3"])
    assert packs["cost"].sum() == pytest.approx(told["cost"]) == pytest.approx(depots["cost"].sum())
    given = found.tables["deliveries"].groupby(["depot_id", "item_id"])["units"].sum()
    each = {item.item_id: item.units for item in items}
    stock = packs.set_index(["depot_id", "item_id"])
    for (depot, item), units in given.items():
        row = stock.loc[(depot, item)]
        assert units <= (row["packs"] + row["held_packs"]) * each[item]
    short = found.tables["short"]
    assert told["short_units"] == short["short"].sum() > 0
    assert set(short["reason"]) <= {"budget", "volume", "volume_and_budget", "no_road", "unfinished"}
    assert 0 < told["in_time_share"] <= told["in_time_bound"] <= 1
    persons = demo.view().frame("village").set_index("id")["persons"]
    tent = found.tables["short"].query("item_id == 'P-1-01-01'").iloc[0]
    evacuated = int(np.ceil(persons[tent["village_id"]] * 0.01))
    assert tent["need"] == np.ceil(evacuated * 0.04 - 1e-9)


def test_it_is_kept_and_shown_on_the_map(own_town: District) -> None:
    found = stock_depots(own_town, "储备", asked(needs={("v1", "quilt"): 300}))
    save(own_town, found, made_utc=NOW, made_by="test")
    record, again = load(own_town, KIND, "储备")
    assert record.summary["short_units"] == 30
    assert again.tables["short"]["village_id"].tolist() == ["v1"]
    depots = query.read(own_town, "stocking_depots", role="keeper", at=NOW).frame
    assert set(depots["id"]) == {"d1", "d2"}
    missing = query.read(own_town, "stocking_short", role="keeper", at=NOW).frame
    assert missing["missing"].tolist() == ["棉被 30"]


def test_a_plan_that_was_stopped_early_says_how_near_to_the_best_it_is(own_town: District) -> None:
    found = stock_depots(own_town, "储备", asked(needs={("v1", "quilt"): 300}))
    assert "proven best" in next(stocking_lines(found))
    told = {**found.summary, "is_optimal": False, "in_time_share": 0.5, "in_time_bound": 0.50004}
    first = next(stocking_lines(dataclasses.replace(found, summary=told)))
    assert "stopped early, no plan has more than 50.004% in time: proven within 0.004 points" in first
    assert "proven best" not in first
    unknown = next(stocking_lines(dataclasses.replace(found, summary={**told, "in_time_bound": None})))
    assert unknown.endswith("stopped early")
