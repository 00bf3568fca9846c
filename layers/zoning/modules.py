"""Hazards computed from the district's data: natural ones and accidents, each with its factors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from geo import hazards, overlay, storms, surge, terrain
from geo.crs import to_lonlat
from geo.errors import CrsError, InputError
from geo.grid import Grid, Raster, area_shares, on_grid
from geo.zoning import RAW_DECIMALS
from layers.layer import Text
from layers.zoning.hazards import FIVE, SAME, HazardMap, five_equal
from layers.zoning.indicators import Measured, floor_area, measured, weak_share_by_village
from layers.zoning.inputs import Inputs
from layers.zoning.major_hazards import major_hazards
from layers.zoning.result import Column

Floats = NDArray[np.float64]

_HEIGHT_DECIMALS = 4
"""Differences of float32 heights are exact to a tenth of a millimetre; without rounding 0.15 m could be below 0.15."""


def _column(inputs: Inputs, name: str, zh: str, en: str, unit: str, *tables: str, dimension: str = "factor") -> Column:
    return Column(
        name,
        Text(zh, en),
        unit,
        dimension,  # type: ignore[arg-type]
        inputs.source(*tables),
        inputs.age(*tables),
        True,
    )


def _factor(inputs: Inputs, values: Floats, name: str, zh: str, en: str, unit: str, *tables: str) -> Measured:
    return Measured(np.asarray(values, dtype=np.float64), _column(inputs, name, zh, en, unit, *tables), "mean")


def _index(inputs: Inputs, name: str, zh: str, en: str, *tables: str) -> Column:
    return _column(inputs, name, zh, en, "", *tables, dimension="hazard")


def _rounded(values: Any, decimals: int = RAW_DECIMALS) -> Floats:
    """Values as they are exported, so that a class follows from the printed number."""
    return np.asarray(np.round(np.asarray(values, dtype=np.float64), decimals), dtype=np.float64)


def _on_grid(inputs: Inputs, source: Raster, values: NDArray[np.generic], *, by: str = "average") -> Floats:
    """Values on the grid of a raster, carried onto the analysis grid."""
    carried = on_grid(Raster(source.grid, np.asarray(values, dtype=np.float32), "", ""), inputs.grid, by=by)
    return carried.values.astype(np.float64)


def _water(inputs: Inputs, source: Raster, kinds: tuple[str, ...] | None = None) -> NDArray[np.bool_]:
    """Cells of a raster that water polygons cover by half or more, or that a water line crosses."""
    frame, shapes = inputs.frame("water"), inputs.shapes("water")
    chosen = ~shapely.is_missing(shapes)
    if kinds is not None:
        chosen &= frame["kind"].isin(kinds).to_numpy(dtype=bool)
    shapes = shapes[chosen]
    areas = shapes[shapely.get_dimensions(shapes) == 2]
    found = area_shares(areas, source.grid).covered() >= 0.5
    lines = shapes[shapely.get_dimensions(shapes) == 1]
    if len(lines):
        from geo.exposure import line_length_in_cells

        found |= line_length_in_cells(lines, source.grid) > 0
    return np.asarray(found, dtype=np.bool_)


def _areas(inputs: Inputs, hazard: str, kind: str) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """The registered hazard areas of one kind, and their shapes."""
    frame, shapes = inputs.frame("hazard_area"), inputs.shapes("hazard_area")
    mine = ((frame["hazard"] == hazard) & (frame["kind"] == kind)).to_numpy(dtype=bool) & ~shapely.is_missing(shapes)
    return pd.DataFrame(frame[mine].drop(columns="geometry")), shapes[mine]


def _zoned(inputs: Inputs, hazard: str, kind: str) -> tuple[Floats, NDArray[np.object_]] | None:
    """The values of registered zones (polygons with a value); None where there are none."""
    frame, shapes = _areas(inputs, hazard, kind)
    value = pd.to_numeric(frame["value"], errors="coerce").to_numpy(dtype=np.float64)
    use = np.isfinite(value) & (shapely.get_dimensions(shapes) == 2)
    return (value[use], shapes[use]) if use.any() else None


def _known_spots(inputs: Inputs) -> NDArray[np.object_]:
    """Where water has stood, and underpasses."""
    xy = inputs.points("waterlogging_spot")
    xy = xy[np.isfinite(xy).all(axis=1)]
    return np.concatenate([shapely.points(xy), _areas(inputs, "waterlogging", "underpass")[1]])


def _to_nearest(shapes: NDArray[np.object_], grid: Grid) -> Floats | None:
    """(rows, cols) m from each cell's centre to the nearest shape, 0 in the cells that it meets; None without any."""
    if len(shapes) == 0:
        return None
    cells = np.arange(grid.cells)
    tree = shapely.STRtree(shapes)
    centres = shapely.points(grid.centres(cells))
    far = shapely.distance(centres, shapes[tree.nearest(centres)])
    points = shapely.get_dimensions(shapes) == 0
    own = grid.cell_at(shapely.get_coordinates(shapes[points]))
    far[own[own >= 0]] = 0.0
    for shape in shapes[~points]:
        near = np.flatnonzero(far <= np.hypot(grid.dx, grid.dy))
        far[near[shapely.intersects(grid.boxes(near), shape)]] = 0.0
    return np.asarray(far.reshape(grid.shape), dtype=np.float64)


