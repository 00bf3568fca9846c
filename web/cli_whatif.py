"""Commands of what-if questions."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from layers.actions.accounts import COMMAND_LINE
from web.cli import _bar, _district, _print_json, _say, as_json, cli, database, parse_moment, when

if TYPE_CHECKING:
    from layers.district import District
    from layers.whatif.saved import Result


@cli.group()
def whatif() -> None:
    """What if: what breaks the one-hour coverage, and what the difference is."""


def keep_and_say(
    district: "District",
    found: "Result",
    lines: Callable[["Result"], Iterable[str]],
    *,
    began: float,
    replace: bool,
    against: str | None,
    table: str,
    json_out: bool,
    more: Callable[[str], Mapping[str, Any]] = lambda name: {},
) -> None:
    """Keep a result and print it, with what differs from an earlier one in the rows of a table.

    `began` is on the monotonic clock; `more` is what JSON has beside, by the name under which the result is kept.
    """
    from layers.actions.whatif import keep
    from layers.whatif.answers import compared_results
    from layers.whatif.layers import LAYERS_OF_KIND

    done = keep(district, COMMAND_LINE, found, seconds=time.monotonic() - began, replace=replace)
    name = done["name"]
    difference = None if against is None else compared_results(district, found.kind, against, name, table=table)
    if json_out:
        _print_json({**done, **more(name), "difference": difference})
        return
    for line in lines(found):
        click.echo(line)
    if difference is not None:
        _say_difference(difference, table)
    drawn = ", ".join(layer.id for layer in LAYERS_OF_KIND[found.kind])
    _say(f"saved as '{name}' after {done['seconds']:.1f} s; layers {drawn}")


def _say_difference(found: Mapping[str, Any], noun: str) -> None:
    """Print what differs from an earlier result: the figures that changed, and how many rows."""
    for key, row in found["summary"].items():
        if row["change"]:
            whole = all(isinstance(value, int) for value in row.values())
            old, new = (f"{row[name]:{',' if whole else ',.10g'}}" for name in ("old", "new"))
            click.echo(f"  {key}: {old} -> {new} ({row['change']:{'+,' if whole else '+,.6g'}})")
    click.echo(f"{found['count']} {noun} differ from '{found['old']['name']}'")


@whatif.command("n-1")
@click.argument("name")
@database
@click.option("--scenario", default="as_it_is", show_default=True, help="A shipped scenario, or a TOML file.")
@click.option("--skill", help="Only teams with this skill.")
@click.option("--limit", "limit_min", type=float, default=60.0, show_default=True, help="Minutes, bound included.")
@click.option(
    "--places",
    type=click.Choice(["villages", "cells", "enterprises"]),
    default="villages",
    show_default=True,
    help="Whose first team is looked at.",
)
@click.option("--busiest", type=int, help="Recount only so many links, by persons behind them, and every bridge.")
@when
@click.option("--resume", is_flag=True, help="Go on with the run of this name that was stopped.")
@click.option("--replace", is_flag=True, help="Replace a saved result of this name.")
@click.option("--against", metavar="NAME", help="Also print the difference to this saved result.")
@as_json
def n_minus_1_command(
    name: str,
    db: str | None,
    scenario: str,
    skill: str | None,
    limit_min: float,
    places: str,
    busiest: int | None,
    moment: str | None,
    resume: bool,
    replace: bool,
    against: str | None,
    json_out: bool,
) -> None:
    """Recount the coverage without each road, bridge and team in turn; save it as NAME, show it on the map.

    Ctrl-C stops after the piece in hand and keeps what is finished; --resume goes on with it.
    """
    from layers.whatif.answers import saved_result
    from layers.whatif.coverage import named_scenario
    from layers.whatif.criticality import KIND, Asked, n_minus_1, n_minus_1_lines
    from layers.whatif.saved import load

    district = _district(db)
    asked = Asked(
        parse_moment(moment, district),
        named_scenario(scenario),
        skill,
        limit_min * 60.0,
        places,
        busiest,
    )
    if against is not None:
        load(district, KIND, against)
    began = time.monotonic()
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        found = n_minus_1(district, name, asked, progress=_bar(), cancelled=stop.is_set, resume=resume)
    finally:
        signal.signal(signal.SIGINT, before)
    keep_and_say(
        district,
        found,
        n_minus_1_lines,
        began=began,
        replace=replace,
        against=against,
        table="links",
        json_out=json_out,
        more=lambda kept: saved_result(district, KIND, kept),
    )
