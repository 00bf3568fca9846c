"""N-1 of the district: who loses the hour when one link, one bridge or one team is out, kept under a name."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.coverage import LIMIT_S
from geo.criticality import (
    HangingPlaces,
    Outages,
    ResponseTree,
    hanging_places,
    joined_outages,
    link_outages,
    response_tree,
    team_outages,
)
from geo.crs import to_lonlat
from geo.errors import Cancelled, Conflict, InputError, NotFound
from geo.links import Links, road_links
from geo.speeds import ROAD_SPEEDS
from layers.analyses.places import PLACES, lonlats
from layers.analyses.response import coverage, teams_at
from layers.district import District, View
from layers.listing import clock_text
from layers.whatif.checkpoint import Checkpoint
from layers.whatif.link_names import road_words, surroundings
from layers.whatif.roads import road_tags
from layers.whatif.saved import Result, folder, seqs_of
from layers.whatif.scenario import AS_IT_IS, Scenario, scenario_tables, under

KIND = "n_minus_1"

Ints = NDArray[np.int64]

_AT_ONCE = 500  # links in a piece of the checkpoint
_SHOWN = 10  # links and teams named on a terminal


@dataclass(frozen=True)
class Asked:
    """What an N-1 is asked for.

    at : the moment; closures in force, teams on duty and the hour's speeds go by it
    skill : only teams with this skill count, None: every team
    limit_s : s, bound included
    places : whose arrival is looked at: villages, cells or enterprises
    busiest : recount only so many links, those with most persons behind them, and every bridge; None: all in use
    """

    at: datetime
    scenario: Scenario = AS_IT_IS
    skill: str | None = None
    limit_s: float = LIMIT_S
    places: str = "villages"
    busiest: int | None = None

    def __post_init__(self) -> None:
        if self.busiest is not None and self.busiest < 1:
            raise InputError(f"busiest={self.busiest}: expected 1 or more, or none for all links in use")


@dataclass(frozen=True)
class _Base:
    """The district under the scenario at the moment, ready to be taken apart."""

    view: View
    places: pd.DataFrame  # the proof table of the coverage
    team_ids: tuple[str, ...]  # those that count, in the order that settles ties
    tree: ResponseTree
    links: Links
    link_ids: NDArray[np.object_]
    edge_names: NDArray[np.object_]  # of the road of every edge, empty where it has none
    loads: Ints
    chosen: Ints  # the links to recount
    in_use: int

    @property
    def link_names(self) -> NDArray[np.object_]:
        """(links,) the name of the road of a link's first edge."""
        return self.edge_names[self.links.first_edge]


def n_minus_1(
    district: District,
    name: str,
    asked: Asked,
    *,
    progress: Callable[[str, float], None] = lambda phase, share: None,
    cancelled: Callable[[], bool] = lambda: False,
    resume: bool = False,
    at_once: int = _AT_ONCE,
) -> Result:
    """Recount the district without each link in use, each bridge and each team, one at a time.

    The finished links are kept as they come. A run that was stopped, or that ended with its process, goes on
    with `resume`, for the moment that it was asked for; without it the run starts anew. Cancelled when
    `cancelled` says so; NotFound when there is nothing to resume; Conflict when the question or the
    district is another one since.
    """
    checkpoint = _checkpoint(district, name)
    with checkpoint.held():
        if resume:
            asked = _resumed(checkpoint, name, asked)
        progress("roads and teams", 0.0)
        base = _base(district, asked)
        result = _empty(base, name, asked)
        stamp = {"at": asked.at.isoformat(), "question": result.id}
        if not resume:
            checkpoint.begin(stamp)
        elif checkpoint.asked != stamp:
            raise Conflict(f"name={name!r}: the question or the district is another one since; run it anew")
        outages = joined_outages(list(_recounted(base, checkpoint, progress, cancelled, at_once)))
        teams = team_outages(base.tree)
        progress("places on one road", 1.0)
        found = _told(result, base, asked, outages, teams, hanging_places(base.tree, base.links, outages))
        checkpoint.end()
    return found


def _checkpoint(district: District, name: str) -> Checkpoint:
    digest = hashlib.sha256(name.strip().encode()).hexdigest()[:16]
    return Checkpoint(folder(district) / f".{KIND}-{digest}.run")


def _resumed(checkpoint: Checkpoint, name: str, asked: Asked) -> Asked:
    """The question for the moment for which the run was asked."""
    kept = checkpoint.asked
    if kept is None:
        raise NotFound(f"name={name!r}: there is no run to resume; run it without resume")
    return Asked(**{**asked.__dict__, "at": datetime.fromisoformat(kept["at"])})