def _fifths(inputs: Inputs, values: Floats) -> tuple[float, ...]:
    """The bounds of the fifths of the values within the district."""
    known = values[np.isfinite(values) & (inputs.street_shares.covered() > 1e-6)]
    return tuple(np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8])).tolist()) if len(known) else ()


def waterlogging(inputs: Inputs) -> HazardMap:
    """Rain flooding: the score of domain factors from heights, sealing, drainage and known spots."""
    p, grid = inputs.parameters, inputs.grid
    dem = inputs.raster_in_metres("dem")
    drainage = _water(inputs, dem)
    ground = inputs.view.kept(
        ("terrain", inputs.records["raster dem"].hash, dem.grid), lambda: terrain.terrain(dem, drainage)
    )
    depth = _rounded(_on_grid(inputs, dem, ground.depression_m, by="max"), _HEIGHT_DECIMALS)
    above = _rounded(_on_grid(inputs, dem, ground.above_drainage_m), _HEIGHT_DECIMALS)
    wetness = _rounded(_on_grid(inputs, dem, ground.wetness))
    distance = np.full(dem.grid.shape, np.nan)
    if drainage.any():
        distance = distance_transform_edt(~drainage, sampling=(dem.grid.dy, dem.grid.dx))
    to_drainage = _rounded(_on_grid(inputs, dem, np.where(np.isfinite(dem.values), distance, np.nan)))
    sealed = None
    if inputs.has_raster("impervious"):
        sealed = _rounded(inputs.raster_on_grid("impervious").astype(np.float64))
        inputs.raster_row("impervious")
    spots = _to_nearest(_known_spots(inputs), grid)
    rule = terrain.WaterloggingRule(
        weights=p.prefix("waterlogging.weight."),
        depression_m=tuple(p.prefix("waterlogging.depression_depth.lower.").values()),
        above_drainage_m=tuple(p.prefix("waterlogging.height_above_drainage.lower.").values()),
        impervious_share=tuple(p.prefix("waterlogging.impervious.lower.").values()),
        drainage_distance_m=tuple(p.prefix("waterlogging.drainage_distance.lower.").values()),
        drainage_distance_score=tuple(p.prefix("waterlogging.drainage_distance.score.").values()),
        spot_radius_m=p["waterlogging.spot_radius_m"],
        wetness=_fifths(inputs, wetness),
    )
    values = {
        "depression_depth": depth,
        "height_above_drainage": above if np.isfinite(above).any() else None,
        "impervious": sealed,
        "wetness": wetness,
        "drainage_distance": to_drainage if np.isfinite(to_drainage).any() else None,
        "spots": spots,
    }
    found = terrain.waterlogging_score(values, rule, near_rivers_is_worse=p["waterlogging.near_rivers_is_worse"] != 0)
    titles = {
        "depression_depth": ("洼地深度", "depression depth", "m"),
        "height_above_drainage": ("高于最近排水河道", "height above drainage", "m"),
        "impervious": ("不透水率", "impervious share", ""),
        "wetness": ("地形湿度指数", "wetness index", ""),
        "drainage_distance": ("距排水河道", "distance to drainage", "m"),
        "spots": ("距历史积水点或下穿通道", "distance to a known spot or an underpass", "m"),
    }
    tables = ("raster dem", "raster impervious", "water", "waterlogging_spot", "hazard_area")
    for name in found.missing:
        inputs.notice(
            f"暴雨内涝: 没有「{titles[name][0]}」资料, 其权重分给其余因子",
            f"waterlogging: no data for '{titles[name][1]}'; its weight is shared among the other factors",
        )
    factors = [_factor(inputs, v, name, *titles[name], *tables) for name, v in values.items() if v is not None]
    score = found.score
    native = np.where(np.isnan(score), 0, np.floor(_rounded(score, 9) + 0.5)).astype(np.int8)
    column = _index(inputs, "waterlogging", "内涝指数(得分1-5换算)", "waterlogging index (score 1 to 5)", *tables)
    return HazardMap((score - 1.0) / 4.0, native, FIVE, SAME, column, factors)


