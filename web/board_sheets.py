"""Sheets of supplies: the registers that are kept in a spreadsheet, states of lots, steps of orders; out and in."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from data import orders, templates
from data.importers import ImportReport
from data.kinds import KINDS
from geo.errors import InputError, NotFound
from layers import boards, entries
from layers.actions import registers, stock
from layers.analyses import dispatch
from layers.analyses.registers import register_rows
from layers.entries import Entry
from web import board_forms as forms
from web.auth import actor_of_request
from web.board_forms import Problem, Typed
from web.pages import language

if TYPE_CHECKING:
    from web.board import Pages

_STEPS: dict[str, tuple[tuple[Entry, ...], tuple[str, ...]]] = {
    "issue": (forms.PICKS, ()),
    "receive": (forms.LINES["receive"], ("in_transit",)),
    "use": (forms.LINES["use"], ("at_place",)),
    "send_back": (forms.LINES["send_back"], ("at_place", "in_transit")),
    "return": (forms.LINES["return"], ("coming_back", "at_place", "in_transit")),
}
"""The steps of an order that have a sheet: its columns, and where what it is about may be."""


_FOLLOWS = {"import_run": None, **{KINDS[kind].table: None for kind in registers.SHEETS}}


class Sheets:
    """The routes of the sheets, beside the pages that they belong to."""

    def __init__(self, pages: "Pages", download: Callable[..., Response]) -> None:
        self.pages, self.district, self._download = pages, pages.district, download

    def register(self, route: Callable[..., None], changes: Callable[..., None]) -> None:
        """Add every route with the action that it takes."""
        reads = "supply.read"
        route("/sheets", self.sheets, reads)
        route("/sheets/<kind>.xlsx", self.register_xlsx, reads)
        route("/sheets/<kind>/empty.xlsx", self.empty_xlsx, reads)
        changes("/sheets", self.sheets_post, "register.import")
        route("/depots/<depot_id>/states.xlsx", self.states_xlsx, reads)
        changes("/depots/<depot_id>/states", self.states_post, "stock.change")
        route("/orders/<order_id>/<step>.xlsx", self.step_xlsx, reads)

    # -- registers ----------------------------------------------------------------------------------

    def sheets(
        self, problem: Problem | None = None, typed: Typed | None = None, report: ImportReport | None = None
    ) -> Response:
        """Every register that is kept in a sheet: how much is in it, when it was last brought in, and the form."""
        return self.pages.page(
            "sheets",
            problem.status if problem else 200,
            follows=_FOLLOWS if report is None else {},
            address="/supplies/sheets",
            registers=register_rows(self.district, registers.SHEETS),
            titles={name: _title(name) for name in registers.SHEETS},
            chosen=(typed.values.get("kind") if typed else request.args.get("kind")) or "",
            report=report,
            most_mb=entries.MAX_SHEET_BYTES // 2**20,
            problem=problem,
            typed=typed or Typed(),
        )

    def register_xlsx(self, kind: str) -> Response:
        """What is in a register, to be changed and brought back."""
        name = f"{_title(registers.require_sheet(kind))}-{self.district.now():%Y%m%d-%H%M}.xlsx"
        return self._download(registers.sheet_of(self.district, kind), name)

    def empty_xlsx(self, kind: str) -> Response:
        """The sheet of a register without rows."""
        return self._download(templates.template_xlsx(registers.require_sheet(kind)), f"{_title(kind)}.xlsx")

    def sheets_post(self) -> BaseResponse:
        """Check a sheet, or bring it in."""
        kind = request.form.get("kind", "")

        def uploaded() -> tuple[bytes, str]:
            if kind not in registers.SHEETS:
                raise forms.wrong(_("表: 选一张。"))
            found = forms.uploaded()
            if found is None:
                raise forms.wrong(_("没有选文件。"))
            return found

        if request.form.get("do") == "check":
            typed = Typed(request.form, "sheet")
            try:
                content, name = uploaded()
                report = registers.check_sheet(self.district, kind, content, name=name)
            except forms.REFUSED as error:
                return self.sheets(_in_words(forms.problem_of(error, "sheet", self.district.timezone), kind), typed)
            return self.sheets(typed=typed, report=report)

        def work() -> str:
            key = forms.key_of_form()
            content, name = uploaded()
            registers.import_sheet(self.district, actor_of_request(), kind, content, name=name, key=key)
            return url_for("board.sheets", done="import", kind=kind)

        return self.pages.attempt(work, lambda problem, typed: self.sheets(_in_words(problem, kind), typed), "sheet")

    # -- states of lots -----------------------------------------------------------------------------

    def states_xlsx(self, depot_id: str) -> Response:
        """The lots of a depot with their states, to be changed and brought back."""
        found = dispatch.depot_of(self.district, depot_id)
        lang, title = language(), _("批次状态")
        rows = [
            {**row, "now": boards.STATUSES[row["status"]].to(lang), "status": None, "reason": None}
            for row in dispatch.depot_stock(self.district, depot_id)
        ]
        notes = [
            f"{found['name']} ({depot_id}) · {self.district.now():%Y-%m-%d %H:%M}",
            _("只填要改的批次: 改为、原因; 填好后在仓库页上传。"),
        ]
        content = entries.sheet_of(entries.STATES, rows, district=self.district, title=title, notes=notes, lang=lang)
        return self._download(content, f"{title}-{found['name']}.xlsx")

    def states_post(self, depot_id: str) -> BaseResponse:
        """Change the states of the lots of a sheet."""

        def work() -> str:
            key = forms.key_of_form()
            sheet = forms.uploaded()
            if sheet is None:
                raise forms.wrong(_("没有选文件。"))
            raw, lines = entries.rows_of_sheet(entries.STATES, sheet[0], name=sheet[1])
            here = {row["lot_id"] for row in dispatch.depot_stock(self.district, depot_id)}
            rows = entries.checked_rows(
                entries.STATES,
                raw,
                what=_("批次状态"),
                lang=language(),
                lines=lines,
                counted_by="status",
                checks={"lot_id": lambda lot: None if lot in here else boards.NOT_HERE},
                key=("lot_id",),
            )
            body = {
                "depot_id": depot_id,
                "lines": [
                    {**{n: row[n] for n in ("lot_id", "status", "reason")}, "from_status": row["now"]} for row in rows
                ],
            }
            stock.change_statuses(self.district, actor_of_request(), body, key=key)
            return url_for("board.depot", depot_id=depot_id, done="status")

        return self.pages.attempt(work, lambda problem, typed: self.pages.depot(depot_id, problem, typed), "states")

    # -- steps of orders ----------------------------------------------------------------------------

    def step_xlsx(self, order_id: str, step: str) -> Response:
        """The lots of an order as the sheet of a step, filled as its form is; it comes back through that form."""
        if step not in _STEPS:
            raise NotFound(f"there is no sheet of the step {step!r}; there are: {', '.join(_STEPS)}")
        declared, places = _STEPS[step]
        with self.district.store.reading() as conn:
            order = orders.order_of(conn, order_id)
            picks = dispatch.issue_rows(conn, order, now=self.district.now()) if order["state"] == "ordered" else []
        rows = _picked(picks) if step == "issue" else _held(order["lines"], step, places)
        if not rows:
            raise InputError(_("这张单现在没有可以登记的物资。"))
        title = boards.ACTS["take_back" if step == "return" else step].to(language())
        notes = [
            f"{order['number']} · {order['depot_name']} → {order['place']} · {self.district.now():%Y-%m-%d %H:%M}",
            _("数量按计量单位; 空着就是 0; 填好后在调拨单页的同一步上传。"),
        ]
        content = entries.sheet_of(declared, rows, district=self.district, title=title, notes=notes, lang=language())
        return self._download(content, f"{order['number']}-{title}.xlsx")


_SHOWN = ("lot_id", "item_name", "lot", "unit", "expires_on")


def _picked(picks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**{name: row[name] for name in _SHOWN}, "quantity": row["proposed"] or None}
        for row in picks
        if not row["problem"]
    ]


def _held(lines: list[dict[str, Any]], step: str, places: tuple[str, ...]) -> list[dict[str, Any]]:
    """The lots of which something is there; what is proposed is what the form of the step proposes."""
    rows = []
    for line in lines:
        there = sum(line[place] for place in places)
        if there:
            proposed = {"receive": {"received": there}, "use": {"quantity": there}}.get(step, {})
            rows.append({**{name: line.get(name) for name in _SHOWN}, **proposed})
    return rows


def _title(kind: str) -> str:
    found = KINDS[kind]
    return found.zh if language() == "zh" else found.en


def _in_words(problem: Problem, kind: str) -> Problem:
    """Columns by the names that stand in the sheet."""
    if kind not in KINDS:
        return problem
    titles = {column.name: column.zh for column in KINDS[kind].columns}

    def titled(name: Any) -> Any:
        return ", ".join(titles.get(part, part) for part in str(name).split(", ")) if name else name

    rows: list[Mapping[str, Any]] = [{**row, "column": titled(row["column"])} for row in problem.rows]
    return Problem(problem.title, problem.sentence, rows, problem.changes, problem.status, problem.form)
