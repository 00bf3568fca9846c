"""The boards of supplies: plain pages that work without a script, and the forms by which orders and stock move."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from data import orders
from data.kinds import LOT_STATUSES
from data.recalls import STATES as RECALL_STATES
from data.schema import CAUSES
from geo.errors import ImportRefused, InputError, NotFound
from geo.supply import thousandths
from layers import analyses, boards, changes, entries, listing, waybill
from layers.actions import stock, supplies
from layers.actions.places import depot_street
from layers.analyses import dispatch
from layers.analyses.stock import item_titles
from layers.boards import BOARD, HANDOVER, LISTINGS
from layers.district import District
from layers.layer import choice_texts
from layers.listing import Listing
from layers.permissions import may
from web import board_forms as forms
from web import charts, map_link, texts
from web.auth import actor_of_request, needs
from web.board_balances import Balances
from web.board_forms import Problem, Typed
from web.board_sheets import Sheets
from web.pages import language, live_config, sheet_fonts

SHOWN = 12
"""Rows of a list on the board; the rest is behind its link and in the spreadsheet."""

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Follows = Mapping[str, Sequence[str] | None]
"""Table -> ids of the rows of which a change may change a page, or None for all of them."""


def blueprint(district: District) -> Blueprint:
    """The pages under /supplies over one district."""
    pages = Blueprint("board", __name__, url_prefix="/supplies")
    note_revision(pages, district)
    Pages(district).register(pages)
    return pages


def note_revision(pages: Blueprint, district: District) -> None:
    """Note the revision before anything is read: what is committed meanwhile is told to the page afterwards."""

    @pages.before_request
    def note() -> None:
        g.revision = district.store.revision()


def download(content: bytes, name: str, media_type: str = _XLSX, *, inline: bool = False) -> Response:
    """Bytes as a file of that name."""
    response = Response(content, mimetype=media_type)
    how = "inline" if inline else "attachment"
    response.headers["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(name)}"
    response.headers["Cache-Control"] = "no-store"
    return response


class Pages:
    """The pages over one district."""

    def __init__(self, district: District) -> None:
        self.district = district

    # -- drawing ------------------------------------------------------------------------------------

    def page(
        self, template: str, status: int = 200, *, follows: Follows | None = None, address: str = "", **values: Any
    ) -> Response:
        """A page; nobody keeps it.

        It is drawn anew after a change in what it `follows` (None: after every change), from the `address` of the
        page where it is the answer to a form.
        """
        lang, district = language(), self.district
        actor = actor_of_request()

        def can(action: str, depot_id: str | None = None) -> bool:
            street = None if depot_id is None else depot_street(district, depot_id)
            return may(actor, action, depot_id=depot_id, street=street)

        words = {
            name: {code: found.to(lang) for code, found in table.items()}
            for name, table in (
                ("states", boards.STATES),
                ("statuses", boards.STATUSES),
                ("acts", boards.ACTS),
                ("moves", boards.MOVES),
                ("accounts", boards.ACCOUNT_TEXTS),
                ("levels", boards.LEVELS),
                ("next", boards.NEXT),
                ("modes", boards.MODES),
            )
        }
        words["causes"] = boards.cause_texts(lang)
        text = render_template(
            f"board/{template}.html",
            actor=actor,
            can=can,
            now=district.now(),
            words=words,
            moment=lambda value, **how: listing.moment_text(value, district.timezone, **how),
            number=listing.number_text,
            span=lambda minutes: listing.minutes_text(minutes, lang),
            cell=lambda column, row: listing.cell_text(column, row, lang=lang, zone=district.timezone),
            link=listing.link_of,
            fresh_key=forms.fresh_key,
            row_key=_row_key,
            config={
                **live_config(district, lang, revision=g.revision),
                "texts": texts.for_boards(),
                "page": {
                    "address": request.full_path if request.method == "GET" else address,
                    "follows": None if follows is None else _told(follows),
                },
            },
            done=request.args.get("done", ""),
            **{"typed": Typed(), "problem": None, **values},
        )
        response = Response(text, status=status, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        return response

    def xlsx(self, shown: Listing, rows: Sequence[Mapping[str, Any]], name: str = "") -> Response:
        """A list as a spreadsheet."""
        lang, now = language(), self.district.now()
        content = listing.xlsx(shown, rows, district=self.district, lang=lang, made=now)
        return download(content, f"{name or shown.title.to(lang)}-{now:%Y%m%d-%H%M}.xlsx")

    def attempt(
        self,
        work: Callable[[], str],
        again: Callable[[Problem, Typed], Response],
        form: str,
        order_id: str | None = None,
    ) -> BaseResponse:
        """Do what a form asks and go to the page that `work` names; else the page again with what was typed."""
        try:
            target = work()
        except forms.REFUSED as error:
            problem = forms.problem_of(error, form, self.district.timezone, self._changes(order_id))
            return again(problem, Typed(request.form, form))
        return redirect(target, 303)

    def _changes(self, order_id: str | None) -> list[dict[str, Any]]:
        """What happened to an order since the form was drawn."""
        seen = request.form.get(forms.SEEN, "")
        if order_id is None or not seen.isdigit():
            return []
        with self.district.store.reading() as conn:
            events: list[dict[str, Any]] = orders.order_of(conn, order_id)["events"]
        return events[int(seen) :]

    # -- routes -------------------------------------------------------------------------------------

    def register(self, pages: Blueprint) -> None:
        """Add every route with the action that it takes."""
        reads = "supply.read"

        def route(rule: str, view: Callable[..., Any], action: str, name: str = "", method: str = "GET") -> None:
            endpoint = name or view.__name__
            declared = view_of_its_own(view, endpoint)
            pages.add_url_rule(rule, endpoint, needs(action)(declared), methods=[method])

        def changes(rule: str, view: Callable[..., Any], action: str, name: str = "") -> None:
            route(rule, view, action, name, "POST")

        route("", self.board, reads)
        route("/lists/<name>", self.list_page, reads)
        route("/lists/<name>.xlsx", self.list_xlsx, reads)
        route("/handover", self.handover, reads)
        route("/kpis", self.kpis, reads)
        route("/kpis.xlsx", self.kpis_xlsx, reads)
        route("/needs", self.needs, reads)
        route("/needs.xlsx", self.needs_xlsx, reads)
        changes("/needs", self.needs_post, "supply.reserve")
        changes("/needs/map", self.needs_map, "supply.reserve")
        route("/requests/<request_id>", self.request_page, reads)
        route("/requests/<request_id>/upward.pdf", self.upward_pdf, reads)
        changes("/requests/<request_id>/renew", self.renew, "supply.reserve")
        changes("/requests/<request_id>/again", self.again, "supply.reserve")
        changes("/requests/<request_id>/order", self.place, "supply.order")
        changes("/requests/<request_id>/papers", self.papers, "supply.papers")
        route("/orders/<order_id>", self.order_page, reads)
        route("/orders/<order_id>/trace.xlsx", self.order_trace_xlsx, reads)
        for step in supplies.STEPS:
            changes(f"/orders/<order_id>/{step.name}", self._step(step.name), step.action, f"step_{step.name}")
        changes("/orders/<order_id>/reverse", self.reverse_of_order, "supply.reverse")
        route("/lots", self.lots, reads)
        changes("/lots/reverse", self.reverse_of_stock, "stock.reverse")
        route("/lots.xlsx", self.lot_xlsx, reads)
        route("/depots", self.depots, reads)
        route("/depots/<depot_id>", self.depot, reads)
        route("/depots/<depot_id>/stock.xlsx", self.depot_xlsx, reads)
        route("/depots/<depot_id>/count", self.count_page, reads)
        route("/depots/<depot_id>/count.xlsx", self.count_xlsx, reads)
        route("/depots/<depot_id>/count.pdf", self.count_pdf, reads)
        changes("/depots/<depot_id>/count", self.count_post, "stock.count")
        route("/depots/<depot_id>/in", self.in_page, reads)
        route("/depots/<depot_id>/in.xlsx", self.in_xlsx, reads)
        changes("/depots/<depot_id>/in", self.in_post, "stock.receive")
        changes("/depots/<depot_id>/status", self.status_post, "stock.change")
        changes("/depots/<depot_id>/recall", self.recall_post, "stock.recall")
        changes("/depots/<depot_id>/aside", self.aside_post, "stock.change")
        Balances(self).register(route)
        Sheets(self, download).register(route, changes)

    # -- the board ----------------------------------------------------------------------------------

    def board(self) -> Response:
        """Everything that waits for somebody, on one page."""
        district = self.district
        rows = {name: boards.rows_of(district, name) for name in BOARD if name != "reservations"}
        rows["reservations"] = list(dispatch.reservations(district, rows["orders"]))
        item = request.args.get("item", "").strip()
        items = [(i, name) for i, (name, _unit) in item_titles(district.view()).items()]
        chosen = next((i for i, name in items if item in (i, name)), None)
        if chosen is None and rows["low"] and not item:
            chosen = str(rows["low"][0]["item_id"])
        curve = None if chosen is None else analyses.availability_curve(district, chosen)
        return self.page(
            "board",
            follows={**_rows_of(*(LISTINGS[name] for name in BOARD)), "agreement": None},
            lists=[(LISTINGS[name], rows[name]) for name in BOARD],
            counts=_counts(rows),
            shown=SHOWN,
            item=item,
            items=items,
            curve=curve,
            chart=curve
            and charts.availability(curve, {code: text.to(language()) for code, text in boards.MODES.items()}),
        )

    def list_page(self, name: str) -> Response:
        """One list, whole."""
        found = self._listing(name)
        rows = boards.rows_of(self.district, name, **self._query(name))
        query = request.query_string.decode("ascii", "ignore")
        return self.page("list", follows=_rows_of(found), listing=found, rows=rows, query=query)

    def list_xlsx(self, name: str) -> Response:
        """One list as a spreadsheet."""
        found = self._listing(name)
        return self.xlsx(found, boards.rows_of(self.district, name, **self._query(name)))

    def _listing(self, name: str) -> Listing:
        if name not in LISTINGS:
            raise NotFound(f"there is no list {name!r}; there are: {', '.join(LISTINGS)}")
        return LISTINGS[name]

    def _query(self, name: str) -> dict[str, Any]:
        """What a list is asked for: the item or depot of stock, the shift of a hand-over."""
        if name in HANDOVER:
            return {"since": self._since()}
        return {part: request.args[part] for part in ("item", "depot") if request.args.get(part)}

    def _since(self) -> datetime:
        """From when on changes are told; without a time since 22:00."""
        value = request.args.get("since", "").strip()
        now = self.district.now()
        if not value:
            return dispatch.shift_begin(now)
        try:
            found = datetime.fromisoformat(value.replace(" ", "T"))
        except ValueError:
            raise InputError(_("时间 %(value)s 看不懂, 写成 2026-07-01 08:30。", value=value[:40])) from None
        local = found if found.tzinfo else found.replace(tzinfo=self.district.timezone)
        if not now - dispatch.LONGEST_SHIFT <= local <= now:
            raise InputError(_("交接时间要在最近 31 天内, 不能晚于现在。"))
        return local

    def handover(self) -> Response:
        """What changed since a moment: the sheet that one shift hands to the next."""
        since = self._since()
        found = dispatch.handover(self.district, since)
        return self.page(
            "handover",
            follows=_rows_of(*(LISTINGS[name] for name in (*HANDOVER, "orders", "papers"))),
            since=since,
            lists=[(LISTINGS[name], found[name]) for name in HANDOVER],
            open_lists=[(LISTINGS[name], boards.rows_of(self.district, name)) for name in ("orders", "papers")],
        )

    def kpis(self) -> Response:
        """How well supplies are found, moved and used, from the ledger."""
        rows = boards.KPIS.read(self.district, lang=language())
        return self.page("kpis", follows=_rows_of(boards.KPIS), rows=rows, results=boards.KPI_RESULTS)

    def kpis_xlsx(self) -> Response:
        """The indicators with numerator and denominator as a spreadsheet."""
        return self.xlsx(boards.KPIS, boards.KPIS.read(self.district, lang=language()))

    # -- needs --------------------------------------------------------------------------------------

    def _people(self, source: Mapping[str, str]) -> dict[str, int] | None:
        """How many persons for how many days; None where nothing was typed."""
        if not any(source.get(name, "").strip() for name in ("affected", "evacuated")):
            return None
        found = {}
        for name, title, most in (
            ("affected", _("受灾人数"), 10_000_000),
            ("evacuated", _("转移人数"), 10_000_000),
            ("days", _("天数"), 365),
        ):
            value = entries.plain_number(source.get(name, "") or ("3" if name == "days" else "0"))
            if not value.isdigit() or int(value) > most:
                raise InputError(_("%(field)s: 写 0 到 %(most)s 的整数。", field=title, most=f"{most:,}"))
            found[name] = int(value)
        return found

    def _draft(self, people: Mapping[str, int]) -> dict[str, Any]:
        return analyses.needs_draft(
            self.district, affected=people["affected"], evacuated=people["evacuated"], days=people["days"]
        )

    def needs(self, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """Persons affected and persons evacuated, by the standards: what to ask for."""
        source = typed.values if typed else request.args
        draft = None
        people = None
        try:
            people = self._people(source)
            if people is not None:
                draft = self._draft(people)
        except forms.REFUSED as error:
            problem = problem or forms.problem_of(error, "people", self.district.timezone)
        return self.page(
            "needs",
            problem.status if problem else 200,
            follows=_rows_of(boards.NEEDS),
            address=f"{url_for('board.needs')}?{urlencode(people or {})}",
            people=people,
            given={name: source.get(name, "") for name in ("affected", "evacuated", "days")},
            draft=draft,
            places=_places(self.district),
            depots=dispatch.depots(self.district),
            problem=problem,
            typed=typed or Typed(),
        )

    def needs_xlsx(self) -> Response:
        """The needs as a spreadsheet; its columns of code and quantity are read back in a request."""
        people = self._people(request.args)
        lang = language()
        rows = [] if people is None else self._draft(people)["rows"]
        if request.args.get("form"):
            filled = [
                {"item_id": row["item_id"], "quantity": row["draft"], "specification": row["name"]}
                for row in rows
                if row["draft"]
            ]
            title = _("需求清单")
            note = _("填好后在“需求测算”页上传; 数量按目录的计量单位。")
            content = entries.sheet_of(
                entries.NEEDS, filled, district=self.district, title=title, notes=[note], lang=lang
            )
            return download(content, f"{title}.xlsx")
        return self.xlsx(boards.NEEDS, rows)

    def _needed(self) -> list[dict[str, Any]]:
        """What the form of the needs page, or the sheet that came with it, asks for."""
        known = item_titles(self.district.view())
        sheet = forms.uploaded()
        if sheet is not None:
            raw, lines = entries.rows_of_sheet(entries.NEEDS, sheet[0], name=sheet[1])
        else:
            raw, lines = forms.rows_typed(["item_id", "quantity", "specification"]), None
            raw = [row for row in raw if entries.plain_number(row["quantity"]) not in ("", "0")]
        return entries.checked_rows(
            entries.NEEDS,
            raw,
            what=_("需求清单"),
            lang=language(),
            lines=lines,
            counted_by="quantity",
            checks={"item_id": lambda code: None if code in known else boards.UNKNOWN_ITEM},
            key=("item_id",),
        )

    def needs_post(self) -> BaseResponse:
        """Make a request of the drafted lines: what the depots can give is reserved, the rest outstanding.

        By telephone it is ordered at once.
        """
        district, by_telephone = self.district, "telephone" in request.form

        def work() -> str:
            key, rows = forms.key_of_form(), self._needed()
            place = forms.required("place", _("送达地点"))
            body = {
                "to": _lonlat(district, place, forms.text("to")),
                "unit": forms.required("unit", _("接收单位")),
                "place": place,
                "contact": forms.required("contact", _("联系人")),
                "phone": forms.text("phone"),
                "incident": forms.text("incident"),
                "deadline": forms.moment("deadline", district),
                "to_depot_id": forms.text("to_depot_id"),
                "needs": [{name: row[name] for name in ("item_id", "quantity", "specification")} for row in rows],
            }
            made = supplies.request_planned(district, actor_of_request(), body, key=key, by_telephone=by_telephone)
            done = "place" if by_telephone else "reserve"
            return url_for("board.request_page", request_id=made["id"], done=done)

        return self.attempt(work, self.needs, "request")

    def needs_map(self) -> BaseResponse:
        """What is filled in, on the map: the panel of supplies with place, items and quantities."""
        district = self.district

        def work() -> str:
            rows, place, deadline = self._needed(), forms.text("place"), forms.moment("deadline", district)
            given = forms.text("to")
            left = None if deadline is None else datetime.fromisoformat(deadline) - district.now()
            return map_link.address(
                to=None if place is None and given is None else _lonlat(district, place or "", given),
                place=place,
                needs={row["item_id"]: row["quantity"] for row in rows},
                within=None if left is None or left <= timedelta(0) else math.ceil(left / timedelta(minutes=1)),
                to_depot=forms.text("to_depot_id"),
            )

        return self.attempt(work, self.needs, "request")

    # -- requests -----------------------------------------------------------------------------------

    def request_page(self, request_id: str, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """One request: needs, orders, what is outstanding, the request upward, the papers."""
        district = self.district
        with district.store.reading() as conn:
            found = orders.request_of(conn, request_id)
            upward = waybill.upward_draft(conn, request_id)
        now = district.now()
        rows = [dispatch.order_row(order, now) for order in found["orders"]]
        due = found["papers_due_utc"]
        return self.page(
            "request",
            problem.status if problem else 200,
            # A new order has an id that nobody knows yet.
            follows={**_rows_of(LISTINGS["orders"]), "supply_request": [request_id]},
            address=url_for("board.request_page", request_id=request_id),
            request_row=found,
            order_rows=rows,
            orders_listing=LISTINGS["orders"],
            reserved=[row for row in rows if row["state"] == "reserved"],
            upward=upward,
            upward_text=waybill.upward_text(upward, district, language()),
            papers_left=None if due is None else (datetime.fromisoformat(due) - now) / timedelta(minutes=1),
            problem=problem,
            typed=typed or Typed(),
        )

    def upward_pdf(self, request_id: str) -> Response:
        """The request to the next level, to sign and to send."""
        content = waybill.upward_request(self.district, request_id, fonts=sheet_fonts(), lang=language())
        title = _("上级请求")
        return download(content, f"{request_id}-{title}.pdf", "application/pdf", inline=True)

    def _on_request(self, request_id: str, name: str, work: Callable[[str], Any]) -> BaseResponse:
        def change() -> str:
            work(forms.key_of_form())
            return url_for("board.request_page", request_id=request_id, done=name)

        return self.attempt(change, lambda problem, typed: self.request_page(request_id, problem, typed), name)

    def renew(self, request_id: str) -> BaseResponse:
        """Hold the reservation for another 30 minutes."""
        return self._on_request(
            request_id, "renew", lambda key: supplies.renew(self.district, actor_of_request(), request_id, key=key)
        )

    def place(self, request_id: str) -> BaseResponse:
        """Order what is reserved."""
        return self._on_request(
            request_id, "place", lambda key: supplies.place(self.district, actor_of_request(), request_id, key=key)
        )

    def again(self, request_id: str) -> BaseResponse:
        """Plan what is outstanding anew and reserve it."""
        return self._on_request(
            request_id,
            "reserve",
            lambda key: supplies.reserve_outstanding(self.district, actor_of_request(), request_id, key=key),
        )

    def papers(self, request_id: str) -> BaseResponse:
        """Note the papers of an order by telephone."""

        def work(key: str) -> None:
            body = {"papers": forms.required("papers", _("文号或手续"))}
            supplies.complete_papers(self.district, actor_of_request(), request_id, body, key=key)

        return self._on_request(request_id, "papers", work)

    # -- orders -------------------------------------------------------------------------------------

    def order_page(self, order_id: str, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """One order: where every piece is, what happened, and the forms for what comes next."""
        district, actor = self.district, actor_of_request()
        with district.store.reading() as conn:
            order = orders.order_of(conn, order_id)
            trace = orders.trace_order(conn, order_id)
            picks = dispatch.issue_rows(conn, order, now=district.now()) if order["state"] == "ordered" else []
        steps = supplies.next_steps(district, actor, order)
        pieces = dispatch.order_pieces(order, trace)
        unfit = dispatch.unfit_pieces(district, pieces)
        return self.page(
            "order",
            problem.status if problem else 200,
            follows={
                "supply_order": [order_id],
                "supply_request": [order["request_id"]],
                "depot": None,
                "item": None,
                "lot": None if "issue" in steps else [piece["lot_id"] for piece in pieces],
            },
            address=url_for("board.order_page", order_id=order_id),
            order=order,
            row=dispatch.order_row(order, district.now()),
            pieces=pieces,
            unfit=unfit,
            names={piece["lot_id"]: f"{piece['item_name']} {piece['lot']}" for piece in pieces},
            trace=trace,
            picks=picks,
            steps=steps,
            vehicles=dispatch.vehicles(district) if {"issue", "depart"} & set(steps) else [],
            back_depots=[
                depot
                for depot in dispatch.depots(district)
                if may(actor, "supply.settle", depot_id=depot["id"], street=depot_street(district, depot["id"]))
            ]
            if "return" in steps
            else [],
            problem=problem,
            typed=typed or Typed(),
        )

    def order_trace_xlsx(self, order_id: str) -> Response:
        """Everything that happened to an order as a spreadsheet."""
        with self.district.store.reading() as conn:
            trace = orders.trace_order(conn, order_id)
        return self.xlsx(boards.TRACE, boards.trace_rows(trace, language()), order_id)

    def _step(self, name: str) -> Callable[..., BaseResponse]:
        """The view that takes one step of an order."""

        def view(order_id: str) -> BaseResponse:
            scanned = forms.text("scan")
            if name == "issue" and request.form.get("do") == "scan":
                return self._scanned(order_id, scanned)

            def work() -> str:
                key = forms.key_of_form()
                body = self._step_body(name)
                function = _STEP_FUNCTIONS[name]
                function(self.district, actor_of_request(), order_id, body, key=key)
                return url_for("board.order_page", order_id=order_id, done=name)

            return self.attempt(work, lambda problem, typed: self.order_page(order_id, problem, typed), name, order_id)

        return view

    def _step_body(self, name: str) -> dict[str, Any]:
        """What a form of an order says, as the action takes it."""
        lang = language()
        if name == "cancel":
            return {"reason": forms.required("reason", _("原因"))}
        if name == "settle":
            return {"reason": forms.text("reason")}
        body: dict[str, Any] = {"occurred": forms.moment("occurred", self.district)}
        if name in ("lost", "found"):
            return {**body, "reason": forms.required("reason", _("原因"))}
        carrier = {part: forms.text(part) for part in ("vehicle_id", "driver", "phone")}
        if name == "depart":
            return {**body, **carrier}
        if name == "issue":
            rows = forms.quantities(forms.PICKS, what=_("出库"), lang=lang)
            return {
                **body,
                "picks": [{n: row[n] for n in ("lot_id", "quantity", "reason")} for row in rows],
                **carrier,
                "reason": forms.text("reason"),
            }
        declared = forms.LINES[name]
        rows = forms.quantities(
            declared, what=boards.ACTS["take_back" if name == "return" else name].to(lang), lang=lang
        )
        body["lines"] = [{key: value for key, value in row.items() if key != "row"} for row in rows]
        if name == "return":
            body |= {"to_depot_id": forms.text("to_depot_id"), "hold": "hold" in request.form}
        return body

    def reverse_of_order(self, order_id: str) -> BaseResponse:
        """Undo what was booked of an order by mistake."""

        def work() -> str:
            body = _reversal()
            supplies.reverse(self.district, actor_of_request(), order_id, body, key=forms.key_of_form())
            return url_for("board.order_page", order_id=order_id, done="reverse")

        return self.attempt(
            work, lambda problem, typed: self.order_page(order_id, problem, typed), _reversal_form(), order_id
        )

    def _scanned(self, order_id: str, code: str | None) -> Response:
        """The form of an issue again with the scanned lot ticked; a lot that is not of this order is said so."""
        with self.district.store.reading() as conn:
            order = orders.order_of(conn, order_id)
            rows = dispatch.issue_rows(conn, order, now=self.district.now()) if order["state"] == "ordered" else []
        typed = Typed(request.form.copy(), "issue")
        typed.values["scan"] = ""
        fits = [k for k, row in enumerate(rows) if code and code in (row["lot_id"], row["lot"])]
        if not fits:
            sentence = _("批号 %(code)s 不在可出库的批次里, 不要装车。", code=code or "")
            return self.order_page(order_id, Problem(_("不是这张单的货"), sentence, form="issue"), typed)
        for k in fits:
            typed.values[f"checked.{k}"] = "1"
        return self.order_page(order_id, None, typed)

    # -- lots and depots ------------------------------------------------------------------------------

    def lots(self, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """The whole life of a lot; a part of its number finds it."""
        wanted = (typed.values.get("lot", "") if typed else request.args.get("lot", "")).strip()
        found: list[dict[str, Any]] = []
        life = None
        if wanted:
            try:
                life = dispatch.lot_life(self.district, wanted)
            except NotFound:
                found = dispatch.lots_like(self.district, wanted[:200])
                life = dispatch.lot_life(self.district, found[0]["lot_id"]) if len(found) == 1 else None
        follows: Follows = {}
        if life is not None:
            # What is used at a place leaves the row of the lot as it is; what may be undone hangs on the order's state.
            follows = {"lot": [life["lot"]["id"]]} | dict.fromkeys(("movement", "supply_order", "depot", "item"))
        elif wanted:
            follows = _rows_of(boards.FOUND_LOTS)
        return self.page(
            "lot",
            problem.status if problem else 200,
            follows=follows,
            address=url_for("board.lots", lot=wanted),
            life=life,
            wanted=wanted,
            found=found,
            listing=boards.FOUND_LOTS,
            problem=problem,
            typed=typed or Typed(),
        )

    def reverse_of_stock(self) -> BaseResponse:
        """Undo what was booked of the stock by mistake."""

        def work() -> str:
            stock.reverse(self.district, actor_of_request(), _reversal(), key=forms.key_of_form())
            return url_for("board.lots", lot=forms.text("lot"), done="reverse")

        return self.attempt(work, self.lots, _reversal_form())

    def lot_xlsx(self) -> Response:
        """The life of a lot as a spreadsheet."""
        life = dispatch.lot_life(self.district, request.args.get("lot", ""))
        return self.xlsx(
            boards.TRACE, boards.trace_rows(life["trace"], language()), life["lot"]["id"].replace("/", "_")
        )

    def depots(self) -> Response:
        """The depots."""
        rows = dispatch.depots(self.district)
        return self.page(
            "list", follows=_rows_of(boards.DEPOTS), listing=boards.DEPOTS, rows=rows, query="", own_name="depots"
        )

    def depot(self, depot_id: str, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """What lies in a depot, and the forms that change its state."""
        found = dispatch.depot_of(self.district, depot_id)
        all_lots = dispatch.depot_stock(self.district, depot_id, empty=True)
        rows = [row for row in all_lots if row["on_hand"]]
        lot = (typed.values.get("lot_id") if typed else request.args.get("lot")) or ""
        return self.page(
            "depot",
            problem.status if problem else 200,
            follows=_rows_of(boards.STOCK, boards.RECALLS, LISTINGS["orders"]),
            address=url_for("board.depot", depot_id=depot_id),
            depot=found,
            listing=boards.STOCK,
            rows=rows,
            chosen=next((row for row in rows if row["lot_id"] == lot), None),
            lot_statuses=list(choice_texts(LOT_STATUSES, language()).items()),
            causes=boards.cause_texts(language()),
            coming=[row for row in dispatch.open_orders(self.district) if row["depot_id"] == depot_id],
            orders_listing=LISTINGS["orders"],
            recalls_listing=boards.RECALLS,
            recalled=dispatch.recalled_goods(self.district, depot_id),
            all_lots=all_lots,
            recall_states=[(code, boards.STATUSES[code].to(language())) for code in RECALL_STATES],
            problem=problem,
            typed=typed or Typed(),
        )

    def depot_xlsx(self, depot_id: str) -> Response:
        """The stock of a depot as a spreadsheet."""
        found, title = dispatch.depot_of(self.district, depot_id), _("库存")
        return self.xlsx(boards.STOCK, dispatch.depot_stock(self.district, depot_id), f"{found['name']}-{title}")

    def _at_depot(self, depot_id: str, name: str, work: Callable[[str], Any], page: str = "depot") -> BaseResponse:
        def change() -> str:
            work(forms.key_of_form())
            return url_for("board.depot", depot_id=depot_id, done=name)

        again = {"depot": self.depot, "count": self.count_page, "in": self.in_page}[page]
        return self.attempt(change, lambda problem, typed: again(depot_id, problem, typed), name)

    def status_post(self, depot_id: str) -> BaseResponse:
        """Give a lot another state."""

        def work(key: str) -> None:
            body = {
                "depot_id": depot_id,
                "lot_id": forms.required("lot_id", _("批次")),
                "status": forms.required("status", _("状态")),
                "reason": forms.required("reason", _("原因")),
            }
            stock.change_status(self.district, actor_of_request(), body, key=key)

        return self._at_depot(depot_id, "status", work)

    def recall_post(self, depot_id: str) -> BaseResponse:
        """Recall or quarantine the same goods in every depot."""

        def work(key: str) -> None:
            body = {
                "lot_id": forms.required("lot_id", _("批次")),
                "status": forms.required("status", _("状态")),
                "reason": forms.required("reason", _("原因")),
            }
            stock.recall(self.district, actor_of_request(), body, key=key)

        return self._at_depot(depot_id, "recall", work)

    def aside_post(self, depot_id: str) -> BaseResponse:
        """Hold a quantity, set it free, or write it off."""

        def work(key: str) -> None:
            what = forms.required("what", _("做什么"))
            if what not in ("hold", "unhold", "write_off", "write_off_held"):
                raise forms.wrong(_("做什么: 选一项。"))
            quantity = forms.quantity("quantity", _("数量"), lang=language())
            body = {
                "depot_id": depot_id,
                "lot_id": forms.required("lot_id", _("批次")),
                "what": "write_off" if what == "write_off_held" else what,
                "held": what == "write_off_held",
                "quantity": quantity,
                "cause": request.form.get("cause") if request.form.get("cause") in CAUSES else None,
                "reason": forms.required("reason", _("原因")),
            }
            stock.set_aside(self.district, actor_of_request(), body, key=key)

        return self._at_depot(depot_id, "aside", work)

    # -- counting -------------------------------------------------------------------------------------

    def count_page(self, depot_id: str, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """The count sheet to fill in; what should be there is not shown."""
        return self.page(
            "count",
            problem.status if problem else 200,
            follows={**_rows_of(boards.STOCK), "depot": [depot_id]},
            address=url_for("board.count_page", depot_id=depot_id),
            depot=dispatch.depot_of(self.district, depot_id),
            rows=dispatch.depot_stock(self.district, depot_id),
            problem=problem,
            typed=typed or Typed(),
        )

    def count_xlsx(self, depot_id: str) -> Response:
        """The count sheet as a spreadsheet that is read back."""
        found = dispatch.depot_of(self.district, depot_id)
        title = _("盘点表")
        notes = [
            f"{found['name']} ({depot_id}) · {self.district.now():%Y-%m-%d %H:%M}",
            _("没有点的批次留空; 数量按计量单位; 填好后在盘点页上传。"),
        ]
        content = entries.sheet_of(
            entries.COUNT,
            dispatch.depot_stock(self.district, depot_id),
            district=self.district,
            title=title,
            notes=notes,
            lang=language(),
        )
        return download(content, f"{title}-{found['name']}.xlsx")

    def count_pdf(self, depot_id: str) -> Response:
        """The count sheet on paper."""
        content = waybill.count_sheet(self.district, depot_id, fonts=sheet_fonts(), lang=language())
        title = _("盘点表")
        return download(content, f"{title}-{depot_id}.pdf", "application/pdf", inline=True)

    def count_post(self, depot_id: str) -> BaseResponse:
        """Book a count, from the form or from the sheet."""
        lang = language()

        def work(key: str) -> None:
            sheet = forms.uploaded()
            if sheet is not None:
                raw, lines = entries.rows_of_sheet(entries.COUNT, sheet[0], name=sheet[1])
            else:
                raw, lines = forms.rows_typed(["lot_id", "counted", "reason"]), None
            here = {row["lot_id"] for row in dispatch.depot_stock(self.district, depot_id, empty=True)}
            rows = entries.checked_rows(
                entries.COUNT,
                raw,
                what=_("盘点表"),
                lang=lang,
                lines=lines,
                counted_by="counted",
                checks={"lot_id": lambda lot: None if lot in here else boards.NOT_HERE},
                key=("lot_id",),
            )
            occurred = forms.moment("occurred", self.district)
            counted = {row["lot_id"]: thousandths(row["counted"]) for row in rows}
            differing = dispatch.differing(self.district, depot_id, counted, true_at=occurred)
            unsaid = [row for row in rows if row["lot_id"] in differing and not row["reason"]]
            if unsaid:
                raise ImportRefused(
                    _("有差异的批次要写原因。"),
                    [
                        {
                            "row": row["row"] if lines is None else lines[row["row"] - 1],
                            "column": row["lot_id"],
                            "value": row["counted"],
                            "expected": _("与账面不符: 请复点, 确认后写明原因"),
                        }
                        for row in unsaid
                    ],
                )
            body = {
                "depot_id": depot_id,
                "checker": forms.text("checker"),
                "occurred": occurred,
                "lines": [{name: row[name] for name in ("lot_id", "counted", "reason")} for row in rows],
            }
            stock.count(self.district, actor_of_request(), body, key=key)

        return self._at_depot(depot_id, "count", work, "count")

    # -- goods in -------------------------------------------------------------------------------------

    def in_page(self, depot_id: str, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """Goods that come in."""
        titles = item_titles(self.district.view())
        return self.page(
            "goods_in",
            problem.status if problem else 200,
            follows={"item": None, "pack": None, "depot": [depot_id]},
            address=url_for("board.in_page", depot_id=depot_id),
            depot=dispatch.depot_of(self.district, depot_id),
            items=titles,
            packs=dispatch.packs_of_items(self.district),
            lot_statuses=list(choice_texts(LOT_STATUSES, language()).items()),
            problem=problem,
            typed=typed or Typed(),
        )

    def in_xlsx(self, depot_id: str) -> Response:
        """The empty sheet for goods that come in."""
        found = dispatch.depot_of(self.district, depot_id)
        title = _("入库单")
        notes = [
            f"{found['name']} ({depot_id})",
            _("填了包装时, 数量按包装计; 有效期写成 2027-12-31; 状态不填为可用。"),
        ]
        content = entries.sheet_of(
            entries.TAKEN_IN, [], district=self.district, title=title, notes=notes, lang=language()
        )
        return download(content, f"{title}-{found['name']}.xlsx")

    def in_post(self, depot_id: str) -> BaseResponse:
        """Take goods in, from the form or from the sheet."""
        lang = language()

        def work(key: str) -> None:
            sheet = forms.uploaded()
            if sheet is not None:
                raw, lines = entries.rows_of_sheet(entries.TAKEN_IN, sheet[0], name=sheet[1])
            else:
                raw, lines = forms.rows_typed([entry.name for entry in entries.TAKEN_IN]), None
            titles = item_titles(self.district.view())
            packs = dispatch.packs_of_items(self.district)
            rows = entries.checked_rows(
                entries.TAKEN_IN,
                raw,
                what=_("入库单"),
                lang=lang,
                lines=lines,
                counted_by="quantity",
                checks={"item_id": lambda code: None if code in titles else boards.UNKNOWN_ITEM},
            )
            faults = [
                {
                    "row": row["row"] if lines is None else lines[row["row"] - 1],
                    "column": _("包装"),
                    "value": row["pack"],
                    "expected": ", ".join(pack["pack"] for pack in packs.get(row["item_id"], [])) or _("不填"),
                }
                for row in rows
                if row["pack"] and row["pack"] not in {pack["pack"] for pack in packs.get(row["item_id"], [])}
            ]
            if faults:
                raise ImportRefused(_("没有这种包装。"), faults)
            body = {
                "depot_id": depot_id,
                "reason": forms.required("reason", _("来源或单据号")),
                "occurred": forms.moment("occurred", self.district),
                "lines": [
                    {
                        **{name: row[name] for name in ("item_id", "lot", "quantity", "pack", "expires_on")},
                        "status": row["status"] or "usable",
                    }
                    for row in rows
                ],
            }
            stock.take_in(self.district, actor_of_request(), body, key=key)

        return self._at_depot(depot_id, "in", work, "in")


_STEP_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "issue": supplies.issue,
    "depart": supplies.depart,
    "receive": supplies.receive,
    "use": supplies.use,
    "send_back": supplies.send_back,
    "return": supplies.take_back,
    "settle": supplies.settle,
    "cancel": supplies.cancel,
    "lost": supplies.report_lost,
    "found": supplies.report_found,
}


def _reversal() -> dict[str, Any]:
    """What the form of a reversal says."""
    return {
        "movement_id": forms.required("movement_id", _("台账编号")),
        "reason": forms.required("reason", _("原因")),
    }


def _reversal_form() -> str:
    """Each movement of a page has a form of its own."""
    return f"reverse-{forms.text('movement_id')}"


def _told(follows: Follows) -> dict[str, list[str] | None]:
    """What a page follows, by the names under which the event stream tells of it."""
    pairs = ((name, ids) for table, ids in follows.items() for name in changes.names_told([table]))
    return {name: None if ids is None else list(ids) for name, ids in pairs}


def _rows_of(*listings: Listing) -> dict[str, Sequence[str] | None]:
    """What lists show rows of."""
    return {table: None for found in listings for table in found.tables}


_ROW_NAMES = ("id", "lot_id", "depot_id", "item_id", "order_id", "kind", "recorded_utc")


def _row_key(row: Mapping[str, Any]) -> str:
    """What tells a row of a list from the others, so that it stays itself when the list is drawn anew."""
    return " ".join(str(row[name]) for name in _ROW_NAMES if row.get(name) is not None)


def view_of_its_own(view: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The view as a function of its own, so that it can carry what it declares."""

    def call(**values: Any) -> Any:
        return view(**values)

    call.__name__ = name
    call.__doc__ = view.__doc__
    return call


