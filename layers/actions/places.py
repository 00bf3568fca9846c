"""Where a depot stands, for whoever is bound to a street."""

import shapely

from layers.district import District


def depot_street(district: District, depot_id: str) -> str | None:
    """The street in which a depot stands; None where it has no place or stands outside."""
    view = district.known_view()

    def streets() -> dict[str, str]:
        depots, areas = view.frame("depot"), view.frame("street")
        placed = depots[~depots.geometry.isna()]
        tree = shapely.STRtree(areas.geometry.array)
        at, area = tree.query(placed.geometry.array, predicate="intersects")
        names = areas["name"].to_numpy()
        return {str(placed["id"].iloc[i]): str(names[j]) for i, j in zip(at[::-1], area[::-1], strict=True)}

    return view.kept("streets of depots", streets).get(depot_id)
