"""OpenStreetMap files as roads: drivable ways, split at the nodes that ways share."""

import gzip
import re
import zlib
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
"""The values of ``highway`` that a car drives on; tracks, paths and ferries are not among them.

Barriers on nodes (bollards, gates) are not read.
"""

_ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")  # the most specific first
_BARRED = frozenset({"no", "agricultural", "forestry", "military"})
_TAGS = ("highway", "maxspeed", "oneway", "bridge", "tunnel", "layer", "name")
_HEAD = 65_536
_MAX_PACK_RATIO = 100  # OpenStreetMap XML packs ten to twenty times
_MAX_UNPACKED_BYTES = 8 * 2**30
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
    """Whether an emergency vehicle may use the way: where a car may, and on private ground.

    ``emergency`` decides where it is tagged, else the most specific access tag.
    """
    if tags.get("highway") not in DRIVABLE or tags.get("area") == "yes":
        return False
    told = tags.get("emergency")
    if told in ("yes", "designated", "permissive", "no"):
        return bool(told != "no")
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
        if way.deleted or not is_drivable(way.tags):
            return
        runs: list[list[Any]] = [[]]
        for node in way.nodes:
            if node.location.valid():
                runs[-1].append((node.ref, (node.location.lon, node.location.lat)))
            else:
                runs.append([])
        self.incomplete += len(runs) > 1
        for run in runs:
            if len(run) > 1:
                self._keep(way, run)

    def _keep(self, way: Any, run: list[tuple[int, tuple[float, float]]]) -> None:
        """One unbroken piece of a way; what lies outside the extract breaks it."""
        tags = way.tags
        self.nodes.append([ref for ref, _ in run])
        self.lonlat.append([lonlat for _, lonlat in run])
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
    except (RuntimeError, OSError, ValueError, osmium.InvalidLocationError) as error:
        raise ImportRefused(f"{path.name}: not a whole OpenStreetMap file ({error}); fetch it anew") from error
    if not ways.rows and ways.incomplete:
        raise ImportRefused(
            f"{path.name}: no road in it has its nodes; expected a whole extract, nodes before ways, ids above 0"
        )
    if not ways.rows:
        raise ImportRefused(f"{path.name}: no drivable road is in it")
    uses: dict[int, int] = {}
    for nodes in ways.nodes:
        for node in nodes:
            uses[node] = uses.get(node, 0) + 1
    pieces = dict.fromkeys((row["way"] for row in ways.rows), 0)
    owner: list[int] = []
    part: list[int] = []
    lines: list[list[tuple[float, float]]] = []
    for number, (nodes, lonlat) in enumerate(zip(ways.nodes, ways.lonlat, strict=True)):
        begin = 0
        way = ways.rows[number]["way"]
        for k in range(1, len(nodes)):
            if k == len(nodes) - 1 or uses[nodes[k]] > 1:
                owner.append(number)
                part.append(pieces[way])
                lines.append(lonlat[begin : k + 1])
                begin = k
                pieces[way] += 1
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
            if path.suffix == ".gz":
                _require_no_bomb(path, stream, len(head))
    except (OSError, EOFError, zlib.error) as error:
        raise ImportRefused(f"{path.name}: cannot be read ({error})") from error
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise ImportRefused(f"{path.name}: XML with a document type or entities is refused; export it without")
    if re.search(rb"<osm[\s>]", head) is None:
        raise ImportRefused(f"{path.name}: this is not an OpenStreetMap file; expected <osm at its beginning")


def _require_no_bomb(path: Path, stream: Any, unpacked: int) -> None:
    packed = path.stat().st_size
    limit = min(_MAX_UNPACKED_BYTES, max(20 * 2**20, _MAX_PACK_RATIO * packed))
    while block := stream.read(2**20):
        unpacked += len(block)
        if unpacked > limit:
            raise ImportRefused(f"{path.name}: unpacks to more than {limit:,} bytes from {packed:,}; refused")
