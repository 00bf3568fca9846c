"""Coverage against a plain loop over places and teams."""

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coverage import REASONS, RESPONSE_TIMES, Coverage, Teams, coverage, team_table
from geo.errors import InputError

SEEDS = st.integers(0, 2**32 - 1)
INF, NAN = np.inf, np.nan


def teams_of(*ids: str, types: Any = None, turnout_s: Any = None, skill: Any = None, duty: Any = None) -> Teams:
    n = len(ids)
    return team_table(
        ids,
        types or ["fire"] * n,
        [0.0] * n if turnout_s is None else turnout_s,
        hour=10,
        has_skill=[True] * n if skill is None else skill,
        on_duty=[True] * n if duty is None else duty,
    )


def places_of(*persons: int, street: Any = None) -> pd.DataFrame:
    n = len(persons)
    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "name": [f"place {i}" for i in range(n)],
            "street": street or ["A"] * n,
            "persons": list(persons),
        }
    )


def covered(places: pd.DataFrame, teams: Teams, travel_s: Any, **more: Any) -> Coverage:
    travel = np.asarray(travel_s, dtype=float).reshape(len(places), len(teams))
    more = {"last_leg_s": np.zeros(travel.shape), "has_road": np.ones(len(places), dtype=bool)} | more
    return coverage(places, teams, travel_s=travel, **more)


# -- the oracle -------------------------------------------------------------------------------------


def oracle(case: dict[str, Any], i: int) -> dict[str, Any]:
    """One row, by trying every team and taking constraints away one by one."""
    teams, limit_s = case["teams"], case["limit_s"]

    def times(matrix: Any, *, skill: bool = True, duty: bool = True) -> list[tuple[float, str, int]]:
        found = []
        for j, team in enumerate(teams.id):
            parts = [teams.handling_s[j], teams.turnout_s[j], matrix[i, j], case["last_leg_s"][i, j]]
            total = round(sum(round(float(v), 3) if np.isfinite(v) else INF for v in parts), 3)
            counts = (teams.has_skill[j] or not skill) and (teams.on_duty[j] or not duty)
            if counts and case["has_road"][i] and np.isfinite(total):
                found.append((total, team, j))
        return sorted(found)

    def within(found: list[tuple[float, str, int]]) -> int:
        return sum(total <= limit_s for total, _, _ in found)

    now, opened = case["travel_s"], case["open_travel_s"]
    quickest = times(now)
    row: dict[str, Any] = {"covered": within(quickest) > 0, "backup_teams": max(within(quickest) - 1, 0)}
    row["team_id"] = quickest[0][1] if quickest else None
    row["total_s"] = quickest[0][0] if quickest else NAN
    if row["covered"]:
        return row | {"reason": None}
    if not case["has_road"][i] or (len(teams) and not times(opened, skill=False, duty=False)):
        return row | {"reason": "no_road"}
    alone = {
        "closed": within(times(opened)),
        "no_team": len(teams) == 0,
        "no_skill": within(times(now, skill=False)),
        "off_duty": within(times(now, duty=False)),
        "too_far": bool(times(now)),
    }
    together = {
        "no_skill": within(times(opened, skill=False)),
        "off_duty": within(times(opened, skill=False, duty=False)),
        "too_far": True,
    }
    return row | {"reason": next(name for name, holds in itertools.chain(alone.items(), together.items()) if holds)}


def random_case(rng: np.random.Generator) -> dict[str, Any]:
    n, m = int(rng.integers(0, 12)), int(rng.integers(0, 7))
    travel = rng.choice([0.0, 60.0, 120.0, 300.0, INF, NAN], (n, m)) + np.where(
        rng.random((n, m)) < 0.3, rng.uniform(0, 200, (n, m)), 0.0
    )
    opened = np.where(rng.random((n, m)) < 0.5, travel, rng.choice([0.0, 30.0, 500.0], (n, m)))
    has_road = rng.random(n) < 0.85
    legs = rng.choice([0.0, 10.0, 45.5], (n, 1)) + rng.choice([0.0, 5.0, NAN], (1, m), p=[0.6, 0.3, 0.1])
    return {
        "places": pd.DataFrame(
            {
                "id": [f"p{i}" for i in range(n)],
                "name": rng.choice(np.array(["x", None], dtype=object), n),
                "street": rng.choice(np.array(["A", "B", "C", None], dtype=object), n),
                "persons": rng.integers(0, 5, n),
            }
        ),
        "teams": team_table(
            [f"t{k}" for k in rng.permutation(m)],
            rng.choice(list(RESPONSE_TIMES), m).tolist(),
            rng.choice([0.0, 60.0, NAN], m),
            hour=int(rng.integers(0, 24)),
            has_skill=rng.random(m) < 0.6,
            on_duty=rng.random(m) < 0.6,
        ),
        "travel_s": travel,
        "last_leg_s": np.where(has_road[:, None], legs, NAN),
        "has_road": has_road,
        "open_travel_s": opened,
        "limit_s": float(rng.choice([210.0, 270.0, 330.0, 600.0, 1000.0])),
        "streets": ["B", "A", "Z"],
        "team_streets": rng.choice(np.array(["A", "D", None], dtype=object), m),
    }


