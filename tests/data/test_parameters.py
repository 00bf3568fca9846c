"""The parameter sets: what is shipped, versions and dates, what is to be confirmed, bad rows."""

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from data.importers import import_frame
from data.parameters import COLUMNS, is_to_confirm, parameter_versions, parameters, parse_parameters
from data.store import Store
from geo.errors import InputError, NotFound

DAY = date(2026, 11, 1)


def test_the_shipped_set_is_whole_and_sums_to_one() -> None:
    found = parameters(on=DAY)
    assert found.version == parameter_versions()[-1]
    assert sum(found.prefix("waterlogging.weight.").values()) == pytest.approx(1.0)
    assert sum(found[f"capacity.weight.{name}"] for name in ("management", "preparation", "self_rescue")) == 1.0
    assert sum(found.prefix("fire.weight.").values()) == pytest.approx(1.0)
    assert len(found.prefix("ahp.natural.")) == 15
    assert found["prevention.hidden_danger_persons"] == 500


def test_what_is_remembered_or_proposed_is_to_be_confirmed() -> None:
    rows = {row["code"]: row for row in parameters(on=DAY).rows()}
    assert rows["risk.capacity_factor"]["to_confirm"]
    assert rows["earthquake.pga.lower.7"]["to_confirm"]
    assert not rows["capacity.weight.management"]["to_confirm"]
    assert all(row["provenance"] and row["reference"] for row in rows.values())
    assert [is_to_confirm(p) for p in ("M:h", "P", "F-12", "S", "C", "proposed", "standard")] == [
        True,
        True,
        False,
        False,
        False,
        True,
        False,
    ]


def test_a_district_overrides_by_version_and_date(tmp_path: Path) -> None:
    store = Store.create(str(tmp_path / "d.gpkg"), name="d", epsg=4549)
    frame = pd.DataFrame(
        {
            "version": ["2027-own", "2027-own"],
            "code": ["risk.capacity_factor", "risk.capacity_factor"],
            "value": [0.2, 0.4],
            "unit": ["", ""],
            "provenance": ["decided", "decided"],
            "reference": ["minutes", "minutes"],
            "effective_from": ["2026-01-01", "2026-12-01"],
            "effective_to": ["2026-12-01", None],
        }
    )
    import_frame(
        store, "parameters", frame, source="t", source_datum="EPSG:4326", now_utc=datetime(2026, 11, 1, tzinfo=UTC)
    )
    shipped = parameters("2026-1", on=DAY, store=store)
    own = parameters(on=DAY, store=store)
    assert (own.version, own["risk.capacity_factor"], shipped["risk.capacity_factor"]) == ("2027-own", 0.2, 0.3)
    assert own["zones.sliver_km2"] == shipped["zones.sliver_km2"]
    assert own.hash != shipped.hash
    assert parameters(on=date(2026, 11, 30), store=store)["risk.capacity_factor"] == 0.2
    assert parameters(on=date(2026, 12, 1), store=store)["risk.capacity_factor"] == 0.4


def test_unknown_codes_versions_and_days_are_named() -> None:
    with pytest.raises(NotFound, match=r"risk\.capacity_factor"):
        parameters(on=DAY)["risk.capacity_facto"]
    with pytest.raises(NotFound, match="2026-1"):
        parameters("1999-1", on=DAY)
    with pytest.raises(NotFound, match="1990"):
        parameters(on=date(1990, 1, 1))


HEAD = ",".join(COLUMNS)
GOOD = "v,a.b,1,m,P,proposed,2022-01-01,,"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2", "columns"),
        (f"{HEAD}\n{GOOD.replace('a.b', '')}", "row 1: code"),
        (f"{HEAD}\n{GOOD}\n{GOOD.replace(',1,', ',many,')}", "row 2: value='many'"),
        (f"{HEAD}\n{GOOD.replace(',1,', ',nan,')}", "finite"),
        (f"{HEAD}\n{GOOD.replace('2022-01-01', '2022-13-01')}", "effective_from"),
    ],
)
def test_bad_rows_are_named(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_parameters(text, name="x.csv")


def test_versions_are_ordered_by_their_numbers(tmp_path: Path) -> None:
    store = Store.create(str(tmp_path / "d.gpkg"), name="d", epsg=4549)
    frame = pd.DataFrame(
        {
            "version": ["2026-10", "2026-9"],
            "code": ["risk.capacity_factor"] * 2,
            "value": [0.1, 0.9],
            "provenance": ["decided"] * 2,
            "effective_from": ["2026-01-01"] * 2,
        }
    )
    import_frame(
        store, "parameters", frame, source="t", source_datum="EPSG:4326", now_utc=datetime(2026, 11, 1, tzinfo=UTC)
    )
    assert parameter_versions(store)[-2:] == ["2026-9", "2026-10"]
    assert parameters(on=DAY, store=store)["risk.capacity_factor"] == 0.1
