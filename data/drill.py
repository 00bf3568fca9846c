"""A drill: the same screens over a copy of the district, so that nothing real moves."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from data import schema
from data.store import Store, live_copy
from geo.errors import InputError, Unavailable

_BESIDE = (".rasters", ".zoning", ".whatif", ".cache")
"""The folders that belong to a database."""


def drill_path(path: Path) -> Path:
    """Where the copy for drills of a district stands: beside it."""
    return path.with_name(f"{path.stem}.drill{path.suffix}")


def make_drill(store: Store, *, now_utc: datetime) -> Path:
    """Copy the district as it is now for a drill; an older copy gives way. The real one is only read.

    InputError for the copy of a copy, Unavailable for a database server.
    """
    if store.path is None:
        raise Unavailable("a drill on a database server needs a copy made with its own tool, pg_dump")
    if store.district.drill_of_utc is not None:
        raise InputError(f"{store.url} is a drill already; name the real district")
    target = drill_path(store.path)
    discard_drill(store.path)
    store.snapshot(target)
    live_copy(target)
    for suffix in _BESIDE:
        folder = store.path.with_suffix(suffix)
        if folder.is_dir():
            shutil.copytree(folder, target.with_suffix(suffix), copy_function=_linked)
    with Store(target) as copy, copy.writing() as conn:
        # Who is logged in to the real one, and its devices, are not in the drill.
        for name in ("session", "token"):
            conn.execute(sa.delete(schema.table(name)))
        conn.execute(sa.update(schema.table("district")).values(drill_of_utc=schema.utc_text(now_utc)))
    return target


def discard_drill(path: Path) -> None:
    """Throw the copy away, if there is one."""
    target = drill_path(path)
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            target.with_name(target.name + suffix).unlink()
    for suffix in _BESIDE:
        shutil.rmtree(target.with_suffix(suffix), ignore_errors=True)


def _linked(source: str, target: str) -> str:
    """One file under two names; a copy where the file system cannot do that. Both sides replace, never write into."""
    link: Callable[[str, str], None] = os.link
    try:
        link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
