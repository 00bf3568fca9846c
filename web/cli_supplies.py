"""Commands of supplies beside the plan: boards of the stock, availability, needs, the reserve list."""

from collections.abc import Mapping
from typing import Any

import click

from web.cli import _district, _print_json, as_json, cli, database, parse_lonlat, parse_moment, when

_DEPOT = {"depot": "depot_id", "name": "depot_name"}
_ITEM = {"item": "item_id", "what": "name"}


def _show(answer: Mapping[str, Any], columns: Mapping[str, str], json_out: bool, *, key: str = "rows") -> None:
    from layers import analyses

    if json_out:
        _print_json(answer)
        return
    for line in analyses.board_lines(answer[key], columns):
        click.echo(line)


@cli.group()
def stock() -> None:
    """Boards of the stock: what is low, expires soon, was not counted, and one item over all depots."""


@stock.command("low")
@database
@click.option("--item", help="Only this item.")
@click.option("--depot", help="Only this depot.")
@when
@as_json
def stock_low(db: str | None, item: str | None, depot: str | None, moment: str | None, json_out: bool) -> None:
    """Stock below its minimum, or below the red or yellow line of its target."""
    from layers import analyses

    district = _district(db)
    answer = analyses.low_stock(district, item=item, depot=depot, at=parse_moment(moment, district))
    columns = {"state": "state", "below minimum": "is_below_minimum", **_ITEM, **_DEPOT}
    columns |= {"available": "available", "minimum": "minimum", "target": "target", "unit": "unit"}
    _show(answer, columns, json_out)


@stock.command("expiring")
@database
@click.option("--days", type=int, help="Up to so many days (default: the widest class, 180).")
@click.option("--item", help="Only this item.")
@when
@as_json
def stock_expiring(db: str | None, days: int | None, item: str | None, moment: str | None, json_out: bool) -> None:
    """Lots that are expired (class -1) or expire soon, in classes of days."""
    from layers import analyses

    district = _district(db)
    answer = analyses.expiring(district, days=days, item=item, at=parse_moment(moment, district))
    columns = {"class": "class", "expires": "expires_on", "days left": "days_left", **_ITEM, **_DEPOT, "lot": "lot"}
    columns |= {"on hand": "on_hand", "unit": "unit"}
    _show(answer, columns, json_out)


@stock.command("uncounted")
@database
@click.option("--days", type=int, help="More than so many days ago (default: a parameter, 90).")
@when
@as_json
def stock_uncounted(db: str | None, days: int | None, moment: str | None, json_out: bool) -> None:
    """Depots whose stock was not counted for long: they ask for a count."""
    from layers import analyses

    district = _district(db)
    answer = analyses.uncounted(district, days=days, at=parse_moment(moment, district))
    columns = {**_DEPOT, "counted": "counted_utc", "days ago": "age_days", "lots": "lots", "late": "lots_uncounted"}
    _show(answer, columns, json_out)


@stock.command("balances")
@database
@click.option("--true-at", metavar="TIME", help="What had happened until then (default: now).")
@click.option("--known-at", metavar="TIME", help="What was recorded until then (default: now).")
@click.option("--item", help="Only this item.")
@click.option("--depot", help="Only this depot.")
@as_json
def stock_balances(
    db: str | None,
    true_at: str | None,
    known_at: str | None,
    item: str | None,
    depot: str | None,
    json_out: bool,
) -> None:
    """What lay where, as true at one moment, as known at another."""
    from layers import analyses

    district = _district(db)
    moments = {
        name: None if text is None else parse_moment(text, district)
        for name, text in (("true_at", true_at), ("known_at", known_at))
    }
    answer = analyses.balances(district, **moments, item=item, depot=depot)
    columns = {"item": "item_id", "name": "item_name", "depot": "depot_id", "lot": "lot", "account": "account"}
    columns |= {"order": "order"}
    _show(answer, columns | {"quantity": "quantity", "unit": "unit"}, json_out)


