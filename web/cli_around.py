"""The command of what lies around an incident."""

from pathlib import Path
from typing import Any

import click

from web.cli import _district, _print_json, as_json, blue_light, cli, database, parse_lonlat, parse_moment


@cli.command()
@database
@click.option("--at", "place", required=True, metavar="LON,LAT", help="The place.")
@click.option("--radius-m", type=float, help="Within this distance, bound included.")
@click.option("--minutes", type=float, help="Or within this driving time on the road network, bound included.")
@click.option("--kinds", help="Layers to look in, separated by commas (default: all facilities).")
@click.option("--pdf", "sheet", type=click.Path(dir_okay=False, path_type=Path), help="Print it on A4 into this file.")
@click.option("--when", "moment", metavar="TIME", help="The moment asked about (default: now).")
@as_json
@blue_light
def around(
    db: str | None,
    place: str,
    radius_m: float | None,
    minutes: float | None,
    kinds: str | None,
    sheet: Path | None,
    moment: str | None,
    json_out: bool,
    ignore_oneway: bool,
) -> None:
    """What lies around an incident: persons, enterprises, shelters, teams, depots, roads, schools, hospitals."""
    from layers import analyses

    district = _district(db, ignore_oneway=ignore_oneway)
    at = parse_moment(moment, district)
    question: dict[str, Any] = {
        "lonlat": parse_lonlat(place, "at"),
        "radius_m": radius_m,
        "minutes": minutes,
        "at": at,
    }
    if sheet is not None:
        from layers.around_sheet import around_sheet
        from web.pages import sheet_fonts

        sheet.write_bytes(around_sheet(district, **question, role="administrator", fonts=sheet_fonts()))
        click.echo(f"{sheet}: written")
        return
    result = analyses.around(district, **question, kinds=kinds.split(",") if kinds else None)
    if json_out:
        _print_json(result)
        return
    for line in analyses.around_lines(result):
        click.echo(line)
