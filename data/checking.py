"""A raw frame against the declaration of its kind: typed columns, or what is wrong row by row."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.kinds import Column, Kind
from geo.duty import parse_duty
from geo.errors import ImportRefused, InputError

MAX_TEXT = 2000
LON_HEADERS = ("lon", "lng", "longitude", "经度", "x")
LAT_HEADERS = ("lat", "latitude", "纬度", "y")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SPLIT = re.compile(r"[;；,，、|/]")
_TRUE = frozenset({"1", "true", "yes", "y", "是", "室内", "有", "t"})
_FALSE = frozenset({"0", "false", "no", "n", "否", "室外", "无", "f"})


def has_control(text: str) -> bool:
    """Whether a text has characters that nobody can type or read; line breaks and tabs are none."""
    return _CONTROL.search(text) is not None


class _Bad(Exception):
    """One value does not fit; the text says what was expected."""


@dataclass
class Problems:
    """What is wrong, row by row; `count` goes on where the list stops."""

    rows: list[dict[str, object]] = field(default_factory=list)
    count: int = 0
    limit: int = 200
    lines: Sequence[int] | None = None
    """The line of the file in which each data row stands."""

    def add(self, row: int | None, column: str | None, value: object, expected: str) -> None:
        """Note one fault; `row` counts data rows from 1."""
        self.count += 1
        if len(self.rows) < self.limit:
            shown = "" if value is None else str(value)
            fault: dict[str, object] = {
                "row": row,
                "column": column,
                "value": shown if len(shown) <= 80 else shown[:77] + "...",
                "expected": expected,
            }
            if row is not None and self.lines is not None:
                fault["line"] = self.lines[row - 1]
            self.rows.append(fault)

    def raise_if_any(self, what: str, remedy: str = "") -> None:
        """ImportRefused with the rows in the order of the file, where there are any."""
        if self.count:
            rows = sorted(self.rows, key=lambda fault: -1 if fault["row"] is None else int(str(fault["row"])))
            first = rows[0]
            at = f"data row {first['row']}" if first["row"] is not None else "the file"
            line = f" (line {first['line']} of the file)" if "line" in first else ""
            column = f", {first['column']}" if first["column"] else ""
            number = f"{self.count:,} faults" if self.count > 1 else "1 fault"
            raise ImportRefused(
                f"{what}: {number}, nothing written; first: {at}{line}{column}: "
                f"{first['value']!r}, expected {first['expected']}{remedy}",
                rows,
            )


def _plain_header(text: str) -> str:
    """A header without its unit, its required mark and its spaces, for comparison."""
    return re.sub(r"[(（].*?[)）]$|\*", "", text.strip()).strip().casefold()


def match_columns(
    headers: list[str], kind: Kind, mapping: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Field -> header of the file, and the headers that are not used.

    `mapping` (header -> field) decides first; then English names, Chinese names and other spellings.
    """
    fields = {column.name for column in kind.columns} | {"lon", "lat"}
    found: dict[str, str] = {}
    for header, name in (mapping or {}).items():
        if header not in headers:
            raise InputError(f"map={header}={name}: the file has no column {header!r}; it has {', '.join(headers)}")
        if name not in fields:
            raise InputError(f"map={header}={name}: expected one of {', '.join(sorted(fields))}")
        if name in found:
            raise InputError(f"map={header}={name}: {found[name]!r} is mapped to {name} already; map one column to it")
        found[name] = header
    spellings: dict[str, str] = {}
    for column in kind.columns:
        for spelling in (column.name, column.zh, column.en, *column.aliases):
            spellings.setdefault(_plain_header(spelling), column.name)
    if kind.geometry:
        for spelling in LON_HEADERS:
            spellings.setdefault(spelling, "lon")
        for spelling in LAT_HEADERS:
            spellings.setdefault(spelling, "lat")
    exact = {column.name: column.name for column in kind.columns}
    taken = set(found.values())
    for table in (exact, spellings):  # exact names first, so that an alias cannot push one aside
        for header in headers:
            field = table.get(header if table is exact else _plain_header(header))
            if field is not None and field not in found and header not in taken:
                found[field] = header
                taken.add(header)
    return found, [header for header in headers if header not in taken]


def typed_columns(
    frame: pd.DataFrame, kind: Kind, found: Mapping[str, str], zone: ZoneInfo, problems: Problems
) -> pd.DataFrame:
    """Every declared column that the file has, as values that the store takes."""
    missing = [c for c in kind.columns if c.required and c.name not in found]
    if missing:
        names = ", ".join(f"{c.name} ({c.zh})" for c in missing)
        raise ImportRefused(
            f"{kind.name}: the required column {names} is missing; the file has {', '.join(map(str, frame.columns))}"
        )
    typed: dict[str, Any] = {}
    for column in kind.columns:
        if column.name in found:
            typed[column.name] = _typed(frame[found[column.name]], column, zone, problems)
    return pd.DataFrame(typed, index=pd.RangeIndex(len(frame)), dtype=object)


