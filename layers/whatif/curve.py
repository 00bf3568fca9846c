"""The curve of persons covered over the number of sites, drawn as SVG text; no script is needed to read it."""

import math
from collections.abc import Sequence
from html import escape

from layers.layer import Lang, Text

WIDTH, HEIGHT = 660, 320
"""Pixels; drawn at this size and never shrunk, so that no letter falls below 13 px."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 104, 30, 44, 52
_LABEL_PX = 78
_LINE, _PAPER = "#b3122e", "#ffffff"

_NEW = Text("新增队伍数", "new teams")
_IN_ALL = Text("队伍总数", "teams in all")
_Y = Text("时限内的人口 (人)", "persons within the limit")
_TITLE = Text("时限内的人口", "persons within the limit")
_ALL = Text("全部人口", "all persons")
_BOUND = Text("虚线: 限时内未证明, 至多可达", "dashed: not proven in the time, at most")


def curve_svg(
    sites: Sequence[int],
    persons: Sequence[int],
    total: int,
    *,
    bounds: Sequence[float | None],
    chosen: int | None,
    keeps: bool,
    lang: Lang,
) -> str:
    """The curve as an SVG element: one dot a number of sites, its persons as text beside it.

    sites, persons : the points in order, at least one
    total : all persons
    bounds : what a point can be at most where it is not proven, else None
    chosen : the number that was chosen, whose dot is filled; None or a number off the curve: none is
    keeps : whether `sites` counts new teams (those that are there stay) or all teams
    """
    first, last = sites[0], max(sites[-1], sites[0] + 1)
    tops = [count if bound is None else bound for count, bound in zip(persons, bounds, strict=True)]
    ticks = _ticks(min(persons), max(*tops, min(persons) + 1))
    low, high = ticks[0], ticks[-1]

    def x(count: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (count - first) / (last - first)

    def y(count: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (count - low) / (high - low)

    told = "; ".join(f"{n}: {count:,}" for n, count in zip(sites, persons, strict=True))
    parts = [
        f'<svg class="curve" xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="13" fill="currentColor">',
        f"<title>{escape(_TITLE.to(lang))}: {told}</title>",
        f'<text x="4" y="16">{escape(_Y.to(lang))}</text>',
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 8}" text-anchor="end">'
        f"{escape((_NEW if keeps else _IN_ALL).to(lang))}</text>",
    ]
    if any(bound is not None for bound in bounds):
        parts.append(f'<text x="{_LEFT}" y="{HEIGHT - 8}">{escape(_BOUND.to(lang))}</text>')
    parts.extend(
        f'<path d="M{_LEFT} {y(tick):.1f}H{WIDTH - _RIGHT}" fill="none" stroke="currentColor" stroke-opacity="0.2"/>'
        f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,}</text>'
        for tick in ticks
    )
    if low <= total <= high:
        parts.append(
            f'<path d="M{_LEFT} {y(total):.1f}H{WIDTH - _RIGHT}" fill="none" stroke="currentColor" '
            f'stroke-dasharray="6 4"/><text x="{WIDTH - _RIGHT}" y="16" text-anchor="end">'
            f"- - {escape(_ALL.to(lang))} {total:,}</text>"
        )
    line = " ".join(f"{x(n):.1f},{y(count):.1f}" for n, count in zip(sites, persons, strict=True))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{_LINE}" stroke-width="2"/>')
    free = -math.inf
    for n, count, bound in zip(sites, persons, bounds, strict=True):
        is_chosen = n == chosen
        if bound is not None:
            parts.append(
                f'<path d="M{x(n):.1f} {y(count):.1f}V{y(bound):.1f}m-5 0h10" fill="none" stroke="{_LINE}" '
                'stroke-dasharray="3 3"/>'
            )
        parts.append(
            f'<circle cx="{x(n):.1f}" cy="{y(count):.1f}" r="{6 if is_chosen else 4}" stroke="{_LINE}" '
            f'stroke-width="2" fill="{_LINE if is_chosen else _PAPER}"/>'
        )
        if x(n) < free and not is_chosen:
            continue
        # A rising curve leaves room above and to the left of a dot; the first has it below.
        weight = ' font-weight="700"' if is_chosen else ""
        anchor, aside, at = ("start", 6, y(count) + 20) if n == first else ("end", 0, y(count) - 12)
        parts.append(f'<text x="{x(n) + aside:.1f}" y="{at:.1f}" text-anchor="{anchor}"{weight}>{count:,}</text>')
        parts.append(f'<text x="{x(n):.1f}" y="{HEIGHT - _BOTTOM + 20}" text-anchor="middle"{weight}>{n}</text>')
        free = x(n) + _LABEL_PX
    return "".join(parts) + "</svg>"


def _ticks(low: float, high: float) -> list[int]:
    """Whole round numbers, the first at most `low` and the last at least `high`; three to seven of them."""
    rough = max(1.0, (high - low) / 4)
    power = 10 ** math.floor(math.log10(rough))
    step = int(next(m * power for m in (1, 2, 5, 10) if m * power >= rough))
    begin, end = math.floor(low / step), math.ceil(high / step)
    if end - begin < 2:
        begin, end = max(0, begin - 1), end + 1
    return [k * step for k in range(begin, end + 1)]
