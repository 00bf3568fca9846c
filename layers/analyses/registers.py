"""The registers: search by name, what is still to be placed, tables as layers."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from data import schema
from data.kinds import KINDS
from geo.errors import InputError
from layers.analyses.devices import depot_devices
from layers.analyses.places import TABLE_OF, lonlats
from layers.analyses.response import team_on_duty
from layers.catalogue import FACILITY_LAYERS, LAYERS, POSITION_LATE_S, POSITION_LIVE_S
from layers.district import District, View
from layers.layer import Role, Table
from layers.spelling import name_rank


def search(district: District, q: str, limit: int = 20, role: Role = "viewer") -> list[dict[str, Any]]:
    """Whatever has `q` in its name, as its id or as its spelling: villages, streets, facilities, then named roads.

    Exact names first, then names that begin with it, then the rest, then spellings; within that shorter names first.
    """
    if not q.strip():
        raise InputError("q: expected at least one character of a name")
    if limit < 1:
        raise InputError(f"limit={limit}: must be at least 1")
    view = district.view()
    found: list[tuple[tuple[int, int, int, str], dict[str, Any]]] = []
    for order, (layer_id, names, ids, points) in enumerate(_searchable(view)):
        if role not in LAYERS[layer_id].roles:
            continue
        for name, id_, (lon, lat) in zip(names, ids, points, strict=True):
            rank = name_rank(q, name, id_)
            if rank is not None:
                place = [round(lon, 6), round(lat, 6)] if math.isfinite(lon) else None
                row = {"layer": layer_id, "id": id_, "name": name, "place": place}
                found.append(((rank, order, len(name), name), row))
    found.sort(key=lambda pair: pair[0])
    return [row for _, row in found[:limit]]


def register_rows(district: District, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """Each register: how many rows it has, when one was changed last, and the last file that changed it."""
    run = schema.table("import_run")
    rows = []
    with district.store.reading() as conn:
        for kind in kinds:
            table = schema.table(KINDS[kind].table)
            count, changed = conn.execute(sa.select(sa.func.count(), sa.func.max(table.c.updated_utc))).one()
            last = conn.execute(
                sa.select(run.c.file, run.c.updated_utc, run.c.inserted, run.c.updated, run.c.unchanged, run.c.source)
                .where(run.c.kind == kind)
                .order_by(run.c.fid.desc())
                .limit(1)
            ).mappings()
            rows.append({"kind": kind, "rows": count, "changed_utc": changed, "last": last.one_or_none()})
    return rows


def _searchable(view: View) -> list[tuple[str, list[str], list[str], list[tuple[float, float]]]]:
    def make() -> list[tuple[str, list[str], list[str], list[tuple[float, float]]]]:
        entries = []
        for layer_id in ("streets", "villages", *FACILITY_LAYERS):
            source = LAYERS[layer_id].source
            assert isinstance(source, Table)
            frame = view.frame(source.name)
            entries.append(
                (
                    layer_id,
                    frame["name"].fillna("").astype(str).tolist(),
                    frame["id"].astype(str).tolist(),
                    lonlats(frame),
                )
            )
        roads = view.frame("road")
        if len(roads):
            named = roads[roads["name"].fillna("") != ""].drop_duplicates("name")
            names = named["name"].astype(str).tolist()
            entries.append(("roads", names, names, lonlats(named)))
        return entries

    return view.kept("searchable", make)


def unplaced(district: District) -> list[dict[str, Any]]:
    """Facilities without a place on the map, with the address from which to place them."""
    view = district.view()
    rows = []
    for layer_id in FACILITY_LAYERS:
        frame = view.frame(TABLE_OF[layer_id])
        missing = frame[frame.geometry.isna()]
        rows += [
            {
                "layer": layer_id,
                "id": record["id"],
                "name": record.get("name"),
                "address": record.get("address"),
            }
            for record in missing.to_dict("records")
        ]
    return rows


def source_note(frame: gpd.GeoDataFrame) -> str:
    """The sources of a frame's rows, the most frequent first."""
    if "source" not in frame.columns or len(frame) == 0:
        return "-"
    counts = frame["source"].value_counts()
    names = [str(name) for name in counts.index[:3]]
    return ", ".join(names) + (f" +{len(counts) - 3}" if len(counts) > 3 else "")


