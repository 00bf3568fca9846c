"""The command line: parse, call, print. `onemap COMMAND --help` says what each one takes."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from data.kinds import KINDS
from data.settings import Settings, settings_table
from data.store import Store
from geo.errors import InputError, OneMapError
from layers.layer import ROLES, Lang, Role
from layers.permissions import TOKEN_SCOPES

F = TypeVar("F", bound=Callable[..., Any])
LOCAL_ROLE: Role = "administrator"
"""Whoever may read the database file may see every field of it."""


def _say(text: str) -> None:
    click.echo(text, err=True)


def _settings() -> Settings:
    return Settings.from_environment(os.environ)


def _store(db: str | None) -> Store:
    return Store(db or _settings().database)


def _district(db: str | None, *, ignore_oneway: bool = False) -> Any:
    from layers.district import District

    return District(_store(db), snap_m=_settings().snap_m, ignore_oneway=ignore_oneway, progress=_say)


def database(command: F) -> F:
    """Add --db to a command."""
    return click.option(
        "--db", metavar="PATH", help="Database file or URL (else ONEMAP_DATABASE, else var/district.gpkg)."
    )(command)


def as_json(command: F) -> F:
    """Add --json to a command."""
    return click.option("--json", "json_out", is_flag=True, help="Print JSON.")(command)


def blue_light(command: F) -> F:
    """Add --ignore-oneway to a command."""
    return click.option("--ignore-oneway", is_flag=True, help="Drive against one-way streets too (blue light).")(
        command
    )


def when(command: F) -> F:
    """Add --at, the moment that is asked about, to a command."""
    return click.option(
        "--at",
        "moment",
        metavar="TIME",
        help="The moment asked about, e.g. 2026-07-01T08:00+08:00 (default: now).",
    )(command)


def parse_lonlat(text: str, name: str) -> tuple[float, float]:
    """Read LON,LAT in degrees; InputError names the option and the value."""
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"{name}={text}: expected LON,LAT in degrees, such as 120.86,32.01") from error
    return lon, lat


def parse_moment(text: str | None, district: Any) -> datetime:
    """Read a time; one without an offset is the district's local time; None is now."""
    if text is None:
        return district.now()  # type: ignore[no-any-return]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"at={text}: expected a time such as 2026-07-01T08:00+08:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=district.timezone)
    return moment.astimezone(district.timezone)


def _print_json(value: Any) -> None:
    from layers.layer import plain

    click.echo(json.dumps(value, ensure_ascii=False, indent=1, default=plain, allow_nan=False))


class _SpreadPoints(click.Command):
    """A command whose --from and --to take several places after one option name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        option = ""
        for arg in args:
            if arg in ("--from", "--to"):
                option = arg
                continue
            if arg.startswith("--"):
                option = ""
                spread.append(arg)
            elif option and "," in arg:
                spread += [option, arg]
            else:
                option = ""
                spread.append(arg)
        return super().parse_args(ctx, spread)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="district-onemap")
def cli() -> None:
    """The district's one map: import, coverage, supplies, layered maps."""


@cli.command()
@database
@click.option("--name", default="未命名", show_default=True, help="Name of the district.")
@click.option("--epsg", default=4549, show_default=True, help="Metric CRS that the district measures in.")
@click.option("--timezone", default="Asia/Shanghai", show_default=True, help="For duty hours and expiry.")
def init(db: str | None, name: str, epsg: int, timezone: str) -> None:
    """Make an empty district."""
    path = db or _settings().database
    Store.create(path, name=name, epsg=epsg, timezone=timezone)
    _say(f"made an empty district '{name}' (EPSG:{epsg}, {timezone}) at {path}")


@cli.command("import")
@database
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--crs", help="EPSG:4326, EPSG:4490, EPSG:4549 ..., GCJ-02 or BD-09; needed where the file has none.")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Read COLUMN of the file as FIELD.")
@click.option("--source", help="Where the data comes from (default: the file's name).")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--append", is_flag=True, help="Add to roads, water or boundary instead of replacing them.")
@click.option("--force", is_flag=True, help="Accept a declared datum that looks wrong.")
@click.option("--code", help="Rasters: the code by which a scheme names it, such as dem.")
@click.option("--title", help="Rasters: its title (default: the code).")
@click.option("--quantity", help="Rasters: what it holds, such as elevation, water_level or impervious_share.")
@click.option("--unit", default="", help="Rasters: the unit of its values, such as m.")
@click.option("--datum", help="Rasters: vertical datum of heights: wusong, cgvd1985 or other.")
@click.option("--band", type=int, help="Rasters: band of a GeoTIFF that has several.")
@click.option("--variable", help="Rasters: variable of a NetCDF file that has several.")
@click.option("--nodata", help="Rasters: a value that means no data though the file does not say so, or none.")
@as_json
def import_command(
    db: str | None,
    kind: str,
    file: Path,
    crs: str | None,
    mapping: tuple[str, ...],
    source: str | None,
    dry_run: bool,
    append: bool,
    force: bool,
    code: str | None,
    title: str | None,
    quantity: str | None,
    unit: str,
    datum: str | None,
    band: int | None,
    variable: str | None,
    nodata: str | None,
    json_out: bool,
) -> None:
    """Import FILE as KIND: all or nothing, with a report row by row."""
    from data.importers import import_file

    if kind == "rasters":
        from data.rasters import import_raster

        if code is None or quantity is None:
            raise InputError("rasters need --code and --quantity, such as --code dem --quantity elevation")
        found = import_raster(
            _store(db),
            file,
            code=code,
            title=title or code,
            quantity=quantity,
            unit=unit,
            vertical_datum=datum,
            band=band,
            variable=variable,
            crs=crs,
            nodata=nodata,
            source=source,
            dry_run=dry_run,
            now_utc=datetime.now(UTC),
        )
        if json_out:
            _print_json(found.to_json())
        else:
            click.echo(found.to_text())
        return
    column_map = {}
    for pair in mapping:
        column, equals, field = pair.partition("=")
        if not equals:
            raise InputError(f"map={pair}: expected COLUMN=FIELD")
        column_map[column] = field
    report = import_file(
        _store(db),
        kind,
        file,
        crs=crs,
        column_map=column_map,
        dry_run=dry_run,
        force=force,
        append=append,
        source=source,
        now_utc=datetime.now(UTC),
    )
    if json_out:
        _print_json(report.to_json())
    else:
        click.echo(report.to_text())
    if kind in ("roads", "water", "boundary") and not dry_run:
        from layers import tiles

        _say("building the base map")
        tiles.build_base(_district(db))


