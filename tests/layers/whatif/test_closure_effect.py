"""What one closure takes from the coverage: against the coverage before it was made, and after it is undone."""

from datetime import timedelta

import numpy as np
import pytest

from geo.coverage_change import coverage_change
from geo.errors import NotFound
from layers import analyses
from layers.actions.closures import close, reopen
from layers.district import District
from layers.permissions import Actor
from layers.whatif.coverage import closure_effect
from tests.layers.conftest import BRIDGE, NOW, Clock, lonlat

DISPATCHER = Actor("somebody", "somebody", "dispatcher")


def shut(district: District, key: str = "a-key-of-the-form", **body: object) -> str:
    return str(close(district, DISPATCHER, {"reason": "积水", "geometry": BRIDGE, **body}, key=key)["id"])


def test_the_effect_is_the_difference_from_the_coverage_before(district: District) -> None:
    before = analyses.coverage(district).result
    closure = shut(district)
    after = analyses.coverage(district).result
    found = closure_effect(district, closure)
    expected = coverage_change(before, after)
    assert found.is_in_force
    assert found.change.table.equals(expected.table)
    assert found.change.totals()["lost_persons"] == 2000
    lost = found.change.table.iloc[0]
    assert (lost["id"], lost["change"], lost["reason_new"]) == ("v2", "lost", "closed")
    assert np.isinf(lost["change_s"])


def test_undone_it_takes_nothing_and_the_trail_stays(district: District, clock: Clock) -> None:
    before = analyses.coverage(district).result
    closure = shut(district)
    clock.go_on(seconds=20)
    reopen(district, DISPATCHER, closure, {}, key="another-key-of-it")
    found = closure_effect(district, closure)
    assert not found.is_in_force
    assert len(found.change.table) == 0
    assert analyses.coverage(district).result.table["total_s"].equals(before.table["total_s"])
    row = district.store.frame("closure").set_index("id").loc[closure]
    assert (row["reason"], row["to_utc"]) == ("积水", "2026-07-01T02:00:20.000Z")
    told = closure_effect(district, closure, at=NOW + timedelta(seconds=10))
    assert told.is_in_force
    assert told.change.totals()["lost_places"] == 1, "asked for while it was closed it still says whom it cut off"


def test_of_two_closures_each_is_asked_about_apart(district: District) -> None:
    first = shut(district)
    second = shut(district, "a-second-key-of-it", reason="又一处")
    for closure in (first, second):
        assert len(closure_effect(district, closure).change.table) == 0, "the other closes the bridge as well"
    slow = shut(
        district,
        "a-third-key-of-this",
        geometry={"type": "Point", "coordinates": lonlat(0.5, 1.0)},
        factor=0.5,
    )
    found = closure_effect(district, slow)
    assert found.is_in_force
    assert set(found.change.table["change"]) <= {"slower"}


def test_one_that_is_to_come_is_asked_about_for_its_beginning(district: District) -> None:
    begins, ends = NOW + timedelta(hours=2), NOW + timedelta(hours=3)
    closure = shut(district, **{"from": begins.isoformat(), "to": ends.isoformat()})
    found = closure_effect(district, closure)
    assert found.asked["at"] == district.local(begins).isoformat()
    assert found.change.totals()["lost_places"] == 1
    for at, in_force in ((begins, True), (ends - timedelta(milliseconds=1), True), (ends, False), (NOW, False)):
        assert closure_effect(district, closure, at=at).is_in_force is in_force
    with pytest.raises(NotFound, match="no closure 'CL-x'"):
        closure_effect(district, "CL-x")


def test_what_was_known_before_a_closure_is_known_again_after_it(district: District, clock: Clock) -> None:
    before = district.view().travel(district.now())
    closure = shut(district)
    shut_travel = district.view().travel(district.now())
    assert shut_travel is not before
    clock.go_on(seconds=20)
    reopen(district, DISPATCHER, closure, {}, key="another-key-of-it")
    assert district.view().travel(district.now()) is before
    again = shut(district, "a-third-key-of-this", reason="又一次")
    assert again != closure
    assert district.view().travel(district.now()) is shut_travel, "the same road closed by another row"
    slowed = shut(
        district, "a-fourth-key-of-it", geometry={"type": "Point", "coordinates": lonlat(0.5, 1.0)}, factor=0.5
    )
    assert district.view().travel(district.now()) is not shut_travel
    assert slowed != again