def _typed(values: pd.Series, column: Column, zone: ZoneInfo, problems: Problems) -> list[Any]:
    """One column; equal values are read once."""
    parse = _parser(column, zone)
    known: dict[Any, Any] = {}
    result: list[Any] = []
    for row, value in enumerate(values.tolist(), start=1):
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, list | tuple):
            value = ";".join(str(part) for part in value)
        elif isinstance(value, Decimal) or not isinstance(value, Hashable):
            value = str(value)
        key = (type(value), value) if not isinstance(value, float) else (float, repr(value))
        if key not in known:
            try:
                known[key] = parse(value)
            except _Bad as bad:
                known[key] = bad
        answer = known[key]
        if isinstance(answer, _Bad):
            problems.add(row, column.name, value, str(answer))
            answer = None
        result.append(answer)
    return result


def _is_empty(value: Any) -> bool:
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    if isinstance(value, float) and np.isnan(value):
        return True
    return isinstance(value, str) and not value.strip()


def _parser(column: Column, zone: ZoneInfo) -> Callable[[Any], Any]:
    parse = _PARSERS[column.type]

    def whole(value: Any) -> Any:
        if _is_empty(value):
            if column.required:
                raise _Bad("a value: this column is required")
            return column.default
        return parse(value, column, zone)

    return whole


def _text(value: Any, column: Column, zone: ZoneInfo) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if has_control(text):
        raise _Bad("text without control characters")
    if len(text) > MAX_TEXT:
        raise _Bad(f"at most {MAX_TEXT} characters")
    return text


def _decimal(value: Any, column: Column) -> Decimal:
    if isinstance(value, bool):
        raise _Bad(_wanted(column))
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _Bad(_wanted(column)) from None
    if not number.is_finite():
        raise _Bad(_wanted(column))
    low, high = column.minimum, column.maximum
    if (low is not None and number < Decimal(str(low))) or (high is not None and number > Decimal(str(high))):
        raise _Bad(_wanted(column))
    return number


def _wanted(column: Column) -> str:
    what = {"integer": "a whole number", "quantity": "a number with at most 3 decimals"}.get(column.type, "a number")
    unit = f" in {column.unit}" if column.unit else ""
    if column.minimum is None:
        return f"{what}{unit}, without the unit"
    return f"{what}{unit} from {column.minimum:,.10g} to {column.maximum:,.10g}, without the unit"


def _integer(value: Any, column: Column, zone: ZoneInfo) -> int:
    number = _decimal(value, column)
    if number != number.to_integral_value():
        raise _Bad(_wanted(column))
    return int(number)


def _number(value: Any, column: Column, zone: ZoneInfo) -> float:
    return float(_decimal(value, column))


def _quantity(value: Any, column: Column, zone: ZoneInfo) -> Decimal:
    number = _decimal(value, column)
    if number * 1000 != (number * 1000).to_integral_value():
        raise _Bad(_wanted(column))
    return number


def _boolean(value: Any, column: Column, zone: ZoneInfo) -> bool:
    text = str(value).strip().casefold().removesuffix(".0")
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _Bad("yes or no (是/否)")


def _spellings(column: Column) -> dict[str, str]:
    return {
        spelling.casefold(): choice.code
        for choice in column.choices
        for spelling in (choice.code, choice.zh, choice.en, *choice.aliases)
    }


def _allowed(column: Column) -> str:
    return "one of " + ", ".join(f"{choice.zh} ({choice.code})" for choice in column.choices)


def _choice(value: Any, column: Column, zone: ZoneInfo) -> str:
    code = _spellings(column).get(_text(value, column, zone).casefold())
    if code is None:
        raise _Bad(_allowed(column))
    return code


def _choices(value: Any, column: Column, zone: ZoneInfo) -> str:
    text = _text(value, column, zone)
    spellings = _spellings(column)
    if text.casefold() in spellings:
        return spellings[text.casefold()]
    codes: list[str] = []
    for part in _SPLIT.split(text):
        code = spellings.get(part.strip().casefold())
        if code is None:
            if not part.strip():
                continue
            raise _Bad(f"{_allowed(column)}, joined by ;")
        if code not in codes:
            codes.append(code)
    return ";".join(codes)


