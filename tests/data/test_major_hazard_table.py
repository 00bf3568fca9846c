"""The tables of critical quantities: whole, matched by name, CAS and class, CAS numbers with valid check digits."""

from data.demo.facilities import _SUBSTANCES
from data.major_hazard_table import critical_quantities, critical_quantity, is_cas


def test_every_row_is_usable_and_names_are_unique() -> None:
    rows = critical_quantities()
    names = [name for row in rows for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    assert all(row.threshold_t > 0 and row.beta > 0 and row.provenance for row in rows)
    assert {row.code for row in rows if row.table == "2"} >= {"J1", "J5", "W1.1", "W5.4", "W11"}


def test_cas_numbers_have_their_check_digit() -> None:
    assert [row.cas for row in critical_quantities() if row.cas and not is_cas(row.cas)] == []
    assert is_cas("7664-41-7")
    assert not any(map(is_cas, ("7664-41-8", "7664417", "a-b-c", "")))


def test_matching() -> None:
    assert critical_quantity("液氨") == critical_quantity("", cas="7664-41-7")
    assert critical_quantity("不知名", hazard_class="w2").threshold_t == 10  # type: ignore[union-attr]
    assert critical_quantity("硝酸铵(可燃物>0.2%)").threshold_t == 5  # type: ignore[union-attr]
    assert critical_quantity("氯化氢（无水）").beta == 3  # type: ignore[union-attr]
    assert critical_quantity("没有这种物质", cas="1-2-3") is None


def test_the_demo_holds_known_substances_with_the_same_quantities() -> None:
    for substance in _SUBSTANCES.values():
        row = critical_quantity(substance.name, substance.cas)
        assert row is not None, substance.name
        assert row.threshold_t == substance.critical_t