@cli.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
def template(kind: str) -> None:
    """Write the empty sheet of KIND to standard output (redirect it to a file.xlsx)."""
    from data.templates import template_xlsx

    sheet = template_xlsx(kind)
    if sys.stdout.isatty():
        raise InputError(f"this is a spreadsheet; redirect it: onemap template {kind} > {kind}.xlsx")
    sys.stdout.buffer.write(sheet)


@cli.command()
@database
@click.argument("layer")
@click.option("-f", "--format", "form", default="geojson", show_default=True, help="geojson, gpkg, csv, xlsx or html.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write (default: standard output).")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@when
def export(db: str | None, layer: str, form: str, output: Path | None, lang: Lang, moment: str | None) -> None:
    """Export LAYER (or `all` with -f html for the whole atlas)."""
    import web
    from layers import html, query, render
    from web.pages import leaflet_files

    district = _district(db)
    at = parse_moment(moment, district)
    if form == "html":
        chosen = None if layer == "all" else [query.layer_for(layer, LOCAL_ROLE).id]
        files = leaflet_files(Path(web.__file__).parent / "static" / "vendor" / "leaflet")
        content = html.atlas(district, leaflet=files, role=LOCAL_ROLE, lang=lang, at=at, layer_ids=chosen).encode()
    else:
        content = render.render(query.read(district, layer, role=LOCAL_ROLE, at=at), form, lang)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        part = output.with_name(output.name + ".part")
        part.write_bytes(content)
        part.replace(output)
        _say(f"wrote {output} ({len(content):,} bytes)")


@cli.command("layers")
@database
@as_json
def layers_command(db: str | None, json_out: bool) -> None:
    """List the layers with count, source and age."""
    from layers import query, render

    district = _district(db)
    found = [render.describe(query.summary(district, name, role=LOCAL_ROLE)) for name in query.permitted(LOCAL_ROLE)]
    if json_out:
        _print_json(found)
        return
    for row in found:
        click.echo(f"{row['id']:<18} {row['count']:>7}  {row['updated_utc'] or '-':<20}  {row['source']}")


@cli.command()
@database
@as_json
def unplaced(db: str | None, json_out: bool) -> None:
    """List the facilities that have an address but no place on the map yet."""
    from layers import analyses

    rows = analyses.unplaced(_district(db))
    if json_out:
        _print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['layer']:<14} {row['id']:<16} {row['name']}  {row['address'] or '-'}")
    click.echo(f"{len(rows)} to be placed")


@cli.command()
@as_json
def speeds(json_out: bool) -> None:
    """Print the speed table in force."""
    from layers import analyses

    table = analyses.speed_table()
    if json_out:
        _print_json(table)
        return
    for row in table["classes"]:
        click.echo(f"{row['highway']:<16} {row['free_kmh']:>5.0f} km/h  peak x{row['peak_factor']}")
    for note in table["notes"]:
        click.echo(note)


@cli.command(cls=_SpreadPoints)
@database
@click.option("--from", "origins", multiple=True, required=True, metavar="LON,LAT ...")
@click.option("--to", "destinations", multiple=True, required=True, metavar="LON,LAT ...")
@click.option("--weight", type=click.Choice(["time", "distance"]), default="time", show_default=True)
@when
@as_json
@blue_light
def times(
    db: str | None,
    origins: tuple[str, ...],
    destinations: tuple[str, ...],
    weight: str,
    moment: str | None,
    json_out: bool,
    ignore_oneway: bool,
) -> None:
    """Travel times and road distances from every origin to every destination."""
    from layers import analyses

    district = _district(db, ignore_oneway=ignore_oneway)
    result = analyses.times(
        district,
        origins=[parse_lonlat(text, "from") for text in origins],
        destinations=[parse_lonlat(text, "to") for text in destinations],
        weight=weight,
        at=parse_moment(moment, district),
    )
    if json_out:
        _print_json(result)
        return
    for i, (seconds, metres) in enumerate(zip(result["time_s"], result["distance_m"], strict=True)):
        for j, (s, m) in enumerate(zip(seconds, metres, strict=True)):
            text = "no route" if s is None else f"{s / 60:.1f} min, {m / 1000:.2f} km"
            click.echo(f"{origins[i]} -> {destinations[j]}: {text}")