def answer(case: dict[str, Any]) -> Coverage:
    named = {k: v for k, v in case.items() if k not in ("places", "teams")}
    return coverage(case["places"], case["teams"], **named)


@settings(max_examples=400, deadline=None)
@given(SEEDS)
def test_every_row_is_what_a_plain_loop_finds(seed: int) -> None:
    case = random_case(np.random.default_rng(seed))
    table = answer(case).table
    assert len(table) == len(case["places"])
    for i, row in enumerate(table.to_dict("records")):
        expected = oracle(case, i)
        total = row.pop("total_s"), expected.pop("total_s")
        assert {k: row[k] for k in expected} == expected
        np.testing.assert_equal(*total)
        if row["team_id"] is None:
            assert np.isnan([row[k] for k in ("handling_s", "turnout_s", "travel_s", "last_leg_s")]).all()
        else:
            parts = row["handling_s"] + row["turnout_s"] + row["travel_s"] + row["last_leg_s"]
            assert round(parts, 3) == total[0]


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_persons_places_and_teams_are_conserved(seed: int) -> None:
    case = random_case(np.random.default_rng(seed))
    found = answer(case)
    totals, by_street = found.totals(), found.by_street()
    places, names = case["places"], [row["street"] for row in by_street]
    assert totals["persons"] == int(places["persons"].sum())
    for key in ("places", "persons", "covered_places", "covered_persons"):
        assert sum(row[key] for row in by_street) == totals[key]
        assert type(totals[key]) is int
    assert sum(row["teams"] for row in by_street) == len(case["teams"])
    assert len(set(names)) == len(names)
    assert names[:3] == ["B", "A", "Z"]
    uncovered = found.table.loc[~found.table["covered"]]
    assert totals["covered_persons"] + int(uncovered["persons"].sum()) == totals["persons"]
    assert uncovered["reason"].isin(REASONS).all()
    for row in by_street:
        of = places["street"].isna() if row["street"] is None else places["street"] == row["street"]
        assert row["persons"] == places.loc[of, "persons"].sum()
        assert row["covered_persons"] == places.loc[of & found.table["covered"], "persons"].sum()
        assert row["teams"] == sum(name == row["street"] for name in case["team_streets"])
    staffed = set(case["team_streets"])
    assert found.streets_without_team() == [name for name in names if name is not None and name not in staffed]


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_permuting_places_and_teams_permutes_the_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    a, b = rng.permutation(len(case["places"])), rng.permutation(len(case["teams"]))
    teams = case["teams"]
    turned = case | {
        "places": case["places"].iloc[a].reset_index(drop=True),
        "teams": Teams(
            tuple(teams.id[j] for j in b),
            *(getattr(teams, k)[b] for k in ("handling_s", "turnout_s", "setup_s", "has_skill", "on_duty")),
        ),
        **{k: case[k][np.ix_(a, b)] for k in ("travel_s", "last_leg_s", "open_travel_s")},
        "has_road": case["has_road"][a],
        "team_streets": case["team_streets"][b],
    }
    expected, found = answer(case), answer(turned)
    pd.testing.assert_frame_equal(found.table, expected.table.iloc[a].reset_index(drop=True))
    assert found.by_street() == expected.by_street()


@settings(max_examples=80, deadline=None)
@given(SEEDS)
def test_a_longer_limit_or_one_more_team_never_uncovers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    before = answer(case).table
    longer = answer(case | {"limit_s": case["limit_s"] + 100.0}).table
    assert (longer["covered"] | ~before["covered"]).all()
    every = np.ones(len(case["teams"]), dtype=bool)
    staffed = answer(case | {"teams": replace(case["teams"], on_duty=every)}).table
    assert (staffed["covered"] | ~before["covered"]).all()
    assert not (staffed["reason"] == "off_duty").any()


