"""Results under a name: whole or not at all, refused where taken, stale when the data moved, compared by key."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import Conflict, InputError, NotFound
from layers.district import District
from layers.whatif import saved
from layers.whatif.saved import Result, difference, layer_rows, load, newest, records, save, seqs_of
from tests.layers.conftest import NOW, STAMP, point


def result(name: str = "甲", persons: int = 5, **parts: Any) -> Result:
    table = pd.DataFrame({"id": ["a", "b"], "persons": [persons, 2], "minutes": [1.5, np.nan], "team_id": ["t1", None]})
    rows = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Point(120.8, 32.0)], crs=4326)
    return replace(
        Result(
            "trial",
            name,
            {"persons": persons},
            {"persons": persons + 2},
            {"places": table},
            {"places": ("id",)},
            {"trial": rows},
        ),
        **parts,
    )


def keep(town: District, found: Result, minutes: float = 0, **asked: Any) -> saved.Record:
    return save(town, found, made_utc=NOW + timedelta(minutes=minutes), made_by="test", **asked)


def test_what_is_kept_comes_back(own_town: District) -> None:
    kept = keep(own_town, result(), seconds=1.234)
    record, found = load(own_town, "trial", " 甲 ")
    assert (record.id, record.made_by, record.seconds, record.summary) == (kept.id, "test", 1.23, {"persons": 7})
    pd.testing.assert_frame_equal(found.tables["places"], result().tables["places"])
    assert found.keys == {"places": ("id",)}
    assert found.id == result().id
    rows = layer_rows(own_town, record, "trial")
    assert rows is not None
    assert rows["name"].tolist() == ["a"]
    assert layer_rows(own_town, record, "other") is None


def test_a_taken_name_is_refused_unless_the_same_or_replaced(own_town: District) -> None:
    first = keep(own_town, result())
    assert keep(own_town, result(), 5) == first
    with pytest.raises(Conflict, match="name='甲' is taken"):
        keep(own_town, result(persons=6))
    assert load(own_town, "trial", "甲")[0] == first
    second = keep(own_town, result(persons=6), 1, replace=True)
    assert second.id != first.id
    assert [record.id for record in records(own_town)] == [second.id]
    assert load(own_town, "trial", "甲")[1].tables["places"]["persons"].tolist() == [6, 2]
    folders = [path.name for path in saved.folder(own_town).glob("*/*") if path.is_dir()]
    assert folders == [second.id]


def test_one_kind_does_not_see_another_and_the_newest_is_first(own_town: District) -> None:
    keep(own_town, result("甲"))
    keep(own_town, result("乙"), 1)
    keep(own_town, result("丙", kind="other"), 2)
    assert [record.name for record in records(own_town)] == ["丙", "乙", "甲"]
    found = newest(own_town, "trial")
    assert found is not None
    assert found.name == "乙"
    assert newest(own_town, "none") is None
    with pytest.raises(NotFound, match="there are: 乙, 甲"):
        load(own_town, "trial", "丙")
    saved.delete(own_town, "trial", "乙")
    assert [record.name for record in records(own_town, "trial")] == ["甲"]
    with pytest.raises(NotFound):
        saved.delete(own_town, "trial", "乙")


def test_a_result_that_cannot_be_written_leaves_nothing(own_town: District) -> None:
    bad = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Point(1, 1)], crs=4549)
    with pytest.raises(InputError, match=r"layers.trial: expected rows in EPSG:4326"):
        keep(own_town, result(layers={"trial": bad}))
    assert records(own_town) == []
    assert [path for path in saved.folder(own_town).glob("*/*") if path.name != ".lock"] == []
    with pytest.raises(InputError, match="keys="):
        keep(own_town, result(keys={}))
    for name in ("", "  ", "a" * 81, "a\nb"):
        with pytest.raises(InputError, match="name="):
            keep(own_town, result(name))
    with pytest.raises(InputError, match="kind="):
        keep(own_town, result(kind="../x"))
    assert keep(own_town, result("a" * 80)).name == "a" * 80


def test_a_folder_without_its_record_is_no_result(own_town: District) -> None:
    """As a process leaves it that was cut off; the next one of the same id writes it anew."""
    keep(own_town, result())
    home = next(saved.folder(own_town).iterdir())
    (home / "record.json").unlink()
    (home / result().id / "table-places.parquet").write_bytes(b"cut")
    assert records(own_town) == []
    keep(own_town, result())
    assert len(load(own_town, "trial", "甲")[1].tables["places"]) == 2


def test_stale_names_the_tables_that_moved(own_town: District) -> None:
    record = keep(own_town, result(seqs=seqs_of(own_town.view(), "team", "road")))
    assert record.stale(own_town.view()) == []
    with own_town.store.writing() as conn:
        own_town.store.upsert(
            conn, "team", gpd.GeoDataFrame({"id": ["t1"], "name": ["改"]}, geometry=[point(0, 0)], crs=4326), **STAMP
        )
    assert record.stale(own_town.view()) == ["team"]
    assert result(seqs=seqs_of(own_town.view(), "team", "road")).id != record.id


def test_of_many_writers_of_one_name_one_wins(own_town: District) -> None:
    outcomes: list[str] = []

    def write(k: int) -> None:
        try:
            outcomes.append(keep(own_town, result(persons=k)).id)
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=write, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record, found = load(own_town, "trial", "甲")
    assert sorted(outcomes) == sorted([record.id, *["refused"] * 7])
    assert found.id == record.id


def test_difference_by_key() -> None:
    old = pd.DataFrame(
        {"id": ["a", "b", "c", "d"], "n": [1, 2, 3, 4], "s": [1.0, np.nan, 2.0, np.inf], "t": ["x", None, "y", "z"]}
    )
    new = pd.DataFrame(
        {"id": ["e", "d", "c", "b"], "n": [9, 4, 5, 2], "s": [0.0, np.inf, 2.5, np.nan], "t": ["q", "z", None, None]}
    )
    found = difference(old, new, keys=["id"]).set_index("id")
    assert found["change"].to_dict() == {"a": "lost", "c": "changed", "e": "gained"}
    row = found.loc["c"]
    assert (row["n_old"], row["n_new"], row["n_change"]) == (3, 5, 2)
    assert (row["s_old"], row["s_new"], row["s_change"]) == (2.0, 2.5, 0.5)
    assert row["t_old"] == "y"
    assert pd.isna(row["t_new"])
    assert "t_change" not in found.columns
    assert len(difference(old, old, keys=["id"])) == 0
    assert len(difference(old, old[::-1], keys=["id"])) == 0


def test_difference_of_unlike_tables_is_refused() -> None:
    table = pd.DataFrame({"id": ["a", "a"], "n": [1, 2]})
    with pytest.raises(InputError, match="old: id does not tell its rows apart"):
        difference(table, table, keys=["id"])
    with pytest.raises(InputError, match="other columns: m, n"):
        difference(table, table.rename(columns={"n": "m"}), keys=["id"])
    with pytest.raises(InputError, match="old: place does not"):
        difference(table, table, keys=["place"])
