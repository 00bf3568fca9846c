"""Values against their declaration: what is taken, and in which words the rest is refused."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.checking import Problems, match_columns, nearly_twins, points_from_columns, require_unique, typed_columns
from data.kinds import KINDS
from geo.errors import ImportRefused, InputError

ZONE = ZoneInfo("Asia/Shanghai")


def typed(kind: str, **columns: Any) -> tuple[dict[str, list[Any]], Problems]:
    problems = Problems()
    declared = KINDS[kind]
    rows = len(next(iter(columns.values())))
    blank: dict[str, list[Any]] = {c.name: ["x"] * rows for c in declared.columns if c.required}
    frame = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in (blank | columns).items()})
    found, _ = match_columns(list(frame.columns), declared)
    result = typed_columns(frame, declared, found, ZONE, problems)
    return {name: result[name].tolist() for name in result.columns}, problems


@pytest.mark.parametrize(
    "kind, column, given_value, wanted",
    [
        ("hospitals", "beds", "12", 12),
        ("hospitals", "beds", 12.0, 12),
        ("hospitals", "beds", "１２", 12),
        ("hospitals", "beds", np.int64(5), 5),
        ("hospitals", "beds", " ", None),
        ("hospitals", "beds", np.nan, None),
        ("hospitals", "beds", pd.NA, None),
        ("depots", "volume_m3", "1e3", 1000.0),
        ("depots", "id", 7.0, "7"),
        ("depots", "id", " 007 ", "007"),
        ("shelters", "indoor", True, True),
        ("shelters", "indoor", 0.0, False),
        ("shelters", "indoor", "室内", True),
        ("teams", "type", None, "street"),
        ("teams", "skills", "灭火、防汛,灭火", "firefighting;flood"),
        ("teams", "skills", np.array(["灭火", "医疗"]), "firefighting;medical"),
        ("teams", "duty", "1-5 08:00-18:00", "1-5 08:00-18:00"),
        ("enterprises", "risk_level", 1.0, "major"),
        ("enterprises", "risk_level", "RED", "major"),
        ("enterprises", "categories", "铝加工(深井铸造)", "aluminium_casting"),
        ("lots", "quantity", "2.500", Decimal("2.500")),
        ("lots", "expires_on", date(2027, 1, 2), "2027-01-02"),
        ("lots", "expires_on", datetime(2027, 1, 2, 3), "2027-01-02"),  # noqa: DTZ001
        ("lots", "expires_on", "2027年1月2日", "2027-01-02"),
        ("lots", "expires_on", "2027/1/2", "2027-01-02"),
        ("closures", "from_utc", "2026/07/01 08:00", "2026-07-01T08:00:00+08:00"),
        ("closures", "from_utc", "2026-07-01T00:00Z", "2026-07-01T00:00:00+00:00"),
        ("closures", "from_utc", pd.Timestamp("2026-07-01 08:00"), "2026-07-01T08:00:00+08:00"),
    ],
)
def test_values_that_are_taken(kind: str, column: str, given_value: Any, wanted: Any) -> None:
    result, problems = typed(kind, **{column: [given_value]})
    assert not any(row["column"] == column for row in problems.rows)
    assert result[column] == [wanted]
    assert type(result[column][0]) is type(wanted)


@pytest.mark.parametrize(
    "kind, column, value, expected",
    [
        ("hospitals", "beds", "12 张", "a whole number in 张 from 0 to 1,000,000, without the unit"),
        ("hospitals", "beds", "1,200", "a whole number"),
        ("hospitals", "beds", True, "a whole number"),
        ("hospitals", "beds", "-1", "from 0"),
        ("hospitals", "beds", 1.5, "a whole number"),
        ("hospitals", "beds", "1e999999999", "a whole number"),
        ("hospitals", "beds", "sNaN", "a whole number"),
        ("hospitals", "beds", float("inf"), "a whole number"),
        ("closures", "factor", 1.01, "a number from 0 to 1"),
        ("lots", "quantity", "0.0001", "at most 3 decimals"),
        ("lots", "quantity", "1e-999999", "at most 3 decimals"),
        ("lots", "expires_on", "2027-02-30", "a date such as"),
        ("lots", "expires_on", "02/03/2027", "a date such as"),
        ("lots", "expires_on", 46000, "a date such as"),
        ("closures", "to_utc", "soon", "a time such as"),
        ("teams", "duty", "25:00-26:00", "24h, or periods"),
        ("teams", "type", "民兵", "消防站 (fire)"),
        ("teams", "skills", "灭火;飞行", "joined by ;"),
        ("items", "name", "a\ud800", "without control characters"),
        ("items", "name", "\x85ok\x00", "without control characters"),
        ("items", "name", None, "this column is required"),
    ],
)
def test_values_that_are_refused(kind: str, column: str, value: Any, expected: str) -> None:
    _, problems = typed(kind, **{column: [value]})
    fault = next(row for row in problems.rows if row["column"] == column)
    assert fault["row"] == 1
    assert expected in str(fault["expected"])


@settings(deadline=None, max_examples=40)
@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.booleans(), st.none(), st.decimals(), st.dates()))
def test_any_value_is_taken_or_told(value: Any) -> None:
    for kind in ("lots", "teams", "closures", "shelters"):
        for column in KINDS[kind].columns:
            result, problems = typed(kind, **{column.name: [value]})
            told = any(row["column"] == column.name for row in problems.rows)
            assert not (told and result[column.name][0] is not None)


def test_exact_names_come_before_other_spellings() -> None:
    found, unused = match_columns(["code", "id", "名称", "Name"], KINDS["items"])
    assert found == {"id": "id", "name": "名称"}
    assert unused == ["code", "Name"]


def test_a_missing_required_column_is_named() -> None:
    with pytest.raises(ImportRefused, match=r"unit \(计量单位\) is missing; the file has id, name"):
        typed_columns(
            pd.DataFrame({"id": ["a"], "name": ["b"]}), KINDS["items"], {"id": "id", "name": "name"}, ZONE, Problems()
        )


def test_mapping_is_checked() -> None:
    with pytest.raises(InputError, match="no column 'x'"):
        match_columns(["a"], KINDS["items"], {"x": "id"})
    with pytest.raises(InputError, match="is mapped to id already"):
        match_columns(["a", "b"], KINDS["items"], {"a": "id", "b": "id"})


def test_many_equal_keys_are_told_in_one_pass() -> None:
    frame = pd.DataFrame({"id": ["a", None, None, *["a"] * 200_000]}, dtype=object)
    problems = Problems()
    require_unique(frame, KINDS["items"], problems)
    assert problems.count == 200_000
    assert problems.rows[0]["row"] == 4
    assert "data row 1 already" in str(problems.rows[0]["expected"])
    assert len(problems.rows) == problems.limit


def test_nearly_twins_are_told() -> None:
    frame = pd.DataFrame({"id": ["a", "A", "b", None]}, dtype=object)
    assert nearly_twins(frame, KINDS["items"]) == ["ids that differ in letter case only are kept apart: a and A"]
    assert nearly_twins(frame.iloc[1:], KINDS["items"]) == []


def test_points() -> None:
    frame = pd.DataFrame({"x": ["1", None, "3", "nan", True, ""], "y": [2.0, "", None, 4, 5, None]}, dtype=object)
    problems = Problems()
    shapes, told = points_from_columns(frame, {"lon": "x", "lat": "y"}, problems)
    assert [s is not None for s in shapes] == [True, False, False, False, False, False]
    assert told.tolist() == [False, False, True, True, True, False]
    assert sorted((str(r["row"]), r["column"]) for r in problems.rows) == [("3", "lat"), ("4", "lon"), ("5", "lon")]


def test_problems_are_sorted_and_worded() -> None:
    problems = Problems(lines=(3, 5))
    problems.raise_if_any("x")
    problems.add(2, "b", "v" * 100, "less")
    problems.add(1, "a", None, "more")
    problems.add(None, None, "y", "z")
    with pytest.raises(ImportRefused) as caught:
        problems.raise_if_any("items")
    assert caught.value.detail == "items: 3 faults, nothing written; first: the file: 'y', expected z"
    assert [row.get("line") for row in caught.value.rows] == [None, 3, 5]
    assert len(str(caught.value.rows[2]["value"])) == 80
