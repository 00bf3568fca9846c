"""A road is closed, or slowed, and opened again: by hand on the map, or from a raster of water depth."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import Connection

from data import schema
from data.kinds import KINDS
from data.rasters import HEIGHTS, read_raster
from geo.errors import Conflict, InputError, NotFound, TooLarge
from layers.actions.gate import act
from layers.analyses.places import require_place
from layers.closures import require_flooded, wet_area
from layers.district import District, View, metric_geometries
from layers.permissions import Actor

MAX_CORNERS = 20_000
"""Corners of one closure drawn by hand."""

Body = Mapping[str, Any]


def close(district: District, actor: Actor, body: Body, *, key: str) -> dict[str, Any]:
    """Close or slow the roads that a geometry meets, or that lie in the water of a raster, from a moment to another.

    The answer says how many metres of road it closes and slows. InputError where it would touch no road.
    """
    view = district.view()
    begins, ends = _moment(body.get("from")) or district.now().astimezone(UTC), _moment(body.get("to"))
    if ends is not None and ends <= begins:
        raise InputError(f"to={body['to']}: expected a moment after the beginning, {begins.isoformat()}")
    factor = float(body.get("factor") or 0.0)
    if factor == 1.0:
        raise InputError("factor=1: it would leave the whole speed; expected 0 (closed) to below 1")
    code = body.get("raster")
    if (code is None) == (body.get("geometry") is None):
        raise InputError("geometry, raster: expected one of the two")
    if code is not None:
        water = require_flooded(view, str(code))
        place: Any = wet_area(read_raster(district.store, str(code)))
        left, notes = water.edge_factor, {"unknown_m": round(water.unknown_m, 1), "bridges_spared": water.bridges}
    else:
        place, notes = drawn_geometry(view, body["geometry"]), {}
        shape = metric_geometries(gpd.GeoDataFrame(geometry=[place], crs=4326), district.epsg)
        left = view.network.closure_factors(shape, [factor])
    length = view.network.edge_length_m
    told = {
        "closed_m": round(float(length[left == 0].sum()), 1),
        "slowed_m": round(float(length[(left > 0) & (left < 1)].sum()), 1),
    }
    if not (left < 1).any():
        raise InputError(
            "geometry: it meets no road; a point must lie within 30 m of one, a line or area must cross it"
        )
    row = gpd.GeoDataFrame(
        {
            "id": [f"CL-{secrets.token_hex(4)}"],
            "reason": [body["reason"]],
            "from_utc": [schema.utc_text(begins)],
            "to_utc": [None if ends is None else schema.utc_text(ends)],
            "factor": [factor],
            "raster": [code],
        },
        geometry=[place],
        crs=4326,
    )

    def change(conn: Connection, now: datetime) -> dict[str, Any]:
        district.store.upsert(conn, "closure", row, source=actor.id, source_datum="WGS 84", now_utc=now)
        return {**row.drop(columns="geometry").iloc[0].to_dict(), **told, **notes}

    done: dict[str, Any] = act(district, actor, "closure.change", change, route="close road", key=key, body=dict(body))
    return done


def reopen(district: District, actor: Actor, closure_id: str, body: Body, *, key: str) -> dict[str, Any]:
    """End a closure now or at a moment; Conflict where it is over already."""
    wanted = _moment(body.get("to"))
    closure = schema.table("closure")

    def change(conn: Connection, now: datetime) -> dict[str, Any]:
        found = conn.execute(
            closure.select().with_only_columns(closure.c.from_utc, closure.c.to_utc).where(closure.c.id == closure_id)
        ).one_or_none()
        if found is None:
            raise NotFound(f"there is no closure '{closure_id}'")
        end = schema.utc_text(wanted or now)
        if found.to_utc is not None and found.to_utc <= schema.utc_text(now):
            raise Conflict(f"closure {closure_id} is over since {found.to_utc}")
        if wanted is not None and end < schema.utc_text(now):
            raise InputError(f"to={body['to']}: it is past; a closure ends now or later")
        # One that has not begun never begins.
        end = max(end, found.from_utc) if found.from_utc is not None else end
        conn.execute(
            closure.update().where(closure.c.id == closure_id).values(to_utc=end, updated_utc=schema.utc_text(now))
        )
        return {"id": closure_id, "to_utc": end}

    done: dict[str, Any] = act(
        district,
        actor,
        "closure.change",
        change,
        route="open road",
        key=key,
        body={**body, "closure": closure_id},
        subject=closure_id,
    )
    return done


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(schema.utc_text(str(text)))


def drawn_geometry(view: View, geometry: Any) -> Any:
    """A GeoJSON geometry as it is kept: sound, of a kind that closures have, inside the district; else InputError."""
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (shapely.GEOSException, TypeError, ValueError):
        shape = None
    kinds = KINDS["closures"].geometry
    if shape is None or shape.is_empty or shape.geom_type not in kinds:
        raise InputError(f"geometry={json.dumps(geometry)[:60]}: expected GeoJSON of {', '.join(kinds)}")
    corners = shapely.get_coordinates(shape)
    if len(corners) > MAX_CORNERS:
        raise TooLarge(f"geometry: {len(corners)} corners; a closure has at most {MAX_CORNERS}")
    for lonlat in (corners.min(axis=0), corners.max(axis=0)) if np.isfinite(corners).all() else corners:
        require_place(view, (float(lonlat[0]), float(lonlat[1])), "geometry")
    if not shape.is_valid:
        raise InputError(f"geometry: {shapely.is_valid_reason(shape)}; draw it without crossing its own outline")
    return shapely.force_2d(shape)


def depth_rasters(district: District) -> list[dict[str, str]]:
    """Code and title of every raster in metres that is no height: what may be a depth of water."""
    rows = district.store.frame("raster", columns=["code", "title", "quantity", "unit"]).to_dict("records")
    return [
        {"code": row["code"], "title": row["title"]}
        for row in rows
        if row["unit"] == "m" and row["quantity"] not in HEIGHTS
    ]
