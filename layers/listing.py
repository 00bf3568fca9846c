"""A list as one declaration: its columns and where its rows come from; a page and a spreadsheet follow from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd

from data import exporters
from geo.errors import InputError
from layers.district import District
from layers.layer import Lang, Text

ColumnKind = Literal["text", "number", "share", "moment", "date", "choice", "minutes", "boolean"]
Row = Mapping[str, Any]

YES, NO = Text("是", "yes"), Text("否", "no")
_HEAD = {
    "time": Text("截至 {time}", "as of {time}"),
    "source": Text("来源: {source}", "source: {source}"),
    "rows": Text("{n} 行", "{n} rows"),
    "out": Text("由台账算出, 只供导出", "computed from the ledger, out only"),
}


_NO_NOTE, _LEDGER = Text("", ""), Text("台账", "ledger")


@dataclass(frozen=True)
class Column:
    """One column: the name of its value in a row, its title with the unit, and how the value is shown.

    `link` is the address of a page, with names of the row in braces. `main` stays on a narrow screen's first line;
    a `detail` is left out where a list is one of several on a page.
    """

    name: str
    title: Text
    kind: ColumnKind = "text"
    choices: Mapping[str, Text] = field(default_factory=dict)
    link: str = ""
    main: bool = False
    detail: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether the column is set to the right."""
        return self.kind in ("number", "share", "minutes")


@dataclass(frozen=True)
class Listing:
    """A list of the boards: what it is called, what it says where it is empty, and how it is read.

    `tables` are those of which a change may change its rows.
    """

    id: str
    title: Text
    columns: tuple[Column, ...]
    read: Callable[..., Sequence[Row]]
    empty: Text
    note: Text = _NO_NOTE
    source: Text = _LEDGER
    tables: tuple[str, ...] = ()


def read_moment(name: str, text: str, zone: ZoneInfo) -> datetime:
    """A time as it is written; one without an offset is of `zone`. InputError names it and says what was expected."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name}={text}: expected a time such as 2026-07-01T08:00+08:00") from None
    if not 1970 <= found.year <= 2200:
        raise InputError(f"{name}={text}: expected a year from 1970 to 2200")
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def moment_text(value: str | datetime | None, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """A time of the store on the district's clock."""
    if value is None or value == "":
        return ""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{found.astimezone(zone):{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}}"


def clock_text(moment: str) -> str:
    """A moment by the clock that it is written in, in whole seconds: for a terminal."""
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S}"


def number_text(value: Any) -> str:
    """A number as people write it: thousands apart, no zeros at the end."""
    if value is None or value == "":
        return ""
    if isinstance(value, float) and value != int(value):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{int(value):,}"


def share_text(share: float) -> str:
    """A share in percent with two digits; what is not the whole is never shown as 100 %."""
    text = f"{share:.2%}"
    return "99.99%" if text == "100.00%" and share < 1 else text


def cell_text(column: Column, row: Row, *, lang: Lang, zone: ZoneInfo) -> str:
    """What a page shows of one cell; empty text for no value."""
    value = row.get(column.name)
    if value is None or value == "":
        return ""
    if column.kind == "number":
        return number_text(value) if isinstance(value, int | float) else str(value)
    if column.kind == "share":
        return f"{100 * float(value):.1f}%"
    if column.kind == "minutes":
        return minutes_text(float(value), lang)
    if column.kind == "moment":
        return moment_text(value, zone)
    if column.kind == "choice":
        found = column.choices.get(str(value))
        return str(value) if found is None else found.to(lang)
    if column.kind == "boolean":
        return (YES if value else NO).to(lang)
    return str(value)


def minutes_text(minutes: float, lang: Lang) -> str:
    """A span of time in the two units that matter."""
    whole = int(abs(minutes))
    if not whole:
        return "不到 1 分" if lang == "zh" else "under 1 min"
    days, rest = divmod(whole, 1440)
    hours, left = divmod(rest, 60)
    if days:
        return f"{days} 天 {hours} 小时" if lang == "zh" else f"{days} d {hours} h"
    if hours:
        return f"{hours} 小时 {left} 分" if lang == "zh" else f"{hours} h {left} min"
    return f"{left} 分" if lang == "zh" else f"{left} min"


def link_of(column: Column, row: Row) -> str:
    """The address behind a cell; empty where a part of it is not known."""
    from urllib.parse import quote

    if not column.link:
        return ""
    try:
        values = {name: quote(str(value), safe="") for name, value in row.items() if value is not None}
        return column.link.format_map(values)
    except KeyError:
        return ""


def xlsx(listing: Listing, rows: Sequence[Row], *, district: District, lang: Lang, made: datetime) -> bytes:
    """The list as a spreadsheet: numbers stay numbers, times are those of the district's clock."""
    head = [
        f"{district.name} · {listing.title.to(lang)}",
        " · ".join(
            part
            for part in (
                _HEAD["time"].to(lang).format(time=f"{made:%Y-%m-%d %H:%M}"),
                _HEAD["source"].to(lang).format(source=listing.source.to(lang)),
                _HEAD["rows"].to(lang).format(n=len(rows)),
                _HEAD["out"].to(lang),
                "" if district.warning is None else district.warning.to(lang),
            )
            if part
        ),
        *([listing.note.to(lang)] if listing.note.to(lang) else []),
    ]
    frame, labels = _cells(listing, rows, district, lang)
    return exporters.to_xlsx(frame, labels, title=listing.title.to(lang), head=head)


def csv(listing: Listing, rows: Sequence[Row], *, district: District, lang: Lang) -> bytes:
    """The list as CSV, with the same cells as the spreadsheet."""
    return exporters.to_csv(*_cells(listing, rows, district, lang))


def _cells(
    listing: Listing, rows: Sequence[Row], district: District, lang: Lang
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The cells by column and the columns' titles."""
    cells: dict[str, list[Any]] = {}
    for column in listing.columns:
        plain = column.kind == "number"
        cells[column.name] = [
            row.get(column.name) if plain else cell_text(column, row, lang=lang, zone=district.timezone) for row in rows
        ]
    labels = {column.name: column.title.to(lang) for column in listing.columns}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in cells.items()}), labels