def _base(district: District, asked: Asked) -> _Base:
    view = under(district.view(), asked.scenario, asked.at)
    answer = coverage(district, limit_s=asked.limit_s, skill=asked.skill, at=asked.at, places=asked.places, view=view)
    teams = teams_at(view, answer.asked["skill"], asked.at)
    order = [j for j in sorted(range(len(teams)), key=lambda j: teams.id[j]) if teams.eligible[j]]
    tree = response_tree(
        view.travel(asked.at),
        view.snapped("team").take(order),
        view.snapped(PLACES[asked.places]),
        before_travel_s=teams.before_travel_s[order],
        persons=answer.table["persons"].to_numpy(),
        limit_s=asked.limit_s,
    )
    tags = road_tags(view)
    links = road_links(view.network, names=tags["name"].tolist())
    in_use = tree.links_in_use(links)
    bridges = np.flatnonzero(links.is_bridge)
    first = in_use[: asked.busiest]
    chosen = np.r_[first, np.setdiff1d(bridges, first)].astype(np.int64)
    return _Base(
        view,
        answer.table,
        tuple(teams.id[j] for j in order),
        tree,
        links,
        _link_ids(view, links, tags["id"]),
        tags["name"].fillna("").to_numpy(dtype=object)[view.network.edge_row],
        tree.link_loads(links),
        chosen,
        len(in_use),
    )


def _link_ids(view: View, links: Links, road_ids: pd.Series) -> NDArray[np.object_]:
    """The id of the road with the link's first edge, and which of that road's edges it is: ``way 12/3``."""
    row = view.network.edge_row
    begin = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
    part = np.arange(len(row)) - np.repeat(begin, np.diff(np.r_[begin, len(row)])) + 1
    first = links.first_edge
    ids = road_ids.astype(str).to_numpy(dtype=object)[row[first]]
    return np.array([f"{road}/{k}" for road, k in zip(ids, part[first].tolist(), strict=True)], dtype=object)


def _empty(base: _Base, name: str, asked: Asked) -> Result:
    """The question as a result that says nothing yet; its id tells the question from every other."""
    tables = (*scenario_tables(asked.scenario), "team", PLACES[asked.places], "street")
    return Result(
        KIND,
        name,
        {
            "at": asked.at.isoformat(),
            "scenario": asked.scenario.plain(),
            "skill": asked.skill,
            "limit_s": asked.limit_s,
            "places": asked.places,
            "busiest": asked.busiest,
            "network": base.view.network.hash,
        },
        {},
        {},
        {},
        seqs=seqs_of(base.view, *tables),
    )


def _recounted(
    base: _Base,
    checkpoint: Checkpoint,
    progress: Callable[[str, float], None],
    cancelled: Callable[[], bool],
    at_once: int,
) -> Iterator[Outages]:
    """The outages of all chosen links: those that are kept, then the others, which are kept as they come."""
    done = [Outages(**piece) for piece in checkpoint.pieces()]
    yield from done
    count, total = sum(len(piece) for piece in done), len(base.chosen)
    number = len(done)
    for piece in link_outages(base.tree, base.links, base.chosen[count:], at_once=at_once):
        checkpoint.keep(number, piece.__dict__)
        number, count = number + 1, count + len(piece)
        progress(f"{count:,} of {total:,} links", count / total)
        if cancelled() and count < total:
            raise Cancelled(f"stopped after {count:,} of {total:,} links; they are kept for resume")
        yield piece


# -- tables ------------------------------------------------------------------------------------------


def _told(
    result: Result, base: _Base, asked: Asked, outages: Outages, teams: Outages, hanging: HangingPlaces
) -> Result:
    tables = {
        "links": _link_table(base, outages),
        "link_places": _place_rows(base, outages, "link", base.link_ids),
        "teams": _team_table(base, teams),
        "team_places": _place_rows(base, teams, "team_id", np.array(base.team_ids, dtype=object)),
        "villages_on_one_road": _hanging_table(base, hanging),
    }
    keys = {
        "links": ("link",),
        "link_places": ("link", "place_id"),
        "teams": ("team_id",),
        "team_places": ("team_id", "place_id"),
        "villages_on_one_road": ("place_id", "link"),
    }
    persons, within = base.tree.persons, base.tree.within
    bridge = base.links.is_bridge[outages.out]
    other = hanging.place[~hanging.is_own]
    alone = np.unique(hanging.place)
    summary = {
        "persons": int(persons.sum()),
        "covered_persons": int(persons[within].sum()),
        "teams": len(base.team_ids),
        "links": len(base.links),
        "links_in_use": base.in_use,
        "links_recounted": len(outages),
        "bridges": int(base.links.is_bridge.sum()),
        "bridges_in_use": int((bridge & (base.loads[outages.out] > 0)).sum()),
        "links_with_loss": int((outages.lost_persons > 0).sum()),
        "bridges_with_loss": int((bridge & (outages.lost_persons > 0)).sum()),
        "teams_with_loss": int((teams.lost_persons > 0).sum()),
        "most_lost_persons": int(outages.lost_beyond_persons.max(initial=0)),
        "places_on_one_road": len(alone),
        "persons_on_one_road": int(persons[alone].sum()),
        "places_on_one_other_road": len(np.unique(other)),
    }
    layers = {
        "critical_links": _critical_links(base, asked, tables["links"], outages),
        "villages_on_one_road": _lonely_places(base, asked, tables["villages_on_one_road"], hanging),
    }
    return Result(result.kind, result.name, result.parameters, summary, tables, keys, layers=layers, seqs=result.seqs)


