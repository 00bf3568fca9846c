"""What a person fills in, on a form or in a sheet: one declaration, one check, every fault with row and column."""

import re
import tempfile
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from data import exporters, reading
from data.checking import Problems, has_control
from data.kinds import LOT_STATUSES, Choice
from geo.errors import ImportRefused, InputError
from geo.supply import thousandths
from layers.district import District
from layers.layer import Lang, Text

MAX_SHEET_BYTES = reading.UPLOADED.bytes
"""The largest sheet that is read."""

MAX_ROWS = 2_000
"""The most rows that one form or sheet may carry."""

_LONGEST_ENDING = 20  # characters of a file's name; a file system takes 255 bytes
MAX_TEXT = 500
_MOST_E3 = 10**12

EntryKind = Literal["text", "quantity", "date", "choice"]
Check = Callable[[Any], Text | None]
"""What is wrong with a value, None where nothing is."""


@dataclass(frozen=True)
class Entry:
    """One field of a row. `given` ones are written by the page and only read back."""

    name: str
    title: Text
    kind: EntryKind = "text"
    required: bool = False
    given: bool = False
    positive: bool = False  # nought is no quantity
    choices: tuple[Choice, ...] = ()


COUNT: tuple[Entry, ...] = (
    Entry("lot_id", Text("批次编号", "Lot id"), required=True, given=True),
    Entry("item_name", Text("物资", "Item"), given=True),
    Entry("lot", Text("批号", "Lot"), given=True),
    Entry("unit", Text("单位", "Unit"), given=True),
    Entry("expires_on", Text("有效期至", "Expires"), given=True),
    Entry("counted", Text("实点数量", "Counted"), "quantity"),
    Entry("reason", Text("差异原因", "Reason of a difference")),
)
"""A count: rows left without a number were not counted. What should be there is not shown."""

TAKEN_IN: tuple[Entry, ...] = (
    Entry("item_id", Text("物资编码", "Item code"), required=True),
    Entry("lot", Text("批号", "Lot"), required=True),
    Entry("quantity", Text("数量", "Quantity"), "quantity", required=True, positive=True),
    Entry("pack", Text("包装", "Pack")),
    Entry("expires_on", Text("有效期至", "Expires"), "date"),
    Entry("status", Text("状态", "State"), "choice", choices=LOT_STATUSES),
)
"""Goods that come in; with a pack the quantity is in packs."""

STATES: tuple[Entry, ...] = (
    Entry("lot_id", Text("批次编号", "Lot id"), required=True, given=True),
    Entry("item_name", Text("物资", "Item"), given=True),
    Entry("lot", Text("批号", "Lot"), given=True),
    Entry("expires_on", Text("有效期至", "Expires"), given=True),
    Entry("now", Text("现状态", "State now"), "choice", given=True, choices=LOT_STATUSES),
    Entry("status", Text("改为", "New state"), "choice", choices=LOT_STATUSES),
    Entry("reason", Text("原因", "Reason"), required=True),
)
"""States of lots: rows left without a new state stay as they are."""

NEEDS: tuple[Entry, ...] = (
    Entry("item_id", Text("物资编码", "Item code"), required=True),
    Entry("quantity", Text("数量", "Quantity"), "quantity", required=True, positive=True),
    Entry("specification", Text("规格", "Specification")),
)
"""The lines of a request."""

_EXPECTED = {
    "number": Text("0 以上的数, 小数不超过三位", "a number from 0 on, at most three decimals"),
    "positive": Text("大于 0 的数, 小数不超过三位", "a number above 0, at most three decimals"),
    "date": Text("日期, 如 2027-12-31", "a date such as 2027-12-31"),
    "required": Text("必填", "a value"),
    "plain": Text("不含控制字符的文字", "text without control characters"),
    "text": Text("不超过 {n} 字", "at most {n} characters"),
    "one_of": Text("{names} 之一", "one of {names}"),
    "rows": Text("不超过 {n} 行", "at most {n} rows"),
    "some": Text("至少填一行", "at least one row"),
    "twice": Text("每个只填一行", "one row for each"),
}


def said(name: str, lang: Lang, **values: Any) -> str:
    """What was expected, as a phrase."""
    return _EXPECTED[name].to(lang).format(**values)


