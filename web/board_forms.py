"""Forms of the boards: what was typed as the body of an action, and what to say where it is refused."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from data import idempotency, schema
from data.checking import has_control
from geo.errors import Conflict, ImportRefused, InputError, NotFound, OneMapError
from layers import entries
from layers.district import District
from layers.entries import Entry
from layers.layer import Lang, Text
from web import refusals
from web.pages import language

KEY = "key"
"""The hidden field with the idempotency key of a form, made when it is drawn."""

SEEN = "seen"
"""The hidden field that says how much had happened to an order when its form was drawn."""

REFUSED = (InputError, Conflict, NotFound)
"""What a form answers with a sentence of its own; everything else is an error page."""

_LOT = (
    Entry("lot_id", Text("批次编号", "Lot id"), required=True, given=True),
    Entry("item_name", Text("物资", "Item"), given=True),
    Entry("lot", Text("批号", "Lot"), given=True),
    Entry("unit", Text("单位", "Unit"), given=True),
)
_NOTE = Entry("note", Text("备注", "Note"))

PICKS: tuple[Entry, ...] = (
    *_LOT,
    Entry("expires_on", Text("有效期至", "Expires"), given=True),
    Entry("quantity", Text("出库数量", "Issued"), "quantity"),
    Entry("reason", Text("换批次原因", "Reason")),
)
RECEIPT: tuple[Entry, ...] = (
    *_LOT,
    Entry("received", Text("完好", "Good"), "quantity"),
    Entry("damaged", Text("损坏", "Damaged"), "quantity"),
    Entry("missing", Text("缺失", "Missing"), "quantity"),
    _NOTE,
)
USED: tuple[Entry, ...] = (*_LOT, Entry("quantity", Text("使用", "Used"), "quantity"), _NOTE)
BACK: tuple[Entry, ...] = (
    *_LOT,
    Entry("quantity", Text("完好退回", "Back, good"), "quantity"),
    Entry("damaged", Text("损坏报废", "Back, damaged"), "quantity"),
    _NOTE,
)

LINES = {"receive": RECEIPT, "use": USED, "send_back": BACK, "return": BACK}
"""The rows of goods in the form of a step."""


@dataclass(frozen=True)
class Problem:
    """Why a form was refused: one sentence, what to do, and the faults by row where there are any."""

    title: str
    sentence: str
    rows: Sequence[Mapping[str, Any]] = ()
    changes: Sequence[Mapping[str, Any]] = ()
    status: int = 422
    form: str = ""


@dataclass
class Typed:
    """What was typed into the forms of a page; empty on a page that is opened."""

    values: MultiDict[str, str] = field(default_factory=MultiDict)
    form: str = ""

    def get(self, form: str, name: str, default: Any = "") -> Any:
        """What to write into a field: what was typed into this form, else the default."""
        if self.form == form and name in self.values:
            return self.values[name]
        return "" if default is None else default

    def has(self, form: str, name: str) -> bool:
        """Whether a box of this form was ticked."""
        return self.form == form and name in self.values


def fresh_key() -> str:
    """A new idempotency key."""
    return secrets.token_urlsafe(18)


def key_of_form() -> str:
    """The key of the form that was sent."""
    return idempotency.require_key(request.form.get(KEY))


def problem_of(error: OneMapError, form: str, zone: ZoneInfo, changes: Sequence[Mapping[str, Any]] = ()) -> Problem:
    """A refusal as a person is told of it, times by the district's clock."""
    rows = refusals.faults(getattr(error, "rows", None) or (), language())
    title = {
        "conflict": _("没有登记: 情况已经变了"),
        "not-found": _("没有登记: 没有找到"),
        "import-refused": _("没有登记: 有几处要改"),
    }.get(error.code, _("没有登记: 填写有误"))
    said = refusals.sentence(error.detail, language(), zone)
    sentence = _("改好下面列出的各处再提交, 填的内容都还在。") if rows else said
    return Problem(title, sentence, rows, changes, error.status, form)


