"""Named views: a planner keeps, changes and deletes their own, an administrator everybody's; the audit has it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from data import map_views
from data.map_views import NamedView
from geo.errors import Forbidden, InputError
from layers.actions.gate import act
from layers.district import District
from layers.permissions import Actor
from layers.views.map_view import read_map_view

_ACTION = "view.save"


def save(district: District, actor: Actor, body: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """Keep a view under a name: ``name``, ``shared``, ``document``."""
    name = _name(body["name"])
    _require_readable(district, actor, body["document"])

    def change(conn: Connection, now: datetime) -> dict[str, Any]:
        return told(
            map_views.keep(
                conn,
                name=name,
                made_by=actor.id,
                shared=bool(body.get("shared")),
                document=body["document"],
                now_utc=now,
            ),
            actor,
        )

    done: dict[str, Any] = act(district, actor, _ACTION, change, route="save view", key=key, body=body)
    return done


def change(district: District, actor: Actor, view_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Rename a view (``name``), share it or not (``shared``), or keep the map as it is now in it (``document``)."""
    name = None if body.get("name") is None else _name(body["name"])
    document = body.get("document")
    if document is not None:
        _require_readable(district, actor, document)

    def work(conn: Connection, now: datetime) -> dict[str, Any]:
        view = _own(conn, view_id, actor)
        return told(
            map_views.change(conn, view, name=name, shared=body.get("shared"), document=document, now_utc=now), actor
        )

    done: dict[str, Any] = act(district, actor, _ACTION, work, route="change view", body=body, subject=view_id)
    return done


def delete(district: District, actor: Actor, view_id: str) -> dict[str, Any]:
    """Delete a view."""

    def work(conn: Connection, now: datetime) -> dict[str, Any]:
        view = _own(conn, view_id, actor)
        map_views.delete(conn, view)
        return told(view, actor)

    done: dict[str, Any] = act(district, actor, _ACTION, work, route="delete view", subject=view_id)
    return done


def told(view: NamedView, actor: Actor) -> dict[str, Any]:
    """A view as it is listed, with whether it is the own one; without its document where there is none."""
    found = {**asdict(view), "own": view.made_by == actor.id}
    if view.document is None:
        del found["document"]
    return found


def _name(name: str) -> str:
    found = name.strip()
    if not found or len(found) > map_views.MAX_NAME:
        raise InputError(f"name={name[: map_views.MAX_NAME]!r}: expected 1 to {map_views.MAX_NAME} characters")
    return found


def _require_readable(district: District, actor: Actor, document: Mapping[str, Any]) -> None:
    read_map_view(document, role=actor.role, timezone=district.timezone)


def _own(conn: Connection, view_id: str, actor: Actor) -> NamedView:
    is_administrator = actor.role == "administrator"
    view = map_views.read(conn, view_id, actor.id, all_views=is_administrator)
    if view.made_by != actor.id and not is_administrator:
        raise Forbidden(f"the view '{view.name}' is {view.made_by}'s; open it and save it under a name of your own")
    return view
