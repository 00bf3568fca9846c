"""Commands of closures: close roads, open them again, and which there are."""

import json
import secrets
from typing import Any

import click

from layers.actions.accounts import COMMAND_LINE
from web.cli import _district, _print_json, as_json, cli, database, parse_lonlat, parse_moment, when


@cli.group()
def closure() -> None:
    """Roads that are closed or slowed, and until when."""


@closure.command("add")
@click.option("--at-place", "place", metavar="LON,LAT", help="The nearest road within 30 m.")
@click.option("--geojson", type=click.File(encoding="utf-8"), help="A file with one GeoJSON geometry.")
@click.option("--flood", "raster", metavar="CODE", help="The roads in the water of a stored raster of depth in m.")
@click.option("--reason", required=True)
@click.option("--from", "begins", metavar="TIME", help="In force from this moment on, included (default: now).")
@click.option("--to", "ends", metavar="TIME", help="Until this moment, not included (default: no end).")
@click.option("--factor", type=float, default=0.0, show_default=True, help="Share of the speed that is left.")
@database
@as_json
def closure_add(
    place: str | None,
    geojson: Any,
    raster: str | None,
    reason: str,
    begins: str | None,
    ends: str | None,
    factor: float,
    db: str | None,
    json_out: bool,
) -> None:
    """Close or slow roads; times, coverage, plans and arrivals follow at once, and it ends by itself."""
    from geo.errors import InputError
    from layers.actions.closures import close

    if sum(found is not None for found in (place, geojson, raster)) != 1:
        raise InputError("--at-place, --geojson, --flood: expected one of the three")
    district = _district(db)
    geometry: Any = None
    if place is not None:
        geometry = {"type": "Point", "coordinates": list(parse_lonlat(place, "at-place"))}
    elif geojson is not None:
        try:
            geometry = json.load(geojson)
        except ValueError:
            raise InputError(f"--geojson={geojson.name}: no JSON") from None
    body = {
        "reason": reason,
        "geometry": geometry,
        "raster": raster,
        "from": None if begins is None else parse_moment(begins, district).isoformat(),
        "to": None if ends is None else parse_moment(ends, district).isoformat(),
        "factor": factor,
    }
    done = close(district, COMMAND_LINE, body, key=secrets.token_hex(16))
    if json_out:
        _print_json(done)
        return
    ending = "no end" if done["to_utc"] is None else f"to {district.local_text(done['to_utc'])}"
    click.echo(f"{done['id']}: {done['closed_m']:,.0f} m closed, {done['slowed_m']:,.0f} m slowed, {ending}")
    if raster is not None:
        click.echo(f"  no data (taken for dry): {done['unknown_m']:,.0f} m; bridges spared: {done['bridges_spared']}")


@closure.command("end")
@click.argument("closure_id")
@click.option("--to", "ends", metavar="TIME", help="When it ends (default: now).")
@database
@as_json
def closure_end(closure_id: str, ends: str | None, db: str | None, json_out: bool) -> None:
    """End a closure; one that has not begun never begins."""
    from layers.actions.closures import reopen

    district = _district(db)
    body = {} if ends is None else {"to": parse_moment(ends, district).isoformat()}
    done = reopen(district, COMMAND_LINE, closure_id, body, key=secrets.token_hex(16))
    if json_out:
        _print_json(done)
    else:
        click.echo(f"{done['id']} ends {district.local_text(done['to_utc'])}")


@closure.command("list")
@database
@when
@as_json
def closure_list(db: str | None, moment: str | None, json_out: bool) -> None:
    """Every closure with its state at a moment: in force, coming, over."""
    from layers import analyses

    district = _district(db)
    frame = analyses.table_layer(district.view(), "closure", at=parse_moment(moment, district))
    columns = ["id", "state", "reason", "from_utc", "to_utc", "factor", "raster"]
    rows = frame[columns].astype(object).where(frame[columns].notna(), None).to_dict("records")
    if json_out:
        _print_json(rows)
        return
    for row in rows:
        span = " to ".join(
            "-" if row[name] is None else district.local_text(row[name]) for name in ("from_utc", "to_utc")
        )
        click.echo(f"{row['id']}  {row['state']}  {row['factor']:g}  {span}  {row['reason']}")