@settings(max_examples=80, deadline=None)
@given(SEEDS)
def test_the_answer_is_plain_json(seed: int) -> None:
    case = random_case(np.random.default_rng(seed))
    found = json.loads(json.dumps(answer(case).to_json(), allow_nan=False))
    assert found["limit_s"] == case["limit_s"]
    assert [row["id"] for row in found["places"]] == case["places"]["id"].tolist()
    for row in found["places"]:
        assert row["covered"] == (row["total_s"] is not None and row["total_s"] <= found["limit_s"])
        assert (row["reason"] is None) == row["covered"]
    assert found["setup_s"] == {"fire": 210.0, "enterprise": 300.0, "street": 300.0, "social": 600.0}


# -- bounds and corners -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "travel_s, is_in", [(3390.0, True), (3390.1, False), (3389.9, True), (np.nextafter(3390.0, INF), True)]
)
def test_the_hour_is_included_and_a_tenth_of_a_second_more_is_not(travel_s: float, is_in: bool) -> None:
    found = covered(places_of(7), teams_of("t"), [[travel_s]])
    assert found.totals()["covered_persons"] == (7 if is_in else 0)
    assert found.table["total_s"][0] == pytest.approx(210.0 + travel_s, abs=1e-9)


def test_the_bound_is_judged_on_the_numbers_that_are_shown() -> None:
    # In binary these do not add up to the limit, as written they do.
    parts = {"turnout_s": [0.1], "duty": [True]}
    found = covered(places_of(1), teams_of("t", **parts), [[0.2]], last_leg_s=[[0.3]], limit_s=210.6)
    assert found.to_json()["places"][0]["total_s"] == 210.6
    assert found.table["covered"][0]


def test_ties_go_to_the_smallest_id_and_backup_counts_the_others() -> None:
    row = covered(places_of(1), teams_of("b", "a", "c"), [[10.0, 10.0, 9000.0]]).table.iloc[0]
    assert (row["team_id"], row["backup_teams"]) == ("a", 1)


def test_a_team_too_late_is_named_with_its_split() -> None:
    row = covered(places_of(1), teams_of("t"), [[5000.0]], last_leg_s=[[50.0]]).table.iloc[0]
    assert (row["team_id"], row["covered"], row["reason"], row["backup_teams"]) == ("t", False, "too_far", 0)
    split = [row[k] for k in ("handling_s", "turnout_s", "travel_s", "last_leg_s", "total_s")]
    assert split == [210.0, 0.0, 5000.0, 50.0, 5260.0]


REASON_CASES = {
    "no_road": {"has_road": [False]},
    "no_road: no route even with all open": {"travel_s": [[INF, INF]]},
    "closed": {"travel_s": [[INF, INF]], "open_travel_s": [[10.0, INF]]},
    "closed before no_skill": {"open_travel_s": [[10.0, 10.0]], "travel_s": [[INF, 10.0]], "skill": [True, False]},
    "no_skill": {"travel_s": [[9000.0, 10.0]], "skill": [True, False]},
    "no_skill before off_duty": {"travel_s": [[10.0, 10.0]], "skill": [False, True], "duty": [True, False]},
    "off_duty": {"travel_s": [[9000.0, 10.0]], "duty": [True, False]},
    "off_duty: lacking both": {"travel_s": [[10.0, INF]], "skill": [False, True], "duty": [False, True]},
    "too_far": {"travel_s": [[9000.0, 9000.0]], "skill": [True, False]},
    "too_far: none of the others helps": {
        "travel_s": [[9000.0, 9000.0]],
        "skill": [False, True],
        "duty": [True, False],
    },
    "no_skill: with the roads open": {
        "travel_s": [[INF, INF]],
        "open_travel_s": [[10.0, INF]],
        "skill": [False, True],
    },
}


@pytest.mark.parametrize("named", REASON_CASES, ids=str)
def test_reasons(named: str) -> None:
    case: dict[str, Any] = {"travel_s": [[10.0, 10.0]]} | REASON_CASES[named]
    teams = teams_of("a", "b", skill=case.pop("skill", None), duty=case.pop("duty", None))
    found = covered(places_of(1), teams, case.pop("travel_s"), **case)
    assert found.table["reason"][0] == named.split()[0].rstrip(":")
    assert not found.table["covered"][0]


def test_no_team_at_all() -> None:
    found = covered(places_of(3, 4), teams_of(), [[], []], has_road=[True, False], streets=["A"])
    assert found.table["reason"].tolist() == ["no_team", "no_road"]
    assert found.table["team_id"].tolist() == [None, None]
    assert found.streets_without_team() == ["A"]