@cli.command(cls=_SpreadPoints)
@database
@click.option("--from", "origin", required=True, metavar="LON,LAT")
@click.option("--to", "destination", required=True, metavar="LON,LAT")
@click.option("--weight", type=click.Choice(["time", "distance"]), default="time", show_default=True)
@when
@as_json
@blue_light
def route(
    db: str | None, origin: str, destination: str, weight: str, moment: str | None, json_out: bool, ignore_oneway: bool
) -> None:
    """The quickest (or shortest) route, with its geometry."""
    from layers import analyses

    district = _district(db, ignore_oneway=ignore_oneway)
    result = analyses.route(
        district,
        origin=parse_lonlat(origin, "from"),
        destination=parse_lonlat(destination, "to"),
        weight=weight,
        at=parse_moment(moment, district),
    )
    if json_out:
        _print_json(result)
    elif result["time_s"] is None:
        click.echo(f"no route: {result['reason']}")
    else:
        click.echo(f"{result['time_s'] / 60:.1f} min, {result['distance_m'] / 1000:.2f} km")


@cli.command()
@database
@click.option("--limit", "limit_s", type=float, default=3600.0, show_default=True, help="s, bound included.")
@click.option("--skill", help="Only teams with this skill count.")
@click.option("--places", type=click.Choice(["villages", "cells", "enterprises"]), default="villages")
@click.option(
    "--closure", "closures", multiple=True, type=click.Path(), help="Also closed: a file of the kind closures; several."
)
@click.option("--crs", help="EPSG:4326, GCJ-02 ... of the closures; needed where a file has none.")
@click.option("--scenario", default="as_it_is", show_default=True, help="Under a shipped scenario, or a TOML file.")
@click.option(
    "--compare", metavar="SCENARIO", help="Also who gains and who loses, from this scenario to what is asked."
)
@when
@as_json
@blue_light
def coverage(
    db: str | None,
    limit_s: float,
    skill: str | None,
    places: str,
    closures: tuple[str, ...],
    crs: str | None,
    scenario: str,
    compare: str | None,
    moment: str | None,
    json_out: bool,
    ignore_oneway: bool,
) -> None:
    """Who is reached within the limit, with the proof row of every place."""
    from layers import analyses
    from layers.whatif.coverage import change_lines, closures_of_file, named_scenario, scenario_coverage
    from layers.whatif.scenario import with_closures

    district = _district(db, ignore_oneway=ignore_oneway)
    drawn = [closure for path in closures for closure in closures_of_file(district, path, crs=crs)]
    result = scenario_coverage(
        district,
        with_closures(named_scenario(scenario), drawn),
        compare=None if compare is None else named_scenario(compare),
        limit_s=limit_s,
        skill=skill,
        at=parse_moment(moment, district),
        places=places,
    )
    if json_out:
        _print_json(result.to_json())
        return
    for line in (*analyses.coverage_lines(result.answer), *change_lines(result)):
        click.echo(line)


@cli.command()
@database
@click.option("--to", "place", required=True, metavar="LON,LAT", help="Where the supplies are needed.")
@click.option("--need", "needs", multiple=True, required=True, metavar="ITEM=QTY")
@click.option("--within", type=float, help="Deadline in minutes, bound included.")
@click.option("--way", type=click.Choice(["earliest", "own_level", "fewest_depots"]), default="earliest")
@click.option("--substitutes", is_flag=True, help="Fill from substitutes too.")
@when
@as_json
@blue_light
def supply(
    db: str | None,
    place: str,
    needs: tuple[str, ...],
    within: float | None,
    way: Literal["earliest", "own_level", "fewest_depots"],
    substitutes: bool,
    moment: str | None,
    json_out: bool,
    ignore_oneway: bool,
) -> None:
    """N of item X at P within T: which depots give how much, and when it is there."""
    from layers import analyses

    district = _district(db, ignore_oneway=ignore_oneway)
    result = analyses.supply(
        district,
        lonlat=parse_lonlat(place, "to"),
        needs=analyses.parse_needs(needs),
        within_s=None if within is None else within * 60.0,
        at=parse_moment(moment, district),
        way=way,
        with_substitutes=substitutes,
    )
    if json_out:
        _print_json(result)
        return
    for line in analyses.supply_lines(result):
        click.echo(line)


@cli.command()
def settings() -> None:
    """Every setting: name, value, default and help."""
    for row in settings_table(_settings()):
        click.echo(f"{row.name:<24} {row.value:<24} (default {row.default})  {row.help_en}")


@cli.command()
@database
def doctor(db: str | None) -> None:
    """Check the installation and the database."""
    from layers import doctor as checks

    failed = 0
    for check in checks.run(db or _settings().database):
        click.echo(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}")
        failed += not check.ok
    if failed:
        raise SystemExit(1)


