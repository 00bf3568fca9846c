"""Proof tables of what-if results as a page shows them: one result, or two side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from layers.layer import Lang
from layers.listing import share_text
from web import whatif_texts as words

_ABOUT = ("name", "place_name", "village", "depot", "item", "street", "part", "unit", "highway", "is_bridge", "persons")
"""Columns that say what a row is about."""
Row = Mapping[str, Any]
Called = Mapping[str, Mapping[str, str]]
"""Column -> id -> what people call it."""


def cell_text(value: Any) -> str:
    """A value as text: numbers with thousands apart and three digits at most, nothing for none."""
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".") if math.isfinite(value) else ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)


def value_text(name: str, value: Any, lang: Lang, *, kind: str) -> str:
    """A value of a column or a figure: codes in words, shares in percent."""
    if isinstance(value, float) and ("share" in name or name == "gap") and math.isfinite(value):
        return share_text(value)
    return cell_text(words.shown(name, value, lang, kind=kind))


def signed(name: str, change: float, lang: Lang) -> str:
    """A difference with its sign."""
    return f"{'+' if change > 0 else ''}{value_text(name, change, lang, kind='')}"


def one_table(rows: Sequence[Row], count: int, lang: Lang, *, kind: str, called: Called) -> dict[str, Any]:
    """Rows of a proof table, columns and codes in words; `called` says ids in words."""
    names = [name for name in (rows[0] if rows else ()) if not _is_said_by_link(name, rows[0])]
    numeric = {name: _is_numeric(row[name] for row in rows) for name in names}
    return {
        "columns": [{"title": words.column_title(name, lang), "numeric": numeric[name]} for name in names],
        "rows": [[_said(name, row[name], lang, kind, called) for name in names] for row in rows],
        "count": count,
    }


def two_tables(
    rows: Sequence[Row],
    keys: Sequence[str],
    lang: Lang,
    *,
    kind: str,
    called: Called,
) -> dict[str, Any]:
    """Rows that differ between two results: what they are about, what happened to them, and what changed as pairs.

    A column that is the same in every row on both sides is left out, unless it says what the row is about or no row is
    on both sides.

    rows : as `saved.difference` makes them: keys, `change`, NAME_old, NAME_new, and NAME_change of numbers
    """
    first: Row = rows[0] if rows else {}
    names = [name.removesuffix("_old") for name in first if name.endswith("_old") and f"{name[:-4]}_new" in first]
    names = [name for name in names if not _is_said_by_link(name, first)]
    has_changed = any(row["change"] == "changed" for row in rows)
    pairs = [name for name in names if any(_differ(row, name) for row in rows if row["change"] == "changed")]
    same = [name for name in names if name not in pairs and (name in _ABOUT or not has_changed)]
    same.sort(key=lambda name: _ABOUT.index(name) if name in _ABOUT else len(_ABOUT))
    keys = [key for key in keys if not (key in ("id", "place_id") and {"name", "place_name"} & set(same))]
    numeric = {name: _is_numeric(row[f"{name}_{side}"] for row in rows for side in ("old", "new")) for name in names}
    numeric |= {name: _is_numeric(row[name] for row in rows) for name in keys}
    old, new, gap = _("原"), _("新"), _("差")
    groups: list[dict[str, Any]] = [
        {"name": name, "title": words.column_title(name, lang), "numeric": numeric.get(name, False), "parts": []}
        for name in (*keys, *same[: _leading(same)], "change", *same[_leading(same) :])
    ]
    groups += [
        {
            "name": name,
            "title": words.column_title(name, lang),
            "numeric": numeric[name],
            "parts": [old, new, gap] if f"{name}_change" in first and numeric[name] else [old, new],
        }
        for name in pairs
    ]
    found = []
    for row in rows:
        cells = []
        for group in groups:
            name, title = group["name"], group["title"]
            if not group["parts"]:
                value = row[name] if name in row else _either(row, name)
                cells.append(_cell(title, _said(name, value, lang, kind, called), group["numeric"]))
                continue
            before, after = (_said(name, row[f"{name}_{side}"], lang, kind, called) for side in ("old", "new"))
            differs = row["change"] == "changed" and _differ(row, name)
            cells.append(_cell(f"{title} ({old})", before, group["numeric"], first=True))
            cells.append(_cell(f"{title} ({new})", after, group["numeric"], differs=differs))
            if len(group["parts"]) == 3:
                change = row[f"{name}_change"]
                shown = "" if not differs or change is None else signed(name, change, lang)
                cells.append(_cell(f"{title} ({gap})", shown, True, differs=differs))
        found.append(cells)
    return {"groups": groups, "rows": found}


def _leading(same: Sequence[str]) -> int:
    """So many of the columns say what a row is about; they stand before what happened to it."""
    return sum(name in _ABOUT for name in same)


def _is_said_by_link(name: str, row: Row) -> bool:
    """Whether the words for a link say this column already."""
    has_link = "link" in row
    return (has_link and name.removesuffix("_old").removesuffix("_new") in ("link_name", "between", "near")) or (
        has_link and name in ("name", "name_old", "name_new") and "team_id" not in row
    )


def _is_numeric(values: Any) -> bool:
    found = [value for value in values if value is not None]
    return bool(found) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in found)


def _differ(row: Row, name: str) -> bool:
    return bool(row[f"{name}_old"] != row[f"{name}_new"])


def _either(row: Row, name: str) -> Any:
    """The value of a side that has one."""
    return row[f"{name}_new"] if row[f"{name}_new"] is not None else row[f"{name}_old"]


def _said(name: str, value: Any, lang: Lang, kind: str, called: Called) -> str:
    if value in called.get(name, ()):
        return called[name][value]
    return value_text(name, value, lang, kind=kind)


def _cell(label: str, text: str, numeric: bool, *, first: bool = False, differs: bool = False) -> dict[str, Any]:
    return {"label": label, "text": text, "numeric": numeric, "first": first, "differs": differs}