def _counts(outages: Outages) -> dict[str, Any]:
    """The columns that links and teams have alike."""
    rank = np.empty(len(outages), dtype=np.int64)
    rank[outages.ranked()] = np.arange(1, len(outages) + 1)
    return {
        "rank": rank,
        "lost_persons": outages.lost_persons,
        "lost_places": outages.lost_places,
        "cut_persons": outages.cut_persons,
        "cut_places": outages.cut_places,
        "delay_person_min": np.round(outages.delay_person_s / 60.0, 1),
    }


def _link_table(base: _Base, outages: Outages) -> pd.DataFrame:
    out, links = outages.out, base.links
    classes = np.array([row.highway for row in ROAD_SPEEDS], dtype=object)
    table = pd.DataFrame(
        {
            "link": base.link_ids[out],
            "name": base.link_names[out],
            "highway": classes[base.view.network.edge_class[links.first_edge[out]]],
            "is_bridge": links.is_bridge[out],
            "length_m": np.round(links.length_m[out], 1),
            "used_by_persons": base.loads[out],
            "lost_beyond_persons": outages.lost_beyond_persons,
            "lost_on_link_persons": outages.lost_on_link_persons,
            **_counts(outages),
        }
    )
    where = surroundings(base.view, links, out, base.edge_names)
    table.insert(3, "between", where["between"])
    table.insert(4, "near", where["near"])
    return table.sort_values("rank").reset_index(drop=True)


def _team_table(base: _Base, outages: Outages) -> pd.DataFrame:
    frame = base.view.frame("team")
    names = dict(zip(frame["id"].astype(str), frame["name"], strict=True))
    first = np.zeros(len(outages), dtype=np.int64)
    reached = base.tree.first_team >= 0
    np.add.at(first, base.tree.first_team[reached], base.tree.persons[reached])
    table = pd.DataFrame(
        {
            "team_id": np.array(base.team_ids, dtype=object),
            "name": [names[team] for team in base.team_ids],
            "first_for_persons": first,
            **_counts(outages),
        }
    )
    return table.sort_values("rank").reset_index(drop=True)


def _place_rows(base: _Base, outages: Outages, key: str, ids: NDArray[np.object_]) -> pd.DataFrame:
    """The proof: every place that an outage makes late or cuts off, with its team and time before and after."""
    place = outages.row_place
    teams = np.array([*base.team_ids, None], dtype=object)
    return pd.DataFrame(
        {
            key: ids[outages.out[outages.row_outage]],
            **_of_places(base, place),
            "outcome": _outcome(outages.row_after_s),
            "was_within": base.tree.within[place],
            "on_link": outages.row_on_link,
            "before_s": base.tree.total_s[place],
            "after_s": _finite(outages.row_after_s),
            "team_before": teams[base.tree.first_team[place]],
            "team_after": teams[outages.row_after_team],
        }
    )


def _hanging_table(base: _Base, hanging: HangingPlaces) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **_of_places(base, hanging.place),
            "link": base.link_ids[hanging.link],
            "link_name": base.link_names[hanging.link],
            "is_bridge": base.links.is_bridge[hanging.link],
            "is_own": hanging.is_own,
            "outcome": _outcome(hanging.after_s),
            "was_within": hanging.was_within,
            "before_s": base.tree.total_s[hanging.place],
            "after_s": _finite(hanging.after_s),
        }
    )


def _of_places(base: _Base, place: Ints) -> dict[str, Any]:
    rows = base.places.iloc[place]
    return {
        "place_id": rows["id"].astype(str).to_numpy(dtype=object),
        "place_name": rows["name"].to_numpy(dtype=object),
        "street": rows["street"].to_numpy(dtype=object),
        "persons": rows["persons"].to_numpy(),
    }


def _outcome(after_s: Any) -> NDArray[np.object_]:
    return np.where(np.isinf(after_s), "cut", "late").astype(object)


