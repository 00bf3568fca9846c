"""Commands of what-if questions."""

import signal
import threading
import time
from datetime import UTC, datetime

import click

from web.cli import _bar, _district, _print_json, _say, as_json, cli, database, parse_moment, when


@cli.group()
def whatif() -> None:
    """What if: what breaks the one-hour coverage, and what the difference is."""


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
    from layers.whatif.answers import compared_results, saved_result
    from layers.whatif.criticality import KIND, Asked, n_minus_1, n_minus_1_lines
    from layers.whatif.saved import load, save
    from layers.whatif.scenario import AS_IT_IS, read_scenario

    district = _district(db)
    asked = Asked(
        parse_moment(moment, district),
        AS_IT_IS if scenario == AS_IT_IS.id else read_scenario(scenario),
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
    record = save(
        district,
        found,
        made_utc=datetime.now(UTC),
        made_by="command line",
        seconds=time.monotonic() - began,
        replace=replace,
    )
    difference = None
    if against is not None:
        difference = compared_results(district, KIND, against, record.name, table="links")
    if json_out:
        _print_json({**saved_result(district, KIND, record.name), "difference": difference})
        return
    for line in n_minus_1_lines(found):
        click.echo(line)
    if difference is not None:
        for key, row in difference["summary"].items():
            if row["change"]:
                click.echo(f"  {key}: {row['old']:,} -> {row['new']:,} ({row['change']:+,})")
        click.echo(f"{difference['count']} links differ from '{against}'")
    _say(f"saved as '{record.name}' after {record.seconds:.1f} s; layers critical_links, villages_on_one_road")
