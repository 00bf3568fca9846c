"""OpenStreetMap files as roads: drivable ways, split at the nodes that ways share."""

import gzip
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from geo.errors import ImportRefused

DRIVABLE = frozenset(
    {
        *(
            f"{name}{end}"
            for name in ("motorway", "trunk", "primary", "secondary", "tertiary")
            for end in ("", "_link")
        ),
        "unclassified",
        "residential",
        "living_street",
        "service",
        "road",
    }
)
"""The values of ``highway`` that a car drives on; tracks, paths and ferries are not among them."""

_ACCESS_KEYS = ("motor_vehicle", "motorcar", "vehicle", "access")
_BARRED = frozenset({"no", "agricultural", "forestry", "emergency_no"})
_TAGS = ("highway", "maxspeed", "oneway", "bridge", "tunnel", "layer", "name")
_HEAD = 65_536
_MPH = 1.609344


def maxspeed_kmh(text: str | None) -> float | None:
    """A tagged speed limit in km/h; None where it is not a number (none, signals, CN:urban)."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh)?\s*", text or "")
    if match is None:
        return None
    value = float(match.group(1)) * (_MPH if match.group(2) == "mph" else 1.0)
    return round(value, 3) if 0 < value <= 200 else None


def direction(tags: Any) -> str | None:
    """``yes``, ``-1`` or None: the direction of travel by the tags; roundabouts and motorways imply one."""
    told = tags.get("oneway")
    if told in ("yes", "true", "1"):
        return "yes"
    if told in ("-1", "reverse"):
        return "-1"
    if told in ("no", "false", "0"):
        return None
    if tags.get("junction") in ("roundabout", "circular") or tags.get("highway") in (
        "motorway",
        "motorway_link",
    ):
        return "yes"
    return None


def is_drivable(tags: Any) -> bool:
    """Whether a car may use the way; the most specific access tag decides."""
    if tags.get("highway") not in DRIVABLE or tags.get("area") == "yes":
        return False
    for key in _ACCESS_KEYS:
        value = tags.get(key)
        if value is not None:
            return value not in _BARRED
    return True


class _Ways(osmium.SimpleHandler):
    """Collects the drivable ways with their nodes and places."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[list[int]] = []
        self.lonlat: list[list[tuple[float, float]]] = []
        self.rows: list[dict[str, Any]] = []
        self.incomplete = 0

    def way(self, way: Any) -> None:
        """Called for every way of the file."""
        if not is_drivable(way.tags):
            return
        there = [node for node in way.nodes if node.location.valid()]
        if len(there) < len(way.nodes):
            self.incomplete += 1
        if len(there) < 2:
            return
        tags = way.tags
        self.nodes.append([node.ref for node in there])
        self.lonlat.append([(node.location.lon, node.location.lat) for node in there])
        level = re.fullmatch(r"-?\d{1,2}", tags.get("layer") or "")
        self.rows.append(
            {
                "way": way.id,
                "highway": tags.get("highway"),
                "maxspeed": maxspeed_kmh(tags.get("maxspeed")),
                "oneway": direction(tags),
                "bridge": tags.get("bridge") not in (None, "no"),
                "tunnel": tags.get("tunnel") not in (None, "no"),
                "layer": int(level.group()) if level else None,
                "name": tags.get("name"),
            }
        )


def read_osm(path: Path) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The roads of an OSM file (.osm, .osm.gz, .osm.pbf) with notices of what was left out.

    Each way is split where it shares a node with another, so that what meets in the file meets in
    the network and what only crosses does not. Ids are WAY/PART.
    """
    _require_plain_xml(path)
    ways = _Ways()
    try:
        ways.apply_file(str(path), locations=True)
    except (RuntimeError, OSError) as error:
        raise ImportRefused(f"{path.name}: not a whole OpenStreetMap file ({error}); fetch it anew") from error
    if not ways.rows:
        raise ImportRefused(f"{path.name}: no drivable road is in it")
    uses: dict[int, int] = {}
    for nodes in ways.nodes:
        for node in nodes:
            uses[node] = uses.get(node, 0) + 1
    owner: list[int] = []
    part: list[int] = []
    lines: list[list[tuple[float, float]]] = []
    for number, (nodes, lonlat) in enumerate(zip(ways.nodes, ways.lonlat, strict=True)):
        begin = 0
        piece = 0
        for k in range(1, len(nodes)):
            if k == len(nodes) - 1 or uses[nodes[k]] > 1:
                owner.append(number)
                part.append(piece)
                lines.append(lonlat[begin : k + 1])
                begin, piece = k, piece + 1
    table = pd.DataFrame(ways.rows).iloc[owner].reset_index(drop=True)
    counts = np.array([len(line) for line in lines])
    coords = np.array([corner for line in lines for corner in line])
    shapes = shapely.linestrings(coords, indices=np.repeat(np.arange(len(lines)), counts))
    table.insert(0, "id", [f"{way}/{piece}" for way, piece in zip(table.pop("way"), part, strict=True)])
    notices = []
    if ways.incomplete:
        notices.append(f"{ways.incomplete} ways reach beyond the extract; their nodes outside are cut off")
    return gpd.GeoDataFrame(table[["id", *_TAGS]], geometry=shapes, crs=4326), notices


def _require_plain_xml(path: Path) -> None:
    """Entities are refused before a parser sees them; a packed file may not be a bomb."""
    if path.name.endswith(".pbf"):
        return
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            head = stream.read(_HEAD)
    except (OSError, EOFError) as error:
        raise ImportRefused(f"{path.name}: cannot be read ({error})") from error
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise ImportRefused(f"{path.name}: XML with a document type or entities is refused; export it without")
    if b"<osm" not in head:
        raise ImportRefused(f"{path.name}: this is not an OpenStreetMap file; expected <osm at its beginning")
