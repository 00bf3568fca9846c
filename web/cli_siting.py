"""Commands of siting and of stocking."""

import time
from pathlib import Path

import click

from geo.siting import MODELS
from layers.actions.accounts import COMMAND_LINE
from web.cli import _bar, _district, as_json, database, parse_moment, when
from web.cli_whatif import keep_and_say, whatif

_FILE = click.Path(path_type=Path, dir_okay=False)


@whatif.command("siting")
@click.argument("name")
@database
@click.option("--add", type=int, help="New teams (default: 1, unless --budget or fewest_sites).")
@click.option("--budget", type=int, help="What they may cost together, instead of --add; costs come from the file.")
@click.option("--model", type=click.Choice(list(MODELS)), default="most_covered", show_default=True, help="The aim.")
@click.option(
    "--candidates",
    "sources",
    multiple=True,
    type=click.Choice(["shelter", "hospital", "depot", "enterprise", "grid"]),
    help="Buildings that could take a team, or a grid on the roads; several (default: shelter and hospital).",
)
@click.option("--spacing", type=float, help="Metres between the points of the grid.")
@click.option("--file", "file", type=_FILE, help="Candidates of your own: id, name, place, cost, capacity.")
@click.option("--crs", help="The coordinate system of the file where it names none, such as EPSG:4490.")
@click.option("--type", "team_type", default="street", show_default=True, help="What the new teams are.")
@click.option("--turnout", type=float, help="Minutes of turnout of the new teams (default: that of the type).")
@click.option("--skill", help="Only teams with this skill; the new ones have it.")
@click.option("--covers", type=int, default=1, show_default=True, help="Teams that each place needs to count.")
@click.option("--move-teams", is_flag=True, help="Teams that are there may be given up; --add is beyond as many.")
@click.option("--limit", "limit_min", type=float, default=60.0, show_default=True, help="Minutes, bound included.")
@click.option(
    "--places",
    type=click.Choice(["villages", "cells", "enterprises"]),
    default="villages",
    show_default=True,
    help="Who is to be reached.",
)
@click.option("--scenario", default="as_it_is", show_default=True, help="A shipped scenario, or a TOML file.")
@when
@click.option("--time-limit", "time_limit_s", type=float, default=30.0, show_default=True, help="Seconds of solving.")
@click.option("--replace", is_flag=True, help="Replace a saved result of this name.")
@click.option("--against", metavar="NAME", help="Also print the difference to this saved result.")
@as_json
def siting_command(
    name: str,
    db: str | None,
    add: int | None,
    budget: int | None,
    model: str,
    sources: tuple[str, ...],
    spacing: float | None,
    file: Path | None,
    crs: str | None,
    team_type: str,
    turnout: float | None,
    skill: str | None,
    covers: int,
    move_teams: bool,
    limit_min: float,
    places: str,
    scenario: str,
    moment: str | None,
    time_limit_s: float,
    replace: bool,
    against: str | None,
    json_out: bool,
) -> None:
    """Two more teams, where? Sites beside the teams that are there; save them as NAME, show them on the map."""
    from layers.actions.whatif import begin
    from layers.whatif.candidates import candidate_sites
    from layers.whatif.coverage import named_scenario
    from layers.whatif.saved import load
    from layers.whatif.siting import KIND, Asked, posed, siting_lines

    district = _district(db)
    if against is not None:
        load(district, KIND, against)
    begin(district, COMMAND_LINE, KIND, name, replace=replace)
    began = time.monotonic()
    asked = Asked(
        parse_moment(moment, district),
        1 if add is None and budget is None and model != "fewest_sites" else add,
        budget,
        model,  # type: ignore[arg-type]
        named_scenario(scenario),
        limit_min * 60.0,
        skill,
        places,
        team_type,
        None if turnout is None else turnout * 60.0,
        covers,
        time_limit_s,
        not move_teams,
    )
    wanted = sources or (() if file is not None else ("shelter", "hospital"))
    candidates = candidate_sites(district.view(), wanted, spacing_m=spacing, file=file, crs=crs)
    found = posed(district, name, asked, candidates).solved(progress=_bar())
    keep_and_say(
        district,
        found,
        siting_lines,
        began=began,
        replace=replace,
        against=against,
        table="places",
        json_out=json_out,
    )


@whatif.command("stocking")
@click.argument("name")
@database
@click.option(
    "--items", "items_file", type=_FILE, required=True, help="Items: item id, units, volume (m3) and price of a pack."
)
@click.option("--budget", type=float, required=True, help="Yuan for all packs.")
@click.option("--needs", "needs_file", type=_FILE, help="Needs: village id, item id, quantity; instead of the shares.")
@click.option("--affected", type=float, default=0.0, show_default=True, help="Share of every village affected.")
@click.option("--evacuated", type=float, default=0.0, show_default=True, help="Share of every village evacuated.")
@click.option("--days", type=int, default=3, show_default=True, help="Days that the needs by shares are for.")
@click.option("--limit", "limit_min", type=float, default=60.0, show_default=True, help="Minutes, bound included.")
@click.option("--scenario", default="as_it_is", show_default=True, help="A shipped scenario, or a TOML file.")
@when
@click.option("--time-limit", "time_limit_s", type=float, default=60.0, show_default=True, help="Seconds of solving.")
@click.option("--replace", is_flag=True, help="Replace a saved result of this name.")
@click.option("--against", metavar="NAME", help="Also print the difference to this saved plan.")
@as_json
def stocking_command(
    name: str,
    db: str | None,
    items_file: Path,
    budget: float,
    needs_file: Path | None,
    affected: float,
    evacuated: float,
    days: int,
    limit_min: float,
    scenario: str,
    moment: str | None,
    time_limit_s: float,
    replace: bool,
    against: str | None,
    json_out: bool,
) -> None:
    """Which depot should hold how much of what, beside what it holds; save the plan as NAME, show it on the map."""
    from layers.actions.whatif import begin
    from layers.whatif.coverage import named_scenario
    from layers.whatif.saved import load
    from layers.whatif.stocking import KIND, Asked, items_of_file, needs_of_file, posed, stocking_lines

    district = _district(db)
    if against is not None:
        load(district, KIND, against)
    begin(district, COMMAND_LINE, KIND, name, replace=replace)
    began = time.monotonic()
    asked = Asked(
        parse_moment(moment, district),
        items_of_file(district, items_file),
        budget,
        affected,
        evacuated,
        days,
        None if needs_file is None else needs_of_file(district, needs_file),
        named_scenario(scenario),
        limit_min * 60.0,
        time_limit_s,
    )
    found = posed(district, name, asked).solved(progress=_bar())
    keep_and_say(
        district,
        found,
        stocking_lines,
        began=began,
        replace=replace,
        against=against,
        table="packs",
        json_out=json_out,
    )
