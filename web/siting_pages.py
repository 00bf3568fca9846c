"""Plain pages of siting and of stocking: the forms, the results with their proof, and how far a question is."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from flask import Blueprint, Response, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from data.kinds import SKILLS, TEAM_TYPES, Kind
from data.reading import UPLOADED
from data.templates import template_xlsx
from geo.errors import InputError, NotFound
from layers.actions.registers import as_file
from layers.analyses.stock import item_titles
from layers.catalogue import REASON_TEXTS
from layers.district import District
from layers.layer import Lang, Text, choice_texts, plain_tree
from layers.listing import share_text
from layers.whatif import candidates, siting, stocking
from layers.whatif.layers import CANDIDATE_SOURCES, SHORTFALLS
from layers.whatif.saved import load
from layers.whatif.scenario import AS_IT_IS, shipped_scenarios
from web import board_forms as forms
from web import charts, whatif_jobs
from web import whatif_texts as words
from web.auth import actor_of_request
from web.board import download
from web.board_forms import Problem, Typed
from web.jobs import Job, Jobs
from web.pages import language
from web.siting import SOURCES, posed_siting, posed_stocking
from web.whatif_frame import WhatifPages, add_route, number_of_form, whole_of_form

WAIT_S = 2.0
"""So long a form waits for its answer; after that the page of the job tells how far it is."""

ITEM_ROWS = 6
"""Rows for items in the form of stocking; more come in a sheet."""

SHOWN = 60
"""Rows of a table on a page; the rest is in its file."""

_SHEETS: dict[str, Kind] = {
    "candidates": candidates.FILE_KIND,
    "items": stocking.ITEMS_KIND,
    "needs": stocking.NEEDS_KIND,
}


def blueprint(district: District, jobs: Jobs) -> Blueprint:
    """The pages of siting and stocking over one district."""
    pages = Blueprint("siting", __name__, url_prefix="/whatif")
    made = _Pages(district, jobs)

    route = partial(add_route, pages)
    route("/siting", made.siting_form, "whatif.read")
    route("/siting", made.siting_post, "whatif.run", "POST")
    route("/siting/plan", made.siting_plan, "whatif.read")
    route("/stocking", made.stocking_form, "whatif.read")
    route("/stocking", made.stocking_post, "whatif.run", "POST")
    route("/stocking/plan", made.stocking_plan, "whatif.read")
    route("/sheets/<kind>.xlsx", made.sheet, "whatif.read")
    route("/jobs/<job>", made.job, "whatif.read")
    route("/jobs/<job>/stop", made.job_stop, "whatif.run", "POST")
    return pages


class _Pages(WhatifPages):
    def __init__(self, district: District, jobs: Jobs) -> None:
        super().__init__(district)
        self.jobs = jobs

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page with the words of teams and places."""
        lang = language()
        found = {
            "models": _words(siting.MODEL_TEXTS, lang),
            "sources": _words(CANDIDATE_SOURCES, lang),
            "types": choice_texts(TEAM_TYPES, lang),
            "skills": choice_texts(SKILLS, lang),
            "places": _words(words.PLACES, lang),
            "scenarios": {s.id: s.title.to(lang) for s in (AS_IT_IS, *shipped_scenarios().values())},
            "minutes": minutes,
            "percent": percent,
        }
        return super().page(template, status, **{**found, **values})

    # -- a question that is being solved --------------------------------------------------------------

    def _begun(self, posed: whatif_jobs.Posed, body: Mapping[str, Any], began: float) -> str:
        """The address to go to: the result where it is there soon, else the job."""
        job = whatif_jobs.start(self.jobs, self.district, actor_of_request(), posed, body, began=began)
        job.ended.wait(WAIT_S)
        if isinstance(job.refusal, forms.REFUSED):
            raise job.refusal
        return _result_address(job) if job.state == "done" else f"/whatif/jobs/{job.id}"

    def job(self, job: str) -> BaseResponse:
        """How far a question is; the result as soon as it is there."""
        found = self.jobs.one("whatif", job)
        if found.state == "done":
            return redirect(_result_address(found), 303)
        lang = language()
        problem = None
        if found.state == "failed":
            problem = (
                forms.problem_of(found.refusal, "", self.district.timezone)
                if found.refusal is not None
                else Problem(_("没有算成"), _("运行失败, 原因在服务器日志里。"))
            )
        return self.page(
            "job",
            job=found.shown(),
            title=words.word(words.KINDS, found.kind, lang),
            phase=words.word(words.PHASES, found.phase, lang),
            form=f"/whatif/{found.kind}",
            problem=problem,
        )

    def job_stop(self, job: str) -> BaseResponse:
        """Stop a question."""
        whatif_jobs.cancel(self.jobs, self.district, actor_of_request(), job)
        return redirect(f"/whatif/jobs/{job}", 303)

    def sheet(self, kind: str) -> Response:
        """An empty sheet to fill in."""
        if kind not in _SHEETS:
            raise NotFound(f"there is no sheet '{kind}'; there are: {', '.join(_SHEETS)}")
        return download(template_xlsx(_SHEETS[kind]), f"{_SHEETS[kind].zh}.xlsx")

    # -- siting ---------------------------------------------------------------------------------------

    def siting_form(self, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """The saved results, and the form that asks for new sites."""
        chosen = SOURCES if typed is None else typed.values.getlist("candidates")
        return self.page(
            "siting",
            problem.status if problem else 200,
            records=self.records(siting.KIND),
            buildings=candidates.BUILDINGS,
            chosen=chosen,
            spacing=(candidates.MIN_SPACING_M, candidates.MAX_SPACING_M),
            most=(siting.MAX_ADDED, siting.MAX_COVERS, int(siting.MAX_TIME_LIMIT_S), candidates.MAX_CANDIDATES),
            time_limit=int(siting.TIME_LIMIT_S),
            problem=problem,
            typed=typed or Typed(),
        )

    def siting_post(self) -> BaseResponse:
        """Choose the sites and keep them."""

        def work() -> str:
            began, body = time.monotonic(), self._siting_body()
            with _sent("sheet") as file:
                posed = posed_siting(self.district, body, file=file)
            return self._begun(posed, body, began)

        return self.attempt(work, self.siting_form, "siting")

    def _siting_body(self) -> dict[str, Any]:
        """The form as the body of the API."""
        body = self._asked_of_form(siting.MAX_TIME_LIMIT_S)
        model = forms.text("model") or "most_covered"
        turnout_min = number_of_form("turnout_min", _("出动时间"), 0, siting.MAX_TURNOUT_S / 60)
        body |= {
            "model": model,
            "add": whole_of_form("add", _("新增数量"), 0, siting.MAX_ADDED),
            "budget": whole_of_form("budget", _("造价总额"), 0, 10**15),
            "skill": forms.text("skill"),
            "type": forms.text("type"),
            "places": forms.text("places"),
            "turnout_s": None if turnout_min is None else turnout_min * 60,
            "covers": whole_of_form("covers", _("每处需要的队伍数"), 1, siting.MAX_COVERS),
            "candidates": request.form.getlist("candidates"),
            "spacing_m": number_of_form("spacing_m", _("网格间距"), candidates.MIN_SPACING_M, candidates.MAX_SPACING_M),
            "keep_teams": "move_teams" not in request.form,
        }
        if model == "fewest_sites" or body["budget"] is not None:
            body["add"] = None  # the field has a default
        if candidates.GRID not in body["candidates"]:
            body["spacing_m"] = None
        return {name: value for name, value in body.items() if value is not None}

    def _asked_of_form(self, most_s: float) -> dict[str, Any]:
        """What both forms ask alike."""
        limit_min = number_of_form("limit_min", _("时限"), 1, 1_440)
        return {
            "name": forms.required("name", _("结果名称")),
            "at": forms.moment("at", self.district),
            "scenario": forms.text("scenario"),
            "limit_s": None if limit_min is None else limit_min * 60,
            "time_limit_s": number_of_form("time_limit_s", _("求解时限"), 1, most_s),
            "replace": "replace" in request.form,
        }

    def siting_plan(self) -> Response:
        """The sites, what they bring, the curve, and the proof place by place."""
        lang, view = language(), self.district.view()
        record, result = load(self.district, siting.KIND, _name())
        tables, asked = result.tables, result.parameters
        named = self.team_names()
        named |= {
            row["id"]: _("%(name)s 附近", name=row["name"]) if row["source"] == "grid" and row["name"] else row["name"]
            for row in tables["candidates"].to_dict("records")
        }
        places = tables["places"]
        beyond = places[places["beyond"].notna()]
        changed = places[
            (places["team_before"].fillna("") != places["team_after"].fillna(""))
            | (places["total_before_s"].fillna(-1) != places["total_after_s"].fillna(-1))
            | (places["teams_before"] != places["teams_after"])
        ].sort_values(["covered_before", "persons"], ascending=[True, False], kind="stable")
        curve = _rows(tables["curve"])
        return self.page(
            "siting_plan",
            **self.beside(record.kind, record.name),
            record=record,
            summary=result.summary,
            asked=asked,
            stale=words.store_tables(record.stale(view), lang),
            sites=_rows(tables["sites"]),
            given_up=_rows(tables["given_up"]),
            curve=curve,
            chart=charts.siting(result.summary, curve, keeps_teams=asked["keep_teams"]),
            beyond=_rows(beyond.sort_values("persons", ascending=False).head(SHOWN)),
            beyond_count=len(beyond),
            beyond_words=_words(words.BEYOND, lang),
            changed=_rows(changed.head(SHOWN)),
            changed_count=len(changed),
            named=named,
            objective=partial(_objective, asked["model"], lang),
            reasons=_words(REASON_TEXTS, lang),
        )

    # -- stocking -------------------------------------------------------------------------------------

    def stocking_form(self, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """The saved plans, and the form that makes one."""
        view = self.district.view()
        standards = set(view.frame("relief_standard")["item_id"])
        titles = item_titles(view)
        items = [{"id": i, "name": n, "unit": u, "standard": i in standards} for i, (n, u) in titles.items()]
        return self.page(
            "stocking",
            problem.status if problem else 200,
            records=self.records(stocking.KIND),
            items=sorted(items, key=lambda item: (not item["standard"], item["id"])),
            has_standards=bool(standards),
            item_rows=range(ITEM_ROWS),
            most_s=int(stocking.MAX_TIME_LIMIT_S),
            time_limit=int(stocking.TIME_LIMIT_S),
            problem=problem,
            typed=typed or Typed(),
        )

    def stocking_post(self) -> BaseResponse:
        """Place the packs and keep the plan."""

        def work() -> str:
            began, body = time.monotonic(), self._stocking_body()
            return self._begun(posed_stocking(self.district, body), body, began)

        return self.attempt(work, self.stocking_form, "stocking")

    def _stocking_body(self) -> dict[str, Any]:
        """The form and its sheets as the body of the API."""
        body = self._asked_of_form(stocking.MAX_TIME_LIMIT_S)
        budget = number_of_form("budget", _("预算"), 0, 1e12)
        if budget is None:
            raise InputError(_("%(field)s没有填。", field=_("预算")))
        with _sent("items") as file:
            if file is None:
                items = _items_of_form()
            else:
                found = stocking.items_of_file(self.district, file, bounds=UPLOADED)
                items = [item.__dict__ for item in found]
        if not items:
            raise InputError(_("至少写一种物资, 或上传物资表。"))
        body |= {"budget": budget, "items": items}
        with _sent("needs") as file:
            if file is not None:
                needs = stocking.needs_of_file(self.district, file, bounds=UPLOADED)
                body["needs"] = [
                    {"village_id": village, "item_id": item, "quantity": quantity}
                    for (village, item), quantity in needs.items()
                ]
            else:
                for name, label in (("affected", _("受灾比例 (百分比)")), ("evacuated", _("转移比例 (百分比)"))):
                    share = number_of_form(name, label, 0, 100)
                    body[f"{name}_share"] = None if share is None else share / 100
                body["days"] = whole_of_form("days", _("天数"), 1, 3_660)
        return {name: value for name, value in body.items() if value is not None}

    def stocking_plan(self) -> Response:
        """A plan: the depots, the packs, and what is short or late with its reason."""
        lang, view = language(), self.district.view()
        record, result = load(self.district, stocking.KIND, _name())
        tables = result.tables
        names = dict(zip(tables["depots"]["depot_id"], tables["depots"]["name"], strict=True))
        titles = {i: name for i, (name, _unit) in item_titles(view).items()}
        return self.page(
            "stocking_plan",
            **self.beside(record.kind, record.name),
            record=record,
            summary=result.summary,
            asked=result.parameters,
            stale=words.store_tables(record.stale(view), lang),
            depots=_rows(tables["depots"].sort_values("packs", ascending=False, kind="stable")),
            packs=_rows(tables["packs"][tables["packs"]["packs"] > 0].head(SHOWN)),
            packs_count=int((tables["packs"]["packs"] > 0).sum()),
            short=_rows(tables["short"].head(SHOWN)),
            short_count=len(tables["short"]),
            deliveries=_rows(tables["deliveries"].head(SHOWN)),
            deliveries_count=len(tables["deliveries"]),
            depot_names=names,
            titles=titles,
            reasons=_words(SHORTFALLS, lang),
        )


def _result_address(job: Job) -> str:
    return f"/whatif/{job.kind}/plan?name={quote(job.name)}&done=1"


def _name() -> str:
    name = request.args.get("name", "").strip()
    if not name:
        raise InputError("name: is needed")
    return name


@contextlib.contextmanager
def _sent(field: str) -> Iterator[Path | None]:
    """A sheet that came with the form; None where there is none."""
    sent = forms.uploaded(field)
    if sent is None:
        yield None
        return
    with as_file(*sent) as path:
        yield path


def _items_of_form() -> list[dict[str, Any]]:
    """The items of the form; a row of which neither volume nor price is filled in is passed over."""
    found = []
    for k, row in enumerate(forms.rows_typed(("item_id", "units", "volume_m3", "price"))):
        if not (row["volume_m3"].strip() or row["price"].strip()):
            continue
        line = _("第 %(n)s 行", n=k + 1)
        if not row["item_id"]:
            raise InputError(_("%(field)s没有填。", field=" ".join((line, _("物资")))))
        numbers: list[tuple[str, str, Callable[..., Any], float, float]] = [
            ("units", _("每包数量"), whole_of_form, 1, 1e9),
            ("volume_m3", _("每包体积"), number_of_form, 0, 1e6),
            ("price", _("每包价格"), number_of_form, 0, 1e9),
        ]
        item: dict[str, Any] = {"item_id": row["item_id"]}
        for name, label, read, low, high in numbers:
            value = read(f"{name}.{k}", f"{line} {label}", low, high)
            if value is None:
                raise InputError(_("%(field)s没有填。", field=f"{line} {label}"))
            item[name] = value
        found.append(item)
    return found


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = plain_tree(table.astype(object).to_dict("records"))
    return rows


def _words(table: Mapping[Any, Text], lang: Lang) -> dict[str, str]:
    return {code: text.to(lang) for code, text in table.items()}


def _objective(model: str, lang: Lang, value: Any) -> str:
    """The value of an aim with its unit."""
    if value is None:
        return "—"
    if model in ("least_mean_time", "least_worst_time"):
        return " ".join((f"{value / 60:.1f}", _("分")))
    return " ".join((f"{value:,.0f}", _("人"))) if model == "most_covered" else f"{value:,.1f}"


def minutes(seconds: Any) -> str:
    """Seconds as minutes with one digit; a dash for none."""
    return "—" if seconds is None else f"{seconds / 60:.1f}"


def percent(share: Any) -> str:
    """A share in percent; a dash for none."""
    return "—" if share is None else share_text(share)
