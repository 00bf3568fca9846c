"""OpenStreetMap files as roads: which ways, split where, and what is refused."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import shapely

from data.osm import direction, is_drivable, maxspeed_kmh, read_osm
from geo.errors import ImportRefused
from geo.network import road_network

EPSG = 4549
Way = tuple[list[int], dict[str, str]]


def document(nodes: dict[int, tuple[float, float]], ways: list[Way]) -> str:
    """An OSM file; nodes lie at thousandths of a degree from a corner of the district."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">']
    for ref, (x, y) in nodes.items():
        parts.append(f'<node id="{ref}" version="1" lat="{32 + y / 1000:.7f}" lon="{120.8 + x / 1000:.7f}"/>')
    for number, (refs, tags) in enumerate(ways, start=1):
        parts.append(f'<way id="{number}" version="1">')
        parts += [f'<nd ref="{ref}"/>' for ref in refs]
        parts += [f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()]
        parts.append("</way>")
    return "\n".join([*parts, "</osm>"])


CROSS: dict[int, tuple[float, float]] = {1: (0, 0), 2: (1, 0), 3: (2, 0), 4: (1, -1), 5: (1, 1)}
STREET = {"highway": "residential"}


def written(folder: Path, nodes: Any, ways: list[Way], name: str = "town.osm") -> Path:
    path = folder / name
    text = document(nodes, ways).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


@pytest.mark.parametrize("name", ["town.osm", "town.osm.gz"])
def test_ways_are_split_where_they_share_a_node(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, CROSS, [([1, 2, 3], STREET | {"name": "人民路"}), ([4, 2, 5], STREET)], name)
    frame, notices = read_osm(path)
    assert frame["id"].tolist() == ["1/0", "1/1", "2/0", "2/1"]
    assert frame["name"].tolist()[:2] == ["人民路"] * 2
    assert frame.crs.to_epsg() == 4326
    assert notices == []
    assert frame.geometry[0].equals(shapely.LineString([(120.8, 32.0), (120.801, 32.0)]))
    net = road_network(frame, epsg=EPSG)
    assert (len(net.node_xy_m), net.report.components) == (5, 1)


def test_shape_nodes_do_not_split(tmp_path: Path) -> None:
    frame, _ = read_osm(written(tmp_path, CROSS, [([1, 4, 2, 5, 3], STREET)]))
    assert len(frame) == 1
    assert shapely.get_num_coordinates(frame.geometry[0]) == 5


def test_a_bridge_over_a_road_does_not_meet_it_and_its_ramps_do(tmp_path: Path) -> None:
    nodes = CROSS | {6: (1, 0), 7: (3, 0)}  # node 6 lies where node 2 lies
    bridge = {"highway": "primary", "bridge": "yes", "layer": "1"}
    path = written(tmp_path, nodes, [([1, 2, 3], STREET), ([4, 6, 5], bridge), ([5, 7, 3], STREET)])
    frame, _ = read_osm(path)
    net = road_network(frame, epsg=EPSG)
    assert frame["bridge"].tolist() == [False, True, False]
    assert net.edge_bridge.sum() == 1
    assert net.report.components == 1
    assert len(net.node_xy_m) == 4  # 1, 3, 4, 5; nothing at the crossing


def test_a_bridge_that_shares_the_node_does_meet(tmp_path: Path) -> None:
    frame, _ = read_osm(written(tmp_path, CROSS, [([1, 2, 3], STREET), ([4, 2, 5], STREET | {"bridge": "yes"})]))
    assert len(road_network(frame, epsg=EPSG).node_xy_m) == 5


def test_a_roundabout_is_driven_one_way(tmp_path: Path) -> None:
    nodes = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (-1, 0), 6: (2, 1)}
    ring = {"highway": "tertiary", "junction": "roundabout"}
    frame, _ = read_osm(written(tmp_path, nodes, [([1, 2, 3, 4, 1], ring), ([5, 1], STREET), ([3, 6], STREET)]))
    assert frame["oneway"].fillna("no").tolist() == ["yes", "yes", "no", "no"]
    net = road_network(frame, epsg=EPSG)
    assert net.report.components == 1
    assert net.report.one_way == 2


def test_a_way_is_broken_where_the_extract_ends(tmp_path: Path) -> None:
    frame, notices = read_osm(written(tmp_path, CROSS, [([1, 2, 99, 4, 5], STREET), ([3, 98], STREET)]))
    assert frame["id"].tolist() == ["1/0", "1/1"]
    assert [shapely.get_num_coordinates(line) for line in frame.geometry] == [2, 2]
    assert notices == ["2 ways reach beyond the extract; their nodes outside are cut off"]


