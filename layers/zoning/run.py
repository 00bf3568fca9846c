"""One zoning run: inputs to indicators, indicators to levels, levels to zones, and what lies in them."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.parameters import ParameterSet, parameters
from geo.classify import classify, fixed_breaks
from geo.crs import to_lonlat, to_metric
from geo.errors import Cancelled, InputError
from geo.exposure import persons_within
from geo.grid import NATIONAL_CELL_DEG, Grid, area_shares
from geo.stability import Stability, stability
from geo.weights import AhpResult, EntropyResult, ahp, combined_weights, given_weights
from geo.zones import (
    PreventionRule,
    clipped,
    dissolved,
    majority,
    merged_by_key,
    prevention,
    without_slivers,
    zone_names,
)
from geo.zoning import (
    RAW_DECIMALS,
    Fitted,
    HazardTerm,
    Notice,
    Scale,
    Term,
    ZoningModel,
    entropy_of_risks,
    evaluate,
    fit,
)
from layers.code_version import code_version
from layers.district import District
from layers.layer import Text
from layers.zoning.hazards import HazardMap, formula_on_grid, hazard_map
from layers.zoning.indicators import Measured, capacity_table, measured, persons_in_cells, persons_spread
from layers.zoning.inputs import Inputs
from layers.zoning.major_hazards import major_hazards
from layers.zoning.result import AREA_DECIMALS, LEVEL_TEXTS, Column, ZoningRun
from layers.zoning.runs import kept_run, newest
from layers.zoning.scheme import MODULES, SHIPPED, IndicatorSpec, Scheme, require_formula, shipped_scheme

_DIMENSIONS = {"exposure": "暴露度", "vulnerability": "脆弱性", "capacity": "减灾能力"}

Progress = Callable[[str, float], None]
Raw = dict[str, NDArray[Any]]


def run_zoning(
    district: District,
    scheme: Scheme,
    *,
    at: datetime | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ZoningRun:
    """Run a scheme on the district as it is now.

    The moment matters for teams on duty, speeds and closures: `at`, else that of the scheme, else now.
    """
    steps = _Steps(progress, cancelled)
    view = district.view()
    moment = rated_moment(district, scheme, at)
    set_ = parameters(scheme.parameters or None, on=moment.date(), store=district.store)
    steps("inputs", 0.02)
    inputs = Inputs(view, set_, analysis_grid(district, scheme), moment)
    if not len(inputs.streets):
        raise InputError("there are no streets; import villages with outlines first")
    hazards: dict[str, HazardMap] = {}
    for k, spec in enumerate(scheme.hazards):
        steps(f"hazard {spec.id}", 0.05 + 0.35 * k / len(scheme.hazards))
        hazards[spec.id] = hazard_map(inputs, spec, hazards)
    steps("exposure, vulnerability, capacity", 0.40)
    dimensions = {
        name: [(spec, measured_by(inputs, spec, name, hazards)) for spec in getattr(scheme, name)]
        for name in ("exposure", "vulnerability", "capacity")
    }
    steps("units", 0.50)
    units, areas, carried = _units(inputs, scheme, hazards, dimensions)
    raw: Raw = {name: units[name].to_numpy(dtype=np.float64) for name in carried}
    steps("weights and classes", 0.55)

    def block() -> Raw:
        return raw

    fitted, statistics, notices = fitted_model(
        inputs,
        scheme,
        partial(fit, [block]),
        partial(entropy_of_risks, [block]),
    )
    model = fitted.model
    found = evaluate(raw, model)
    for name, values in found.items():
        units[name] = values
    ids = [spec.id for spec in scheme.hazards]
    units["dominant"] = [ids[k] if k >= 0 else "" for k in found["dominant"].tolist()]
    units["level_computed"] = units["level"]
    _correct(inputs, scheme, units)
    steps("stability", 0.60)
    _stability(inputs, scheme, units, raw, model)
    steps("zones", 0.80)
    _prevent(inputs, units, areas)
    frames = _maps(inputs, scheme, units, areas, hazards)
    steps("what lies in them", 0.92)
    residents = _residents(inputs, scheme, areas) if areas is not None else _residents_of_cells(inputs, units)
    streets = _streets(inputs, units, residents, model, frames["prevention"])
    exposed, inside = _exposure(inputs, units, areas, frames["levels"])
    run = ZoningRun(
        id="",
        scheme=scheme,
        model=model,
        epsg=district.epsg,
        grid=inputs.grid if areas is None else None,
        columns=_columns(scheme, hazards, dimensions),
        units=units,
        areas=areas,
        streets=streets,
        exposed=exposed,
        inside=inside,
        inputs=tuple(inputs.records[name] for name in sorted(inputs.records)),
        parameter_version=set_.version,
        parameter_hash=set_.hash,
        parameters=_used(set_, scheme),
        code_version=code_version(),
        demo=district.demo,
        notices=(*inputs.notices, *notices),
        statistics=statistics,
        native_names={
            id_: {0: "无数据", **{key: text.zh for key, text in found_map.native_names.items()}}
            for id_, found_map in hazards.items()
        },
        **frames,
    )
    steps("done", 1.0)
    return replace(run, id=_identity(run))


def warm_schemes(district: District) -> None:
    """Make what the shipped schemes need and keep it, so that the first run of a server is as quick as the next.

    A scheme that was never run here is left alone. Nothing is published.
    """
    for name in SHIPPED:
        if newest(district, name) is not None:
            run_zoning(district, replace(shipped_scheme(name), runs=2))


def rated_moment(district: District, scheme: Scheme, at: datetime | None) -> datetime:
    """The local moment that a run is for: as ordered, else as the scheme fixes it, else now."""
    if at is not None or not scheme.at:
        return district.local(at)
    now = district.local(None)
    if len(scheme.at) == 5:
        return datetime.combine(now.date(), time.fromisoformat(scheme.at), tzinfo=now.tzinfo)
    fixed = datetime.fromisoformat(scheme.at)
    return district.local(fixed if fixed.tzinfo is not None else fixed.replace(tzinfo=now.tzinfo))


class _Steps:
    """Tells of each phase, and stops between two when asked to."""

    def __init__(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> None:
        self._progress = progress or (lambda phase, share: None)
        self._cancelled = cancelled or (lambda: False)

    def __call__(self, phase: str, share: float) -> None:
        if self._cancelled():
            raise Cancelled("the zoning run was cancelled; nothing was kept")
        self._progress(phase, share)


_ALWAYS = (
    "risk.",
    "weights.",
    "zones.",
    "prevention.",
    "capacity.",
    "stability.",
    "exposure.",
    "level.",
    "major_hazard.",  # shelters and stations near major hazards are listed by every scheme
)


def _used(set_: ParameterSet, scheme: Scheme) -> tuple[dict[str, Any], ...]:
    """The parameters that a scheme can read: the general ones, its judgements, and those of its hazards."""
    named: set[str] = set()
    sources = [(spec.kind, spec.source) for spec in scheme.hazards]
    sources += [(i.kind, i.source) for i in (*scheme.exposure, *scheme.vulnerability, *scheme.capacity)]
    for kind, source in sources:
        named.update(require_formula(source, where="formula") if kind == "formula" else (source,))
    wanted = [*_ALWAYS, *(f"{name}." for name in MODULES if name in named)]
    if "storm_surge" in named:
        wanted.append("damage.")
    if isinstance(scheme.judgements, str) and scheme.judgements:
        wanted.append(f"ahp.{scheme.judgements}.")
    return tuple(row for row in set_.rows() if str(row["code"]).startswith(tuple(wanted)))


def _identity(run: ZoningRun) -> str:
    parts = (
        run.scheme.text,
        run.parameter_version,
        run.parameter_hash,
        [(record.name, record.hash, record.source, record.updated_utc) for record in run.inputs],
        run.demo,
        run.code_version,
        run.epsg,
        run.grid,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def analysis_grid(district: District, scheme: Scheme) -> Grid:
    """The grid of a scheme over the streets of the district."""
    view = district.view()
    from layers.district import metric_geometries

    outlines = metric_geometries(view.frame("street"), district.epsg)
    outlines = outlines[~shapely.is_missing(outlines)]
    if len(outlines) == 0:
        raise InputError("there are no streets with outlines; import villages with polygons first")
    box = shapely.total_bounds(outlines)
    return Grid.covering((box[0], box[1], box[2], box[3]), cell=scheme.size_m, epsg=district.epsg)


def measured_by(inputs: Inputs, spec: IndicatorSpec, dimension: Any, hazards: dict[str, HazardMap]) -> Measured:
    """An indicator of the scheme: a known one, a raster, or a formula over rasters, indicators and hazards."""
    if spec.kind == "module":
        found = measured(inputs, spec.source, dimension)
        return replace(found, column=replace(found.column, name=spec.name))
    if spec.kind == "raster":
        row = inputs.raster_row(spec.source)
        column = Column(
            spec.name, Text(row["title"], row["title"]), row["unit"], dimension, row["source"], row["updated_utc"]
        )
        return Measured(inputs.raster_on_grid(spec.source).astype(np.float64), column, "mean")
    values = formula_on_grid(inputs, spec.source, where=f"{dimension} '{spec.name}'", hazards=hazards)
    label = Text(f"公式 {spec.source}", f"formula {spec.source}")
    return Measured(values, Column(spec.name, label, "", dimension, "formula"), "mean")


# -- units ----------------------------------------------------------------------------------------


def _units(
    inputs: Inputs,
    scheme: Scheme,
    hazards: dict[str, HazardMap],
    dimensions: dict[str, list[tuple[IndicatorSpec, Measured]]],
) -> tuple[pd.DataFrame, gpd.GeoDataFrame | None, list[str]]:
    """The table of units with every raw column; the outlines where the units are no cells; the model's columns."""
    layers: dict[str, tuple[NDArray[Any], str]] = {}
    for id_, found in hazards.items():
        layers[f"h_{id_}"] = (found.index, "mean")
        for factor in found.factors:
            layers[f"f_{id_}_{factor.column.name}"] = (factor.values, factor.spread)
    for group in dimensions.values():
        for spec, item in group:
            layers[f"i_{spec.name}"] = (item.values, item.spread)
    model_columns = [name for name in layers if not name.startswith("f_")]
    if scheme.unit == "grid":
        units, cells = _cell_units(inputs, persons_in_cells(inputs))
        for name, (values, _) in layers.items():
            units[name] = np.round(np.asarray(values, dtype=np.float64).reshape(-1)[cells], RAW_DECIMALS)
        for id_, found in hazards.items():
            units[f"native_{id_}"] = found.native.reshape(-1)[cells]
            units[f"hazard5_{id_}"] = found.five(units[f"native_{id_}"].to_numpy())
        return units, None, model_columns
    areas = _areas(inputs, scheme)
    shares = area_shares(areas.geometry.to_numpy(dtype=object), inputs.grid)
    area_km2 = areas.geometry.area.to_numpy() / 1e6
    residents = _residents(inputs, scheme, areas)
    centre = np.array([(p.x, p.y) for p in areas.geometry.representative_point()])
    lonlat = to_lonlat(centre, epsg=inputs.grid.epsg)
    units = pd.DataFrame(
        {
            "unit_id": areas["unit_id"].to_numpy(dtype=object),
            "cell": -1,
            "name": areas["name"].to_numpy(dtype=object),
            "street": areas["street"].to_numpy(dtype=object),
            "lon": np.round(lonlat[:, 0], 7),
            "lat": np.round(lonlat[:, 1], 7),
            "area_m2": np.round(areas.geometry.area.to_numpy(), 3),
            "persons": np.bincount(residents["unit"], weights=residents["persons"], minlength=len(areas)).astype(
                np.int64
            ),
        }
    )
    for name, (values, spread) in layers.items():
        if spread == "amount":  # an amount as a density, so that a large unit is not riskier for its size
            density = shares.sums(np.asarray(values, dtype=np.float64))[0] / area_km2
            units[name] = np.round(density, RAW_DECIMALS)
        else:
            units[name] = np.round(shares.mean(np.asarray(values, dtype=np.float64)), RAW_DECIMALS)
    for id_, found in hazards.items():
        units[f"native_{id_}"] = _commonest(shares.largest(), found.native, len(areas))
        units[f"hazard5_{id_}"] = found.five(units[f"native_{id_}"].to_numpy())
    return units, areas, model_columns