_STORM_GRADES = {
    1: Text("低于热带低压", "below tropical depression"),
    2: Text("热带低压", "tropical depression"),
    3: Text("热带风暴", "tropical storm"),
    4: Text("强热带风暴", "severe tropical storm"),
    5: Text("台风", "typhoon"),
    6: Text("强台风", "severe typhoon"),
    7: Text("超强台风", "super typhoon"),
}


def typhoon(inputs: Inputs) -> HazardMap:
    """Wind of the parameter's return period from the catalogue of storm tracks."""
    p = inputs.parameters
    frame = inputs.frame("storm_track")
    if len(frame) == 0:
        raise InputError("typhoon: there are no storm tracks. Import them: onemap import storm_tracks")
    xy = frame.geometry.get_coordinates()
    shape = storms.Holland(
        p["typhoon.air_density_kg_m3"], p["typhoon.b_min"], p["typhoon.b_max"], p["typhoon.surface_factor"]
    )
    tracks = storms.storm_tracks(
        pd.DataFrame(frame.drop(columns="geometry")).assign(lon=xy["x"].to_numpy(), lat=xy["y"].to_numpy()), shape
    )
    coarse = inputs.grid.with_cells(max(round(1000.0 / inputs.grid.dx), 1))
    centres = to_lonlat(coarse.centres(np.arange(coarse.cells)), epsg=coarse.epsg)
    wind = storms.maximum_wind(tracks, centres, shape)
    year = pd.DatetimeIndex(pd.to_datetime(frame["time_utc"], utc=True, format="ISO8601")).year
    years = float(year.max() - year.min() + 1)
    returned = storms.return_wind(wind, years, p["typhoon.return_period_a"])
    if years < p["typhoon.return_period_a"]:
        inputs.notice(
            f"台风: 路径资料只有 {years:.0f} 年, 不足重现期 {p['typhoon.return_period_a']:.0f} 年, 取其中最大风速",
            f"typhoon: the catalogue spans {years:.0f} years, less than the return period of "
            f"{p['typhoon.return_period_a']:.0f}: its greatest wind is taken",
        )
    if tracks.estimated:
        inputs.notice(
            f"台风: {tracks.estimated} 个路径点的气压或最大风速半径由风速估算",
            f"typhoon: pressure or radius of {tracks.estimated} fixes was estimated from their wind",
        )

    def carried(found: Floats) -> Floats:
        mapped = Raster(coarse, found.reshape(coarse.shape).astype(np.float32), "wind", "m/s")
        return _rounded(on_grid(mapped, inputs.grid, by="bilinear").values.astype(np.float64))

    values = carried(returned)
    low, high = p["typhoon.index_low_m_s"], p["typhoon.index_high_m_s"]
    index = np.clip((values - low) / (high - low), 0.0, 1.0)
    lower = tuple(p.prefix("typhoon.grade.lower.").values())
    native = storms.storm_grade(values, lower)
    factors = [_factor(inputs, values, "wind", "重现期风速", "wind of the return period", "m/s", "storm_track")]
    for grade, each in enumerate(storms.annual_exceedance(wind, years, lower), start=2):
        name = _STORM_GRADES[grade]
        factors.append(
            _factor(
                inputs,
                carried(each),
                f"yearly_{grade}",
                f"年均达到{name.zh}级风速的次数",
                f"storms a year that bring the wind of a {name.en}",
                "次/a",
                "storm_track",
            )
        )
    column = _index(inputs, "typhoon", "台风大风指数", "typhoon wind index", "storm_track")
    return HazardMap(index, native, _STORM_GRADES, {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 5}, column, factors)