@cli.group(invoke_without_command=True)
@database
@click.option("--roads", type=click.Path(exists=True, path_type=Path), help="Road network to measure on.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save the figures as JSON.")
@click.pass_context
def bench(ctx: click.Context, db: str | None, roads: Path | None, output: Path | None) -> None:
    """Time coverage and nearest supplies beside other engines, in one run, as ratios."""
    if ctx.invoked_subcommand is not None:
        return
    from layers.bench import run_bench

    run_bench(roads, output=output, say=click.echo)


@bench.command("events")
@database
@click.option("--listeners", type=click.IntRange(1, 20_000), default=1000, show_default=True, help="Streams to hold.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Also write the figures as JSON.")
def bench_events(db: str | None, listeners: int, output: Path | None) -> None:
    """Hold idle listeners on a copy of the district and time how a commit reaches them."""
    from web.bench_events import run_bench_events

    counts = sorted({0, max(1, listeners // 2), listeners})
    run_bench_events(db or _settings().database, counts=counts, output=output, say=click.echo)


@bench.command("supplies")
@database
@click.option("--clients", type=click.IntRange(1, 500), default=50, show_default=True, help="Clients at once.")
@click.option(
    "--requests", type=click.IntRange(1, 100_000), default=3000, show_default=True, help="Reservations in all."
)
@click.option("--listeners", type=click.IntRange(1, 5000), default=500, show_default=True, help="Open maps.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Also write the figures as JSON.")
def bench_supplies(db: str | None, clients: int, requests: int, listeners: int, output: Path | None) -> None:
    """Reserve through the API on a copy of the demo district, beside raw commits of the same disk."""
    from web.bench_supplies import run_bench_supplies

    run_bench_supplies(
        db or _settings().database,
        clients=clients,
        requests=requests,
        listeners=listeners,
        output=output,
        say=click.echo,
    )


@bench.command("n-1")
@click.option("--roads", type=click.Path(path_type=Path), help="Road network in GeoParquet (default: Nanjing).")
@click.option("--busiest", type=click.IntRange(1), default=2000, show_default=True, help="Links to recount.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Also write the figures as JSON.")
def bench_n_minus_1(roads: Path | None, busiest: int, output: Path | None) -> None:
    """Recount 10,000 places without each of the busiest links in turn, beside the naive loop's estimate."""
    from layers.bench_criticality import run_bench_criticality

    run_bench_criticality(roads, busiest=busiest, output=output, say=click.echo)


@bench.command("evacuation")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save the figures as JSON.")
def bench_evacuation(output: Path | None) -> None:
    """Villages to shelters within capacity, beside SciPy, networkx and the rule of thumb."""
    from layers.bench_evacuation import run_bench_evacuation

    run_bench_evacuation(output=output, say=click.echo)


@bench.command("siting")
@click.option("--peer-limit", "peer_s", type=float, default=60.0, show_default=True, help="Seconds the peer may take.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save the figures as JSON.")
def bench_siting(peer_s: float, output: Path | None) -> None:
    """The four location models on random points, beside spopt and its default solver."""
    from layers.bench_siting import run_bench_siting

    run_bench_siting(peer_s=peer_s, output=output, say=click.echo)


@bench.command("zoning")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Share of the full number of cells.")
@click.option("--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler for our own rows.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save the figures as JSON.")
def bench_zoning(scale: float, scheduler: str | None, output: Path | None) -> None:
    """Composite, classes and zonal statistics at scale beside NumPy, rasterstats and geopandas."""
    from layers.bench_zoning import run_bench_zoning

    run_bench_zoning(scale=scale, scheduler=scheduler, output=output, say=click.echo)


@cli.command("sheet")
@click.argument("layer")
@database
@click.option("--paper", default="A3", show_default=True, help="A0, A1, A2, A3 or A4.")
@click.option("--scale", type=int, default=100_000, show_default=True, help="50000 is 1:50,000.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A .pdf, or a .png (one a sheet).")
@click.option("--title", default="", help="Title (default: district and layer).")
@click.option("--subtitle", default="", help="Line below the title.")
@click.option("--maker", default="", help="Who makes the map.")
@click.option("--map-number", default="", help="Approval number (审图号); a public sheet needs one.")
@click.option("--public", is_flag=True, help="For the public: not marked internal.")
@click.option("--single", is_flag=True, help="Refuse where one sheet does not hold the district.")
@click.option("--dpi", type=click.IntRange(20, 600), default=200, show_default=True, help="Of a .png.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@when
def sheet_command(
    layer: str,
    db: str | None,
    paper: str,
    scale: int,
    output: Path,
    title: str,
    subtitle: str,
    maker: str,
    map_number: str,
    public: bool,
    single: bool,
    dpi: int,
    lang: Lang,
    moment: str | None,
) -> None:
    """Print LAYER as a map sheet at an exact scale; a district too large for the paper takes several sheets."""
    from layers.sheet import SheetText, sheet
    from web.pages import sheet_fonts

    if output.suffix.lower() not in (".pdf", ".png"):
        raise InputError(f"output={output.name}: expected a name that ends in .pdf or .png")
    district = _district(db)
    at = parse_moment(moment, district)
    found = sheet(
        district,
        layer,
        fonts=sheet_fonts(),
        made_on=district.now().date(),
        paper=paper.upper(),
        scale=scale,
        role=LOCAL_ROLE,
        lang=lang,
        text=SheetText(title=title, subtitle=subtitle, maker=maker, map_number=map_number, public=public),
        single=single,
        at=at,
    )
    pages = len(found.plan.frames)
    if output.suffix.lower() == ".pdf":
        files = {output: found.pdf}
    else:
        names = [output] if pages == 1 else [output.with_stem(f"{output.stem}-{k + 1}") for k in range(pages)]
        files = {name: found.png(k + 1, dpi=dpi) for k, name in enumerate(names)}
    for path, content in files.items():
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(content)
        part.replace(path)
        click.echo(f"{path}  {found.plan.paper}, 1:{scale:,}, {pages} sheets")


@cli.group()
def user() -> None:
    """Accounts: who may log in, and as what."""


def _given_password(stdin: bool) -> str | None:
    if not stdin:
        return None
    return sys.stdin.readline().rstrip("\r\n")


def _print_password(account: str, password: str | None, *, stdin: bool) -> None:
    if not stdin:
        click.echo(f"password of {account}: {password}")
        _say("it is shown this once; the first log-in asks for another one")


@user.command("add")
@click.argument("account")
@database
@click.option("--name", help="Name of the person or the post (default: the account).")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--depot", help="Keepers: id of the depot where they may act.")
@click.option("--street", help="Or the street whose depots they keep.")
@click.option("--stdin", is_flag=True, help="Read the password from standard input instead of making one.")
def user_add(
    account: str, db: str | None, name: str | None, role: str, depot: str | None, street: str | None, stdin: bool
) -> None:
    """Add ACCOUNT; its password is printed once and must be changed at the first log-in."""
    from layers.actions import accounts

    made, password = accounts.add_account(
        _district(db),
        accounts.COMMAND_LINE,
        account,
        name=name or account,
        role=role,
        depot_id=depot,
        street=street,
        password=_given_password(stdin),
    )
    _say(f"added {made['id']} ({made['role']})")
    _print_password(made["id"], password, stdin=stdin)


def _state(account: Any, now: datetime) -> str:
    told = [
        word
        for word, holds in (
            ("demo", account.demo),
            ("disabled", account.disabled),
            (f"locked until {account.locked_until_utc}", account.is_locked(now)),
            ("password to be changed", account.must_change),
        )
        if holds
    ]
    return ", ".join(told)


@user.command("list")
@database
@as_json
def user_list(db: str | None, json_out: bool) -> None:
    """List the accounts with role, depot or street, and state."""
    from data import accounts
    from layers.actions.accounts import shown

    with _store(db).reading() as conn:
        found = accounts.accounts(conn)
    if json_out:
        _print_json([shown(one) for one in found])
        return
    now = datetime.now(UTC)
    for one in found:
        bound = one.depot_id or one.street or "-"
        click.echo(f"{one.id:<24} {one.role:<14} {bound:<16} {one.name}  {_state(one, now)}".rstrip())
    click.echo(f"{len(found)} accounts")


@user.command("disable")
@click.argument("account", required=False)
@database
@click.option("--demo", is_flag=True, help="Every demo account.")
def user_disable(account: str | None, db: str | None, demo: bool) -> None:
    """Let ACCOUNT in no more; its sessions end at once."""
    from layers.actions import accounts

    if (account is None) == (not demo):
        raise InputError("account, --demo: give exactly one of the two")
    district = _district(db)
    if account is not None:
        names = [accounts.disable_account(district, accounts.COMMAND_LINE, account)["id"]]
    else:
        names = accounts.disable_demo_accounts(district, accounts.COMMAND_LINE)
    _say(f"disabled {', '.join(names) or 'nobody'}")


@user.command("password")
@click.argument("account")
@database
@click.option("--stdin", is_flag=True, help="Read the password from standard input instead of making one.")
def user_password(account: str, db: str | None, stdin: bool) -> None:
    """Give ACCOUNT a new password, printed once; its sessions end, and the next log-in asks for another one."""
    from layers.actions import accounts

    changed, password = accounts.reset_password(
        _district(db), accounts.COMMAND_LINE, account, password=_given_password(stdin)
    )
    _say(f"new password for {changed['id']}")
    _print_password(changed["id"], password, stdin=stdin)


@user.command("unlock")
@click.argument("account")
@database
def user_unlock(account: str, db: str | None) -> None:
    """Let ACCOUNT in again, whether it was locked or disabled."""
    from layers.actions import accounts

    _say(f"unlocked {accounts.unlock_account(_district(db), accounts.COMMAND_LINE, account)['id']}")


@cli.group()
def token() -> None:
    """Tokens by which devices report: shown once, with scope and expiry."""


@token.command("add")
@click.argument("device")
@database
@click.option("--name", default="", help="What the token is for (default: the device).")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(TOKEN_SCOPES), help="Repeatable.")
@click.option("--days", type=int, default=180, show_default=True, help="Days until it expires, at most 366.")
def token_add(device: str, db: str | None, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token of DEVICE (its id in the register of devices) and print it once."""
    from layers.actions import accounts

    made, secret = accounts.add_token(
        _district(db),
        accounts.COMMAND_LINE,
        device,
        name=name,
        scopes=scopes or ("device.report",),
        days=days,
    )
    _say(f"{made['id']} of {made['device_id']} for {', '.join(made['scope'])} until {made['expires_utc']}")
    click.echo(secret)


@token.command("list")
@database
@as_json
def token_list(db: str | None, json_out: bool) -> None:
    """List the tokens; their secrets are not kept."""
    from data import accounts
    from layers.actions.accounts import shown_token

    with _store(db).reading() as conn:
        found = accounts.tokens(conn)
    if json_out:
        _print_json([shown_token(one) for one in found])
        return
    now = datetime.now(UTC)
    for one in found:
        state = "good" if one.is_good(now) else "revoked" if one.revoked_utc else "expired"
        click.echo(
            f"{one.id:<16} {one.device_id:<16} {state:<8} until {one.expires_utc}  {', '.join(sorted(one.scope))}"
        )
    click.echo(f"{len(found)} tokens")


@token.command("revoke")
@click.argument("token_id", metavar="TOKEN")
@database
def token_revoke(token_id: str, db: str | None) -> None:
    """Let TOKEN (its id, such as token:1a2b3c4d) open nothing from now on."""
    from layers.actions import accounts

    _say(f"revoked {accounts.revoke_token(_district(db), accounts.COMMAND_LINE, token_id)['id']}")


@cli.group()
def zoning() -> None:
    """Risk zoning: run schemes, explain levels, compare runs."""


def _bar() -> Callable[[str, float], None]:
    """Progress on one line of the terminal, with the time that remains."""
    from layers.zoning.chunked import Remaining

    left = Remaining()
    live = sys.stderr.isatty()

    def show(phase: str, share: float) -> None:
        seconds = left(share)
        rest = "" if seconds is None else f", {seconds:.0f} s left"
        text = f"[{'#' * round(share * 30):<30}] {share:>4.0%} {phase}{rest}"
        if live:
            click.echo(f"\r{text:<100}", err=True, nl=share >= 1.0)

    return show


@zoning.command("run")
@click.argument("scheme")
@database
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the products; must be new or empty.")
@click.option("--no-publish", is_flag=True, help="Do not show the run on the map.")
@click.option("--scheduler", metavar="ADDRESS", help="Rate block by block: on a Dask cluster, or 'local'.")
@when
@as_json
def zoning_run(
    scheme: str,
    db: str | None,
    out: Path | None,
    no_publish: bool,
    scheduler: str | None,
    moment: str | None,
    json_out: bool,
) -> None:
    """Run SCHEME (natural, accident, or the path of a TOML file), write its products, show it on the map."""
    from layers.actions import zoning as published
    from layers.zoning.large import is_large, run_large
    from layers.zoning.products import write_products
    from layers.zoning.run import run_zoning
    from layers.zoning.scheme import read_scheme

    checked = read_scheme(scheme)
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"out={out}: the folder is not empty; give a new one")
    district = _district(db)
    began = time.monotonic()
    at = parse_moment(moment, district)
    if scheduler is not None or is_large(district, checked):
        if out is None:
            raise InputError("out: what is rated block by block is written to files only; give --out DIR")
        there = None if scheduler == "local" else scheduler
        large = run_large(district, checked, out, at=at, scheduler=there, progress=_bar())
        _say(f"run {large.id}: {large.found.units:,} cells in {time.monotonic() - began:.1f} s -> {out}")
        if not no_publish:
            why = published.publish_large(district, large, scheme=checked, made_by="command line")
            _say(f"not shown on the map: {why}" if why else f"shown on the map: layer zones_large_{checked.kind}")
        if json_out:
            _print_json({"run": large.id, "files": [str(path) for path in large.files]})
        return
    run = run_zoning(district, checked, at=at, progress=_bar())
    files = write_products(run, out) if out is not None else []
    if not no_publish:
        published.publish(district, run, made_by="command line", seconds=time.monotonic() - began)
    if json_out:
        _print_json({"run": run.id, "units": len(run.units), "persons": run.persons, "files": [str(p) for p in files]})
        return
    from layers.zoning.result import LEVEL_TEXTS

    for row in run.exposed.to_dict("records"):
        name = LEVEL_TEXTS[row["level"]].zh
        click.echo(f"{name:<6} {row['units']:>8,} units {row['area_km2']:>9.2f} km2 {row['persons']:>10,} persons")
    for notice in run.notices:
        click.echo(f"须知: {notice.zh}")
    click.echo(f"run {run.id}, parameters {run.parameter_version}, {time.monotonic() - began:.1f} s")
    for path in files:
        click.echo(f"  {path}")


@zoning.command("list")
@database
@as_json
def zoning_list(db: str | None, json_out: bool) -> None:
    """List the runs that are kept, the newest first."""
    from dataclasses import asdict

    from layers.zoning import runs

    found = runs.records(_district(db))
    if json_out:
        _print_json([asdict(record) for record in found])
        return
    for record in found:
        click.echo(f"{record.run}  {record.scheme:<12} {record.made_utc}  {record.units:>8,} units  {record.title}")
    click.echo(f"{len(found)} runs")


@zoning.command("explain")
@click.argument("run")
@database
@click.option("--at", "place", metavar="LON,LAT", help="A place: the unit that holds it is explained.")
@click.option("--street", help="Or a street by its name.")
def zoning_explain(run: str, db: str | None, place: str | None, street: str | None) -> None:
    """Print why a unit or a street has its level; RUN is a scheme or the id of a run."""
    from layers.layer import plain_tree
    from layers.zoning.answers import explain

    lonlat = parse_lonlat(place, "at") if place is not None else None
    _print_json(plain_tree(explain(_district(db), run, lonlat=lonlat, street=street)))


@zoning.command("compare")
@click.argument("old")
@click.argument("new")
@database
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the table, the matrix and the map.")
def zoning_compare(old: str, new: str, db: str | None, out: Path | None) -> None:
    """Print what moved class between two runs, and why."""
    from layers.zoning.compare import compare
    from layers.zoning.runs import kept_run

    district = _district(db)
    found = compare(kept_run(district, old), kept_run(district, new))
    for notice in found.notices:
        click.echo(f"须知: {notice.zh}")
    for row in found.matrix.to_dict("records"):
        mark = " " if row["level_old"] == row["level_new"] else "*"
        click.echo(
            f"{mark} {row['level_old']} -> {row['level_new']}: {row['units']:>8,} units {row['area_km2']:>9.2f} km2 "
            f"{row['persons']:>10,} persons"
        )
    click.echo(f"{len(found.moved)} units moved; causes: {found.moved['cause'].value_counts().to_dict()}")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in found.files().items():
            part = out / f".{name}.part"
            part.write_bytes(content)
            part.replace(out / name)
            click.echo(f"  {out / name}")


@zoning.command("schemes")
@click.argument("name", required=False)
def zoning_schemes(name: str | None) -> None:
    """List the schemes that come along, or print one as a start for your own."""
    from layers.zoning.scheme import SHIPPED, shipped_scheme

    if name is not None:
        click.echo(shipped_scheme(name).text, nl=False)
        return
    for shipped in SHIPPED:
        scheme = shipped_scheme(shipped)
        click.echo(f"{shipped:<10} {scheme.title.zh}: {', '.join(h.title.zh for h in scheme.hazards)}")


@zoning.command("parameters")
@database
@click.option("--version", "wanted", help="Version of the set (default: the newest in force).")
@as_json
def zoning_parameters(db: str | None, wanted: str | None, json_out: bool) -> None:
    """Print the parameters in force with provenance; * marks those to be confirmed (待核对)."""
    from data.parameters import parameters

    path = db or _settings().database
    store = Store(path) if "://" in path or Path(path).exists() else None
    found = parameters(wanted, on=datetime.now(UTC).date(), store=store)
    rows = list(found.rows())
    if json_out:
        _print_json(rows)
        return
    for row in rows:
        mark = "*" if row["to_confirm"] else " "
        click.echo(
            f"{mark} {row['code']:<52} {row['value']:>10g} {row['unit']:<12} {row['provenance']:<6} {row['reference']}"
        )
    click.echo(f"version {found.version}: {len(rows)} parameters, {sum(r['to_confirm'] for r in rows)} to be confirmed")


@zoning.command("correct")
@click.argument("scheme")
@click.argument("unit")
@click.argument("level", type=click.IntRange(1, 5))
@database
@click.option("--reason", required=True, help="Why the computed level is not right; it is printed in the report.")
@click.option("--author", required=True, help="Who decides.")
def zoning_correct(scheme: str, unit: str, level: int, db: str | None, reason: str, author: str) -> None:
    """Set the LEVEL of a UNIT by hand from the next run on; the computed level stays beside it."""
    import pandas as pd

    from data.importers import import_frame

    if not reason.strip() or not author.strip():
        raise InputError("reason and author: expected text")
    district = _district(db)
    now = datetime.now(UTC)
    row = {
        "scheme": scheme,
        "unit": unit,
        "level": level,
        "reason": reason,
        "author": author,
        "decided_on": district.local(now).date().isoformat(),
    }
    import_frame(
        district.store,
        "zoning_corrections",
        pd.DataFrame([row]),
        source="command line",
        source_datum="EPSG:4326",
        now_utc=now,
    )
    click.echo(f"unit {unit} of '{scheme}' is level {level} from the next run on")


def reachable(command: F) -> F:
    """Add how the map is reached to a command that serves it."""
    for option in (
        click.option(
            "--behind-proxy", is_flag=True, help="A proxy with TLS stands in front (exactly one); believe its headers."
        ),
        click.option("--tls-key", metavar="FILE", help="Key of the certificate (PEM, without a passphrase)."),
        click.option("--tls-cert", metavar="FILE", help="TLS certificate with its chain (PEM)."),
        click.option(
            "--name", "names", multiple=True, metavar="NAME", help="Host name by which the map is opened; repeatable."
        ),
        click.option("--port", type=int, default=None, help="Port (default 8000)."),
        click.option("--host", default=None, help="Address to listen on (default 127.0.0.1; 0.0.0.0 is every one)."),
    ):
        command = option(command)
    return command


def _serve(
    chosen: Settings,
    path: str,
    *,
    host: str | None,
    port: int | None,
    names: tuple[str, ...],
    tls_cert: str | None,
    tls_key: str | None,
    behind_proxy: bool,
) -> None:
    """Serve, after everything that could be wrong about it was found out."""
    from layers.actions.accounts import first_start
    from layers.district import District
    from web.server import require_safe
    from web.server import serve as serve_app

    serving, certificate = require_safe(
        host or chosen.host, tls_cert=tls_cert, tls_key=tls_key, behind_proxy=behind_proxy, names=names
    )
    with Store(path) as store:
        for line in first_start(District(store), local=serving.is_local):
            _say(f"onemap: {line}")
    serve_app(chosen, path, port=chosen.port if port is None else port, serving=serving, certificate=certificate)


@cli.command()
@database
@reachable
def serve(db: str | None, **how: Any) -> None:
    """Serve the one map of a district that is there already."""
    chosen = _settings()
    _serve(chosen, db or chosen.database, **how)


@cli.command()
@database
@reachable
@click.option("--go-on", is_flag=True, help="Go on with the last drill instead of a new copy.")
@click.option("--discard", is_flag=True, help="Throw the copy away and end.")
def drill(db: str | None, go_on: bool, discard: bool, port: int | None, **how: Any) -> None:
    """Serve a copy of the district for a drill: the same screens, and nothing real moves.

    Without --port it is served one above the real map.
    """
    from data import drill as drills

    chosen = _settings()
    store = _store(db)
    if store.path is None:
        raise InputError(f"{store.url} is a database server; copy it with its own tool and serve the copy")
    path = drills.drill_path(store.path)
    if discard:
        drills.discard_drill(store.path)
        _say(f"threw away {path}")
        return
    if not (go_on and path.exists()):
        drills.make_drill(store, now_utc=datetime.now(UTC))
        _say(f"copied {store.url} to {path} for a drill")
    store.close()
    _serve(chosen, str(path), port=chosen.port + 1 if port is None else port, **how)


@cli.command()
@database
@click.option("--check", is_flag=True, help="Do everything but serve.")
@reachable
@click.option("--home", type=click.Path(path_type=Path), hidden=True, help="Where var/ is made.")
def run(db: str | None, check: bool, home: Path | None, **how: Any) -> None:
    """Make the demo district where there is no database yet, compute, report, serve."""
    from data.demo import load_demo
    from layers import query, report, tiles
    from layers.catalogue import LAYERS
    from layers.layer import Computed

    started = time.monotonic()
    chosen = _settings()
    path = db or os.environ.get("ONEMAP_DATABASE") or str((home or Path.cwd()) / "var" / "district.gpkg")
    if "://" not in path and not Path(path).exists():
        _say(f"making the demo district at {path}")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        part = Path(path).with_name(Path(path).name + ".part")
        for leftover in part.parent.glob(part.name + "*"):
            leftover.unlink()
        store = Store.create(str(part), name="崇川区(示意)", epsg=4549, demo=True)
        shutil.rmtree(store.raster_folder(), ignore_errors=True)
        load_demo(store, now_utc=datetime.now(UTC), progress=_say)
        rasters = store.raster_folder()
        store.close()
        # The database last: it is there only when all that belongs to it is.
        if rasters.is_dir():
            shutil.rmtree(Path(path).with_suffix(".rasters"), ignore_errors=True)
            rasters.replace(Path(path).with_suffix(".rasters"))
        part.replace(path)
    district = _district(path)
    from layers.actions import zoning as published
    from layers.zoning import runs as zoning_runs
    from layers.zoning.run import run_zoning
    from layers.zoning.scheme import SHIPPED, shipped_scheme

    if district.demo:
        for name in SHIPPED:
            if zoning_runs.newest(district, name) is None:
                _say(f"risk zoning: {name}")
                began = time.monotonic()
                found = run_zoning(district, shipped_scheme(name))
                published.publish(district, found, made_by="onemap run", seconds=time.monotonic() - began)
    _say("base map and response times")
    tiles.build_base(district)
    for layer_id, layer in LAYERS.items():
        if isinstance(layer.source, Computed):
            query.read(district, layer_id, role=LOCAL_ROLE)
    for line in report.lines(district):
        click.echo(line)
    _say(f"ready after {time.monotonic() - started:.1f} s")
    if not check:
        district.store.close()
        _serve(chosen, path, **how)


def run_command(args: list[str] | None = None) -> int:
    """One command: the only place where an error becomes a sentence and an exit code.

    0 done; 2 the caller can mend it; 1 only we can.
    """
    try:
        code = cli.main(args, prog_name="onemap", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except OneMapError as error:
        _say(f"onemap: {error.title.lower()}: {error.detail}")
        for row in getattr(error, "rows", [])[:20]:
            at = f"row {row['row']}" if row.get("row") is not None else "file"
            column = f", {row['column']}" if row.get("column") else ""
            _say(f"  {at}{column}: {row['value']!r}; expected {row['expected']}")
        return 2 if error.status < 500 else 1


def main() -> None:
    """Entry point of `onemap`."""
    sys.exit(run_command())


# The groups of commands that have a file of their own join here, when all that they use is there.
from web import cli_around as _around  # noqa: E402, F401
from web import cli_closures as _closures  # noqa: E402, F401
from web import cli_evacuation as _evacuation  # noqa: E402, F401
from web import cli_records as _records  # noqa: E402, F401
from web import cli_scenarios as _scenarios  # noqa: E402, F401
from web import cli_siting as _siting  # noqa: E402, F401
from web import cli_supplies as _supplies  # noqa: E402, F401
from web import cli_whatif as _whatif  # noqa: E402, F401

if __name__ == "__main__":
    # The commands of those files joined the module under its own name.
    from web.cli import main as _main

    _main()
