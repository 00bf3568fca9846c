"""Plain pages of evacuation: the form, a plan as village heads read it, the shelter balance."""

from functools import partial
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from data.kinds import SHELTER_CLASSES, STAYS
from geo.clearance import WALK_SPEEDS_M_S
from geo.errors import InputError
from layers import listing
from layers.district import District
from layers.layer import Text, choice_texts, plain_tree
from layers.whatif.balance import LISTING, balance, rows
from layers.whatif.evacuation import BUSES, KIND, SEATS
from layers.whatif.layers import NO_PLACE, SHELTER_OUT
from layers.whatif.scenario import AS_IT_IS, shipped_scenarios
from layers.whatif.village_plans import minutes_up, plan_of, village_plans
from web import board_forms as forms
from web import charts
from web import whatif_texts as words
from web.auth import actor_of_request
from web.board import download
from web.board_forms import Problem, Typed
from web.evacuation import save_evacuation
from web.pages import language
from web.whatif_frame import WhatifPages, add_route, number_of_form

LINE_M = 500
"""So many metres on either side of a line the form offers as a zone."""

_SPEEDS = {
    "adult": Text("成人 1.1 m/s", "adults 1.1 m/s"),
    "slow": Text("老人、儿童或带行李 0.75 m/s", "elderly, children, luggage 0.75 m/s"),
    "crowd": Text("拥挤 0.5 m/s", "in a crowd 0.5 m/s"),
}


def blueprint(district: District) -> Blueprint:
    """The pages of evacuation over one district."""
    pages = Blueprint("evacuation", __name__, url_prefix="/whatif")
    made = _Pages(district)

    route = partial(add_route, pages)
    route("/evacuation", made.form, "whatif.read")
    route("/evacuation", made.form_post, "whatif.run", "POST")
    route("/evacuation/plan", made.plan, "whatif.read")
    route("/shelters", made.shelters, "map.read")
    route("/shelters.csv", made.shelters_csv, "map.read")
    route("/shelters.xlsx", made.shelters_xlsx, "map.read")
    return pages


class _Pages(WhatifPages):
    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page with the words of shelters."""
        lang = language()
        found = {
            "reasons": {code: title.to(lang) for code, title in {**NO_PLACE, **SHELTER_OUT}.items()},
            "classes": choice_texts(SHELTER_CLASSES, lang),
            "stays": choice_texts(STAYS, lang),
        }
        return super().page(template, status, **{**found, **values})

    # -- plans ----------------------------------------------------------------------------------------

    def form(self, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """The saved plans, and the form that makes one."""
        lang = language()
        areas = self.district.view().frame("hazard_area")
        zones = [
            (f"area:{id_}", name)
            if shape.endswith("Polygon")
            # A line is no area before it is widened.
            else (f"area:{id_}:{LINE_M}", _("%(name)s 两侧 %(m)s m", name=name, m=LINE_M))
            for id_, name, shape in zip(areas["id"], areas["name"], areas.geom_type, strict=True)
            if shape is not None
        ]
        zones += [
            (f"level:zones_{scheme}:{least}", f"{title} ≥ {least}")
            for scheme, title in (("natural", _("自然灾害区划")), ("accident", _("事故灾难区划")))
            for least in (5, 4)
        ]
        return self.page(
            "evacuation",
            problem.status if problem else 200,
            records=self.records(KIND),
            scenarios=[AS_IT_IS, *shipped_scenarios().values()],
            zones=zones,
            speeds={f"{WALK_SPEEDS_M_S[name]:g}": title.to(lang) for name, title in _SPEEDS.items()},
            fleet=(BUSES, SEATS),
            problem=problem,
            typed=typed or Typed(),
        )

    def form_post(self) -> BaseResponse:
        """Work a plan out and keep it."""

        def work() -> str:
            done = save_evacuation(self.district, actor_of_request(), self._body())
            return f"/whatif/evacuation/plan?name={quote(str(done['name']))}&done=1"

        return self.attempt(work, self.form, KIND)

    def _body(self) -> dict[str, Any]:
        """The form as the body of the API."""
        zone = forms.text("zone_drawn") or forms.text("zone")
        told: dict[str, Any] = {
            "name": forms.required("name", _("结果名称")),
            "at": forms.moment("at", self.district),
            "scenario": forms.text("scenario"),
            "zone": zone,
            "who": forms.text("who"),
            "stay": forms.text("stay") or "day",
            "on": forms.text("on") or "foot",
            "objective": forms.text("objective") or "total",
            "walk_m_s": number_of_form("walk_m_s", _("步行速度"), 0.1, 5.0),
            "most_walk_m": number_of_form("most_walk_m", _("步行上限"), 0.0, 100_000.0),
            "together": "together" in request.form,
            "replace": "replace" in request.form,
        }
        percent = number_of_form("share", _("转移比例 (百分比)"), 0.1, 100.0)
        if percent is not None:
            told["share"] = percent / 100
        for name, label in (("buses", _("车辆数")), ("seats", _("每车座位"))):
            count = number_of_form(name, label, 1, 10_000)
            if count is not None:
                told[name] = int(count)
        return {name: value for name, value in told.items() if value is not None}

    def plan(self) -> Response:
        """A plan: the figures, and of every village from, to, by which streets, in how many minutes, whom to ring."""
        name = request.args.get("name", "").strip()
        if not name:
            raise InputError("name: is needed")
        street = request.args.get("street", "").strip() or None
        record, result = plan_of(self.district, name)
        shelters: list[dict[str, Any]] = plain_tree(result.tables["shelters"].to_dict("records"))
        streets = sorted({str(s) for s in result.tables["villages"]["street"].dropna()})
        return self.page(
            "evacuation_plan",
            record=record,
            summary=result.summary,
            asked=result.parameters,
            villages=village_plans(record, result, street=street),
            chart=charts.arrivals(
                [
                    (minutes_up(float(s)) or 0, int(n))
                    for s, n in result.tables["moves"][["total_s", "persons"]].itertuples(index=False)
                ],
                told_min=(result.summary["warn_s"] + result.summary["prep_s"]) / 60,
            ),
            street=street,
            streets=streets,
            used=[row for row in shelters if row["load"] > 0],
            out=[row for row in shelters if row["out"] is not None],
            **self.beside(KIND, record.name),
            stale=words.store_tables(record.stale(self.district.view()), language()),
        )

    # -- the balance ----------------------------------------------------------------------------------

    def _balance(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        answer = balance(self.district, zone=request.args.get("zone", ""))
        return answer, rows(answer, _("全区"))

    def shelters(self) -> Response:
        """Places and distances by street, against the standard."""
        answer, table = self._balance()
        lang = language()
        return self.page(
            "shelters",
            answer=answer,
            listing=LISTING,
            rows=table,
            cell=lambda column, row: listing.cell_text(column, row, lang=lang, zone=self.district.timezone),
            link=listing.link_of,
            row_key=lambda row: str(row["street"]),
            query=request.query_string.decode("ascii", "ignore"),
        )

    def shelters_csv(self) -> Response:
        """The balance as CSV."""
        _answer, table = self._balance()
        lang = language()
        content = listing.csv(LISTING, table, district=self.district, lang=lang)
        return download(content, f"{LISTING.title.to(lang)}.csv", "text/csv")

    def shelters_xlsx(self) -> Response:
        """The balance as a spreadsheet."""
        _answer, table = self._balance()
        lang, now = language(), self.district.now()
        content = listing.xlsx(LISTING, table, district=self.district, lang=lang, made=now)
        return download(content, f"{LISTING.title.to(lang)}-{now:%Y%m%d-%H%M}.xlsx")