def plain_number(value: Any) -> str:
    """A number as people type it (full-width digits, thousands apart) as plain text; other text as it is."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = unicodedata.normalize("NFKC", str(value)).strip()
    return text.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text) else text


def _date(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = unicodedata.normalize("NFKC", str(value)).strip()
    found = re.fullmatch(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?", text)
    if found is None:
        return None
    try:
        return date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:
        return None


def _choice(value: Any, choices: Sequence[Choice]) -> str | None:
    text = str(value).strip()
    for choice in choices:
        if text in (choice.code, choice.zh, choice.en, *choice.aliases):
            return choice.code
    return None


def checked_rows(
    entries: Sequence[Entry],
    rows: Sequence[Mapping[str, Any]],
    *,
    what: str,
    lang: Lang,
    lines: Sequence[int] | None = None,
    counted_by: str,
    checks: Mapping[str, Check] | None = None,
    key: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Rows as typed, checked and made plain, all or none; ImportRefused lists every fault.

    A row in which the field `counted_by` is empty and nothing else is typed is passed over. `checks` look a value up;
    `key` names the fields that may not be the same in two rows.
    """
    problems = Problems(lines=lines)
    if len(rows) > MAX_ROWS:
        problems.add(None, None, len(rows), said("rows", lang, n=MAX_ROWS))
        problems.raise_if_any(what)
    found: list[dict[str, Any]] = []
    seen: dict[tuple[Any, ...], int] = {}
    for number, row in enumerate(rows, start=1):
        typed = [entry for entry in entries if not entry.given and _is_there(row.get(entry.name))]
        if not _is_there(row.get(counted_by)) and not any(e.required or e.name != "status" for e in typed):
            continue
        values: dict[str, Any] = {"row": number}
        for entry in entries:
            value = row.get(entry.name)
            if not _is_there(value):
                if entry.required or entry.name == counted_by:
                    problems.add(number, entry.title.to(lang), None, said("required", lang))
                values[entry.name] = None
                continue
            plain, expected = _plain(entry, value, lang)
            if expected is None and checks and entry.name in checks:
                wrong = checks[entry.name](plain)
                expected = None if wrong is None else wrong.to(lang)
            if expected is not None:
                problems.add(number, entry.title.to(lang), value, expected)
            values[entry.name] = plain
        if key:
            identity = tuple(values[name] for name in key)
            if identity in seen and None not in identity:
                problems.add(number, None, " / ".join(map(str, identity)), said("twice", lang))
            seen[identity] = number
        found.append(values)
    if not found:
        problems.add(None, None, None, said("some", lang))
    problems.raise_if_any(what)
    return found


def _is_there(value: Any) -> bool:
    return value is not None and value is not pd.NaT and bool(str(value).strip()) and str(value) != "nan"


def _plain(entry: Entry, value: Any, lang: Lang) -> tuple[Any, str | None]:
    """The value made plain, and what was expected in its place."""
    if entry.kind == "quantity":
        text = plain_number(value)
        try:
            fits = (1 if entry.positive else 0) <= thousandths(text) <= _MOST_E3
        except InputError:
            fits = False
        return (text, None) if fits else (None, said("positive" if entry.positive else "number", lang))
    if entry.kind == "date":
        found = _date(value)
        return found, None if found else said("date", lang)
    if entry.kind == "choice":
        code = _choice(value, entry.choices)
        names = ", ".join(choice.zh if lang == "zh" else choice.en for choice in entry.choices)
        return code, None if code else said("one_of", lang, names=names)
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    if has_control(text):
        return text, said("plain", lang)
    return text, None if len(text) <= MAX_TEXT else said("text", lang, n=MAX_TEXT)


# -- sheets -----------------------------------------------------------------------------------------


def sheet_of(
    entries: Sequence[Entry],
    rows: Sequence[Mapping[str, Any]],
    *,
    district: District,
    title: str,
    notes: Sequence[str],
    lang: Lang,
) -> bytes:
    """The spreadsheet that is filled in and read back; `rows` are written into it."""
    labels = {entry.name: entry.title.to(lang) + (" *" if entry.required else "") for entry in entries}
    cells = {entry.name: pd.Series([row.get(entry.name) for row in rows], dtype=object) for entry in entries}
    return exporters.to_xlsx(pd.DataFrame(cells), labels, title=title, head=[f"{district.name} · {title}", *notes])


def rows_of_sheet(entries: Sequence[Entry], content: bytes, *, name: str) -> tuple[list[dict[str, Any]], list[int]]:
    """The rows of a filled sheet and the lines in which they stand; its headers may be in either language."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("sheet" + Path(name[-_LONGEST_ENDING:]).suffix.lower())
        path.write_bytes(content)
        refused: ImportRefused | None = None
        for lang in ("zh", "en"):
            needed = [e.title.to(lang) + (" *" if e.required else "") for e in entries if e.required or not e.given]
            try:
                raw = reading.read_filled(path, needed)
            except ImportRefused as error:
                refused = refused or ImportRefused(str(error).replace(path.name, name or path.name), error.rows)
                continue
            title_of = {e.title.to(lang) + (" *" if e.required else ""): e.name for e in entries}
            frame = raw.frame.rename(columns=title_of)
            kept = [column for column in title_of.values() if column in frame.columns]
            rows = [{str(name): value for name, value in row.items()} for row in frame[kept].to_dict("records")]
            return rows, list(raw.lines or ())
    assert refused is not None
    raise refused
