"""The report of a run: one page of HTML that loads nothing, to be read, printed and defended."""

import math
from importlib import resources
from typing import Any

import jinja2

from layers.zoning.result import LEVEL_TEXTS, PREVENTION_TEXTS, ZoningRun

COLOURS = {5: "#b10909", 4: "#dd531e", 3: "#ec9800", 2: "#fed963", 1: "#97e8ad", 0: "#d9d9d9"}
"""The five levels on screen, and no data."""

_GRADES = {0: "-", 1: "弱", 2: "较弱", 3: "中等", 4: "较强", 5: "强"}
_KINDS = {"shelters": "避难场所", "teams": "救援队伍", "depots": "物资仓库"}


def report_html(run: ZoningRun) -> str:
    """The report in Chinese; every name is escaped."""
    text = (resources.files("layers.zoning") / "report.html.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)
    units = run.units
    rated = units[units["level"] > 0]
    return template.render(
        run=run,
        nodata=int((units["level"] == 0).sum()),
        fragile=float(rated["fragile"].mean()) if len(rated) else 0.0,
        exposed=run.exposed.to_dict("records"),
        streets=run.streets.to_dict("records"),
        inside=run.inside.to_dict("records"),
        corrections=units[units["corrected"]].to_dict("records"),
        colours=COLOURS,
        level_names={level: text.zh for level, text in LEVEL_TEXTS.items()},
        prevention_names={level: text.zh for level, text in PREVENTION_TEXTS.items()},
        hazard_names={id_: title.zh for id_, title in run.hazard_titles.items()},
        grades=_GRADES,
        kinds=_KINDS,
        ahp=run.statistics.get("ahp"),
        lower=", ".join(f"{v:.6f}" for v in run.model.breaks.lower) if run.model.breaks else "-",
        to_confirm=sum(bool(row["to_confirm"]) for row in run.parameters),
        percent=_percent,
    )


def _percent(value: Any) -> str:
    return "-" if value is None or math.isnan(value) else f"{value * 100:.1f} %"
