"""Commands of evacuation: a plan, its maps to print, the shelter balance."""

import time
from pathlib import Path

import click

from web.cli import _district, _print_json, _say, as_json, database, parse_moment, when
from web.cli_whatif import keep_and_say, whatif


@whatif.command("evacuation")
@click.argument("name")
@database
@click.option("--scenario", default="as_it_is", show_default=True, help="A shipped scenario, or a TOML file.")
@when
@click.option(
    "--zone",
    default="",
    help="The zone that is left: area:ID, area:ID:METRES, level:LAYER:LEAST, raster:CODE, raster:CODE:METRES, WKT of "
    "an area in WGS 84, or a file with such a WKT.",
)
@click.option("--who", type=click.Choice(["zone", "all"]), help="Only those in the zone (default with one), or all.")
@click.option("--share", type=float, default=1.0, show_default=True, help="Share of them that leaves.")
@click.option(
    "--stay", type=click.Choice(["day", "short", "medium", "long"]), default="day", show_default=True, help="How long."
)
@click.option("--by", "on", type=click.Choice(["foot", "bus"]), default="foot", show_default=True, help="How they go.")
@click.option("--speed", type=float, default=1.1, show_default=True, help="Walking, m/s.")
@click.option("--most-walk", type=float, help="Nobody walks farther than so many metres (included).")
@click.option(
    "--objective",
    type=click.Choice(["total", "last"]),
    default="total",
    show_default=True,
    help="Least person-time, or earliest last arrival.",
)
@click.option("--together", is_flag=True, help="Keep every village in one shelter.")
@click.option("--buses", type=int, default=60, show_default=True, help="Buses of the fleet.")
@click.option("--seats", type=int, default=45, show_default=True, help="Persons a bus.")
@click.option("--replace", is_flag=True, help="Replace a saved result of this name.")
@click.option("--against", metavar="NAME", help="Also print the difference to this saved plan.")
@as_json
def evacuation_command(
    name: str,
    db: str | None,
    scenario: str,
    moment: str | None,
    zone: str,
    who: str | None,
    share: float,
    stay: str,
    on: str,
    speed: float,
    most_walk: float | None,
    objective: str,
    together: bool,
    buses: int,
    seats: int,
    replace: bool,
    against: str | None,
    json_out: bool,
) -> None:
    """Who goes to which shelter, by which streets, in how many minutes; save it as NAME, show it on the map."""
    from layers.whatif.coverage import named_scenario
    from layers.whatif.evacuation import KIND, Asked, evacuate
    from layers.whatif.saved import load
    from layers.whatif.village_plans import evacuation_lines, village_plans

    district = _district(db)
    if against is not None:
        load(district, KIND, against)
    began = time.monotonic()
    asked = Asked(
        scenario=named_scenario(scenario),
        zone=_zone(zone),
        who=who or ("zone" if zone.strip() else "all"),  # type: ignore[arg-type]
        share=share,
        stay=stay,  # type: ignore[arg-type]
        on=on,  # type: ignore[arg-type]
        walk_m_s=speed,
        most_walk_m=most_walk,
        objective=objective,  # type: ignore[arg-type]
        together=together,
        buses=buses,
        seats=seats,
    )
    found = evacuate(district.view(), asked, at=district.local(parse_moment(moment, district)), name=name)
    keep_and_say(
        district,
        found,
        evacuation_lines,
        began=began,
        replace=replace,
        against=against,
        table="villages",
        json_out=json_out,
        more=lambda kept: {"villages": village_plans(*load(district, KIND, kept))},
    )


def _zone(text: str) -> str:
    """A zone as it is named, or as a file has it."""
    try:
        path = Path(text) if text.strip() and len(text) < 1_000 else None
        return path.read_text(encoding="utf-8").strip() if path is not None and path.is_file() else text
    except (OSError, UnicodeDecodeError):
        return text


@whatif.command("evacuation-sheet")
@click.argument("name")
@database
@click.option("--village", help="Id of one village (default: all).")
@click.option("--street", help="Only the villages of this street.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language of the page.")
@click.option("--map-number", default="", help="Map number of pages for the public; without it they say internal.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The PDF to write.")
def evacuation_sheet_command(
    name: str, db: str | None, village: str | None, street: str | None, lang: str, map_number: str, output: Path
) -> None:
    """Print the evacuation maps of a saved plan, an A4 page a village."""
    from layers.whatif.village_plans import plan_of
    from layers.whatif.village_sheet import village_sheets
    from web.pages import sheet_fonts

    district = _district(db)
    record, result = plan_of(district, name)
    content = village_sheets(
        district,
        record,
        result,
        fonts=sheet_fonts(),
        made=district.now(),
        village_id=village,
        street=street,
        map_number=map_number,
        lang=lang,  # type: ignore[arg-type]
    )
    output.write_bytes(content)
    _say(f"{output}: {len(content):,} bytes")


@whatif.command("shelter-balance")
@database
@click.option("--zone", default="", help="Leave out the shelters in this zone (named as for evacuation).")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write it as .csv or .xlsx.")
@as_json
def shelter_balance_command(db: str | None, zone: str, output: Path | None, json_out: bool) -> None:
    """Shelter places a person and distances by street, against the standard."""
    from layers import listing
    from layers.whatif.balance import LISTING, balance, balance_lines, rows

    district = _district(db)
    answer = balance(district, zone=_zone(zone))
    if output is not None:
        table = rows(answer, "全区")
        if output.suffix.lower() == ".csv":
            output.write_bytes(listing.csv(LISTING, table, district=district, lang="zh"))
        elif output.suffix.lower() == ".xlsx":
            made = district.now()
            output.write_bytes(listing.xlsx(LISTING, table, district=district, lang="zh", made=made))
        else:
            raise click.BadParameter(f"{output.name}: expected a name ending in .csv or .xlsx", param_hint="--output")
    if json_out:
        _print_json(answer)
        return
    for line in balance_lines(answer):
        click.echo(line)