@stock.command("item")
@click.argument("item")
@database
@when
@as_json
def stock_item(item: str, db: str | None, moment: str | None, json_out: bool) -> None:
    """One item in every depot: enough, low, none or not counted."""
    from layers import analyses

    district = _district(db)
    answer = analyses.glance(district, item, at=parse_moment(moment, district))
    columns = {"state": "state", "level": "level", **_DEPOT, "available": "available", "minimum": "minimum"}
    _show(answer, columns | {"target": "target"}, json_out)


@cli.command("availability")
@click.argument("item")
@database
@click.option("--to", "place", metavar="LON,LAT", help="At this place: goods count as they arrive (default: anywhere).")
@when
@as_json
def availability_command(item: str, db: str | None, place: str | None, moment: str | None, json_out: bool) -> None:
    """How much of ITEM there is now, in an hour, in a day: goods, contracts and production told apart."""
    from layers import analyses

    district = _district(db)
    answer = analyses.availability_curve(
        district,
        item,
        lonlat=None if place is None else parse_lonlat(place, "to"),
        at=parse_moment(moment, district),
    )
    columns = {name: name for name in ("hour", "goods", "contract", "production", "total")}
    _show(answer, columns, json_out, key="points")


@cli.command("needs")
@database
@click.option("--affected", type=int, required=True, help="Persons affected, those evacuated among them.")
@click.option("--evacuated", type=int, required=True, help="Persons evacuated and sheltered.")
@click.option("--days", type=int, required=True, help="For so many days.")
@when
@as_json
def needs_command(db: str | None, affected: int, evacuated: int, days: int, moment: str | None, json_out: bool) -> None:
    """What people need by the relief standards, less what is there: drafted lines of a request."""
    from layers import analyses

    district = _district(db)
    answer = analyses.needs_draft(
        district, affected=affected, evacuated=evacuated, days=days, at=parse_moment(moment, district)
    )
    columns = {**_ITEM, "needed": "needed", "there": "there", "draft": "draft", "unit": "unit"}
    _show(answer, columns | {"to confirm": "to_confirm"}, json_out)


@cli.command("reserves")
@database
@click.option("--version", "version", help="Version of the list (default: the one in force).")
@click.option("--level", help="Only this level: community, street, district or city.")
@when
@as_json
def reserves_command(
    db: str | None, version: str | None, level: str | None, moment: str | None, json_out: bool
) -> None:
    """The reserve list against what is in place, and whether it is due for a review."""
    from layers import analyses

    district = _district(db)
    answer = analyses.reserve_list(district, version=version, level=level, at=parse_moment(moment, district))
    if not json_out:
        click.echo(f"list {answer['version']}, in force since {answer['valid_from']}")
        for review in answer["reviews"]:
            click.echo(f"  {'due' if review['is_due'] else '-':<4} {review['trigger']}: {review['detail']}")
    columns = {"state": "state", "level": "level", "owner": "owner", **_ITEM, "mode": "mode"}
    _show(answer, columns | {"in place": "in_place", "target": "target", "unit": "unit"}, json_out)


@cli.command("outstanding")
@database
@click.option("--request", "request_id", help="One request (default: every open one).")
@when
@as_json
def outstanding_command(db: str | None, request_id: str | None, moment: str | None, json_out: bool) -> None:
    """What open requests still lack, drafted as the request to the next level."""
    from layers import analyses

    district = _district(db)
    answer = analyses.upward(district, request_id=request_id, at=parse_moment(moment, district))
    _show(answer, {**_ITEM, "quantity": "quantity", "unit": "unit"}, json_out)


@cli.command("kpis")
@database
@when
@as_json
def kpis_command(db: str | None, moment: str | None, json_out: bool) -> None:
    """Found, moved, used: each figure with its target, numerator and denominator."""
    from layers import analyses

    district = _district(db)
    answer = analyses.kpis(district, at=parse_moment(moment, district))
    columns = {"word": "word", "figure": "title", "value": "value", "unit": "unit", "target": "target"}
    columns |= {"met": "is_met", "of": "numerator", "all": "denominator"}
    if not json_out:
        shown = [{**row, "value": "no data" if row["no_data"] else row["value"]} for row in answer["rows"]]
        answer = {"rows": shown}
    _show(answer, columns, json_out)
