"""What the charts of the pages show: plain numbers for the browser to draw, each beside the table that it is made of.

A chart is a dict for JSON: ``label`` (what it says, for who cannot see it), ``x`` and ``y`` (``name`` with the unit;
``x`` has ``values`` where it is not a scale; ``y`` begins ``from_zero`` or not), ``series`` (``name``, ``points`` as
[x, y], ``form`` bar, line or step, ``is_stacked``, ``is_bound``) and ``marks`` (``x``, ``name``: an upright line).
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _

Chart = dict[str, Any]


def _series(name: str, points: list[list[Any]], form: str, *, stacked: bool = False, bound: bool = False) -> Chart:
    return {"name": name, "points": points, "form": form, "is_stacked": stacked, "is_bound": bound}


def availability(curve: Mapping[str, Any], modes: Mapping[str, str]) -> Chart:
    """What there is of an item, hour by hour, by where it comes from (goods, contract, production)."""
    hours = [f"+{point['hour']} h" for point in curve["points"]]
    last = curve["points"][-1]
    return {
        "label": _(
            "%(name)s: 现在 %(now)s %(unit)s, %(hour)s 小时后 %(then)s %(unit)s",
            name=curve["name"],
            now=f"{curve['points'][0]['total']:,}",
            unit=curve["unit"],
            hour=last["hour"],
            then=f"{last['total']:,}",
        ),
        "x": {"name": _("小时后"), "values": hours},
        "y": {"name": curve["unit"], "from_zero": True},
        "series": [
            _series(
                modes[mode],
                [[hour, point[mode]] for hour, point in zip(hours, curve["points"], strict=True)],
                "bar",
                stacked=True,
            )
            for mode in ("goods", "contract", "production")
        ],
        "marks": [],
    }


def siting(summary: Mapping[str, Any], curve: Iterable[Mapping[str, Any]], *, keeps_teams: bool) -> Chart:
    """Persons within the limit over the new teams, or over all teams where those that are there may be given up.

    Where the best is not proven, a second line says what it can be at most.
    """
    rows = list(curve)
    column = "new_sites" if keeps_teams else "teams"
    chosen = (
        summary["new_sites"] if keeps_teams else summary["teams_there"] - summary["given_up"] + summary["new_sites"]
    )
    series = [_series(_("时限内的人口"), [[row[column], row["persons"]] for row in rows], "line")]
    open_ = [[row[column], math.floor(row["bound"])] for row in rows if not row["is_optimal"]]
    if open_:
        series.append(_series(_("未证明, 至多"), open_, "line", bound=True))
    return {
        "label": _("时限内的人口") + ": " + "; ".join(f"{row[column]}: {row['persons']:,}" for row in rows),
        "x": {"name": _("新增队伍数") if keeps_teams else _("队伍总数"), "values": [row[column] for row in rows]},
        "y": {"name": _("人"), "from_zero": False},
        "series": series,
        "marks": [{"x": chosen, "name": _("已选")}] if chosen in {row[column] for row in rows} else [],
    }


def arrivals(moves: Iterable[tuple[float, int]], *, told_min: float) -> Chart:
    """Persons that have arrived, over the minutes since the warning.

    moves : the minute in which a group is there, and its persons; a group counts from the minute it is complete
    told_min : when the first may leave
    """
    rows = sorted(moves)
    by_minute = [
        (minute, sum(n for _m, n in group)) for minute, group in itertools.groupby(rows, key=lambda row: row[0])
    ]
    there = list(itertools.accumulate(n for _m, n in by_minute))
    points = [[0, 0], *([minute, n] for (minute, _n), n in zip(by_minute, there, strict=True))]
    halfway = next((minute for minute, n in points if 2 * n >= points[-1][1]), 0)
    return {
        "label": _(
            "到 %(half)s 分钟一半到达, 到 %(all)s 分钟 %(n)s 人全部到达",
            half=f"{halfway:g}",
            all=f"{points[-1][0]:g}",
            n=f"{points[-1][1]:,}",
        ),
        "x": {"name": _("预警后, 分钟"), "values": None},
        "y": {"name": _("已到达, 人"), "from_zero": True},
        "series": [_series(_("已到达"), points, "step")],
        "marks": [{"x": told_min, "name": _("开始出发")}],
    }