_SURGE_CLASSES = {
    1: Text("未淹没或浅于Ⅳ级", "dry or shallower than IV"),
    2: Text("Ⅳ级(较低)", "IV"),
    3: Text("Ⅲ级", "III"),
    4: Text("Ⅱ级", "II"),
    5: Text("Ⅰ级(高)", "I"),
}

_DATUM_SHIFT = {"wusong": 0.0, "cgvd1985": 1.0}


def storm_surge(inputs: Inputs) -> HazardMap:
    """Connected inundation at the parameter's level, brought from the Wusong datum to that of the heights."""
    p = inputs.parameters
    dem = inputs.raster_in_metres("dem")
    if dem.vertical_datum not in _DATUM_SHIFT:
        raise CrsError(
            f"raster 'dem' has the vertical datum '{dem.vertical_datum or 'not declared'}': the level of the tide is "
            "given in Wusong heights; import heights in wusong or cgvd1985"
        )
    wusong = p["storm_surge.warning_m"] + p["storm_surge.above_warning_m"]
    level = wusong - _DATUM_SHIFT[dem.vertical_datum] * p["storm_surge.wusong_minus_1985_m"]
    river = _water(inputs, dem, ("river", "riverbank", "coastline", "sea"))
    if not river.any():
        raise InputError("storm_surge: no water of kind 'river' meets the heights; import water with its kind")
    depth = surge.connected_inundation(dem, level, dem.vertical_datum, river)
    depth[river & np.isfinite(depth)] = np.nan  # the river itself is no ground
    values = _rounded(_on_grid(inputs, dem, depth), _HEIGHT_DECIMALS)
    heights = inputs.raster_on_grid("dem")
    values = np.where(np.isnan(values) & np.isfinite(heights), 0.0, values)
    index = np.clip(values / p["storm_surge.index_high_m"], 0.0, 1.0)
    lower = tuple(sorted(p.prefix("storm_surge.depth.").values()))
    native = surge.depth_class(values, lower)
    tables = ("raster dem", "water")
    if dem.vertical_datum == "cgvd1985":
        offset = p["storm_surge.wusong_minus_1985_m"]
        inputs.notice(
            f"高潮位: 吴淞 {wusong:.2f} m = 1985国家高程基准 {level:.2f} m, 换算差 {offset:.2f} m 待核对",
            f"storm_surge: level {wusong:.2f} m (Wusong) = {level:.2f} m (1985) with an offset of "
            f"{offset:.2f} m that is still to be confirmed",
        )
    curve = {float(depth): ratio for depth, ratio in p.prefix("damage.residential.").items()}
    damage = overlay.depth_damage(values, list(curve), list(curve.values()))
    factors = [
        _factor(inputs, values, "depth", "淹没水深", "inundation depth", "m", *tables),
        _factor(inputs, damage, "damage", "住宅损失率", "damage ratio of dwellings", "", *tables),
    ]
    column = _index(inputs, "storm_surge", "高潮位/风暴潮指数", "storm surge index", *tables)
    return HazardMap(index, native, _SURGE_CLASSES, {1: 1, 2: 1, 3: 3, 4: 4, 5: 5}, column, factors)


def convection(inputs: Inputs) -> HazardMap:
    """Severe convection from lightning density, by its fuzzy score."""
    p = inputs.parameters
    density = _rounded(inputs.raster_on_grid("lightning").astype(np.float64))
    inputs.raster_row("lightning")
    score = hazards.lightning_score(density, tuple(p.prefix("convection.density_centre.").values()))
    native = hazards.steps(score, tuple(p.prefix("convection.score.lower.").values()))
    factor = _factor(inputs, density, "density", "地闪密度", "lightning density", "次/(km2·a)", "raster lightning")
    column = _index(inputs, "convection", "强对流指数(得分/10)", "convection index (score / 10)", "raster lightning")
    return HazardMap(score / 10.0, native, FIVE, SAME, column, [factor])


_INTENSITIES = {
    1: Text("Ⅵ度以下", "below VI"),
    2: Text("Ⅵ度", "VI"),
    3: Text("Ⅶ度", "VII"),
    4: Text("Ⅷ度", "VIII"),
    5: Text("Ⅸ度", "IX"),
    6: Text("Ⅹ度及以上", "X and above"),
}


