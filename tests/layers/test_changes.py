"""Who hears of which changed table."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import pytest

from data import schema
from data.watching import gathered
from layers import analyses, changes
from layers.catalogue import LAYERS
from layers.district import District, View
from layers.layer import ROLES, Computed, Role, Table

LOGGED = sorted(set(schema.METADATA.tables) - set(schema.UNLOGGED))
BY_TABLE = {layer.source.name for layer in LAYERS.values() if isinstance(layer.source, Table)}


def test_every_logged_table_is_told_of_in_one_way() -> None:
    groups = [changes.SUPPLY_TABLES, changes.NAMED_TABLES, changes.REGISTER_TABLES, BY_TABLE | set(changes.BASE_TABLES)]
    for table in LOGGED:
        assert sum(table in group for group in groups) == 1, table
    assert set(changes.FURTHER) | set(changes.STAFF_FURTHER) <= set(LOGGED)
    assert set(changes.STAFF_FURTHER) <= changes.SUPPLY_TABLES


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", LOGGED)
def test_a_role_hears_what_it_may_see_and_no_more(table: str, role: Role) -> None:
    """The oracle: walk the catalogue and the permissions again, one question at a time."""
    found = changes.told({table: ("a", "b")}, role)
    staff = role != "viewer"
    for layer in LAYERS.values():
        own = isinstance(layer.source, Table) and layer.source.name == table
        heard = found.get("layers", {})
        if role not in layer.roles:
            assert layer.id not in heard
        elif layer.id in changes.FURTHER.get(table, ()) + (changes.STAFF_FURTHER.get(table, ()) if staff else ()):
            assert heard[layer.id] is None
        else:
            assert heard.get(layer.id, "-") == (["a", "b"] if own else "-")
    if table in changes.SUPPLY_TABLES and role == "viewer":
        assert table not in found.get("tables", {})
        assert '"b"' not in json.dumps(found)
    if table in changes.NAMED_TABLES and role == "viewer":
        assert found["tables"][table] is None
    if table in changes.SUPPLY_TABLES | changes.NAMED_TABLES and role == "dispatcher":
        assert found["tables"][table] == ["a", "b"]
    assert found.get("base", False) is (table in changes.BASE_TABLES)


def test_a_layer_that_a_role_may_not_know_of_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = dataclasses.replace(LAYERS["depots"], roles=frozenset({"dispatcher"}))
    monkeypatch.setitem(LAYERS, "depots", hidden)
    rows = {"depot": ("d1",), "lot": ("d1/quilt/A",), "team": None}
    assert "depots" not in changes.told(rows, "viewer")["layers"]
    assert "d1" not in str(changes.told(rows, "viewer"))
    assert changes.told(rows, "dispatcher")["layers"]["depots"] is None


def test_ids_are_gathered_once_in_order_and_up_to_a_bound() -> None:
    pairs = [("a", "2"), ("b", "1"), ("a", "1"), ("a", "2")]
    assert gathered(pairs) == {"a": ("2", "1"), "b": ("1",)}
    assert gathered(pairs, most_ids=2) == {"a": ("2", "1"), "b": ("1",)}
    assert gathered(pairs, most_ids=1) == {"a": None, "b": ("1",)}
    assert gathered([]) == {}


class _Recorded(View):
    """A view that notes which tables are read from it."""

    seen: set[str]

    def frame(self, table: str) -> gpd.GeoDataFrame:
        self.seen.add(table)
        return super().frame(table)

    def closures_in_force(self, at: datetime) -> Any:
        self.seen.add("closure")
        return super().closures_in_force(at)


@pytest.fixture
def recorded(own_town: District) -> _Recorded:
    view = own_town.view()
    made = _Recorded(own_town, view.revision, view.frames, view.network, view.seqs, view.order, view.stock, view.index)
    made.seen = set()
    return made


@pytest.mark.parametrize("layer_id", [i for i, layer in LAYERS.items() if not i.startswith(("zoning", "zones"))])
def test_what_a_layer_reads_is_what_it_is_told_of(recorded: _Recorded, layer_id: str) -> None:
    layer = LAYERS[layer_id]
    at = datetime(2026, 7, 1, tzinfo=UTC)
    if isinstance(layer.source, Table):
        analyses.table_layer(recorded, layer.source.name, at=at)
        own = {layer.source.name}
    else:
        assert isinstance(layer.source, Computed)
        analyses.LAYER_FUNCTIONS[layer.source.name](recorded, at=at)
        own = set()
    told = {table for table, ids in changes.FURTHER.items() if layer_id in ids}
    assert recorded.seen - own <= told, f"{layer_id} shows something of a table and does not hear of it"


def test_what_moves_all_day_leaves_what_was_computed(own_town: District) -> None:
    view = own_town.view()
    kept = view.kept("something", object)
    with own_town.store.writing() as conn:
        conn.exec_driver_sql(
            "INSERT INTO vehicle (id, name, type, source, source_datum) VALUES ('v', 'v', 'truck', 't', 'EPSG:4326')"
        )
    after = own_town.view()
    assert after.revision > view.revision
    assert after.frame("vehicle")["id"].tolist() == ["v"]
    assert after.kept("something", object) is kept
    with own_town.store.writing() as conn:
        conn.exec_driver_sql("UPDATE team SET name = 'x' WHERE id = 't1'")
    assert own_town.view().kept("something", object) is not kept


def test_positions_are_no_news_of_a_depot() -> None:
    """Vehicles report all day; a reading of anything else may show at a depot."""
    moved, opened = "gps/position/2026-07-01T02:00:00.000Z", "a%2Fb/door/2026-07-01T02:00:00.000Z"
    assert "layers" not in changes.told({"reading": (moved,)}, "dispatcher")
    for ids in ((opened,), (moved, opened), None):
        assert changes.told({"reading": ids}, "dispatcher")["layers"] == {"depots": None}
        assert changes.told({"reading": ids}, "viewer") == {}


def test_names_are_those_of_the_table_or_of_its_layers() -> None:
    assert changes.names_told(["lot", "depot", "closure", "movement"]) == ["closures", "depots", "lot", "movement"]