def wrong(sentence: str) -> InputError:
    """A refusal of what was typed, in the language of the page."""
    return InputError(sentence)


def text(name: str) -> str | None:
    """A field as text without blanks around it; None for an empty one."""
    return _plain(request.form.get(name, "")).strip() or None


def _plain(value: str) -> str:
    """What was typed; a control character is no text, and would look like another one on paper and in a sheet."""
    if has_control(value):
        raise wrong(_("%(value)s: 含有控制字符, 请重新输入。", value=repr(value[:40])))
    return value


def required(name: str, title: str) -> str:
    """A field that may not be empty."""
    found = text(name)
    if found is None:
        raise wrong(_("%(field)s没有填。", field=title))
    return found


def quantity(name: str, title: str, *, lang: Lang) -> str:
    """A field with a quantity above 0, as plain text so that it stays exact."""
    one = Entry(name, Text(title, title), "quantity", required=True, positive=True)
    rows = entries.checked_rows([one], [{name: required(name, title)}], what=title, lang=lang, counted_by=name)
    return str(rows[0][name])


def moment(name: str, district: District) -> str | None:
    """A field with a local time as UTC text; None for an empty one."""
    value = text(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise wrong(_("时间 %(value)s 看不懂, 写成 2026-07-01 08:30。", value=value[:40])) from None
    local = found if found.tzinfo else found.replace(tzinfo=district.timezone)
    return schema.utc_text(local)


def rows_typed(names: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a form, whose fields are called NAME.0, NAME.1, ..."""
    rows = []
    for k in range(entries.MAX_ROWS + 1):
        if f"{names[0]}.{k}" not in request.form:
            break
        rows.append({name: _plain(request.form.get(f"{name}.{k}", "")) for name in names})
    return rows


def quantities(declared: Sequence[Entry], *, what: str, lang: Lang) -> list[dict[str, Any]]:
    """Lots with quantities, from the form or the sheet: empty ones and zeros are passed over, the rest is checked.

    What the sheet only shows is left out.
    """
    numbers = [entry.name for entry in declared if entry.kind == "quantity"]
    asked = [entry.name for entry in declared if entry.required or not entry.given]
    sheet = uploaded()
    if sheet is None:
        typed: Sequence[Mapping[str, Any]] = rows_typed(asked)
        lines: Sequence[int] = range(1, len(typed) + 1)
    else:
        typed, lines = entries.rows_of_sheet(declared, sheet[0], name=sheet[1])
    rows, places = [], []
    for line, row in zip(lines, typed, strict=True):
        given = {name: "" if row.get(name) is None else entries.plain_number(row[name]) for name in numbers}
        if all(_is_nothing(value) for value in given.values()):
            continue
        rows.append({**row, **{name: value or "0" for name, value in given.items()}})
        places.append(line)
    if not rows:
        raise wrong(_("没有填数量。"))
    found = entries.checked_rows(
        declared, rows, what=what, lang=lang, lines=places, counted_by=numbers[0], key=("lot_id",)
    )
    return [{name: row[name] for name in ("row", *asked)} for row in found]


def _is_nothing(value: str) -> bool:
    """Whether a quantity is left empty or is nought, as 0 or as 0.0."""
    return re.fullmatch(r"0*\.?0*", entries.plain_number(value)) is not None


def uploaded(field: str = "sheet") -> tuple[bytes, str] | None:
    """The file that came with the form in a field; None where none was chosen."""
    file = request.files.get(field)
    if file is None or not file.filename:
        return None
    with file.stream:
        content = file.stream.read(entries.MAX_SHEET_BYTES + 1)
    if len(content) > entries.MAX_SHEET_BYTES:
        raise ImportRefused(_("文件超过 %(n)s MB。", n=entries.MAX_SHEET_BYTES // 2**20))
    return content, file.filename[-100:]