def _counts(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, str, int, str]]:
    """The figures at the head of the board: anchor, title, number, tone."""
    found = rows["orders"]
    lost = sum(row["state"] == "lost" for row in found)
    late = sum(bool(row["late_min"]) for row in found)
    overdue = sum(row["overdue_min"] is not None for row in rows["papers"])
    below = sum(row["line"] == "minimum" for row in rows["low"])
    expired = sum(bool(row["is_expired"]) for row in rows["expiring"])
    return [
        ("orders", _("未结调拨单"), len(found), ""),
        ("orders", _("晚点"), late, "bad" if late else ""),
        ("orders", _("失联"), lost, "bad" if lost else ""),
        ("reservations", _("待下单的预留"), len(rows["reservations"]), "warn" if rows["reservations"] else ""),
        ("papers", _("手续超期"), overdue, "bad" if overdue else ""),
        ("outstanding", _("需求缺口"), len(rows["outstanding"]), "bad" if rows["outstanding"] else ""),
        ("low", _("低于下限"), below, "bad" if below else ""),
        ("expiring", _("已过期批次"), expired, "bad" if expired else ""),
        ("uncounted", _("该盘点的仓库"), len(rows["uncounted"]), "warn" if rows["uncounted"] else ""),
        ("alarms", _("监测告警"), len(rows["alarms"]), "bad" if rows["alarms"] else ""),
    ]


def _places(district: District) -> list[str]:
    """Names of places that a request may be sent to, each once."""
    return list(boards.named_places(district))


def _lonlat(district: District, place: str, given: str | None) -> list[float]:
    """Where a place is: the coordinates that were typed, else those of the place of that name."""
    if given:
        parts = entries.plain_number(given).replace(" ", ",").split(",")
        try:
            lon, lat = (float(part) for part in parts if part)
        except ValueError:
            raise forms.wrong(_("坐标 %(value)s 看不懂, 写成 经度,纬度。", value=given[:60])) from None
        return [lon, lat]
    found = boards.named_places(district).get(place)
    if found is None:
        raise forms.wrong(_("地图上没有叫“%(place)s”的地点; 从列表里选, 或填坐标。", place=place[:60]))
    return found
