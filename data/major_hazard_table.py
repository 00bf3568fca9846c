"""The tables of GB 18218-2018 as data: critical quantities and factors by substance and by class."""

import csv
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class CriticalQuantity:
    """One row: `table` 1 names a substance, 2 a class; `provenance` as in the parameter sets."""

    code: str
    name: str
    aliases: tuple[str, ...]
    cas: str
    table: str
    threshold_t: float
    beta: float
    provenance: str


def _text() -> str:
    return (resources.files("data") / "standards" / "gb18218_2018.csv").read_text(encoding="utf-8")


@cache
def table_hash() -> str:
    """The hash of the whole table."""
    return hashlib.sha256(_text().encode()).hexdigest()


@cache
def critical_quantities() -> tuple[CriticalQuantity, ...]:
    """Every row."""
    return tuple(
        CriticalQuantity(
            row["code"],
            row["name"],
            tuple(filter(None, row["aliases"].split(";"))),
            row["cas"],
            row["table"],
            float(row["threshold_t"]),
            float(row["beta"]),
            row["provenance"],
        )
        for row in csv.DictReader(io.StringIO(_text()))
    )


def critical_quantity(name: str, cas: str = "", hazard_class: str = "") -> CriticalQuantity | None:
    """The row of a substance: by name or alias, then by CAS number, then by the symbol of its class; None else.

    The name goes first: two rows of ammonium nitrate share one CAS number, and a name or number that does not tell
    which of them it is takes the one with the smaller quantity (`is_cautious` says so).
    """
    rows = critical_quantities()
    plain = name.strip().replace("（", "(").replace("）", ")")
    for row in rows:
        if plain and plain in (row.name, *row.aliases):
            return row
    same = [row for row in rows if cas.strip() and cas.strip() == row.cas]
    if same:
        return min(same, key=lambda row: row.threshold_t)
    for row in rows:
        if hazard_class.strip() and hazard_class.strip().upper() == row.code:
            return row
    return None


def is_cautious(name: str, row: CriticalQuantity) -> bool:
    """Whether a substance could be of a laxer row as well: several share its CAS number, and the name tells none."""
    plain = name.strip().replace("（", "(").replace("）", ")")
    return plain != row.name and any(
        other.cas == row.cas and other.threshold_t > row.threshold_t for other in critical_quantities() if row.cas
    )


def is_cas(text: str) -> bool:
    """Whether a CAS number has the right form and check digit."""
    head, _, check = text.rpartition("-")
    digits = head.replace("-", "")
    if not (digits.isdigit() and check.isdigit() and len(check) == 1 and head.count("-") == 1):
        return False
    return sum(k * int(d) for k, d in enumerate(reversed(digits), start=1)) % 10 == int(check)