def test_no_places() -> None:
    found = covered(places_of(), teams_of("t"), np.empty((0, 1)), streets=["A"], team_streets=["A"])
    assert found.totals() == {
        "places": 0,
        "persons": 0,
        "covered_places": 0,
        "covered_persons": 0,
        "covered_share": None,
    }
    assert [(row["street"], row["teams"], row["covered_share"]) for row in found.by_street()] == [("A", 1, None)]
    assert found.to_json()["places"] == []


def test_a_place_without_road_has_no_number() -> None:
    row = covered(places_of(1), teams_of("t"), [[10.0]], has_road=[False]).table.iloc[0]
    assert row["team_id"] is None
    assert np.isnan(row["total_s"])


def test_arguments_are_not_written_into() -> None:
    rng = np.random.default_rng(5)
    case = random_case(rng)
    before = {k: np.array(case[k], copy=True) for k in ("travel_s", "last_leg_s", "open_travel_s")}
    frame = case["places"].copy()
    table = answer(case).table
    table.loc[:, ["persons", "id"]] = [-1, "changed"]
    for name, values in before.items():
        np.testing.assert_array_equal(case[name], values)
    pd.testing.assert_frame_equal(case["places"], frame)


@pytest.mark.parametrize("limit_s", [0.0, -1.0, NAN, INF])
def test_a_limit_that_is_none_is_refused(limit_s: float) -> None:
    with pytest.raises(InputError, match="limit_s"):
        covered(places_of(1), teams_of("t"), [[1.0]], limit_s=limit_s)


@pytest.mark.parametrize("persons", [-1, 0.5, NAN, None, "many", INF])
def test_persons_that_are_no_count_are_refused(persons: Any) -> None:
    frame = places_of(1).astype({"persons": object})
    frame.loc[0, "persons"] = persons
    with pytest.raises(InputError, match="persons"):
        covered(frame, teams_of("t"), [[1.0]])


@pytest.mark.parametrize(
    "more", [{"last_leg_s": np.zeros((1, 2))}, {"has_road": [True]}, {"open_travel_s": [1.0, 2.0]}], ids=str
)
def test_shapes_that_do_not_fit_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(more))):
        covered(places_of(1, 2), teams_of("t"), [[1.0], [2.0]], **more)
    with pytest.raises(InputError, match="travel_s"):
        coverage(places_of(1), teams_of("a", "b"), travel_s=[[1.0], [2.0]], last_leg_s=[[0.0, 0.0]], has_road=[True])
    with pytest.raises(InputError, match="team_streets"):
        covered(places_of(1), teams_of("t"), [[1.0]], team_streets=["A", "B"])


# -- teams ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "street_s", "social_s"), [(6, 900, 2700), (7, 600, 1800), (18, 600, 1800), (19, 900, 2700)]
)
def test_turnout_is_that_of_the_hour_unless_the_team_has_its_own(hour: int, street_s: float, social_s: float) -> None:
    teams = team_table(
        ["a", "b", "c"], ["street", "social", "fire"], [NAN, NAN, 0.0], hour=hour, has_skill=[1] * 3, on_duty=[1] * 3
    )
    assert teams.turnout_s.tolist() == [street_s, social_s, 0.0]
    assert teams.handling_s.tolist() == [270.0, 450.0, 210.0]
    assert teams.setup_s.tolist() == [300.0, 600.0, 210.0]


def test_default_parts_say_where_they_come_from() -> None:
    for kind, row in RESPONSE_TIMES.items():
        assert row.type == kind
        assert "proposed" in row.source
        assert row.handling_s == row.alarm_s + row.dispatch_s


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"ids": ["a", "a"]}, "twice"),
        ({"types": ["fire", "navy"]}, "navy"),
        ({"turnout_s": [0.0, -1.0]}, "'b'"),
        ({"turnout_s": [INF, 0.0]}, "'a'"),
        ({"hour": 24}, "hour"),
        ({"on_duty": [True]}, "length"),
    ],
)
def test_teams_that_cannot_be_are_refused(change: dict[str, Any], match: str) -> None:
    whole = {
        "ids": ["a", "b"],
        "types": ["fire", "fire"],
        "turnout_s": [NAN, 0.0],
        "hour": 8,
        "has_skill": [True, True],
        "on_duty": [True, True],
    } | change
    with pytest.raises(InputError, match=match):
        team_table(whole.pop("ids"), whole.pop("types"), whole.pop("turnout_s"), **whole)