def earthquake(inputs: Inputs) -> HazardMap:
    """Ground acceleration of the zone and the site, as intensity."""
    p, grid = inputs.parameters, inputs.grid
    zones, sites = _zoned(inputs, "earthquake", "intensity"), _zoned(inputs, "earthquake", "site_class")
    if inputs.has_raster("pga"):
        pga = inputs.raster_on_grid("pga").astype(np.float64)
        inputs.raster_row("pga")
    elif zones is not None:
        pga = area_shares(zones[1], grid).rasterised(zones[0])
    else:
        pga = np.full(grid.shape, p["earthquake.pga_default_g"])
        default = p["earthquake.pga_default_g"]
        inputs.notice(
            f"地震: 没有栅格 pga 和地震动参数区, 全区取 {default:g} g, 待核对",
            f"earthquake: no raster 'pga' and no intensity zones; {default:g} g everywhere, to be confirmed",
        )
    site = np.full(grid.shape, 2.0)
    if inputs.has_raster("site_class"):
        site = inputs.raster_on_grid("site_class", by="nearest").astype(np.float64)
        inputs.raster_row("site_class")
    elif sites is not None:
        largest = area_shares(sites[1], grid).largest()
        site = np.where(largest >= 0, sites[0][largest], 2.0)
    else:
        inputs.notice(
            "地震: 没有场地类别资料, 按Ⅱ类场地计",
            "earthquake: no site classes; class II is taken everywhere",
        )
    rows = tuple(
        tuple(p[f"earthquake.fa.{name}.{g}"] for g in ("0.05", "0.10", "0.15", "0.20"))
        for name in ("I0", "I1", "II", "III", "IV")
    )
    pga = _rounded(pga)
    at_site = _rounded(hazards.site_pga_g(pga, site, hazards.SiteFactors(rows)))
    lower = [p[f"earthquake.pga.lower.{k}"] for k in (6, 7, 8, 9, 10)]
    native = hazards.steps(at_site, lower)
    index = np.clip(at_site / p["earthquake.index_high_g"], 0.0, 1.0)
    tables = ("raster pga", "raster site_class", "hazard_area")
    factors = [
        _factor(inputs, pga, "pga", "基本地震动峰值加速度", "basic peak ground acceleration", "g", *tables),
        _factor(inputs, at_site, "site_pga", "场地地震动峰值加速度", "site peak ground acceleration", "g", *tables),
    ]
    column = _index(inputs, "earthquake", "地震动指数", "earthquake index", *tables)
    return HazardMap(index, native, _INTENSITIES, {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 5}, column, factors)


_BANK = {
    1: Text("影响范围外", "beyond"),
    3: Text("岸线影响带或沉降10-20毫米/年", "far strip of a bank, or slow subsidence"),
    4: Text("快速沉降区", "fast subsidence"),
    5: Text("临岸带", "near strip of a bank"),
}


def geological(inputs: Inputs) -> HazardMap:
    """Bank collapse along unprotected banks, and land subsidence by its rate; the worse of both."""
    p, grid = inputs.parameters, inputs.grid
    _, banks = _areas(inputs, "geological", "unprotected_bank")
    if len(banks) == 0:
        inputs.notice(
            "地质: 灾害分区中没有登记未防护岸段, 全区为 0",
            "geological: no unprotected banks are registered (hazard_areas); the hazard is 0 everywhere",
        )
    index, native = hazards.bank_collapse(banks, grid, near_m=p["geological.near_m"], far_m=p["geological.far_m"])
    factors = []
    sinking = _zoned(inputs, "geological", "subsidence")
    if sinking is not None:
        rate, shapes = sinking
        lower = [p["geological.subsidence.class_3_mm_a"], p["geological.subsidence.class_4_mm_a"]]
        level = np.array([1, 3, 4])[hazards.steps(rate, lower) - 1]
        index = np.maximum(index, hazards.highest_by_share(shapes, (level - 1) / 4.0, grid))
        for least in (3, 4):
            covered = hazards.highest_by_share(shapes, (level >= least).astype(np.float64), grid)
            native = np.maximum(native, np.where(covered >= 0.5, least, 1)).astype(np.int8)
        values = hazards.highest_by_share(shapes, np.maximum(rate, 0.0), grid)
        factors.append(
            _factor(inputs, values, "subsidence", "地面沉降速率", "rate of subsidence", "mm/a", "hazard_area")
        )
    column = _index(inputs, "geological", "江岸坍塌与地面沉降指数", "bank collapse and subsidence index", "hazard_area")
    return HazardMap(index, native, _BANK, {1: 1, 3: 3, 4: 4, 5: 5}, column, factors)


