"""Commands of what must not be lost: backup, restore, and whether the record of what was done is whole."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from web.cli import _print_json, _say, _settings, _store, as_json, cli, database


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@database
@as_json
def backup(file: Path, db: str | None, json_out: bool) -> None:
    """Write the district to one archive FILE, while it may be served; into a folder under a name with the time."""
    from data.backup import make_backup

    now = datetime.now(UTC)
    with _store(db) as store:
        if file.is_dir():
            stem = "district" if store.path is None else store.path.stem
            file = file / f"{stem}-{now:%Y%m%dT%H%M%SZ}.zip"
        made = make_backup(store, file, now_utc=now)
    if json_out:
        _print_json(made.to_json())
        return
    click.echo(f"{made.path}  {made.path.stat().st_size:,} bytes, {made.files} files of {made.bytes:,} bytes")
    click.echo(f"audit: {made.audit_rows:,} rows, last hash {made.audit_hash}")
    click.echo(f"ledger: {made.counts['movement']:,} movements, hash {made.ledger_hash}")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@database
@as_json
def restore(file: Path, db: str | None, json_out: bool) -> None:
    """Make the district from the archive FILE, where no database is; everything is checked before it is there."""
    from data.backup import restore as restored

    place = db or _settings().database
    made = restored(file, Path(place))
    if json_out:
        _print_json(made.to_json())
        return
    _say(f"restored '{made.name}' of {made.made_utc} to {made.path}")
    click.echo(f"audit: {made.audit_rows:,} rows, last hash {made.audit_hash}")
    click.echo(f"ledger: {made.counts['movement']:,} movements, hash {made.ledger_hash}")


@cli.group()
def audit() -> None:
    """Who did what: whether the record is whole, and its newest rows."""


@audit.command("verify")
@click.option(
    "--against", type=click.Path(path_type=Path), help="An archive: its last row must still be in the record."
)
@database
@as_json
def audit_verify(against: Path | None, db: str | None, json_out: bool) -> None:
    """Check the chain of the audit, every balance, the state of every order, lot and account; name what was altered.

    The chain covers stock movements, events of orders, counts and changes of state, too.

    Whoever cuts rows off at the end, with what they cover and the database's count of them, leaves no trace: compare
    with a backup, or with a number and a hash that were noted.
    """
    from data import audit as audits
    from data import ledger
    from data.audited import unlike_accounts, unlike_lots
    from data.backup import read_manifest
    from data.order_answers import unlike_their_events
    from data.stock import unlike_their_changes

    with _store(db) as store, store.reading() as conn:
        rows, last, fault = audits.verify(conn)
        problems = [] if fault is None else [f"audit: {fault.problem}, recorded {fault.utc}"]
        if against is not None:
            known = read_manifest(against)
            if known.audit_rows and audits.hash_of(conn, known.audit_rows) != known.audit_hash:
                problems.append(f"audit: row {known.audit_rows} is not the last row of {against}; rows were cut off")
        wrong = ledger.verify(conn)
        unlike = unlike_their_events(conn)
        lots = unlike_their_changes(conn)
        tables = [*unlike_accounts(conn)[:20], *unlike_lots(conn)[:20]]
        ledger_hash = audits.ledger_hash(conn)
    problems += [
        f"ledger: lot {one.lot_id}, {one.balance}{f' of order {one.ref}' if one.ref else ''}:"
        f" {ledger.shown(one.stored_e3)} stored, the movements make {ledger.shown(one.moved_e3)}"
        for one in wrong[:20]
    ]
    problems += [
        f"order {order}: it is {state}, its last event says {said or 'nothing'}" for order, state, said in unlike[:20]
    ]
    problems += [f"lot {lot}: it is {status}, its last change says {said}" for lot, status, said in lots[:20]]
    problems += tables
    if json_out:
        _print_json(
            {
                "audit": {"rows": rows, "hash": last, "first_bad_row": None if fault is None else fault.seq},
                "ledger": {"hash": ledger_hash, "wrong": len(wrong)},
                "problems": problems,
            }
        )
    else:
        for problem in problems:
            click.echo(problem)
        click.echo(f"audit: {rows:,} rows{' until there' if fault else ''}, hash {last}")
        click.echo(f"ledger: {len(wrong)} balances differ from their movements, hash {ledger_hash}")
    if problems:
        sys.exit(1)


@audit.command("list")
@click.option("--since", metavar="TIME", help="From this time on, e.g. 2026-07-01T22:00+08:00.")
@click.option("--subject", help="Only what was done to this order, lot or account.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@database
@as_json
def audit_list(since: str | None, subject: str | None, limit: int, db: str | None, json_out: bool) -> None:
    """The newest rows of the audit, the newest first."""
    from data import audit as audits
    from data.schema import utc_text

    with _store(db) as store, store.reading() as conn:
        found = audits.entries(conn, since=None if since is None else utc_text(since), subject=subject, limit=limit)
    if json_out:
        _print_json([entry.__dict__ for entry in found])
        return
    for entry in found:
        click.echo(
            f"{entry.seq:>8} {entry.recorded_utc} {entry.actor:<16} {entry.outcome:<8} {entry.action:<24}"
            f" {entry.subject or ''}".rstrip()
        )
