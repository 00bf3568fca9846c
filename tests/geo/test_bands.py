"""Bands, first and second arrivals, backup: against plain loops."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.bands import amounts_by_band, backed_up, first_arrivals
from geo.coverage import Coverage, Teams, coverage, team_table
from geo.coverage_change import coverage_change
from geo.errors import InputError

SEEDS = st.integers(0, 2**32 - 1)


def case(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(0, 12)), int(rng.integers(0, 6))
    teams = team_table(
        [f"t{j}" for j in rng.permutation(m)],
        rng.choice(["fire", "street", "social"], m).tolist(),
        rng.choice([np.nan, 0.0, 600.0], m),
        hour=int(rng.integers(0, 24)),
        has_skill=rng.random(m) < 0.8,
        on_duty=rng.random(m) < 0.8,
    )
    travel = rng.choice([0.0, 300.0, 1800.0, 3000.0, 3389.9999, 3390.0, np.inf, np.nan], (n, m))
    places = pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "name": None,
            "street": None,
            "persons": rng.integers(0, 50, n),
        }
    )
    road = rng.random(n) < 0.9
    return {
        "places": places,
        "teams": teams,
        "travel_s": travel,
        "last_leg_s": np.where(road[:, None], rng.choice([0.0, 0.0004, 30.0], (n, m)), np.nan),
        "has_road": road,
    }


def covered(found: dict[str, Any], **more: Any) -> Coverage:
    arguments = {**found, **more}
    return coverage(arguments.pop("places"), arguments.pop("teams"), **arguments)


@given(seed=SEEDS)
@settings(max_examples=200, deadline=None)
def test_first_arrivals_are_those_of_coverage_and_the_second_is_its_backup(seed: int) -> None:
    found = case(seed)
    teams: Teams = found["teams"]
    arrivals = first_arrivals(
        teams, travel_s=found["travel_s"], last_leg_s=found["last_leg_s"], has_road=found["has_road"]
    )
    table = covered(found).table
    assert arrivals.first_s.tolist() == table["total_s"].fillna(np.inf).tolist()
    assert [teams.id[j] if j >= 0 else None for j in arrivals.first_team] == table["team_id"].tolist()
    assert (arrivals.second_s <= 3600).tolist() == (table["backup_teams"] >= 1).tolist()
    for i in range(len(table)):
        times = sorted(
            round(teams.before_travel_s[j] + round(found["travel_s"][i, j], 3) + round(found["last_leg_s"][i, j], 3), 3)
            for j in range(len(teams))
            if teams.eligible[j] and found["has_road"][i] and np.isfinite(found["travel_s"][i, j])
        )
        assert arrivals.second_s[i] == (times[1] if len(times) > 1 else np.inf)
    counted = backed_up(covered(found))
    assert counted["places"] == sum(arrivals.second_s <= 3600)
    assert counted["persons"] == found["places"]["persons"][arrivals.second_s <= 3600].sum()


@pytest.mark.parametrize(
    ("time_s", "band"),
    [(0.0, 0), (300.0, 0), (300.001, 1), (900.0, 1), (1800.0, 2), (3600.0, 3), (3600.001, 4), (np.inf, 4)],
)
def test_a_bound_belongs_to_the_band_that_it_ends(time_s: float, band: int) -> None:
    assert np.flatnonzero(amounts_by_band([time_s], [2.5])).tolist() == [band]
    assert amounts_by_band([time_s], [2.5]).sum() == 2.5


def test_no_places_and_bad_amounts() -> None:
    assert amounts_by_band([], []).tolist() == [0.0] * 5
    for times, amounts, limits, said in (
        ([1.0], [1.0, 2.0], (1.0,), "one amount a time"),
        ([np.nan], [1.0], (1.0,), "not a number"),
        ([1.0], [-1.0], (1.0,), "0 or more"),
        ([1.0], [np.inf], (1.0,), "finite"),
        ([1.0], [1.0], (), "ascending"),
        ([1.0], [1.0], (2.0, 2.0), "ascending"),
    ):
        with pytest.raises(InputError, match=said):
            amounts_by_band(times, amounts, limits_s=limits)
    none = team_table([], [], [], hour=1, has_skill=[], on_duty=[])
    with pytest.raises(InputError, match="2 places by 0 teams"):
        first_arrivals(none, travel_s=np.zeros((1, 0)), last_leg_s=np.zeros((1, 0)), has_road=[True, True])


# -- two coverages ------------------------------------------------------------------------------------


@given(seed=SEEDS)
@settings(max_examples=200, deadline=None)
def test_change_is_what_two_runs_say_row_by_row(seed: int) -> None:
    found = case(seed)
    rng = np.random.default_rng(seed + 1)
    other = np.where(rng.random(found["travel_s"].shape) < 0.5, rng.choice([0.0, 4000.0, np.inf]), found["travel_s"])
    old, new = covered(found), covered(found, travel_s=other)
    shuffled = Coverage(new.limit_s, new.table.sample(frac=1, random_state=1).reset_index(drop=True), new.streets)
    change = coverage_change(old, shuffled)
    rows = change.table.set_index("id")
    for i, place in enumerate(old.table["id"]):
        was, will = old.table.iloc[i], new.table.iloc[i]
        before, after = (float(np.nan_to_num(r["total_s"], nan=np.inf)) for r in (was, will))
        if was["covered"] != will["covered"]:
            expected = "lost" if was["covered"] else "gained"
        else:
            expected = "slower" if after > before else "quicker" if after < before else ""
        if not expected:
            assert place not in rows.index
            continue
        row = rows.loc[place]
        assert row["change"] == expected
        assert (row["total_old_s"], row["total_new_s"]) == (before, after)
        assert row["change_s"] == pytest.approx(after - before)
        assert (row["team_old"], row["team_new"]) == (was["team_id"], will["team_id"])
    totals = change.totals()
    assert (
        new.totals()["covered_persons"]
        == old.totals()["covered_persons"] - totals["lost_persons"] + totals["gained_persons"]
    )
    back = coverage_change(shuffled, old).totals()
    assert (back["lost_places"], back["slower_places"]) == (totals["gained_places"], totals["quicker_places"])
    assert len(coverage_change(old, old).table) == 0
    assert change.to_json()["totals"] == totals


def test_only_like_coverages_compare() -> None:
    found = case(7)
    old = covered(found)
    with pytest.raises(InputError, match="limit_s=3600 and 60"):
        coverage_change(old, covered(found, limit_s=60.0))
    fewer = Coverage(3600.0, old.table.iloc[1:], old.streets)
    with pytest.raises(InputError, match="other places"):
        coverage_change(old, fewer)
