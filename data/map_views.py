"""Views of the map kept under a name: whose they are, who may open them, and the document that restores them."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from data import schema
from data.schema import utc_text
from geo.errors import Conflict, NotFound, TooLarge

MAX_NAME = 80
MAX_DOCUMENT = 200_000
"""Characters of one document, bound included."""

MAX_OF_ONE = 200
"""Views that one account may keep, bound included."""


@dataclass(frozen=True)
class NamedView:
    """A view as it is kept; `document` is None where only the list is asked for."""

    id: str
    name: str
    made_by: str
    shared: bool
    created_utc: str
    updated_utc: str
    document: dict[str, Any] | None = None


def listed(conn: Connection, actor: str) -> list[NamedView]:
    """The views of one account and those that are for all, by name, without their documents."""
    table = schema.table("map_view")
    columns = [table.c[name] for name in ("id", "name", "made_by", "shared", "created_utc", "updated_utc")]
    rows = conn.execute(
        sa.select(*columns)
        .where((table.c.made_by == actor) | (table.c.shared == 1))
        .order_by(table.c.name, table.c.made_by)
    )
    return [NamedView(**{**row._mapping, "shared": bool(row.shared)}) for row in rows]


def read(conn: Connection, view_id: str, actor: str, *, all_views: bool = False) -> NamedView:
    """One view with its document; NotFound where there is none, or it is another's and not for all."""
    table = schema.table("map_view")
    row = conn.execute(sa.select(table).where(table.c.id == view_id)).one_or_none()
    if row is None or not (row.made_by == actor or row.shared or all_views):
        raise NotFound(f"there is no view '{view_id}'; it may have been deleted")
    return NamedView(
        row.id,
        row.name,
        row.made_by,
        bool(row.shared),
        row.created_utc,
        row.updated_utc,
        json.loads(row.document),
    )


def keep(
    conn: Connection, *, name: str, made_by: str, shared: bool, document: Mapping[str, Any], now_utc: datetime
) -> NamedView:
    """Keep a new view; Conflict where the account has one of this name, TooLarge beyond the bounds."""
    table = schema.table("map_view")
    _require_free(conn, made_by, name)
    many = conn.execute(sa.select(sa.func.count()).where(table.c.made_by == made_by)).scalar_one()
    if many >= MAX_OF_ONE:
        raise TooLarge(f"{made_by} keeps {many} views, at most {MAX_OF_ONE} are kept; delete one first")
    found = NamedView(secrets.token_hex(8), name, made_by, shared, utc_text(now_utc), utc_text(now_utc))
    conn.execute(
        sa.insert(table).values(
            id=found.id,
            name=name,
            made_by=made_by,
            shared=int(shared),
            document=_text(document),
            created_utc=found.created_utc,
            updated_utc=found.updated_utc,
        )
    )
    return found


def change(
    conn: Connection,
    view: NamedView,
    *,
    name: str | None,
    shared: bool | None,
    document: Mapping[str, Any] | None,
    now_utc: datetime,
) -> NamedView:
    """Rename a view, share it or not, put another document in its place; None leaves what is there."""
    table = schema.table("map_view")
    if name is not None and name != view.name:
        _require_free(conn, view.made_by, name)
    new = NamedView(
        view.id,
        view.name if name is None else name,
        view.made_by,
        view.shared if shared is None else shared,
        view.created_utc,
        utc_text(now_utc),
    )
    values: dict[str, Any] = {"name": new.name, "shared": int(new.shared), "updated_utc": new.updated_utc}
    if document is not None:
        values["document"] = _text(document)
    conn.execute(sa.update(table).where(table.c.id == view.id).values(**values))
    return new


def delete(conn: Connection, view: NamedView) -> None:
    """Delete a view."""
    table = schema.table("map_view")
    conn.execute(sa.delete(table).where(table.c.id == view.id))


def _require_free(conn: Connection, made_by: str, name: str) -> None:
    table = schema.table("map_view")
    taken = conn.execute(sa.select(table.c.id).where((table.c.made_by == made_by) & (table.c.name == name))).first()
    if taken is not None:
        raise Conflict(f"name={name}: {made_by} has a view of this name; take another name, or change that view")


def _text(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text) > MAX_DOCUMENT:
        raise TooLarge(f"the view has {len(text)} characters, at most {MAX_DOCUMENT} are kept; draw less in it")
    return text