def _commonest(owner: NDArray[np.int32], native: NDArray[np.int8], areas: int) -> NDArray[np.int8]:
    """The class with most cells in each area; the higher one at equality."""
    top = int(native.max(initial=0)) + 1
    there = (owner >= 0) & (native > 0)
    counts = np.bincount(owner[there] * top + native[there], minlength=areas * top).reshape(areas, top)
    found = top - 1 - np.argmax(counts[:, ::-1], axis=1)
    return np.where(counts.sum(axis=1) > 0, found, 0).astype(np.int8)


def district_cells(inputs: Inputs, persons: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(cells,) which cells are units: those that the district touches, and those where somebody lives."""
    covered = inputs.street_shares.covered().reshape(-1)
    return np.asarray((covered > 1e-6) | (persons.reshape(-1) > 0), dtype=np.bool_)


def _cell_units(inputs: Inputs, persons: NDArray[np.int64]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Every cell that the district touches; area within the district."""
    grid = inputs.grid
    covered = np.minimum(inputs.street_shares.covered().reshape(-1), 1.0)
    cells = np.flatnonzero(district_cells(inputs, persons))
    lonlat = to_lonlat(grid.centres(cells), epsg=grid.epsg)
    row, col = cells // grid.cols, cells % grid.cols
    east = np.round(grid.left / grid.dx).astype(np.int64) + col
    north = np.round(grid.top / grid.dy).astype(np.int64) - row - 1
    street = inputs.street_of_cell.reshape(-1)[cells]
    names = np.append(inputs.streets["name"].to_numpy(dtype=object), "")
    units = pd.DataFrame(
        {
            "unit_id": [f"{grid.dx:g}m-{e}-{n}" for e, n in zip(east.tolist(), north.tolist(), strict=True)],
            "cell": cells,
            "name": "",
            "street": names[street],
            "lon": np.round(lonlat[:, 0], 7),
            "lat": np.round(lonlat[:, 1], 7),
            "area_m2": np.round(covered[cells] * grid.dx * grid.dy, 3),
            "persons": persons.reshape(-1)[cells],
        }
    )
    return units, cells


def _areas(inputs: Inputs, scheme: Scheme) -> gpd.GeoDataFrame:
    if scheme.unit == "street":
        streets = inputs.streets
        return gpd.GeoDataFrame(
            {"unit_id": streets["name"], "name": streets["name"], "street": streets["name"]},
            geometry=streets.geometry,
            crs=streets.crs,
        )
    if scheme.unit == "village":
        villages = inputs.villages
        return gpd.GeoDataFrame(
            {"unit_id": villages["id"].astype(str), "name": villages["name"], "street": villages["street"]},
            geometry=villages.geometry,
            crs=villages.crs,
        )
    return _national_cells(inputs)


def _national_cells(inputs: Inputs) -> gpd.GeoDataFrame:
    """Cells of the national 30 arc-second grid cut at the district's edge."""
    outline = shapely.union_all(inputs.streets.geometry.to_numpy(dtype=object))
    west, south, east, north = outline.bounds
    corners = np.array([[west, south], [west, north], [east, south], [east, north]])
    box = to_lonlat(corners, epsg=inputs.grid.epsg)
    grid = Grid.covering(
        (box[:, 0].min(), box[:, 1].min(), box[:, 0].max(), box[:, 1].max()), cell=NATIONAL_CELL_DEG, epsg=4326
    )
    cells = np.arange(grid.cells)
    boxes = shapely.transform(grid.boxes(cells), lambda xy: to_metric(xy, epsg=inputs.grid.epsg))
    parts = shapely.intersection(boxes, outline)
    keep = shapely.area(parts) > 0
    first_col, first_row = round(grid.left / grid.dx), round(grid.top / grid.dy)
    ids = [f"30s-{first_col + c % grid.cols}-{first_row - c // grid.cols - 1}" for c in cells[keep].tolist()]
    centres = shapely.point_on_surface(parts[keep])
    tree = shapely.STRtree(inputs.streets.geometry.to_numpy(dtype=object))
    nearest = tree.nearest(centres)
    names = inputs.streets["name"].to_numpy(dtype=object)
    shapes = [_polygonal(part) for part in parts[keep]]
    return gpd.GeoDataFrame(
        {"unit_id": ids, "name": ids, "street": names[nearest]}, geometry=shapes, crs=inputs.streets.crs
    )


def _polygonal(shape: Any) -> Any:
    """The polygons of a geometry; lines and points that an intersection left are dropped."""
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


# -- model ----------------------------------------------------------------------------------------


def fitted_model(
    inputs: Inputs,
    scheme: Scheme,
    fitter: Callable[[ZoningModel], Fitted],
    entropy: Callable[[ZoningModel], EntropyResult],
) -> tuple[Fitted, dict[str, Any], list[Text]]:
    """The model of a scheme on the units that `fitter` and `entropy` see, in memory or block by block."""
    p = inputs.parameters
    notices: list[Text] = []
    names = [spec.id for spec in scheme.hazards]
    terms: dict[str, Any] = {}
    for dimension in _DIMENSIONS:
        group: tuple[IndicatorSpec, ...] = getattr(scheme, dimension)
        weights, notice = given_weights([spec.weight for spec in group]) if group else (np.empty(0), "")
        if notice:
            notices.append(Text(f"{_DIMENSIONS[dimension]}: 权重之和不为 1, 已按其和归一", f"{dimension}: {notice}"))
        terms[dimension] = tuple(term(spec, float(w)) for spec, w in zip(group, weights, strict=True))
    equal = 1.0 / len(names)
    model = ZoningModel(
        hazards=tuple(HazardTerm(name, f"h_{name}", equal) for name in names),
        **terms,
        exponents=(p["risk.exponent.hazard"], p["risk.exponent.exposure"], p["risk.exponent.vulnerability"]),
        capacity_factor=p["risk.capacity_factor"],
        method=scheme.composite,
        score=scheme.score,
        hot=(int(p["risk.hot_rule.single"]), int(p["risk.hot_rule.least"])) if scheme.hot_rule else None,
        classification=scheme.classes,
    )
    if scheme.from_run:
        model = frozen(model, kept_run(inputs.view.district, scheme.from_run).model, scheme.from_run)
    elif scheme.classes == "fixed":
        bounds = fixed_breaks(scheme.lower)
        model = replace(model, breaks=bounds, hazards=tuple(replace(hazard, breaks=bounds) for hazard in model.hazards))
    breaks = model.breaks
    first: tuple[Notice, ...] = ()
    if scheme.weights in ("entropy", "combined"):  # weights from the risks: the scales come first
        unweighed = fitter(model)
        model, first = unweighed.model, unweighed.notices
    weights, statistics, told = _weights(inputs, scheme, model, entropy)
    hazards = tuple(replace(h, weight=float(w)) for h, w in zip(model.hazards, weights, strict=True))
    fitted = fitter(replace(model, hazards=hazards, breaks=breaks))
    statistics["units"] = fitted.units
    titles = {spec.id: spec.title.zh for spec in scheme.hazards}
    noticed = dict.fromkeys([*(notice for notice in first if notice.hazard), *fitted.notices])
    return fitted, statistics, [*notices, *told, *(_said(notice, titles) for notice in noticed)]


_NOTICES = {
    "nowhere": "各单元风险均为 0, 等级均为 1",
    "empty": "分级后有等级为空",
    "coincide": "相同数值过多, 分位数重合, 改用自然断点",
}


def _said(notice: Notice, titles: dict[str, str]) -> Text:
    """What was noticed in fitting, in both languages."""
    return Text(f"{titles.get(notice.hazard, '综合指数')}: {_NOTICES[notice.kind]}", notice.text)


def term(spec: IndicatorSpec, weight: float) -> Term:
    """An indicator of the scheme as a term of the model."""
    scale = Scale(spec.range, (0.0, 1.0)) if spec.range else None
    return Term(f"i_{spec.name}", weight, spec.scale, spec.cost, scale)


def frozen(model: ZoningModel, old: ZoningModel, run: str) -> ZoningModel:
    """The model with the scales and breaks of an earlier run, so that two years compare."""
    if [h.id for h in model.hazards] != [h.id for h in old.hazards]:
        raise InputError(f"classes.from_run={run}: that run has other hazards: {', '.join(h.id for h in old.hazards)}")
    known = {t.column: t for t in (*old.exposure, *old.vulnerability, *old.capacity)}

    def scaled(own: Term) -> Term:
        if own.column not in known:
            raise InputError(f"classes.from_run={run}: that run has no indicator '{own.column}'")
        return replace(own, scale=known[own.column].scale)

    return replace(
        model,
        hazards=tuple(replace(h, breaks=o.breaks) for h, o in zip(model.hazards, old.hazards, strict=True)),
        exposure=tuple(map(scaled, model.exposure)),
        vulnerability=tuple(map(scaled, model.vulnerability)),
        capacity=tuple(map(scaled, model.capacity)),
        breaks=old.breaks,
        classification="fixed",
    )


def _weights(
    inputs: Inputs, scheme: Scheme, model: ZoningModel, entropy: Callable[[ZoningModel], EntropyResult]
) -> tuple[NDArray[np.float64], dict[str, Any], list[Text]]:
    names = [spec.id for spec in scheme.hazards]
    statistics: dict[str, Any] = {"weights_method": scheme.weights}
    notices: list[Text] = []
    judged = by_entropy = None
    if scheme.weights in ("ahp", "combined"):
        titles = [spec.title.zh for spec in scheme.hazards]
        matrix = judgements(inputs.parameters, scheme, names)
        found = judged_weights(inputs.parameters, matrix, titles)
        judged = found.weights
        statistics["ahp"] = {
            "judgements": matrix.tolist(),
            "lambda_max": found.lambda_max,
            "ci": found.ci,
            "cr": found.cr,
            "cr_limit": inputs.parameters["weights.cr_limit"],
            "worst": [titles[found.worst[0]], titles[found.worst[1]]],
            "worst_given": found.worst_given,
            "worst_consistent": found.worst_consistent,
        }
    if scheme.weights in ("entropy", "combined"):
        weighed = entropy(model)
        by_entropy = weighed.weights
        statistics["entropy"] = {"weights": by_entropy.tolist(), "entropy": weighed.entropy.tolist()}
        notices += [
            Text(f"熵权: 某灾种在各单元相同, 权重为 0 ({notice})", f"entropy: {notice}") for notice in weighed.notices
        ]
    if scheme.weights == "given":
        weights, notice = given_weights(scheme.values)
        notices += [Text("灾种权重之和不为 1, 已按其和归一", f"weights: {notice}")] if notice else []
    elif judged is not None and by_entropy is not None:
        alpha = inputs.parameters["weights.alpha"] if scheme.alpha is None else scheme.alpha
        weights = combined_weights(judged, by_entropy, method="linear", alpha=alpha)
        statistics["alpha"] = alpha
    else:
        only = judged if judged is not None else by_entropy
        assert only is not None
        weights = only
    statistics["weights"] = dict(zip(names, weights.tolist(), strict=True))
    return weights, statistics, notices


def judgements(p: ParameterSet, scheme: Scheme, names: list[str]) -> NDArray[np.float64]:
    """The judgement matrix of a scheme: its own rows, or those of the parameter set."""
    if not isinstance(scheme.judgements, str):
        return np.array(scheme.judgements, dtype=np.float64)
    n = len(names)
    matrix = np.ones((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            matrix[i, j] = p[f"ahp.{scheme.judgements}.{names[i]}.{names[j]}"]
            matrix[j, i] = 1.0 / matrix[i, j]
    return matrix


def judged_weights(p: ParameterSet, matrix: NDArray[np.float64], titles: list[str]) -> AhpResult:
    """Weights by judgement, at the random indices and the limit of the parameter set."""
    known = p.prefix("weights.random_index.")
    indices = [known[str(n)] for n in range(1, len(known) + 1) if str(n) in known]
    return ahp(matrix, titles, random_index=indices, cr_limit=p["weights.cr_limit"])


# -- what follows from the levels -----------------------------------------------------------------


def _correct(inputs: Inputs, scheme: Scheme, units: pd.DataFrame) -> None:
    """Manual levels with their reasons; the computed level stays beside them."""
    units["corrected"] = False
    units["reason"] = ""
    table = inputs.frame("zoning_correction")
    mine = table[table["scheme"] == scheme.id]
    position = {unit: k for k, unit in enumerate(units["unit_id"])}
    for row in mine.to_dict("records"):
        k = position.get(str(row["unit"]))
        if k is None:
            inputs.notice(
                f"单元 {row['unit']} 的修正未采用: 本次运行没有这个单元",
                f"correction of unit '{row['unit']}': there is no such unit in this run; it was not applied",
            )
            continue
        units.loc[k, "level"] = int(row["level"])
        units.loc[k, "corrected"] = True
        units.loc[k, "reason"] = f"{row['reason']} ({row['author']}, {row['decided_on']})"


def _stability(inputs: Inputs, scheme: Scheme, units: pd.DataFrame, raw: Raw, model: ZoningModel) -> None:
    names = ("stability", "stability_weights", "stability_classification", "stability_size")
    if scheme.runs == 0:
        for name in names:
            units[name] = np.nan
        units["fragile"] = False
        inputs.notice("未做稳定性分析", "stability was not examined")
        return
    found: Stability = stability(
        raw, model, _larger(inputs, scheme, units), seed=scheme.seed, runs=scheme.runs, spread_share=scheme.spread_share
    )
    for name, values in zip(names, (found.share, found.weights, found.classification, found.size), strict=True):
        units[name] = np.round(values, 6)
    units["fragile"] = units["stability"] < inputs.parameters["stability.fragile_share"]


def _larger(inputs: Inputs, scheme: Scheme, units: pd.DataFrame) -> NDArray[np.int64]:
    """The unit of twice the size that holds each unit: four cells, or the street of a village."""
    if scheme.unit == "grid":
        cell = units["cell"].to_numpy(dtype=np.int64)
        cols = inputs.grid.cols
        return np.asarray((cell // cols // 2) * cols + (cell % cols) // 2, dtype=np.int64)
    if scheme.unit == "street":
        return np.arange(len(units), dtype=np.int64)
    return np.asarray(pd.factorize(units["street"])[0], dtype=np.int64)


_KEY_LIFELINES = ("school", "pumping_station", "substation")
"""With hospitals the key facilities of the decision table; homes for the aged have no register."""


def prevention_rule(p: ParameterSet) -> PreventionRule:
    """The numbers of the decision table in a parameter set."""
    return PreventionRule(
        key_level=int(p["prevention.key_level"]),
        high_level=int(p["prevention.high_level"]),
        middle_level=int(p["prevention.middle_level"]),
        facility_level=int(p["prevention.facility_level"]),
        weak_grade=int(p["prevention.weak_grade"]),
        danger_persons=int(p["prevention.hidden_danger_persons"]),
        spots_per_km2=p["prevention.spot_density_per_km2"],
        spot_depth_m=p["prevention.spot_depth_m"],
    )


def _prevent(inputs: Inputs, units: pd.DataFrame, areas: gpd.GeoDataFrame | None) -> None:
    """The class of each unit by the decision table, and what the table reads beside the level."""
    rule = prevention_rule(inputs.parameters)
    grade = np.zeros(len(units), dtype=np.int8)
    if len(inputs.frame("capacity")):
        table = capacity_table(inputs)
        by_street = dict(zip(table["street"], table["grade"], strict=True))
        grade = units["street"].map(by_street).fillna(0).to_numpy(dtype=np.int8)
    units["capacity_grade"] = grade
    where = _Where(inputs, units, areas)
    units["danger_persons"] = _danger_persons(inputs, where)
    units["deep_spots_per_km2"] = np.round(_deep_spots(inputs, where, rule.spot_depth_m), RAW_DECIMALS)
    units["key_facilities"] = _key_facilities(inputs, where)
    units["prevention"] = prevention(
        units["level"].to_numpy(dtype=np.int8),
        grade,
        units["danger_persons"].to_numpy(),
        units["deep_spots_per_km2"].to_numpy(),
        units["key_facilities"].to_numpy(),
        rule,
    )


class _Where:
    """Which unit holds a point, and which have their centre near it."""

    def __init__(self, inputs: Inputs, units: pd.DataFrame, areas: gpd.GeoDataFrame | None) -> None:
        self.count = len(units)
        self.area_km2 = units["area_m2"].to_numpy(dtype=np.float64) / 1e6
        self._grid = inputs.grid
        self._shapes = None if areas is None else shapely.STRtree(areas.geometry.to_numpy(dtype=object))
        if areas is None:
            self._unit = np.full(inputs.grid.cells, -1, dtype=np.int64)
            self._unit[units["cell"].to_numpy(dtype=np.int64)] = np.arange(len(units))
        centre = to_metric(units[["lon", "lat"]].to_numpy(dtype=np.float64), epsg=inputs.grid.epsg)
        self._centres = shapely.STRtree(shapely.points(centre))

    def holds(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) position of the unit that holds each point, the first on a border; -1 outside all or without a place."""
        found = np.full(len(xy), -1, dtype=np.int64)
        there = np.flatnonzero(np.isfinite(xy).all(axis=1))
        if self._shapes is None:
            cell = self._grid.cell_at(xy[there])
            found[there] = np.where(cell >= 0, self._unit[cell], -1)
            return found
        point, area = self._shapes.query(shapely.points(xy[there]), predicate="intersects")
        first = np.full(len(there), self.count, dtype=np.int64)
        np.minimum.at(first, point, area)
        found[there] = np.where(first < self.count, first, -1)
        return found

    def near(self, xy: NDArray[np.float64], radius_m: float) -> NDArray[np.int64]:
        """Positions of the units with their centre within a distance (bound included) of one point."""
        found = self._centres.query(shapely.Point(xy), predicate="dwithin", distance=radius_m)
        return np.asarray(found, dtype=np.int64)


def _danger_persons(inputs: Inputs, where: _Where) -> NDArray[np.int64]:
    """The most residents in the impact area of one open hidden danger that lies in the unit or reaches its centre."""
    found = np.zeros(where.count, dtype=np.int64)
    dangers, xy = inputs.frame("hidden_danger"), inputs.points("hidden_danger")
    radius = pd.to_numeric(dangers["impact_radius_m"], errors="coerce").to_numpy(dtype=np.float64)
    live = (dangers["state"] != "closed").to_numpy(dtype=bool) & np.isfinite(xy).all(axis=1) & (radius > 0)
    xy, radius = xy[live], radius[live]
    persons = persons_in_cells(inputs).reshape(-1)
    cells = np.flatnonzero(persons)
    residents = inputs.kept(
        "residents around hidden dangers",
        lambda: persons_within(xy, radius, inputs.grid.centres(cells), persons[cells]),
    )
    for place, reach_m, home, many in zip(xy, radius, where.holds(xy), residents, strict=True):
        reached = where.near(place, reach_m)
        reached = np.append(reached, home) if home >= 0 else reached
        found[reached] = np.maximum(found[reached], many)
    return found


def _deep_spots(inputs: Inputs, where: _Where, depth_m: float) -> NDArray[np.float64]:
    """Known deep spots per km2: in the unit, or around its centre where the unit is smaller than that."""
    depth = pd.to_numeric(inputs.frame("waterlogging_spot")["depth_m"], errors="coerce").to_numpy(dtype=np.float64)
    xy = inputs.points("waterlogging_spot")[depth >= depth_m]
    xy = xy[np.isfinite(xy).all(axis=1)]
    around = np.zeros(where.count)
    radius = float(np.sqrt(1e6 / np.pi))  # the circle of one square kilometre
    for place in xy:
        around[where.near(place, radius)] += 1.0
    home = where.holds(xy)
    inside = np.bincount(home[home >= 0], minlength=where.count)
    return np.where(where.area_km2 >= 1.0, inside / np.maximum(where.area_km2, 1.0), around)


def _key_facilities(inputs: Inputs, where: _Where) -> NDArray[np.int64]:
    """How many hospitals, schools, pumping stations and substations stand in each unit."""
    key = inputs.frame("lifeline")["type"].isin(_KEY_LIFELINES).to_numpy(dtype=bool)
    inputs.frame("hospital")
    home = where.holds(np.vstack([inputs.points("lifeline")[key], inputs.points("hospital")]))
    return np.bincount(home[home >= 0], minlength=where.count).astype(np.int64)


def _maps(
    inputs: Inputs,
    scheme: Scheme,
    units: pd.DataFrame,
    areas: gpd.GeoDataFrame | None,
    hazards: dict[str, HazardMap],
) -> dict[str, gpd.GeoDataFrame]:
    ids = [spec.id for spec in scheme.hazards]
    level = units["level"].to_numpy(dtype=np.int64)
    dominant = np.array([ids.index(name) if name else len(ids) for name in units["dominant"]], dtype=np.int64)
    fragile, corrected = units["fragile"].to_numpy(dtype=bool), units["corrected"].to_numpy(dtype=bool)
    prevented = units["prevention"].to_numpy(dtype=np.int64)
    layout = Layout(inputs, units, areas)

    levels = layout.polygons(level * 4 + fragile * 2 + corrected, window=1)
    levels["level"], levels["fragile"] = levels["key"] // 4, levels["key"] // 2 % 2 == 1
    levels["corrected"] = levels["key"] % 2 == 1
    levels["area_km2"] = np.round(levels.geometry.area / 1e6, AREA_DECIMALS)

    zones = named_zones(inputs, scheme, layout, level, dominant)

    classes = layout.pieces(prevented)  # neither smoothed nor joined: whoever meets a rule of the table is on the map
    classes["prevention"] = classes["key"]
    classes = merged_by_key(classes, ["street", "prevention"])
    layout.described(classes)
    classes["measures"] = [measures(name) for name in classes["dominant"]]

    single = []
    for id_, found in hazards.items():
        native = units[f"native_{id_}"].to_numpy(dtype=np.int64)
        part = layout.kept_polygons(native)
        part["hazard"] = id_
        part["level"] = found.five(part["key"].to_numpy())
        part["native"] = [
            found.native_names[int(k)].zh if int(k) in found.native_names else "无数据" for k in part["key"]
        ]
        single.append(part)
    singles = gpd.GeoDataFrame(pd.concat(single, ignore_index=True), crs=levels.crs)
    singles["area_km2"] = np.round(singles.geometry.area / 1e6, AREA_DECIMALS)
    return {
        "levels": levels[["level", "fragile", "corrected", "area_km2", "geometry"]],
        "zones": zones[
            [
                "zone_id",
                "name",
                "street",
                "level",
                "dominant",
                "prevention",
                "area_km2",
                "persons",
                "fragile_share",
                "measures",
                "geometry",
            ]
        ],
        "prevention": classes[["prevention", "street", "dominant", "area_km2", "persons", "measures", "geometry"]],
        "single": singles[["hazard", "level", "native", "area_km2", "geometry"]],
    }


def named_zones(
    inputs: Inputs, scheme: Scheme, layout: "Layout", level: NDArray[np.int64], dominant: NDArray[np.int64]
) -> gpd.GeoDataFrame:
    """Zones of one level and dominant hazard (its position, the number of hazards without one) within a street."""
    ids = [spec.id for spec in scheme.hazards]
    titles = {k: spec.title.zh for k, spec in enumerate(scheme.hazards)}
    least_m2 = (scheme.sliver_km2 or inputs.parameters["zones.sliver_km2"]) * 1e6
    keys = _zone_keys(layout, level, dominant, scheme.window, len(ids) + 1)
    zones = layout.in_streets(keys, least_m2, empty_below=len(ids) + 1)
    zones["level"], zones["dominant"] = zones["key"] // (len(ids) + 1), zones["key"] % (len(ids) + 1)
    zones = merged_by_key(zones, ["street", "level", "dominant"])
    zones["name"] = zone_names(
        zones, inputs.streets, hazards=titles, levels={key: text.zh for key, text in LEVEL_TEXTS.items()}
    )
    layout.described(zones)
    zones["dominant"] = [ids[k] if k < len(ids) else "" for k in zones["dominant"].tolist()]
    zones["zone_id"] = [f"Z{k + 1:04d}" for k in range(len(zones))]
    zones["measures"] = [measures(name) for name in zones["dominant"]]
    return zones


def _zone_keys(
    layout: "Layout", level: NDArray[np.int64], dominant: NDArray[np.int64], window: int, width: int
) -> NDArray[np.int64]:
    """Level and dominant hazard of each unit in one number, each smoothed by itself; no data stays no data."""
    smooth = layout.filtered(level, window)
    lead = layout.filtered(dominant + 1, window) - 1
    return np.where(smooth == 0, width - 1, smooth * width + np.where(lead == width - 1, 0, lead))


_MEASURES = {
    "waterlogging": "管网与泵站改造、低洼点改造; 汛前清淤、下穿通道值守与封控",
    "typhoon": "加固简易厂房、塔吊与户外广告; 台风预警下停工转移",
    "storm_surge": "堤防与闸站除险加固; 高潮位预警下沿江人员转移",
    "convection": "防雷设施检测; 雷雨大风预警下露天作业停工",
    "earthquake": "老旧房屋抗震加固; 避难场所与演练",
    "geological": "护岸与抛石工程; 江岸巡查监测",
    "major_hazard": "本质安全改造与外部防护距离; 企业与社区联动预案和疏散演练",
    "enterprise_risk": "较大以上风险整改销号; 重点执法检查",
    "fire": "消防站与消火栓补点、老旧小区电气改造; 电动自行车集中充电管理",
}


def measures(hazard: str) -> str:
    """Proposed measures (engineering; other) by dominant hazard, to be confirmed by the district."""
    return _MEASURES.get(hazard, "")


class Layout:
    """How values of units become polygons: cells on the grid, or outlines."""

    def __init__(self, inputs: Inputs, units: pd.DataFrame, areas: gpd.GeoDataFrame | None) -> None:
        self._inputs = inputs
        self._units = units
        self._areas = areas

    def _on_grid(self, values: NDArray[np.int64], empty: int) -> NDArray[np.int64]:
        grid = self._inputs.grid
        found = np.full(grid.cells, empty, dtype=np.int64)
        found[self._units["cell"].to_numpy(dtype=np.int64)] = values
        return found.reshape(grid.shape)

    def filtered(self, values: NDArray[np.int64], window: int) -> NDArray[np.int64]:
        """The majority of each cell's window; outlines are not smoothed."""
        if self._areas is not None:
            return values
        cells = self._units["cell"].to_numpy(dtype=np.int64)
        filtered: NDArray[np.int64] = majority(self._on_grid(values, 0), size=window).reshape(-1)[cells]
        return filtered

    def polygons(self, keys: NDArray[np.int64], *, window: int) -> gpd.GeoDataFrame:
        """Neighbouring units of one key as one polygon, cut at the district's edge."""
        if self._areas is not None:
            frame = gpd.GeoDataFrame({"key": keys}, geometry=self._areas.geometry.to_numpy(), crs=self._areas.crs)
            return merged_by_key(frame, ["key"])
        cells = dissolved(self._on_grid(keys, -1), self._inputs.grid)
        return self._within(cells)

    def kept_polygons(self, keys: NDArray[np.int64]) -> gpd.GeoDataFrame:
        """The same of keys that rest on the inputs alone: made once while these do not change."""
        if self._areas is not None:
            return self.polygons(keys, window=1)
        shape = (self._units["cell"].to_numpy(dtype=np.int64), keys)
        name = hashlib.sha256(b"".join(part.tobytes() for part in shape)).hexdigest()
        return self._inputs.kept(f"polygons {name}", lambda: self.polygons(keys, window=1)).copy()

    def _within(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Cut at the outer edge of the streets: only what crosses it is cut."""
        streets = self._inputs.streets.geometry.to_numpy(dtype=object)
        outline = self._inputs.kept("outline", lambda: shapely.union_all(streets))
        shapes = frame.geometry.to_numpy(dtype=object).copy()
        shapely.prepare(outline)
        out = ~shapely.covers(outline, shapes)
        shapes[out] = shapely.intersection(shapes[out], outline)
        parts, of = shapely.get_parts(shapes, return_index=True)
        keep = (shapely.get_dimensions(parts) == 2) & (shapely.area(parts) > 0)
        return gpd.GeoDataFrame({"key": frame["key"].to_numpy()[of[keep]]}, geometry=parts[keep], crs=frame.crs)

    def pieces(self, keys: NDArray[np.int64]) -> gpd.GeoDataFrame:
        """Polygons of one key within one street."""
        whole = (
            self.polygons(keys, window=1)
            if self._areas is not None
            else dissolved(self._on_grid(keys, -1), self._inputs.grid)
        )
        return clipped(whole, self._inputs.streets)

    def in_streets(self, keys: NDArray[np.int64], least_m2: float, *, empty_below: int) -> gpd.GeoDataFrame:
        """The same, small ones joined; no data joins nobody (keys below the bound)."""
        pieces = self.pieces(keys)
        pieces["within"] = [
            f"{street}|{key >= empty_below}" for street, key in zip(pieces["street"], pieces["key"], strict=True)
        ]
        return without_slivers(pieces, least_m2=least_m2, within="within")

    def described(self, frame: gpd.GeoDataFrame) -> None:
        """Area, persons, share of fragile units, commonest prevention class and dominant hazard of each polygon."""
        units = self._units
        home = self._home(frame.geometry.to_numpy(dtype=object))
        n = len(frame)
        frame["area_km2"] = np.round(frame.geometry.area / 1e6, AREA_DECIMALS)
        frame["persons"] = np.bincount(home, weights=units["persons"].to_numpy(), minlength=n).astype(np.int64)
        count = np.bincount(home, minlength=n)
        fragile = np.bincount(home, weights=units["fragile"].to_numpy(dtype=np.float64), minlength=n)
        frame["fragile_share"] = np.round(np.divide(fragile, count, out=np.zeros(n), where=count > 0), 6)
        if "prevention" not in frame.columns:
            frame["prevention"] = _most(home, units["prevention"].to_numpy(dtype=np.int64), n)
        if "dominant" not in frame.columns:
            names, codes = np.unique(units["dominant"].to_numpy(dtype=str), return_inverse=True)
            frame["dominant"] = names[_most(home, codes.astype(np.int64), n)]

    def _home(self, shapes: NDArray[np.object_]) -> NDArray[np.int64]:
        """For each unit the polygon that holds most of it; the nearest where none does, so that nobody is lost."""
        if self._areas is not None:
            points = shapely.point_on_surface(self._areas.geometry.to_numpy(dtype=object))
            return np.asarray(shapely.STRtree(shapes).nearest(points), dtype=np.int64)
        grid, tree = self._inputs.grid, shapely.STRtree(shapes)
        cells = self._units["cell"].to_numpy(dtype=np.int64)
        home = np.full(len(cells), -1, dtype=np.int64)
        # Polygons are made of whole cells and cut at streets: only a cell on a street's border lies in several.
        split = np.isin(cells, self._inputs.street_shares.cell)
        whole, parted = np.flatnonzero(~split), np.flatnonzero(split)
        at, found = tree.query(shapely.points(grid.centres(cells[whole])), predicate="intersects")
        home[whole[at[::-1]]] = found[::-1]
        boxes = grid.boxes(cells[parted])
        at, found = tree.query(boxes, predicate="intersects")
        held = np.round(shapely.area(shapely.intersection(boxes[at], shapes[found])), 6)
        at, found, held = at[held > 0], found[held > 0], held[held > 0]
        order = np.lexsort((found, -held, at))
        first = order[np.unique(at[order], return_index=True)[1]]
        home[parted[at[first]]] = found[first]
        lost = np.flatnonzero(home < 0)
        if len(lost):
            home[lost] = tree.nearest(shapely.points(grid.centres(cells[lost])))
        return home


def _most(home: NDArray[np.int64], values: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The commonest value of each group, the larger at equality; 0 for an empty group."""
    top = int(values.max(initial=0)) + 1
    counts = np.bincount(home * top + values, minlength=n * top).reshape(n, top)
    return np.where(counts.sum(axis=1) > 0, top - 1 - np.argmax(counts[:, ::-1], axis=1), 0)


def _residents_of_cells(inputs: Inputs, units: pd.DataFrame) -> pd.DataFrame:
    """`unit` (position), `street` (name) and `persons`: a cell on a border has residents of both streets."""
    spread = persons_spread(inputs)
    position = np.full(inputs.grid.cells, -1, dtype=np.int64)
    position[units["cell"].to_numpy(dtype=np.int64)] = np.arange(len(units))
    unit = position[spread.cell]
    street = inputs.villages["street"].to_numpy(dtype=object)[spread.polygon]
    return _residents_table(inputs, unit, street, spread.part, units["street"].to_numpy(dtype=object)[unit])


def _residents(inputs: Inputs, scheme: Scheme, areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """The same for units with outlines: a village's residents are its own, whatever cell they stand in."""
    spread = persons_spread(inputs)
    villages = inputs.villages
    street = villages["street"].to_numpy(dtype=object)[spread.polygon]
    if scheme.unit == "village":
        unit = spread.polygon
    else:
        owner = area_shares(areas.geometry.to_numpy(dtype=object), inputs.grid).largest().reshape(-1)[spread.cell]
        lost = np.flatnonzero(owner < 0)
        if len(lost):
            tree = shapely.STRtree(areas.geometry.to_numpy(dtype=object))
            owner[lost] = tree.nearest(shapely.points(inputs.grid.centres(spread.cell[lost])))
        unit = owner.astype(np.int64)
        if scheme.unit == "street":
            known = {name: k for k, name in enumerate(areas["name"])}
            unit = np.array([known.get(name, k) for name, k in zip(street, unit.tolist(), strict=True)], dtype=np.int64)
    return _residents_table(inputs, unit, street, spread.part, areas["street"].to_numpy(dtype=object)[unit])


def _residents_table(
    inputs: Inputs, unit: NDArray[np.int64], street: NDArray[Any], persons: NDArray[np.int64], home: NDArray[Any]
) -> pd.DataFrame:
    """A village whose street has no outline counts to the street of its cells, so that nobody is lost."""
    known = np.isin(street.astype(str), inputs.streets["name"].to_numpy(dtype=str))
    return pd.DataFrame({"unit": unit, "street": np.where(known, street, home), "persons": persons})


def _streets(
    inputs: Inputs, units: pd.DataFrame, residents: pd.DataFrame, model: ZoningModel, classes: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Levels per street: by the area of its units and by its residents, beside the highest unit."""
    assert model.breaks is not None
    grades: dict[str, tuple[float, int]] = {}
    if len(inputs.frame("capacity")):
        table = capacity_table(inputs)
        grades = dict(zip(table["street"], zip(table["score"], table["grade"], strict=True), strict=True))
    rows = []
    columns = ["unit_id", "street", "area_m2", "index", "level", "dominant", "fragile"]
    live = residents.assign(**{name: units[name].to_numpy()[residents["unit"]] for name in ("index", "level")})
    by_home = dict(iter(live.groupby("street")))
    by_street = dict(iter(units[columns].groupby("street")))
    outlines = dict(zip(inputs.streets["name"], inputs.streets.geometry, strict=True))
    for name, outline in outlines.items():
        part = by_street.get(name, units.iloc[:0])
        there = part[part["level"] > 0]
        area = there["area_m2"].to_numpy()
        people = by_home.get(name, live.iloc[:0])
        rated = people[people["level"] > 0]
        mean = [
            float(np.average(some["index"].to_numpy(dtype=np.float64), weights=weight)) if weight.sum() > 0 else np.nan
            for some, weight in ((there, area), (rated, rated["persons"].to_numpy(dtype=np.float64)))
        ]
        level = classify(np.array(mean), model.breaks).tolist()
        order = there.sort_values(["level", "index", "unit_id"], ascending=[False, False, True])
        parts = there.groupby("dominant")["area_m2"].sum()
        of_street = classes[classes["street"] == name].groupby("prevention")["area_km2"].sum()
        share = of_street / of_street.sum() if len(of_street) else of_street
        score, grade = grades.get(name, (np.nan, 0))
        rows.append(
            {
                "street": name,
                "units": len(part),
                "area_km2": round(outline.area / 1e6, AREA_DECIMALS),
                "persons": int(people["persons"].sum()),
                "index_area": round(mean[0], 9),
                "level_area": level[0],
                "index_persons": round(mean[1], 9),
                "level_persons": level[1],
                "high_share": round(float(area[there["level"] >= 4].sum() / area.sum()), 6) if area.sum() else np.nan,
                "highest_level": int(order["level"].iloc[0]) if len(order) else 0,
                "highest_unit": str(order["unit_id"].iloc[0]) if len(order) else "",
                "dominant": str(parts.idxmax()) if len(parts) else "",
                **{f"persons_{k}": int(people.loc[people["level"] == k, "persons"].sum()) for k in range(6)},
                "capacity_score": score,
                "capacity_grade": int(grade),
                "prevention": int(max((k for k, s in share.items() if s >= 0.1), default=0)),
                "fragile_share": round(float(there["fragile"].mean()), 6) if len(there) else np.nan,
            }
        )
    return pd.DataFrame(rows)


_FACILITIES_ZH = {"enterprise": "企业", "shelter": "避难场所", "team": "救援队伍", "depot": "物资仓库"}
_FACILITIES = {"enterprise": "enterprises", "shelter": "shelters", "team": "teams", "depot": "depots"}


def _exposure(
    inputs: Inputs, units: pd.DataFrame, areas: gpd.GeoDataFrame | None, map_: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Who and what lies in each level, and which shelters, teams and depots lie where they should not."""
    exposed = pd.DataFrame({"level": range(5, -1, -1)})
    by_level = units.groupby("level")
    exposed["units"] = exposed["level"].map(by_level.size()).fillna(0).astype(np.int64)
    exposed["area_km2"] = np.round(exposed["level"].map(by_level["area_m2"].sum()).fillna(0) / 1e6, AREA_DECIMALS)
    exposed["persons"] = exposed["level"].map(by_level["persons"].sum()).fillna(0).astype(np.int64)
    where = _Where(inputs, units, areas)
    level = np.append(units["level"].to_numpy(dtype=np.int64), -1)
    levels: dict[str, NDArray[np.int64]] = {}
    for table, name in _FACILITIES.items():
        inputs.frame(table)
        levels[table] = level[where.holds(inputs.points(table))]  # -1 outside the units or without a place
        counts = np.bincount(levels[table][levels[table] >= 0], minlength=6)
        exposed[name] = [int(counts[k]) for k in exposed["level"]]
        if outside := int((levels[table] < 0).sum()):
            inputs.notice(
                f"{_FACILITIES_ZH[table]}: {outside} 个没有位置或不在评估单元内, 未计入各等级",
                f"{outside} {name} have no place or lie in no unit; they are in no level's count",
            )
    return exposed, _inside(inputs, map_, levels)


def _inside(inputs: Inputs, map_: gpd.GeoDataFrame, levels: dict[str, NDArray[np.int64]]) -> pd.DataFrame:
    edge = shapely.boundary(shapely.union_all(map_.geometry.to_numpy(dtype=object)[map_["level"] >= 4]))
    hazards = major_hazards(inputs)
    hazards = hazards[(hazards["level"] > 0) & hazards["x"].notna()]
    radius = inputs.parameters["major_hazard.radius_m"]
    tree = shapely.STRtree(shapely.points(hazards[["x", "y"]].to_numpy(dtype=np.float64)))
    rows: list[dict[str, Any]] = []
    for table in ("shelter", "team", "depot"):
        frame, xy = inputs.frame(table), inputs.points(table)
        for k, row in enumerate(frame[["id", "name"]].to_dict("records")):
            if not np.isfinite(xy[k]).all():
                continue
            place = shapely.Point(xy[k])
            lon, lat = (float(v) for v in to_lonlat(xy[k : k + 1], epsg=inputs.grid.epsg)[0])
            about = {
                "kind": _FACILITIES[table],
                "id": str(row["id"]),
                "name": str(row["name"]),
                "level": max(int(levels[table][k]), 0),
                "lon": round(lon, 6),
                "lat": round(lat, 6),
            }
            if levels[table][k] >= 4:
                far = round(float(shapely.distance(place, edge)), 1)
                rows.append({**about, "reason": "high_zone", "near": "", "distance_m": far})
            for j in tree.query(place, predicate="dwithin", distance=radius).tolist():
                other = hazards.iloc[j]
                far = round(float(np.hypot(other["x"] - xy[k, 0], other["y"] - xy[k, 1])), 1)
                rows.append({**about, "reason": "major_hazard", "near": str(other["name"]), "distance_m": far})
    columns = ["kind", "id", "name", "street", "level", "reason", "near", "distance_m", "lon", "lat"]
    found = pd.DataFrame(rows)
    if len(found) == 0:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    points = shapely.points(found[["lon", "lat"]].to_numpy(dtype=np.float64))
    streets = inputs.frame("street")
    home = shapely.STRtree(streets.geometry.to_numpy(dtype=object)).nearest(points)
    found["street"] = streets["name"].to_numpy(dtype=object)[home]
    return found[columns].sort_values(["kind", "id", "reason", "distance_m"]).reset_index(drop=True)


def _columns(
    scheme: Scheme,
    hazards: dict[str, HazardMap],
    dimensions: dict[str, list[tuple[IndicatorSpec, Measured]]],
) -> tuple[Column, ...]:
    found: list[Column] = []
    for spec in scheme.hazards:
        item = hazards[spec.id]
        found.append(replace(item.column, name=f"h_{spec.id}"))
        found += [replace(factor.column, name=f"f_{spec.id}_{factor.column.name}") for factor in item.factors]
    for group in dimensions.values():
        for indicator, measure in group:
            column = replace(measure.column, name=f"i_{indicator.name}")
            if scheme.unit != "grid" and measure.spread == "amount":
                column = replace(column, unit=f"{column.unit}/km2")
            found.append(column)
    return tuple(found)