# -- accidents --------------------------------------------------------------------------------------

_GRADES = {
    1: Text("影响范围外", "beyond"),
    2: Text("四级重大危险源", "grade 4"),
    3: Text("三级重大危险源", "grade 3"),
    4: Text("二级重大危险源", "grade 2"),
    5: Text("一级重大危险源", "grade 1"),
}


def major_hazard(inputs: Inputs) -> HazardMap:
    """Within the radius of enterprises by major-hazard grade: the highest, by share of the cell."""
    p, grid = inputs.parameters, inputs.grid
    table = major_hazards(inputs)
    rated = table[(table["level"] > 0) & table["x"].notna()]
    level = rated["level"].to_numpy(dtype=np.int64)
    circles = shapely.buffer(
        shapely.points(rated[["x", "y"]].to_numpy(dtype=np.float64)), p["major_hazard.radius_m"], quad_segs=64
    )
    by_grade = p.prefix("major_hazard.index.")
    value = np.array([by_grade[str(k)] for k in level.tolist()], dtype=np.float64)
    index = np.minimum(hazards.highest_by_share(circles, value, grid), 1.0)
    native = np.ones(grid.shape, dtype=np.int8)
    for least in (4, 3, 2, 1):  # the class that at least half of the cell reaches
        covered = hazards.highest_by_share(circles, (level <= least).astype(np.float64), grid)
        native = np.where(covered >= 0.5, 6 - least, native).astype(np.int8)
    column = _index(inputs, "major_hazard", "重大危险源影响指数", "major-hazard index", "enterprise", "substance")
    return HazardMap(index, native, _GRADES, SAME, column, [])


def enterprise_risk(inputs: Inputs) -> HazardMap:
    """Kernel density of enterprises weighted by their risk level."""
    p = inputs.parameters
    frame, xy = inputs.frame("enterprise"), inputs.points("enterprise")
    weight = frame["risk_level"].map(p.prefix("enterprise_risk.weight.")).fillna(0.0).to_numpy(dtype=np.float64)
    there = np.isfinite(xy).all(axis=1)
    density = hazards.kernel_density(xy[there], weight[there], p["enterprise_risk.bandwidth_m"], inputs.grid)
    index = np.clip(density / p["enterprise_risk.high_per_km2"], 0.0, 1.0)
    factor = _factor(
        inputs, density, "density", "加权企业密度", "weighted density of enterprises", "1/km2", "enterprise"
    )
    column = _index(inputs, "enterprise_risk", "企业安全风险指数", "enterprise risk index", "enterprise")
    return five_equal(index, column, [factor])


def fire(inputs: Inputs) -> HazardMap:
    """Urban fire: weak buildings, high-rise floor area, and how late the first engine comes."""
    p = inputs.parameters
    weak = inputs.village_shares.rasterised(weak_share_by_village(inputs))
    high = floor_area(inputs, least_storeys=int(p["fire.high_rise_storeys"])) / (inputs.grid.dx * inputs.grid.dy)
    response = measured(inputs, "response_time", "factor").values
    low, top = p["fire.response_s"], p["fire.response_high_s"]
    late = np.clip((response - low) / (top - low), 0.0, 1.0)
    index = (
        p["fire.weight.weak_buildings"] * weak
        + p["fire.weight.high_rise"] * np.clip(high, 0.0, 1.0)
        + p["fire.weight.response"] * late
    )
    tables = ("building", "village", "team", "road")
    factors = [
        _factor(inputs, weak, "weak", "易损房屋占比", "share of weak buildings", "", *tables),
        _factor(inputs, high, "high_rise", "高层建筑容积率", "floor area ratio of high-rises", "", *tables),
        _factor(inputs, response, "response", "最快救援到达时间", "quickest response", "s", *tables),
    ]
    return five_equal(index, _index(inputs, "fire", "城市火灾指数", "urban fire index", *tables), factors)


MODULE_FUNCTIONS: dict[str, Callable[[Inputs], HazardMap]] = {
    function.__name__: function
    for function in (
        waterlogging,
        typhoon,
        storm_surge,
        convection,
        earthquake,
        geological,
        major_hazard,
        enterprise_risk,
        fire,
    )
}
"""The hazards that a scheme may name."""