def _finite(seconds: Any) -> Any:
    """Times; NaN where no team comes."""
    return np.where(np.isfinite(seconds), seconds, np.nan)


def n_minus_1_lines(result: Result) -> Iterator[str]:
    """An N-1 as a person reads it on a terminal."""
    told, asked = result.summary, result.parameters
    yield (
        f"within {asked['limit_s'] / 60:g} min at {clock_text(asked['at'])}, scenario {asked['scenario']['id']}: "
        f"{told['covered_persons']:,} of {told['persons']:,} persons by {told['teams']} teams"
    )
    yield (
        f"{told['links_in_use']:,} links in use; {told['links_recounted']:,} recounted, among them all "
        f"{told['bridges']} bridges; {told['links_with_loss']:,} links ({told['bridges_with_loss']} bridges) and "
        f"{told['teams_with_loss']} teams cost somebody the hour"
    )
    for row in result.tables["links"].head(_SHOWN).to_dict("records"):
        if row["lost_persons"] or row["cut_persons"]:
            bridge = " (bridge)" if row["is_bridge"] else ""
            yield (
                f"  {row['rank']:>3}. {road_words(row, 'en')}{bridge} {row['link']}: {row['lost_beyond_persons']:,} "
                f"persons lose the hour, {row['lost_on_link_persons']:,} on the road itself, "
                f"{row['cut_persons']:,} cut off"
            )
    for row in result.tables["teams"].head(_SHOWN).to_dict("records"):
        if row["lost_persons"] or row["cut_persons"]:
            yield f"  without {row['name']} ({row['team_id']}): {row['lost_persons']:,} persons lose the hour"
    yield (
        f"{told['places_on_one_road']} places ({told['persons_on_one_road']:,} persons) hang on one road, "
        f"{told['places_on_one_other_road']} of them on one that is not their own"
    )


# -- on the map ---------------------------------------------------------------------------------------


def _critical_links(base: _Base, asked: Asked, table: pd.DataFrame, outages: Outages) -> gpd.GeoDataFrame:
    """The links without which somebody who does not stand on them is late or cut off."""
    hurts = np.unique(outages.row_outage[~outages.row_on_link])
    rank = np.empty(len(outages), dtype=np.int64)
    rank[outages.ranked()] = np.arange(len(outages))
    rows = table.iloc[rank[hurts]].rename(columns={"link": "id"}).assign(limit_min=asked.limit_s / 60.0)
    rows["label"] = rows["name"].where(rows["name"] != "", rows["between"].fillna(rows["near"]))
    rows["name"] = rows["name"].where(rows["name"] != "", None)
    epsg = base.view.district.epsg
    lines = shapely.transform(
        base.links.lines(base.view.network, outages.out[hurts]), lambda xy: to_lonlat(xy, epsg=epsg)
    )
    return gpd.GeoDataFrame(rows, geometry=lines, crs=4326).sort_values("rank").reset_index(drop=True)


def _lonely_places(base: _Base, asked: Asked, table: pd.DataFrame, hanging: HangingPlaces) -> gpd.GeoDataFrame:
    """One row for each place that hangs on one road, with the roads it hangs on."""
    place, first, count = np.unique(hanging.place, return_index=True, return_counts=True)
    ends = first + count
    named = [
        list(dict.fromkeys(name for name in table["link_name"].iloc[begin:end] if name))
        for begin, end in zip(first, ends, strict=True)
    ]
    frame = base.view.frame(PLACES[asked.places]).iloc[place]
    rows = pd.DataFrame(
        {
            "id": table["place_id"].iloc[first].to_numpy(dtype=object),
            "name": table["place_name"].iloc[first].to_numpy(dtype=object),
            "street": table["street"].iloc[first].to_numpy(dtype=object),
            "persons": table["persons"].iloc[first].to_numpy(),
            "links": count,
            "bridges": np.add.reduceat(table["is_bridge"].to_numpy(dtype=np.int64), first) if len(first) else [],
            "roads": ["、".join(names) for names in named],
            "hangs": _hangs(table, first, ends),
            "limit_min": asked.limit_s / 60.0,
        }
    )
    return gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy(*np.array(lonlats(frame)).reshape(-1, 2).T), crs=4326)


def _hangs(table: pd.DataFrame, first: Any, ends: Any) -> list[str]:
    """Without the road no team comes (cut), or it comes too late; or it is only its own road (dead_end)."""
    cut, own = (table["outcome"] == "cut").to_numpy(), table["is_own"].to_numpy(dtype=bool)
    found = []
    for begin, end in zip(first, ends, strict=True):
        if own[begin:end].all():
            found.append("dead_end")
        else:
            found.append("cut" if (cut & ~own)[begin:end].any() else "late")
    return found
