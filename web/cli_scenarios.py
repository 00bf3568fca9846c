"""Commands of scenarios, and of the results that are kept."""

from typing import Any

import click

from layers.actions.accounts import COMMAND_LINE
from web.cli import _district, _print_json, as_json, database, parse_moment, when
from web.cli_whatif import whatif


@whatif.command("scenarios")
@click.argument("name")
@click.option("--scenario", "wanted", multiple=True, help="A shipped scenario, or a TOML file; several (default: all).")
@click.option("--replace", is_flag=True, help="Replace a saved result of this name.")
@database
@when
@as_json
def scenarios_command(
    name: str, wanted: tuple[str, ...], replace: bool, db: str | None, moment: str | None, json_out: bool
) -> None:
    """Coverage in bands of time under each scenario, by capability, persons, area and risk; save it as NAME."""
    import time

    from layers.actions.whatif import keep
    from layers.whatif.coverage import named_scenario
    from layers.whatif.scenarios import run_scenarios, scenario_lines

    district = _district(db)
    began = time.monotonic()
    found = run_scenarios(
        district,
        name,
        scenarios=[named_scenario(source) for source in wanted] or None,
        at=parse_moment(moment, district),
    )
    done = keep(district, COMMAND_LINE, found, seconds=time.monotonic() - began, replace=replace)
    if json_out:
        _print_json(done)
        return
    for line in scenario_lines(found):
        click.echo(line)


@whatif.command("list")
@click.option("--kind", help="Only this kind, such as scenarios or n_minus_1.")
@database
@as_json
def results_command(kind: str | None, db: str | None, json_out: bool) -> None:
    """The results that are kept, the newest first, with what changed since."""
    from layers.whatif.answers import result_list

    district = _district(db)
    rows = result_list(district, kind)
    if json_out:
        _print_json(rows)
        return
    for row in rows:
        stale = f"  changed since: {', '.join(row['stale'])}" if row["stale"] else ""
        click.echo(f"{row['kind']}  {row['name']}  {district.local_text(row['made_utc'])}  {row['made_by']}{stale}")


@whatif.command("table")
@click.argument("kind")
@click.argument("name")
@click.argument("table")
@database
def table_command(kind: str, name: str, table: str, db: str | None) -> None:
    """Print one proof table of a saved result as CSV."""
    from layers.whatif.answers import table_csv

    click.echo(table_csv(_district(db), kind, name, table), nl=False)


@whatif.command("difference")
@click.argument("kind")
@click.argument("old")
@click.argument("new")
@click.option("--table", required=True, help="The proof table that is compared.")
@database
@as_json
def difference_command(kind: str, old: str, new: str, table: str, db: str | None, json_out: bool) -> None:
    """What differs between two saved results of a kind: rows gained, lost, changed."""
    from layers.whatif.answers import MAX_ROWS, compared_results

    found: dict[str, Any] = compared_results(_district(db), kind, old, new, table=table, limit=MAX_ROWS)
    if json_out:
        _print_json(found)
        return
    click.echo(f"{found['count']} rows of '{table}' differ from '{old}' to '{new}'")
    for row in found["rows"]:
        told = ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)
        click.echo(f"  {told}")


@whatif.command("delete")
@click.argument("kind")
@click.argument("name")
@database
def delete_command(kind: str, name: str, db: str | None) -> None:
    """Throw a saved result away."""
    from layers.actions.whatif import throw_away

    throw_away(_district(db), COMMAND_LINE, kind, name)
    click.echo(f"{kind} '{name}' is gone")