def _date(value: Any, column: Column, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00(?::00)?)?", str(value).strip())
    try:
        if match is None:
            raise ValueError
        return date(*(int(part) for part in match.groups())).isoformat()
    except ValueError:
        raise _Bad("a date such as 2026-07-01") from None


def _datetime(value: Any, column: Column, zone: ZoneInfo) -> str:
    moment = value
    if not isinstance(moment, datetime):
        try:
            moment = datetime.fromisoformat(str(value).strip().replace("/", "-"))
        except ValueError:
            raise _Bad("a time such as 2026-07-01T08:00+08:00") from None
    if isinstance(moment, pd.Timestamp):
        moment = moment.to_pydatetime()
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return str(moment.isoformat())


def _duty(value: Any, column: Column, zone: ZoneInfo) -> str:
    text = _text(value, column, zone)
    try:
        parse_duty(text)
    except InputError:
        raise _Bad("24h, or periods such as 08:00-18:00;20:00-22:00 or 1-5 08:00-18:00") from None
    return text


_PARSERS: dict[str, Callable[[Any, Column, ZoneInfo], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "quantity": _quantity,
    "boolean": _boolean,
    "choice": _choice,
    "choices": _choices,
    "date": _date,
    "datetime": _datetime,
    "duty": _duty,
}


def require_unique(typed: pd.DataFrame, kind: Kind, problems: Problems) -> None:
    """Every key stands once in a file."""
    keys = [name for name in kind.key if name in typed.columns]
    if not keys:
        return
    whole = typed[keys].notna().all(axis=1)
    met: dict[tuple[Any, ...], int] = {}
    for row, (key, is_whole) in enumerate(
        zip(zip(*(typed[name].tolist() for name in keys), strict=True), whole.tolist(), strict=True), start=1
    ):
        if not is_whole:
            continue
        first = met.setdefault(key, row)
        if first != row:
            value = " / ".join(map(str, key))
            problems.add(row, ", ".join(keys), value, f"each key once; it is in data row {first} already")


def require_ordered(typed: pd.DataFrame, kind: Kind, problems: Problems) -> None:
    """Of two columns that belong together the first is at most the second: else they were swapped."""
    for low, high in kind.ordered:
        if low not in typed.columns or high not in typed.columns:
            continue
        column = kind.column(high)
        moments = column.type == "datetime"
        for row, (least, most) in enumerate(zip(typed[low].tolist(), typed[high].tolist(), strict=True), start=1):
            if least is None or most is None or (column.default == 0 and most == 0):
                continue
            if (datetime.fromisoformat(least) > datetime.fromisoformat(most)) if moments else least > most:
                problems.add(row, high, most, f"at least the value of {low}, {least}; were the two swapped?")


def nearly_twins(typed: pd.DataFrame, kind: Kind) -> list[str]:
    """A notice of ids that differ in letter case only: they are two ids, but hardly two things."""
    if kind.key != ("id",) or "id" not in typed.columns:
        return []
    met: dict[str, str] = {}
    twins = [
        f"{met[value.casefold()]} and {value}"
        for value in typed["id"].tolist()
        if value is not None and met.setdefault(value.casefold(), value) != value
    ]
    return [f"ids that differ in letter case only are kept apart: {', '.join(twins[:5])}"] if twins else []


def points_from_columns(
    frame: pd.DataFrame, found: Mapping[str, str], problems: Problems
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Points from the columns lon and lat, None where both are empty; and where a fault was noted."""
    lon, lon_given = _coordinates(frame[found["lon"]], "lon", problems)
    lat, lat_given = _coordinates(frame[found["lat"]], "lat", problems)
    for row in np.flatnonzero(lon_given != lat_given):
        problems.add(int(row) + 1, "lat" if lon_given[row] else "lon", "", "both coordinates, or neither")
    there = ~(np.isnan(lon) | np.isnan(lat))
    shapes = np.full(len(frame), None, dtype=object)
    shapes[there] = shapely.points(lon[there], lat[there])
    return shapes, (lon_given | lat_given) & ~there


def _coordinates(values: pd.Series, name: str, problems: Problems) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers with NaN where there is none, and where a value was given at all."""
    result = np.full(len(values), np.nan)
    given = np.zeros(len(values), dtype=bool)
    for row, value in enumerate(values.tolist()):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        given[row] = True
        try:
            if isinstance(value, bool):
                raise TypeError
            result[row] = float(value)
        except (TypeError, ValueError):
            problems.add(row + 1, name, value, "a number in the declared CRS, such as 120.8600")
            continue
        if not np.isfinite(result[row]):
            problems.add(row + 1, name, value, "a finite number")
            result[row] = np.nan
    return result, given