def table_layer(view: View, table: str, *, at: datetime) -> gpd.GeoDataFrame:
    """A table of the store as a layer: its rows, with the few columns that depend on the moment."""
    derive = _DERIVED.get(table)
    return view.frame(table) if derive is None else derive(view, at)


def _closures(view: View, at: datetime) -> gpd.GeoDataFrame:
    frame = view.frame("closure")
    begins = pd.to_datetime(frame["from_utc"], utc=True, format="ISO8601")
    state = np.where((begins > at).to_numpy(), "coming", "over").astype(object)
    state[view.closures_in_force(at)] = "now"
    return frame.assign(state=state)


def _depots(view: View, at: datetime) -> gpd.GeoDataFrame:
    frame, lots = view.frame("depot"), view.frame("lot")
    per_depot = lots.groupby("depot_id")
    kinds = per_depot["item_id"].nunique() if len(lots) else pd.Series(dtype=int)
    counted = per_depot["counted_utc"].max() if len(lots) else pd.Series(dtype=object)
    devices = depot_devices(view)
    return frame.assign(
        items=frame["id"].map(kinds).fillna(0).astype(int),
        counted_utc=frame["id"].map(counted),
        devices=pd.Series([devices.get(depot) for depot in frame["id"]], index=frame.index, dtype=object),
    )


def _vehicles(view: View, at: datetime) -> gpd.GeoDataFrame:
    frame = view.frame("vehicle")
    return frame.assign(position=position_state(frame["position_utc"], at))


def _teams(view: View, at: datetime) -> gpd.GeoDataFrame:
    return view.frame("team").assign(on_duty=team_on_duty(view, at))


def position_state(position_utc: "pd.Series[Any]", at: datetime) -> NDArray[np.object_]:
    """(n,) "live" up to `POSITION_LIVE_S` old (bound included), "late" up to `POSITION_LATE_S`, then "stale"; None."""
    told = pd.to_datetime(position_utc, utc=True, format="ISO8601")
    age_s = (pd.Timestamp(at) - told).dt.total_seconds().to_numpy(dtype=np.float64)
    state = np.full(len(age_s), None, dtype=object)
    state[age_s > POSITION_LATE_S] = "stale"
    state[age_s <= POSITION_LATE_S] = "late"
    state[age_s <= POSITION_LIVE_S] = "live"
    return state


def _streets(view: View, at: datetime) -> gpd.GeoDataFrame:
    """The same at every moment, so they are kept with the view."""
    kept: gpd.GeoDataFrame = view.kept("streets", lambda: _with_counts(view))
    return kept


def _with_counts(view: View) -> gpd.GeoDataFrame:
    streets, villages, teams = view.frame("street"), view.frame("village"), view.frame("team")
    per_street = villages.groupby("street")
    persons = per_street["persons"].sum() if len(villages) else pd.Series(dtype=int)
    count = per_street["id"].count() if len(villages) else pd.Series(dtype=int)
    staffed = teams["street"].value_counts() if len(teams) else pd.Series(dtype=int)
    return streets.assign(
        persons=streets["name"].map(persons).fillna(0).astype(int),
        villages=streets["name"].map(count).fillna(0).astype(int),
        teams=streets["name"].map(staffed).fillna(0).astype(int),
    )


_DERIVED: Mapping[str, Callable[[View, datetime], gpd.GeoDataFrame]] = {
    "street": _streets,
    "closure": _closures,
    "depot": _depots,
    "vehicle": _vehicles,
    "team": _teams,
}

DERIVED = frozenset(_DERIVED)
"""Tables whose layers have columns that depend on the moment or on other tables."""
