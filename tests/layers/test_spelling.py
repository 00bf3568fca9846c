"""Names found by pinyin and initials, against every way of cutting the spelling."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import analyses
from layers.district import District
from layers.spelling import name_rank, spelling_rank
from tests.layers.conftest import STAMP

NAMES = ("沙袋", "编织袋(沙袋)", "重庆路", "南通长江大桥", "银行", "PVC雨衣", "12 m² 救灾帐篷")


@pytest.mark.parametrize(
    ("text", "name", "rank"),
    [
        ("sd", "沙袋", 0),
        ("SD", "沙袋", 0),
        ("sha dai", "沙袋", 0),
        ("shad", "沙袋", 1),
        ("dai", "沙袋", 2),
        ("hadai", "沙袋", None),
        ("sdx", "沙袋", None),
        ("sd", "编织袋(沙袋)", 2),
        ("chongqing", "重庆路", 1),
        ("cql", "重庆路", 0),
        ("zhongqing", "重庆路", None),
        ("changjiang", "南通长江大桥", 2),
        ("cjdq", "南通长江大桥", 2),
        ("yinhang", "银行", 0),
        ("pvc", "PVC雨衣", 1),
        ("jzzp", "12 m² 救灾帐篷", 2),
        ("12", "12 m² 救灾帐篷", None),
        ("沙", "沙袋", None),
        ("", "沙袋", None),
    ],
)
def test_how_well_a_text_spells_a_name(text: str, name: str, rank: int | None) -> None:
    assert spelling_rank(text, name) == rank


def test_a_name_itself_comes_before_its_spelling() -> None:
    asked = [name_rank("sd", name, id_) for name, id_ in (("x", "SD"), ("sdx", "1"), ("xsd", "1"), ("沙袋", "1"))]
    assert asked == [0, 1, 2, 3]
    assert name_rank("p-3", "沙袋", "P-3-01") == 1
    assert name_rank("3-01", "沙袋", "P-3-01") is None


@given(st.sampled_from([("沙袋", ["sha", "dai"]), ("长江大桥", ["chang", "jiang", "da", "qiao"])]), st.data())
def test_every_beginning_from_every_character_is_found(pair: tuple[str, list[str]], data: st.DataObject) -> None:
    name, syllables = pair
    first = data.draw(st.integers(0, len(syllables) - 1))
    rest = "".join(syllables[first:])
    text = rest[: data.draw(st.integers(1, len(rest)))]
    rank = spelling_rank(text, name)
    assert rank is not None
    assert (rank < 2) >= (first == 0)


def test_items_are_found_by_spelling_and_sorted_by_fit(town: District) -> None:
    assert [row["id"] for row in analyses.items(town, "mb")] == ["quilt"]
    assert [row["id"] for row in analyses.items(town, "beng")] == ["pump"]
    assert [row["id"] for row in analyses.items(town, "quilt")] == ["quilt"]
    assert analyses.items(town, " ") == analyses.items(town)
    assert analyses.items(town, "nothing") == []


def test_an_item_is_found_by_whatever_it_is_called(own_town: District) -> None:
    rows = pd.DataFrame({"id": ["bag"], "name": ["编织袋/麻袋"], "unit": ["只"], "other_names": ["沙袋\uff1b防汛袋; "]})
    with own_town.store.writing() as conn:
        own_town.store.upsert(conn, "item", rows, **STAMP)
    own_town.refresh()
    for text in ("sd", "shadai", "沙袋", "fxd", "编织"):
        assert [(row["id"], row["other_names"]) for row in analyses.items(own_town, text)] == [
            ("bag", ["沙袋", "防汛袋"])
        ]
    assert [row["other_names"] for row in analyses.items(own_town, "quilt")] == [[]]


def test_places_are_found_by_spelling(town: District) -> None:
    assert [row["name"] for row in analyses.search(town, "xc")] == ["西村"]
    assert {"西村", "西库", "西街道"} <= {row["name"] for row in analyses.search(town, "xi")}
