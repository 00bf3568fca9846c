"""Plain pages of what-if questions: saved results, scenarios side by side, roads that are closed."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from data.kinds import SKILLS
from geo.coverage_change import CHANGES
from geo.errors import InputError
from layers import analyses
from layers.actions import closures
from layers.actions.closures import depth_rasters
from layers.district import District
from layers.layer import Lang, Text, choice_texts
from layers.listing import share_text
from layers.whatif import answers, criticality, siting
from layers.whatif.asked import scenario_by_id
from layers.whatif.coverage import ScenarioCoverage, scenario_coverage
from layers.whatif.layers import COVERAGE_CHANGES
from layers.whatif.link_names import road_words
from layers.whatif.saved import load
from layers.whatif.scenario import AS_IT_IS, shipped_scenarios
from layers.whatif.scenarios import MEASURE_TEXTS
from web import board_forms as forms
from web import whatif_texts as words
from web.auth import actor_of_request
from web.board_forms import Problem, Typed
from web.pages import language
from web.scenarios import save_scenarios
from web.whatif_frame import WhatifPages, add_route
from web.whatif_tables import one_table, signed, two_tables, value_text

SHOWN = 200
"""Rows of a table on a page; the rest is in its file."""

STATES: dict[str, Text] = {
    "now": Text("生效中", "in force"),
    "coming": Text("将生效", "coming"),
    "over": Text("已结束", "over"),
}

PLANS: dict[str, Text] = {
    "siting": Text("选中的点与曲线", "the sites and the curve"),
    "stocking": Text("应购清单与缺口", "what to buy and what is missing"),
    "evacuation": Text("各村(社区)疏散安排", "who goes where, village by village"),
}
"""Kinds of results with a page of their own."""

_Column = Mapping[str, Any]


def blueprint(district: District) -> Blueprint:
    """The pages under /whatif over one district."""
    pages = Blueprint("whatif", __name__, url_prefix="/whatif")
    made = _Pages(district)

    route = partial(add_route, pages)
    route("", made.index, "whatif.read")
    route("/result", made.result, "whatif.read")
    route("/difference", made.difference, "whatif.read")
    route("/table.csv", made.table_csv, "whatif.read")
    route("/coverage", made.coverage, "whatif.read")
    route("/closures", made.closures, "whatif.read")
    route("/scenarios", made.scenarios_post, "whatif.run", "POST")
    route("/closures", made.closures_post, "closure.change", "POST")
    route("/closures/end", made.closures_end, "closure.change", "POST")
    return pages


def _minutes(seconds: Any) -> str:
    return "" if seconds is None else _("到不了") if not math.isfinite(seconds) else f"{seconds / 60:.1f}"


def _percent(share: Any) -> str:
    return "" if share is None or share != share else share_text(share)  # NaN differs from itself


def _columns(*titles: str, numeric: Sequence[int] = ()) -> list[_Column]:
    return [{"title": title, "numeric": k in numeric} for k, title in enumerate(titles)]


class _Pages(WhatifPages):
    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page with the words of results."""
        lang = language()
        kinds = {kind: title.to(lang) for kind, title in words.KINDS.items()}
        tables = {name: title.to(lang) for name, title in words.TABLES.items()}
        plans = {kind: title.to(lang) for kind, title in PLANS.items()}
        return super().page(template, status, **{"kinds": kinds, "tables": tables, "plans": plans, **values})

    # -- results --------------------------------------------------------------------------------------

    def index(self, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """Every saved result, and the form that makes one of the scenarios."""
        return self.page(
            "index",
            problem.status if problem else 200,
            records=self.records(),
            scenarios=list(shipped_scenarios().values()),
            problem=problem,
            typed=typed or Typed(),
        )

    def scenarios_post(self) -> BaseResponse:
        """Work the scenarios out and keep them."""

        def work() -> str:
            wanted = request.form.getlist("scenario")
            if not wanted:
                raise InputError(_("至少选一个情景。"))
            body = {
                "name": forms.required("name", _("结果名称")),
                "at": forms.moment("at", self.district),
                "scenarios": wanted,
                "replace": "replace" in request.form,
            }
            save_scenarios(self.district, actor_of_request(), body)
            return "/whatif?done=1"

        return self.attempt(work, self.index, "scenarios")

    def result(self) -> Response:
        """One saved result: its figures, its question, and the first rows of a proof table."""
        kind, name = _asked("kind"), _asked("name")
        found = answers.saved_result(self.district, kind, name)
        table = request.args.get("table") or next(iter(found["tables"]))
        rows = answers.saved_result(self.district, kind, name, table=table, limit=SHOWN)
        lang = language()
        return self.page(
            "result",
            **self.beside(kind, found["name"]),
            record=found,
            comparable=_first(table, {name: words.word(words.TABLES, name, lang) for name in found["tables"]}),
            stale=words.store_tables(found["stale"], lang),
            table=table,
            figures=_figures(found["summary"], lang, kind),
            shown=one_table(rows["rows"], rows["count"], lang, kind=kind, called=self._called(kind, found["name"])),
            parameters=json.dumps(found["parameters"], ensure_ascii=False, indent=1),
        )

    def difference(self) -> Response:
        """What differs between two saved results of a kind."""
        kind, old, new, lang = _asked("kind"), _asked("old"), _asked("new"), language()
        found = answers.compared_results(self.district, kind, old, new, table=_asked("table"), limit=SHOWN)
        figures = [
            [
                words.column_title(name, lang),
                *(value_text(name, row[side], lang, kind=kind) for side in ("old", "new")),
                signed(name, row["change"], lang),
            ]
            for name, row in found["summary"].items()
            if row["change"]
        ]
        return self.page(
            "difference",
            found=found,
            asked_otherwise=[words.word(words.ASKED, name, lang) for name in found["asked_otherwise"]],
            figures={"columns": _columns(_("名称"), _("原"), _("新"), _("差"), numeric=(1, 2, 3)), "rows": figures},
            shown=two_tables(found["rows"], found["keys"], lang, kind=kind, called=self._called(kind, old, new)),
        )

    def _called(self, kind: str, *names: str) -> dict[str, dict[str, str]]:
        """What people call the links, teams and sites of some results: column -> id -> words."""
        teams, lang = self.team_names(), language()
        links: dict[str, str] = {}
        for name in names:
            tables = load(self.district, kind, name)[1].tables
            if kind == criticality.KIND:
                links |= {row["link"]: road_words(row, lang) for row in tables["links"].to_dict("records")}
            elif kind == siting.KIND:
                sites = tables["candidates"]
                teams |= dict(zip(sites["id"], sites["name"].where(sites["name"].notna(), sites["id"]), strict=True))
        return {"link": links, **dict.fromkeys(("team_before", "team_after"), teams)}

    def table_csv(self) -> Response:
        """A whole proof table as a file."""
        kind, name, table = _asked("kind"), _asked("name"), _asked("table")
        text = answers.table_csv(self.district, kind, name, table)
        response = Response(text.encode("utf-8-sig"), mimetype="text/csv")
        response.headers["Content-Disposition"] = f'attachment; filename="{kind}-{table}.csv"'
        response.headers["Cache-Control"] = "no-store"
        return response

    # -- coverage -------------------------------------------------------------------------------------

    def coverage(self) -> Response:
        """Coverage under one scenario beside another."""
        chosen, compare = request.args.get("scenario", "heavy_rain"), request.args.get("compare", AS_IT_IS.id)
        skill, lang = request.args.get("skill") or None, language()
        found = scenario_coverage(self.district, scenario_by_id(chosen), compare=scenario_by_id(compare), skill=skill)
        assert found.change is not None
        rows, named = found.change.table.head(SHOWN).to_dict("records"), self.team_names()
        return self.page(
            "coverage",
            scenarios=[AS_IT_IS, *shipped_scenarios().values()],
            chosen=chosen,
            compare=compare,
            skills=SKILLS,
            skill=skill,
            totals=_totals(found, lang),
            shown={
                "columns": _columns(
                    *(_("村(社区)"), _("街道"), _("人口"), _("变化"), _("原来 (分)"), _("之后 (分)"), _("相差 (分)")),
                    _("最快队伍"),
                    numeric=(2, 4, 5, 6),
                ),
                "rows": [
                    [
                        row["name"] or row["id"],
                        row["street"] or "",
                        f"{row['persons']:,}",
                        COVERAGE_CHANGES[row["change"]].to(lang),
                        _minutes(row["total_old_s"]),
                        _minutes(row["total_new_s"]),
                        f"{row['change_s'] / 60:+.1f}" if math.isfinite(row["change_s"]) else "",
                        named.get(row["team_new"], row["team_new"] or ""),
                    ]
                    for row in rows
                ],
                "count": len(found.change.table),
            },
        )

    # -- closures -------------------------------------------------------------------------------------

    def closures(self, problem: Problem | None = None, typed: Typed | None = None) -> Response:
        """What is closed or will be, and the forms to close and to open."""
        view, now, lang = self.district.view(), self.district.now(), language()
        frame = analyses.table_layer(view, "closure", at=now)
        frame = frame[frame["state"] != "over"]
        columns = ["id", "state", "reason", "from_utc", "to_utc", "factor", "raster"]
        rows = frame[columns].astype(object).where(frame[columns].notna(), None).to_dict("records")
        return self.page(
            "closures",
            problem.status if problem else 200,
            rows=rows,
            states={state: title.to(lang) for state, title in STATES.items()},
            rasters=depth_rasters(self.district),
            problem=problem,
            typed=typed or Typed(),
        )

    def closures_post(self) -> BaseResponse:
        """Close or slow roads."""

        def work() -> str:
            place, raster = forms.text("place"), forms.text("raster")
            geometry = None
            if place is not None:
                try:
                    lon, lat = (float(part) for part in place.replace("，", ",").split(","))
                except ValueError:
                    raise InputError(_("地点 %(value)s 看不懂, 写成 120.86,32.01。", value=place[:40])) from None
                geometry = {"type": "Point", "coordinates": [lon, lat]}
            factor = forms.text("factor") or "0"
            if not factor.isdigit() or int(factor) > 99:
                raise InputError(_("剩余速度写 0 到 99 的整数。"))
            body = {
                "reason": forms.required("reason", _("原因")),
                "geometry": geometry,
                "raster": raster,
                "from": forms.moment("from", self.district),
                "to": forms.moment("to", self.district),
                "factor": int(factor) / 100,
            }
            closures.close(self.district, actor_of_request(), body, key=forms.key_of_form())
            return "/whatif/closures?done=1"

        return self.attempt(work, self.closures, "close")

    def closures_end(self) -> BaseResponse:
        """Open a road again."""
        closure_id = request.form.get("closure", "")

        def work() -> str:
            closures.reopen(self.district, actor_of_request(), closure_id, {}, key=forms.key_of_form())
            return "/whatif/closures?done=1"

        return self.attempt(work, self.closures, f"end-{closure_id}")


def _first(table: str, titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """The tables with the one that is shown first."""
    return sorted(titles.items(), key=lambda pair: pair[0] != table)


def _asked(name: str) -> str:
    value = request.args.get(name, "").strip()
    if not value:
        raise InputError(f"{name}: is needed")
    return value


def _figures(summary: Mapping[str, Any], lang: Lang, kind: str) -> dict[str, Any] | None:
    """The figures of a result: one row a scenario, or one row a number."""
    rows = summary.get("scenarios")
    if isinstance(rows, list):
        measures, second = list(MEASURE_TEXTS), _("第二支")
        titles = [f"{MEASURE_TEXTS[m].to(lang)}{suffix}" for m in measures for suffix in ("", f" ({second})")]
        skills = choice_texts(SKILLS, lang)
        return {
            "columns": _columns(_("情景"), *titles, _("最弱的能力"), numeric=range(1, 1 + len(titles))),
            "rows": [
                [
                    row["title"] if lang == "zh" else row["title_en"],
                    *(_percent(row[f"{m}{part}share"]) for m in measures for part in ("_", "_second_")),
                    f"{skills.get(row.get('weakest_skill', ''), '')} {_percent(row.get('weakest_share'))}".strip(),
                ]
                for row in rows
            ],
        }
    numbers = [
        [words.column_title(name, lang), value_text(name, value, lang, kind=kind)]
        for name, value in summary.items()
        if isinstance(value, int | float | str)
    ]
    return {"facts": numbers} if numbers else None


def _totals(found: ScenarioCoverage, lang: Lang) -> dict[str, Any]:
    assert found.change is not None
    totals, now = found.change.totals(), found.answer.result.totals()
    rows = [
        [COVERAGE_CHANGES[name].to(lang), f"{totals[f'{name}_places']:,}", f"{totals[f'{name}_persons']:,}"]
        for name in CHANGES
    ]
    rows.append(
        [
            _("之后在一小时内"),
            f"{now['covered_places']:,}",
            f"{now['covered_persons']:,} ({_percent(now['covered_share'])})",
        ]
    )
    return {"columns": _columns(_("变化"), _("村(社区)"), _("人口"), numeric=(1, 2)), "rows": rows}