def test_tags_become_columns(tmp_path: Path) -> None:
    tags = {"highway": "trunk", "maxspeed": "40 mph", "oneway": "-1", "tunnel": "yes", "layer": "-2"}
    frame, _ = read_osm(written(tmp_path, CROSS, [([1, 2], tags), ([2, 3], STREET | {"layer": "1;2"})]))
    first, second = frame.to_dict("records")
    assert first["maxspeed"] == pytest.approx(64.374, abs=0.001)
    assert (first["oneway"], first["tunnel"], first["bridge"], first["layer"]) == ("-1", True, False, -2)
    assert second["layer"] != second["layer"]  # several levels are none


@pytest.mark.parametrize(
    "text,expected",
    [
        ("50", 50.0),
        (" 50 ", 50.0),
        ("50 km/h", 50.0),
        ("30 mph", 48.28),
        ("30mph", 48.28),
        ("37.5", 37.5),
        ("none", None),
        ("CN:urban", None),
        ("signals", None),
        ("walk", None),
        ("50;30", None),
        ("0", None),
        ("-20", None),
        ("999", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_speed_limits(text: str | None, expected: float | None) -> None:
    assert maxspeed_kmh(text) == (None if expected is None else pytest.approx(expected, abs=0.01))


@pytest.mark.parametrize(
    "tags,expected",
    [
        ({}, None),
        ({"oneway": "yes"}, "yes"),
        ({"oneway": "1"}, "yes"),
        ({"oneway": "-1"}, "-1"),
        ({"oneway": "reverse"}, "-1"),
        ({"oneway": "no"}, None),
        ({"oneway": "reversible"}, None),
        ({"junction": "roundabout"}, "yes"),
        ({"junction": "circular"}, "yes"),
        ({"junction": "roundabout", "oneway": "no"}, None),
        ({"highway": "motorway"}, "yes"),
        ({"highway": "motorway_link"}, "yes"),
        ({"highway": "motorway", "oneway": "no"}, None),
        ({"highway": "trunk"}, None),
    ],
)
def test_direction_of_travel(tags: dict[str, str], expected: str | None) -> None:
    assert direction(tags) == expected


@pytest.mark.parametrize(
    "tags,expected",
    [
        ({"highway": "primary"}, True),
        ({"highway": "service"}, True),
        ({"highway": "road"}, True),
        ({"highway": "footway"}, False),
        ({"highway": "track"}, False),
        ({"highway": "construction"}, False),
        ({"route": "ferry"}, False),
        ({"highway": "service", "area": "yes"}, False),
        ({"highway": "residential", "access": "no"}, False),
        ({"highway": "residential", "access": "private"}, True),
        ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, True),
        ({"highway": "residential", "motor_vehicle": "no", "motorcar": "destination"}, True),
        ({"highway": "residential", "motor_vehicle": "no"}, False),
        ({"highway": "service", "access": "no", "emergency": "yes"}, True),
        ({"highway": "service", "emergency": "no"}, False),
        ({"highway": "unclassified", "vehicle": "forestry"}, False),
    ],
)
def test_what_an_emergency_vehicle_may_drive(tags: dict[str, str], expected: bool) -> None:
    assert is_drivable(tags) is expected


# -- refused ----------------------------------------------------------------------------------------

BOMB = """<?xml version="1.0"?>
{padding}<!DOCTYPE osm [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<osm version="0.6"><node id="1" lat="1" lon="1"/><way id="1"><tag k="name" v="&c;"/></way></osm>"""


@pytest.mark.parametrize("padding", ["", "<!-- <osm> " + "x" * 200_000 + " -->\n"])
@pytest.mark.parametrize("name", ["bomb.osm", "bomb.osm.gz"])
def test_entities_are_refused_wherever_they_stand(tmp_path: Path, padding: str, name: str) -> None:
    path = tmp_path / name
    text = BOMB.format(padding=padding).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    with pytest.raises(ImportRefused):
        read_osm(path)


def test_a_packed_bomb_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "bomb.osm.gz"
    path.write_bytes(gzip.compress(b'<osm version="0.6">' + b" " * 40_000_000 + b"</osm>"))
    with pytest.raises(ImportRefused, match="unpacks to more than"):
        read_osm(path)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    whole = written(tmp_path, CROSS, [([1, 2, 3], STREET)] * 200)
    text = whole.read_bytes()
    half = tmp_path / "half.osm"
    half.write_bytes(text[: len(text) // 2])
    with pytest.raises(ImportRefused, match=r"half\.osm"):
        read_osm(half)
    packed = tmp_path / "half.osm.gz"
    packed.write_bytes(gzip.compress(text)[:-40])
    with pytest.raises(ImportRefused, match=r"half\.osm\.gz"):
        read_osm(packed)


@pytest.mark.parametrize(
    "name,content",
    [
        ("x.osm", b"\x00\x01\x02" * 1000),
        ("x.osm", b"<html><body>not found</body></html>"),
        ("x.osm", b'<osm version="0.6"></osm>'),
        ("x.osm", '<osm version="0.6"></osm>'.encode("utf-16")),
        ("x.osm.gz", b"plain text"),
        ("x.osm.gz", b"\x1f\x8b\x08\x00" + b"\x00" * 50),
        ("x.osm.pbf", b"\x00\x00\x00\x0d nonsense" * 20),
        ("x.osm.pbf", b"plain text"),
    ],
)
def test_what_is_no_road_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match=r"x\.osm"):
        read_osm(path)


def edited(folder: Path, *changes: tuple[str, str]) -> Path:
    """The crossing of two streets with something in its text changed."""
    text = document(CROSS, [([1, 2, 3], STREET), ([4, 2, 5], STREET)])
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "x.osm"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "changes,reason",
    [
        ([('lat="32.0000000"', 'lat="north"')], "not a whole"),
        ([('lon="120.8000000"', 'lon="nan"')], "not a whole"),
        ([('id="1" version', 'id="one" version')], "not a whole"),
        ([('<osm version="0.6">', "<osm>")], "not a whole"),
        ([("</osm>", "</osm><!DOCTYPE osm>")], "document type"),
        ([("<osm ", "<osmChange "), ("</osm>", "</osmChange>")], "not an OpenStreetMap file"),
        ([('k="highway" v="residential"', 'k="highway" v="footway"')], "no drivable road"),
        ([("<nd ref=", "<nd lost=")], ""),
        ([('ref="', 'ref="77')], "nodes before ways"),
        ([('id="', 'id="-'), ('ref="', 'ref="-')], "ids above 0"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, changes: Any, reason: str) -> None:
    with pytest.raises(ImportRefused, match=rf"x\.osm: .*{reason}"):
        read_osm(edited(tmp_path, *changes))


def test_deleted_ways_are_no_roads(tmp_path: Path) -> None:
    frame, _ = read_osm(edited(tmp_path, ('<way id="1" version="1">', '<way id="1" version="2" visible="false">')))
    assert frame["id"].tolist() == ["2/0"]


def test_odd_ways_are_kept_and_numbered(tmp_path: Path) -> None:
    ways: list[Way] = [
        ([1, 1, 2], STREET),  # a node told twice
        ([2, 4, 5, 2, 3], STREET),  # through itself
        ([3], STREET),
        ([], STREET),
        ([3, 5], STREET | {"access": "no"}),
        ([2, 3], {"highway": "motorway", "maxspeed": "CN:urban"}),
    ]
    frame, notices = read_osm(written(tmp_path, CROSS, ways))
    assert frame["id"].tolist() == ["1/0", "1/1", "2/0", "2/1", "6/0"]
    assert frame["oneway"].tolist()[-1] == "yes"
    assert frame["maxspeed"].isna().all()
    assert notices == []
    net = road_network(frame, epsg=EPSG)
    assert (net.report.edges, net.report.zero_length, net.report.self_loops) == (5, 1, 1)
    assert len(net.node_xy_m) == 3


# -- real -------------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_porto_alegre(realdata: Path) -> None:
    frame, _ = read_osm(realdata / "porto_alegre" / "poa_osm.pbf")
    assert 20_000 < len(frame) < 60_000
    assert frame["id"].is_unique
    assert frame["oneway"].notna().mean() > 0.2
    assert frame["bridge"].sum() > 50
    assert frame["maxspeed"].dropna().between(5, 120).all()
    net = road_network(frame, epsg=31982)
    assert net.is_main.mean() > 0.9
    assert net.report.unknown_classes in ((), (("road", net.report.unknown_classes[0][1]),))
    assert net.edge_length_m.sum() == pytest.approx(frame.to_crs(31982).length.sum())


@pytest.mark.realdata
def test_half_of_a_real_file_is_refused(realdata: Path, tmp_path: Path) -> None:
    content = (realdata / "porto_alegre" / "poa_osm.pbf").read_bytes()
    path = tmp_path / "half.osm.pbf"
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ImportRefused, match="half"):
        read_osm(path)
