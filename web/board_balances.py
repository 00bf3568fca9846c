"""The ledger's two clocks as a page: what lay where at a moment, by what was recorded until another."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response, request
from flask_babel import gettext as _

from geo.errors import InputError
from layers import boards
from layers.analyses.stock import item_titles
from web import board_forms as forms
from web import parameters
from web.board_forms import Problem

if TYPE_CHECKING:
    from web.board import Pages

_CLOCKS = ("true_at", "known_at")


class Balances:
    """The routes of the page and of its spreadsheet."""

    def __init__(self, pages: "Pages") -> None:
        self.pages, self.district = pages, pages.district

    def register(self, route: Callable[..., None]) -> None:
        """Add both routes with the action that they take."""
        route("/balances", self.balances, "supply.read")
        route("/balances.xlsx", self.balances_xlsx, "supply.read")

    def balances(self) -> Response:
        """Every lot by account; a wrong moment or code leaves what was typed."""
        view = self.district.view()
        problem: Problem | None = None
        rows: list[Any] = []
        moments: dict[str, datetime | None] = dict.fromkeys(_CLOCKS)
        asked = any(request.args.get(name, "").strip() for name in (*_CLOCKS, "item", "depot"))
        try:
            query = self._query()
            moments = {name: query[name] for name in _CLOCKS}
            rows = list(boards.BALANCES.read(self.district, **query)) if asked else []
        except forms.REFUSED as error:
            problem = forms.problem_of(error, "balances", self.district.timezone)
            problem = Problem(_("没有查到: 条件有误"), problem.sentence, status=error.status)
        return self.pages.page(
            "balances",
            problem.status if problem else 200,
            # A moment that is over stays as it was, save for what is told late.
            follows=dict.fromkeys(boards.BALANCES.tables) if asked else {},
            listing=boards.BALANCES,
            rows=rows,
            asked=asked,
            moments=moments,
            query=request.query_string.decode("ascii", "ignore"),
            values={name: request.args.get(name, "").strip() for name in (*_CLOCKS, "item", "depot")},
            items=item_titles(view),
            depots=view.frame("depot")[["id", "name"]].itertuples(index=False, name=None),
            problem=problem,
        )

    def balances_xlsx(self) -> Response:
        """The same rows as a spreadsheet."""
        return self.pages.xlsx(boards.BALANCES, boards.BALANCES.read(self.district, **self._query()))

    def _query(self) -> dict[str, Any]:
        found: dict[str, Any] = {name: request.args.get(name, "").strip() or None for name in ("item", "depot")}
        for name, title in zip(_CLOCKS, (_("已发生到"), _("已登记到")), strict=True):
            value = request.args.get(name, "").strip()
            try:
                found[name] = parameters.moment(name, value, self.district) if value else None
            except InputError:
                raise InputError(
                    _("%(field)s: 时间 %(value)s 看不懂, 写成 2026-07-01 08:30。", field=title, value=value[:40])
                ) from None
        return found
