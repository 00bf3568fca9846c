"""`onemap bench n-1`: outages recounted by mending one tree of routes, beside the loop that counts everything anew.

The loop is run on a sample of the same links, its results are compared exactly, and its time is scaled up.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from geo.errors import InputError, NotFound, Unavailable
from layers.bench import PLACES, TEAMS, default_roads

_SAMPLE = 12  # links that the naive loop counts
_BESIDE_M = 80.0  # places stand up to this far from a node of the road


def run_bench_criticality(
    roads: Path | None,
    *,
    busiest: int = 2_000,
    sizes: tuple[int, int] = (TEAMS, PLACES),
    seed: int = 1,
    output: Path | None = None,
    say: Callable[[str], Any],
) -> dict[str, Any]:
    """Recount teams and places placed by a seed without each of the busiest links; say the seconds and the ratio."""
    import geopandas as gpd
    import pandas as pd

    from geo.coverage import coverage, team_table
    from geo.criticality import hanging_places, joined_outages, link_outages, response_tree, team_outages
    from geo.links import road_links
    from geo.network import road_network
    from geo.times import TravelTimes, last_leg_s

    path = roads or default_roads()
    if not path.is_file():
        raise NotFound(f"roads={path}: there is no such file; name a road network in GeoParquet with --roads")
    frame = gpd.read_parquet(path)
    if frame.crs is None:
        raise InputError(f"{path}: the file names no CRS; write one into it")
    frame = frame.to_crs(4326)
    network = road_network(frame, epsg=int(frame.estimate_utm_crs().to_epsg()))
    if len(network.arc_tail) == 0:
        raise InputError(f"{path}: there is no road in it")
    say(f"{path.name}: {len(network.node_xy_m):,} nodes, {len(network.edge_tail):,} edges; ordering them")
    travel = TravelTimes(network)
    rng = np.random.default_rng(seed)
    main = np.flatnonzero(network.is_main)

    def placed(count: int) -> Any:
        at = network.node_xy_m[rng.choice(main, min(count, len(main)), replace=False)]
        return network.snap(at + rng.uniform(-_BESIDE_M, _BESIDE_M, at.shape))

    stations, places = placed(sizes[0]), placed(sizes[1])
    every = np.ones(len(stations), dtype=bool)
    ids = [f"t{j:02}" for j in range(len(stations))]
    teams = team_table(ids, ["street"] * len(ids), np.full(len(ids), np.nan), hour=8, has_skill=every, on_duty=every)
    persons = rng.integers(0, 2_000, len(places))
    table = pd.DataFrame({"id": range(len(places)), "name": None, "street": None, "persons": persons})
    legs_s = last_leg_s(places.access_m)[:, None] + last_leg_s(stations.access_m)[None, :]

    def counted(times: Any) -> Any:
        found = coverage(
            table,
            teams,
            travel_s=times.matrix_s(stations, places).T,
            last_leg_s=legs_s,
            has_road=places.edge >= 0,
        )
        return found.table

    def tree() -> Any:
        return response_tree(travel, stations, places, before_travel_s=teams.before_travel_s, persons=persons)

    links = road_links(network)
    in_use = tree().links_in_use(links)
    list(link_outages(tree(), links, in_use[:1]))  # compiled, as on a server
    begun = time.perf_counter()
    links = road_links(network)
    base = tree()
    in_use = base.links_in_use(links)
    prepared = time.perf_counter()
    chosen = in_use[:busiest]
    some = joined_outages(list(link_outages(base, links, chosen)))
    ended = time.perf_counter()
    everything = joined_outages(list(link_outages(base, links, in_use)))
    all_ended = time.perf_counter()
    team_outages(base)
    teams_ended = time.perf_counter()
    alone = hanging_places(base, links, everything)
    hanging_ended = time.perf_counter()

    sample = np.sort(rng.choice(len(chosen), min(_SAMPLE, len(chosen)), replace=False))
    before = counted(travel)
    if not np.array_equal(before["covered"].to_numpy(dtype=bool), base.within):
        raise Unavailable("bench n-1: the tree of routes and the coverage differ; nothing is timed")
    naive = time.perf_counter()
    for k in sample:
        after = counted(travel.with_factors((links.edge_link != chosen[k]).astype(float)))
        lost = before["covered"] & ~after["covered"]
        if int(persons[lost].sum()) != int(some.lost_persons[k]):
            raise Unavailable(f"bench n-1: the recount of link {chosen[k]} differs from the naive one")
    naive_s = (time.perf_counter() - naive) / max(len(sample), 1)
    ours_s = ended - begun
    found = {
        "roads": path.name,
        "teams": len(stations),
        "places": len(places),
        "links": len(links),
        "links_in_use": len(in_use),
        "busiest": len(chosen),
        "prepare_s": round(prepared - begun, 6),
        "busiest_s": round(ours_s, 6),
        "all_in_use_s": round(all_ended - ended + prepared - begun, 6),
        "teams_s": round(teams_ended - all_ended, 3),
        "places_on_one_road": len(np.unique(alone.place)),
        "places_on_one_road_s": round(hanging_ended - teams_ended, 3),
        "naive_link_s": round(naive_s, 6),
        "naive_busiest_s": round(naive_s * len(chosen), 6),
        "naive_all_in_use_s": round(naive_s * len(in_use), 6),
        "compared_links": len(sample),
        "processors": os.cpu_count(),
    }
    for line in _lines(found):
        say(line)
    if output is not None:
        output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    def beside(ours: str, naive: str) -> str:
        return f"{found[ours]:.2f} s; the naive loop about {found[naive]:,.0f} s ({found[naive] / found[ours]:,.0f}x)"

    return [
        f"{found['teams']} teams, {found['places']:,} places, {found['links']:,} links, "
        f"{found['links_in_use']:,} in use, {found['processors']} processors",
        f"the {found['busiest']:,} busiest links: {beside('busiest_s', 'naive_busiest_s')}",
        f"every link in use: {beside('all_in_use_s', 'naive_all_in_use_s')}",
        f"every team: {found['teams_s']:.2f} s; {found['places_on_one_road']:,} places on one road: "
        f"{found['places_on_one_road_s']:.2f} s",
        f"naive: {found['naive_link_s'] * 1000:.0f} ms a link, measured on {found['compared_links']} of them, "
        "equal results",
    ]
