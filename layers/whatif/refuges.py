"""The shelters that serve: how many persons each holds for a stay, and why one is out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.parameters import parameters
from geo.impact import installation_isolation_m
from geo.shelters import SHELTER_CLASSES, Fitness, Places, Stay, fitness, places
from layers.district import View, metric_geometries
from layers.zoning.rated import rated_substances

if TYPE_CHECKING:
    from layers.whatif.zone import Zone

TABLES = ("shelter", "enterprise", "substance", "parameter")
"""What the answer rests on."""


@dataclass(frozen=True)
class Refuges:
    """The shelters in the order of the register.

    `table` has id, name, street, class, stay (the longest), effective_m2, day_places, own_places, places (for the stay
    asked about, 0 where it is out), basis, out (why it is out: no_place, in_zone, near_hazard, not_for_stay, unknown;
    None where it serves), near, near_m and limit_m (of a hazard that is too near), address, contact, phone.
    """

    table: pd.DataFrame

    @property
    def places(self) -> NDArray[np.int64]:
        """(m,) persons that each takes."""
        return self.table["places"].to_numpy(dtype=np.int64)


def refuges(view: View, zone: "Zone | None", *, stay: Stay | None) -> Refuges:
    """Every shelter with its places for a stay (None: its own longest) and whether it serves."""
    frame = view.frame("shelter")
    hazards = hazard_limits(view)
    fit = fitness(
        view.points_m("shelter"),
        zone=None if zone is None else zone.shape,
        hazard_xy_m=hazards[["x", "y"]].to_numpy(dtype=np.float64),
        hazard_limit_m=hazards["limit_m"].to_numpy(dtype=np.float64),
    )
    asked, own, day = (_places(frame, s) for s in (stay, None, "day"))
    out = [_why_out(fit, asked, j) for j in range(len(frame))]
    classes = frame["class"].where(frame["class"].notna(), None).tolist()
    stays = frame["stay"].where(frame["stay"].notna(), None).tolist()
    table = pd.DataFrame(
        {
            "id": frame["id"].astype(str).to_numpy(dtype=object),
            "name": frame["name"].astype(str).to_numpy(dtype=object),
            "street": pd.Series(streets_of(view, "shelter"), dtype=object),
            "class": pd.Series(classes, dtype=object),
            "stay": pd.Series(
                [s or (SHELTER_CLASSES[c].stay if c else "day") for s, c in zip(stays, classes, strict=True)],
                dtype=object,
            ),
            "effective_m2": frame["effective_area_m2"].to_numpy(dtype=np.float64),
            "day_places": day.persons,
            "own_places": own.persons,
            "places": np.where([reason is None for reason in out], asked.persons, 0),
            "basis": asked.basis,
            "out": pd.Series(out, dtype=object),
            "near": pd.Series([None if k < 0 else hazards["name"].iloc[k] for k in fit.hazard], dtype=object),
            "near_m": np.round(fit.hazard_m, 1),
            "limit_m": [np.nan if k < 0 else float(hazards["limit_m"].iloc[k]) for k in fit.hazard],
            **{name: frame[name].to_numpy(dtype=object) for name in ("address", "contact", "phone")},
        }
    )
    return Refuges(table)


def _places(frame: pd.DataFrame, stay: Stay | None) -> Places:
    def column(name: str) -> list[Any]:
        return [None if pd.isna(value) else value for value in frame[name]]

    return places(
        column("class"),
        column("stay"),
        frame["capacity"].to_numpy(dtype=np.float64),
        frame["effective_area_m2"].to_numpy(dtype=np.float64),
        frame["area_m2"].to_numpy(dtype=np.float64),
        column("indoor"),
        stay=stay,
    )


def _why_out(fit: Fitness, held: Places, j: int) -> str | None:
    if not fit.has_place[j]:
        return "no_place"
    if fit.in_zone[j]:
        return "in_zone"
    if fit.hazard[j] >= 0:
        return "near_hazard"
    if held.persons[j] == 0:
        return "not_for_stay" if held.basis[j] == "not_for_stay" else "unknown"
    return None


def hazard_limits(view: View) -> pd.DataFrame:
    """The enterprises that are major hazards (S of at least 1) with id, name, x, y (m) and limit_m.

    A shelter keeps away as far as the parameter major_hazard.radius_m says, farther where the isolation distance of a
    gas that is held there is larger.
    """

    def make() -> pd.DataFrame:
        set_ = parameters(on=view.district.now().date(), store=view.district.store)
        least_m = set_["major_hazard.radius_m"]
        enterprises = view.frame("enterprise")
        xy = view.points_m("enterprise")
        held = dict(iter(view.frame("substance").groupby("enterprise_id")))
        rows: list[dict[str, Any]] = []
        for k, (id_, name) in enumerate(zip(enterprises["id"], enterprises["name"], strict=True)):
            if id_ not in held or not np.isfinite(xy[k]).all():
                continue
            substances, _, _ = rated_substances(held[id_])
            if sum(item.quantity_t / item.threshold_t for item in substances) < 1.0:
                continue
            isolation_m = max(
                installation_isolation_m(str(item["cas"] or ""), float(item["quantity_t"]))
                for item in held[id_].to_dict("records")
            )
            limit_m = max(least_m, isolation_m)
            rows.append({"id": str(id_), "name": str(name), "x": xy[k, 0], "y": xy[k, 1], "limit_m": limit_m})
        return pd.DataFrame(rows, columns=["id", "name", "x", "y", "limit_m"])

    return view.kept("hazard limits of shelters", make)


def streets_of(view: View, table: str) -> list[str | None]:
    """The street that each row of a table lies in, by the villages that hold it; None outside all of them."""

    def make() -> list[str | None]:
        villages = view.frame("village")
        tree = shapely.STRtree(metric_geometries(villages, view.district.epsg))
        names = villages["street"].tolist()
        xy = view.points_m(table)
        found: list[str | None] = [None] * len(xy)
        there = np.flatnonzero(np.isfinite(xy).all(axis=1))
        point, village = tree.query(shapely.points(xy[there]), predicate="intersects")
        for p, v in sorted(zip(point.tolist(), village.tolist(), strict=True), reverse=True):
            found[int(there[p])] = names[v]  # of several the first stays
        return found

    return view.kept(("streets of", table), make)
