"""What is not known is no data, never nothing and never low; a scheme may fix its moment."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from data.major_hazard_table import critical_quantity, is_cautious
from data.parameters import parameters
from geo.errors import InputError
from layers.district import District
from layers.zoning.explain import explain_unit
from layers.zoning.indicators import measured
from layers.zoning.inputs import Inputs
from layers.zoning.major_hazards import major_hazards
from layers.zoning.result import LEVEL_TEXTS, ZoningRun
from layers.zoning.run import analysis_grid, rated_moment
from layers.zoning.scheme import parse_scheme, shipped_scheme

NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


def changed(district: District, **frames: Any) -> Inputs:
    """Inputs at 250 m on the district with some tables changed, and nothing kept."""
    view = district.view()
    scheme = replace(shipped_scheme("natural"), size_m=250.0)
    mine = replace(view.apart(), frames={**view.frames, **frames}, _kept={})
    return Inputs(mine, parameters(on=NOW.date(), store=district.store), analysis_grid(district, scheme), NOW)


def by_street(inputs: Inputs, name: str) -> dict[str, float]:
    """The indicator in the middle of each street."""
    values = measured(inputs, name, "capacity").values.reshape(-1)
    points = [shape.representative_point() for shape in inputs.streets.geometry]
    cells = inputs.grid.cell_at(np.array([[point.x, point.y] for point in points]))
    return dict(zip(inputs.streets["name"], values[cells].tolist(), strict=True))


def streets_of(inputs: Inputs, table: str) -> list[str]:
    frame = inputs.frame(table)[["id", "geometry"]].to_crs(inputs.grid.epsg)
    joined = gpd.sjoin(frame, inputs.streets[["name", "geometry"]], how="left")
    return [str(name) for name in joined["name"]]


def test_a_shelter_without_capacity_is_not_counted_as_empty(demo: District) -> None:
    plain = changed(demo)
    homes = streets_of(plain, "shelter")
    some = homes[0]
    shelters = demo.view().frame("shelter").copy()
    shelters["capacity"] = shelters["capacity"].astype(float)
    shelters.loc[np.array(homes) == some, "capacity"] = np.nan
    other = next(name for name in homes if name != some and homes.count(name) > 1)
    lost = homes.index(other)
    shelters.iloc[lost, shelters.columns.get_loc("capacity")] = np.nan
    inputs = changed(demo, shelter=shelters)
    before, after = (by_street(each, "shelter_places_per_person") for each in (plain, inputs))
    assert np.isnan(after[some])
    assert before[some] > 0
    assert 0 < after[other] < before[other]
    unsaid = homes.count(some) + 1
    assert any(n.en.startswith(f"{unsaid} shelters do not say how much they hold") for n in inputs.notices)
    assert not any("do not say" in n.en for n in plain.notices)


def test_a_lot_without_quantity_is_told_and_a_depot_of_such_lots_is_not_known(demo: District) -> None:
    plain = changed(demo)
    depots, homes = demo.view().frame("depot"), streets_of(plain, "depot")
    lots = demo.view().frame("lot").copy()
    lots["on_hand_e3"] = lots["on_hand_e3"].astype(float)
    mine = lots["depot_id"].isin(depots["id"][np.array(homes) == homes[0]])
    assert mine.any()
    usable = lots[lots["status"] == "usable"]
    held = (usable["on_hand_e3"] - usable["on_hold_e3"])[mine].sum() / 1000
    persons = demo.view().frame("village").groupby("street")["persons"].sum()[homes[0]]
    assert by_street(plain, "supplies_per_person")[homes[0]] == pytest.approx(held / persons)
    lots.loc[mine, "on_hand_e3"] = np.nan
    inputs = changed(demo, lot=lots)
    assert np.isnan(by_street(inputs, "supplies_per_person")[homes[0]])
    unsaid = int((mine & (lots["status"] == "usable")).sum())
    assert any(n.en.startswith(f"{unsaid} lots do not say how many") for n in inputs.notices)


def test_a_street_without_residents_has_no_amount_per_person(demo: District) -> None:
    villages = demo.view().frame("village").copy()
    street = str(villages["street"].iloc[0])
    villages.loc[villages["street"] == street, "persons"] = 0
    inputs = changed(demo, village=villages)
    for name in ("shelter_places_per_person", "beds_per_person", "supplies_per_person"):
        assert np.isnan(by_street(inputs, name)[street]), name
    assert any(f"1 streets have no residents ({street})" in n.en for n in inputs.notices)


def test_ammonium_nitrate_without_its_kind_takes_the_cautious_row(demo: District) -> None:
    for name, cas in (("硝酸铵", ""), ("硝铵", "6484-52-2"), ("硝酸铵", "6484-52-2")):
        row = critical_quantity(name, cas)
        assert row is not None
        assert (row.threshold_t, is_cautious(name, row)) == (5, True)
    for name, threshold in (("硝酸铵（可燃物≤0.2%）", 50), ("硝酸铵(可燃物>0.2%)", 5)):
        row = critical_quantity(name, "6484-52-2")
        assert row is not None
        assert (row.threshold_t, is_cautious(name, row)) == (threshold, False)
    ammonia = critical_quantity("液氨")
    assert ammonia is not None
    assert not is_cautious("液氨", ammonia)
    held = demo.store.frame("substance").copy()
    held.loc[held.index[0], ["name", "cas"]] = ["硝酸铵", ""]
    inputs = changed(demo, substance=held)
    major_hazards(inputs)
    assert any("1 enterprises do not say of which kind" in n.en and "硝酸铵" in n.zh for n in inputs.notices)


def test_a_scheme_fixes_its_moment(demo: District) -> None:
    text = shipped_scheme("natural").text
    assert 'at = "08:00"' in text
    for at, local in (("08:00", "2026-11-02T08:00:00+08:00"), ("2026-07-01T17:30", "2026-07-01T17:30:00+08:00")):
        scheme = parse_scheme(text.replace('at = "08:00"', f'at = "{at}"'))
        assert rated_moment(demo, scheme, None).isoformat() == local
        assert rated_moment(demo, scheme, NOW) == NOW
    assert rated_moment(demo, parse_scheme(text.replace('at = "08:00"', "")), None) == NOW
    for wrong in ("8 o'clock", "25:00", "2026-13-01T08:00", "2026-07-01"):
        with pytest.raises(InputError, match="time of day"):
            parse_scheme(text.replace('at = "08:00"', f'at = "{wrong}"'))


@pytest.mark.parametrize(("name", "table"), [("natural", "enterprise"), ("accident", "waterlogging_spot")])
def test_points_of_the_other_kind_are_refused(name: str, table: str) -> None:
    text = shipped_scheme(name).text.replace('module = "typhoon"', f'points = "{table}"\nradius_m = 100')
    text = text.replace('module = "fire"', f'points = "{table}"\nradius_m = 100')
    with pytest.raises(InputError, match=f"points '{table}' does not belong to a scheme of kind '{name}'"):
        parse_scheme(text)
    assert parse_scheme(text.replace(f'kind = "{name}"', 'kind = "combined"').replace(f'id = "{name}"', 'id = "both"'))


def test_an_explanation_shows_the_own_class_beside_the_common_five(natural: ZoningRun) -> None:
    row = natural.units.sort_values("index").iloc[-1]
    for hazard in explain_unit(natural, unit_id=str(row["unit_id"]))["hazards"]:
        five = int(row[f"hazard5_{hazard['id']}"])
        assert hazard["own_class_five"] == {"level": five, "zh": LEVEL_TEXTS[five].zh, "en": LEVEL_TEXTS[five].en}
