"""What the page and the command line ask of the zoning runs, as plain values and files."""

from dataclasses import asdict
from typing import Any

import shapely

from data.exporters import layers_to_gpkg, to_csv
from geo.crs import to_lonlat
from geo.errors import InputError, NotFound
from layers.district import District
from layers.zoning.compare import compare
from layers.zoning.explain import explain_street, explain_unit
from layers.zoning.products import CELL_RASTERS, cell_raster, gpkg_layers, model_csv, units_csv
from layers.zoning.report import report_html
from layers.zoning.result import LEVEL_TEXTS, PREVENTION_TEXTS, ZoningRun
from layers.zoning.runs import kept_run, latest, newest

FILES = ("units.csv", "model.csv", "streets.csv", "zoning.gpkg", *CELL_RASTERS, "report.html")
"""The products of a run that are handed out one by one."""

MAX_MOVED = 500
"""Moved units in one answer; the files hold all."""


def shown_run(district: District, name: str) -> ZoningRun:
    """The newest run of a scheme, or a run by its id; NotFound says how to make one."""
    found = latest(district, name)
    if found is not None:
        return found
    if len(name) == 16 and name.isalnum():
        return kept_run(district, name)
    raise NotFound(f"scheme '{name}' has not been run yet; run it: onemap zoning run {name}")


def summary(district: District, scheme: str) -> dict[str, Any]:
    """A run in numbers: levels, streets, what lies where it should not, weights, breaks, notices."""
    run = shown_run(district, scheme)
    record = newest(district, scheme)
    titles = {id_: {"zh": text.zh, "en": text.en} for id_, text in run.hazard_titles.items()}
    return {
        "run": run.id,
        "scheme": run.scheme.id,
        "title": {"zh": run.scheme.title.zh, "en": run.scheme.title.en},
        "made_utc": record.made_utc if record else None,
        "made_by": record.made_by if record else None,
        "demo": run.demo,
        "unit": run.scheme.unit,
        "size_m": run.scheme.size_m,
        "units": len(run.units),
        "persons": run.persons,
        "no_data_units": int((run.units["level"] == 0).sum()),
        "fragile_share": float(run.units["fragile"].mean()),
        "corrected_units": int(run.units["corrected"].sum()),
        "parameter_version": run.parameter_version,
        "to_confirm": sum(bool(row["to_confirm"]) for row in run.parameters),
        "levels": [
            {**row, "name": {"zh": LEVEL_TEXTS[row["level"]].zh, "en": LEVEL_TEXTS[row["level"]].en}}
            for row in run.exposed.to_dict("records")
        ],
        "hazards": titles,
        "weights": run.statistics["weights"],
        "weights_method": run.scheme.weights,
        "consistency_ratio": run.statistics.get("ahp", {}).get("cr"),
        "breaks": list(run.model.breaks.lower) if run.model.breaks else [],
        "classification": run.model.classification,
        "streets": run.streets.to_dict("records"),
        "prevention": {str(k): {"zh": text.zh, "en": text.en} for k, text in PREVENTION_TEXTS.items()},
        "inside": run.inside.to_dict("records"),
        "notices": [asdict(notice) for notice in run.notices],
    }


def explain(
    district: District, scheme: str, *, lonlat: tuple[float, float] | None = None, street: str | None = None
) -> dict[str, Any]:
    """The explanation of the unit at a place, or of a street."""
    run = shown_run(district, scheme)
    if (lonlat is None) == (street is None):
        raise InputError("give either at=LON,LAT or street=NAME")
    return explain_street(run, street) if street is not None else explain_unit(run, lonlat=lonlat)


def product(district: District, scheme: str, file: str) -> tuple[bytes, str]:
    """One product of the newest run of a scheme, with its media type."""
    run = shown_run(district, scheme)
    match file:
        case "units.csv":
            return units_csv(run), "text/csv; charset=utf-8"
        case "model.csv":
            return model_csv(run), "text/csv; charset=utf-8"
        case "streets.csv":
            return to_csv(run.streets, {name: name for name in run.streets.columns}), "text/csv; charset=utf-8"
        case "zoning.gpkg":
            return layers_to_gpkg(gpkg_layers(run)), "application/geopackage+sqlite3"
        case _ if file in CELL_RASTERS:
            return cell_raster(run, file), "image/tiff"
        case "report.html":
            return report_html(run).encode(), "text/html; charset=utf-8"
        case _:
            raise NotFound(f"{file}: the files are {', '.join(FILES)}")


def comparison(district: District, old: str, new: str) -> dict[str, Any]:
    """What moved class between two runs, and why; at most `MAX_MOVED` units; areas by change of level, WGS 84."""
    found = compare(kept_run(district, old), kept_run(district, new))
    moved = found.map[found.map["change"] != 0]
    lonlat = shapely.transform(moved.geometry.to_numpy(dtype=object), lambda xy: to_lonlat(xy, epsg=district.epsg))
    shapes = map(shapely.geometry.mapping, lonlat)
    areas = zip(moved["change"].tolist(), moved["area_km2"].tolist(), shapes, strict=True)
    return {
        "old": found.old,
        "new": found.new,
        "moved_units": len(found.moved),
        "moved_persons": int(found.moved["persons"].sum()),
        "matrix": found.matrix.to_dict("records"),
        "moved": found.moved.head(MAX_MOVED).to_dict("records"),
        "truncated": len(found.moved) > MAX_MOVED,
        "notices": [asdict(notice) for notice in found.notices],
        "map": {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {"change": change, "area_km2": km2}, "geometry": shape}
                for change, km2, shape in areas
            ],
        },
    }
