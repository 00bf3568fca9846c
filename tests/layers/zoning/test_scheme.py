"""Schemes: the shipped ones, every field checked, formulas that are arithmetic and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from geo.errors import InputError, NotFound
from layers.zoning.scheme import SHIPPED, formula_value, parse_scheme, read_scheme, require_formula, shipped_scheme

SMALL = """
[scheme]
id = "x"
title = "试"
kind = "natural"
[[hazard]]
id = "a"
raster = "hazard_a"
[[hazard]]
id = "b"
formula = "clip(hazard_a * 2, 0, 1)"
[[exposure]]
indicator = "persons"
weight = 1.0
[weights]
method = "given"
values = [0.5, 0.5]
"""


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_schemes_are_valid_and_apart(name: str) -> None:
    scheme = shipped_scheme(name)
    assert scheme.id == name
    assert scheme.kind == name
    assert sum(spec.weight for spec in scheme.exposure) == pytest.approx(1.0)
    assert scheme.runs == 200


def test_natural_and_accident_share_no_hazard() -> None:
    natural, accident = (shipped_scheme(name) for name in SHIPPED)
    assert not {h.id for h in natural.hazards} & {h.id for h in accident.hazards}
    assert [h.id for h in natural.hazards] == [
        "waterlogging",
        "typhoon",
        "storm_surge",
        "convection",
        "earthquake",
        "geological",
    ]


def test_a_small_scheme_has_defaults() -> None:
    scheme = parse_scheme(SMALL)
    assert (scheme.unit, scheme.size_m, scheme.classes, scheme.hot_rule) == ("grid", 100.0, "natural_breaks", True)
    assert scheme.exposure[0].scale == "min_max"
    assert scheme.to_dict()["hazards"][1]["kind"] == "formula"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "natural"', 'kind = "both"', "scheme.kind"),
        ('title = "试"', "", "scheme.title"),
        ('raster = "hazard_a"', "", "exactly one of"),
        ('raster = "hazard_a"', 'raster = "r"\nmodule = "fire"', "exactly one of"),
        ('raster = "hazard_a"', 'module = "meteor"', "meteor"),
        ('raster = "hazard_a"', 'raster = "r"\ncolour = 3', "colour"),
        ('raster = "hazard_a"', 'points = "enterprise"', "radius_m"),
        ('id = "b"', 'id = "a"', "2 times"),
        ('id = "x"', 'id = "../x"', "letters"),
        ("weight = 1.0", 'weight = "much"', "weight"),
        ("weight = 1.0", "weight = nan", "weight"),
        ("weight = 1.0", "weight = 1.0\nrange = [5, 1]", "range"),
        ("values = [0.5, 0.5]", "values = [0.5]", "one a hazard"),
        ('method = "given"', 'method = "ahp"', "judgements"),
        ("values = [0.5, 0.5]", "values = [0.5, 0.5]\n[classes]\nmethod = 'fixed'", "lower"),
        ("values = [0.5, 0.5]", "values = [0.5, 0.5]\n[classes]\nmethod = 'fixed'\nlower = [1, 2, 2, 3]", "ascending"),
        ("values = [0.5, 0.5]", "values = [0.5, 0.5]\n[zones]\nwindow = 4", "odd"),
        ("values = [0.5, 0.5]", "values = [0.5, 0.5]\n[unit]\nsize_m = 0", "size_m"),
        ("values = [0.5, 0.5]", "values = [0.5, 0.5]\n[extra]\na = 1", "extra"),
        ("[[exposure]]", "[[unit]]", "unit"),
        ("[weights]", "[weights", "TOML"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, words: str) -> None:
    assert old in SMALL
    with pytest.raises(InputError, match=words):
        parse_scheme(SMALL.replace(old, new, 1))


def test_judgements_may_be_fractions() -> None:
    judged = SMALL.replace('method = "given"\nvalues = [0.5, 0.5]', 'method = "ahp"\njudgements = [[1, 3], ["1/3", 1]]')
    assert parse_scheme(judged).judgements == ((1.0, 3.0), (1 / 3, 1.0))
    for bad in ('[[1, 3], ["1/0", 1]]', "[[1, 3]]", "[[1], [1]]", '[[1, "x"], [1, 1]]', "3"):
        with pytest.raises(InputError, match="judgements"):
            parse_scheme(judged.replace('[[1, 3], ["1/3", 1]]', bad))


def test_schemes_are_read_by_name_or_path(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SMALL, encoding="utf-8")
    assert read_scheme(str(path)).id == "x"
    assert read_scheme("natural") == shipped_scheme("natural")
    with pytest.raises(NotFound, match="natural"):
        read_scheme(str(tmp_path / "none.toml"))
    path.write_bytes(SMALL.encode("gb18030"))
    with pytest.raises(InputError, match="UTF-8"):
        read_scheme(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "a.__class__",
        "a[0]",
        "(lambda: 1)()",
        "[a for a in b]",
        "'text'",
        "a if b else c",
        "open(a)",
        "9 ** 9 ** 9",
        "a ** 1000",
        "clip(a, min=0)",
        "True",
        "a +",
        "(" * 500 + ")" * 500,
        "a" * 3000,
    ],
)
def test_a_formula_is_arithmetic_only(text: str) -> None:
    with pytest.raises(InputError):
        require_formula(text, where="hazard 'x'.formula")


def test_formulas_compute() -> None:
    assert require_formula("where(a > 0.5, sqrt(a), -b ** 2) + x", where="f") == ("x", "a", "b")
    found = formula_value("where(a > 0.5, sqrt(a), -b ** 2)", {"a": np.array([0.25, 0.81]), "b": np.array([3.0, 0.0])})
    np.testing.assert_allclose(found, [-9.0, 0.9])


@pytest.mark.parametrize(
    ("kind", "hazard"),
    [
        ("natural", 'module = "major_hazard"'),
        ("natural", 'formula = "0.5 * typhoon + 0.5 * fire"'),
        ("accident", 'module = "typhoon"'),
        ("accident", 'formula = "clip(earthquake, 0, 1)"'),
    ],
)
def test_natural_hazards_and_accidents_meet_only_where_a_scheme_says_so(kind: str, hazard: str) -> None:
    text = f"""
[scheme]
id = "x"
title = "x"
kind = "{kind}"
[[hazard]]
id = "one"
{hazard}
[[exposure]]
indicator = "persons"
weight = 1
[weights]
method = "given"
values = [1]
"""
    with pytest.raises(InputError, match="kept apart"):
        parse_scheme(text)
    combined = text.replace(f'kind = "{kind}"', 'kind = "combined"')
    assert parse_scheme(combined).kind == "combined"
    with pytest.raises(InputError, match="give another id"):
        parse_scheme(combined.replace('id = "x"', 'id = "natural"'))
