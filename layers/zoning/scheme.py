"""A zoning scheme: what is rated, by what, how it is weighed and classed. Read from TOML, checked field by field."""

import ast
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

from geo.errors import InputError, NotFound
from layers.fields import Fields
from layers.layer import Text

SHIPPED = ("natural", "accident")
"""The schemes that come with the software."""

UnitType = Literal["grid", "national", "village", "street"]
SourceKind = Literal["module", "raster", "vector", "points", "formula"]

NATURAL = ("waterlogging", "typhoon", "storm_surge", "convection", "earthquake", "geological")
ACCIDENT = ("major_hazard", "enterprise_risk", "fire")

MODULES = (*NATURAL, *ACCIDENT)
"""Hazards that are computed from the district's data."""

INDICATORS = (
    "persons",
    "persons_0_14",
    "persons_65_over",
    "building_area",
    "gdp",
    "lifelines",
    "elderly_share",
    "children_share",
    "weak_building_share",
    "township_capacity",
    "response_time",
    "shelter_places_per_person",
    "supplies_per_person",
    "beds_per_person",
)
"""Indicators of exposure, vulnerability and capacity that are computed from the district's data."""

VECTOR_TABLES = ("hazard_area", "water", "street", "village")
POINT_TABLES = ("waterlogging_spot", "enterprise", "hidden_danger", "lifeline")
NATURAL_TABLES = ("waterlogging_spot", "hazard_area")
ACCIDENT_TABLES = ("enterprise",)
"""Tables that are themselves of natural hazards, or of accidents; hidden dangers, lifelines, water are of both."""

MAX_UNIT_M, MIN_UNIT_M = 5000.0, 1.0


@dataclass(frozen=True)
class HazardSpec:
    """One hazard: where its index 0..1 comes from.

    `source` names a module, a raster's code, a table, or holds a formula over `inputs`;
    `options` are numbers and names that the source takes (field, value range, radius).
    """

    id: str
    title: Text
    kind: SourceKind
    source: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class IndicatorSpec:
    """One indicator of a dimension: its share, how it is scaled; `source` like that of a hazard."""

    name: str
    weight: float
    scale: Literal["min_max", "percentile", "fixed", "given"]
    cost: bool
    range: tuple[float, float] | None
    kind: SourceKind
    source: str


@dataclass(frozen=True)
class Scheme:
    """A checked scheme; `text` is the file as it was read, for the record.

    `at` is the moment that it is rated for: HH:MM of the day of the run, a full local time, or '' for that of the run.
    """

    id: str
    title: Text
    kind: Literal["natural", "accident", "combined"]
    parameters: str
    at: str
    unit: UnitType
    size_m: float
    hazards: tuple[HazardSpec, ...]
    exposure: tuple[IndicatorSpec, ...]
    vulnerability: tuple[IndicatorSpec, ...]
    capacity: tuple[IndicatorSpec, ...]
    weights: Literal["ahp", "entropy", "combined", "given"]
    judgements: str | tuple[tuple[float, ...], ...]
    values: tuple[float, ...]
    alpha: float | None
    composite: Literal["sum", "product", "geometric"]
    score: Literal["ordinal", "cardinal"]
    hot_rule: bool
    classes: Literal["natural_breaks", "quantiles", "mean_sigma", "fixed"]
    lower: tuple[float, ...]
    from_run: str
    window: int
    sliver_km2: float | None
    runs: int
    seed: int
    spread_share: float
    text: str

    def to_dict(self) -> dict[str, Any]:
        """The scheme as plain values."""
        return asdict(self)


def shipped_scheme(name: str) -> Scheme:
    """One of the schemes that come with the software; NotFound lists them."""
    if name not in SHIPPED:
        raise NotFound(f"there is no scheme '{name}'; the schemes are: {', '.join(SHIPPED)}")
    text = (resources.files("layers.zoning") / "schemes" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_scheme(text, name=f"{name}.toml")


def read_scheme(source: str) -> Scheme:
    """A scheme by the name of a shipped one, or the path of a file."""
    if source in SHIPPED:
        return shipped_scheme(source)
    path = Path(source)
    if not path.is_file():
        raise NotFound(
            f"scheme '{source}': there is no such file; the schemes that come along are {', '.join(SHIPPED)}"
        )
    if path.stat().st_size > 1_000_000:
        raise InputError(f"scheme '{source}': {path.stat().st_size} bytes; a scheme has a few kilobytes")
    try:
        return parse_scheme(path.read_text(encoding="utf-8"), name=path.name)
    except UnicodeDecodeError:
        raise InputError(f"scheme '{source}' is not UTF-8 text; save it as UTF-8") from None


def parse_scheme(text: str, *, name: str = "scheme") -> Scheme:
    """Read a scheme from TOML; InputError names the field, the value and what was expected."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: not valid TOML: {error}") from None
    tables = {"scheme", "unit", "hazard", "exposure", "vulnerability", "capacity", "weights", "composite", "classes"}
    tables |= {"zones", "stability"}
    for key in data:
        if key not in tables:
            raise InputError(f"{name}: [{key}] is not known; the tables are {', '.join(sorted(tables))}")
    head = Fields("scheme", data.get("scheme", {}))
    unit = Fields("unit", data.get("unit", {}))
    weights = Fields("weights", data.get("weights", {}))
    composite = Fields("composite", data.get("composite", {}))
    classes = Fields("classes", data.get("classes", {}))
    zones = Fields("zones", data.get("zones", {}))
    stability = Fields("stability", data.get("stability", {}))
    hazards = tuple(_hazard(k, table) for k, table in enumerate(_list(data, "hazard")))
    if not hazards:
        raise InputError("hazard: expected at least one [[hazard]]")
    if len(hazards) > 100:
        raise InputError(f"hazard: {len(hazards)} of them; expected at most 100")
    _require_different("hazard.id", [hazard.id for hazard in hazards])
    kind = head.one_of("kind", ("natural", "accident", "combined"))
    _require_apart(kind, hazards)
    if head.left.get("id") in SHIPPED and head.left["id"] != kind:
        raise InputError(
            f"scheme.kind={kind!r}: the id '{head.left['id']}' is that of the map of its own kind; give another id"
        )
    judgements = weights.left.pop("judgements", "")
    if isinstance(judgements, list):
        judgements = tuple(_row(k, row, len(hazards)) for k, row in enumerate(judgements))
        if len(judgements) != len(hazards):
            raise InputError(f"weights.judgements has {len(judgements)} rows: expected {len(hazards)}, one a hazard")
    elif not isinstance(judgements, str):
        raise InputError(f"weights.judgements={judgements!r}: expected rows of numbers or a name of the parameter set")
    method = classes.one_of("method", ("natural_breaks", "quantiles", "mean_sigma", "fixed"), "natural_breaks")
    scheme = Scheme(
        id=_identifier("scheme.id", head.text("id")),
        title=Text(title := head.text("title"), head.text("title_en", title)),
        kind=cast(Any, kind),
        parameters=head.text("parameters", ""),
        at=_moment(head.text("at", "")),
        unit=cast(Any, unit.one_of("type", ("grid", "national", "village", "street"), "grid")),
        size_m=unit.number("size_m", 100.0, MIN_UNIT_M, MAX_UNIT_M),
        hazards=hazards,
        exposure=_indicators(data, "exposure"),
        vulnerability=_indicators(data, "vulnerability"),
        capacity=_indicators(data, "capacity"),
        weights=cast(Any, weights.one_of("method", ("ahp", "entropy", "combined", "given"))),
        judgements=judgements,
        values=weights.numbers("values"),
        alpha=None if "alpha" not in weights.left else weights.number("alpha", None, 0.0, 1.0),
        composite=cast(Any, composite.one_of("method", ("sum", "product", "geometric"), "sum")),
        score=cast(Any, composite.one_of("score", ("ordinal", "cardinal"), "ordinal")),
        hot_rule=composite.flag("hot_rule", True),
        classes=cast(Any, method),
        lower=classes.numbers("lower"),
        from_run=classes.text("from_run", ""),
        window=zones.whole("window", 3, 1, 25),
        sliver_km2=None if "sliver_km2" not in zones.left else zones.number("sliver_km2", None, 0.0001, 1000.0),
        runs=stability.whole("runs", 200, 0, 10_000),
        seed=stability.whole("seed", 20220101, 0, 2**63 - 1),
        spread_share=stability.number("spread_share", 0.10, 0.0, 0.99),
        text=text,
    )
    for fields in (head, unit, weights, composite, classes, zones, stability):
        fields.end()
    if scheme.weights in ("ahp", "combined") and not scheme.judgements:
        raise InputError("weights.judgements: expected the judgement matrix, or its name in the parameter set")
    if scheme.weights == "given" and len(scheme.values) != len(hazards):
        raise InputError(f"weights.values has {len(scheme.values)} numbers: expected {len(hazards)}, one a hazard")
    if scheme.classes == "fixed" and not (scheme.lower or scheme.from_run):
        raise InputError("classes.lower: fixed classes need four ascending lower bounds, or from_run of an earlier run")
    if scheme.lower and (len(scheme.lower) != 4 or list(scheme.lower) != sorted(set(scheme.lower))):
        raise InputError(f"classes.lower={list(scheme.lower)}: expected four ascending numbers, for levels 2 to 5")
    if scheme.lower and (scheme.classes != "fixed" or scheme.from_run):
        raise InputError(
            f'classes.lower={list(scheme.lower)}: bounds are taken with method = "fixed" and without from_run only; '
            "leave them out or change the method"
        )
    if scheme.window % 2 == 0:
        raise InputError(f"zones.window={scheme.window}: expected an odd number of cells")
    if not scheme.exposure:
        raise InputError("exposure: expected at least one [[exposure]]; risk needs somebody or something exposed")
    return scheme


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name, [])
    if not isinstance(value, list):
        raise InputError(f"{name}: expected [[{name}]], one table each")
    return value


def _identifier(where: str, text: str) -> str:
    if not text.isascii() or not text.replace("_", "").replace("-", "").isalnum() or len(text) > 40:
        raise InputError(f"{where}={text!r}: expected 1 to 40 letters, digits, - or _")
    return text


def _moment(text: str) -> str:
    """A time of day (HH:MM) or a full time; '' where the scheme leaves it open."""
    try:
        if text and len(text) == 5:
            time.fromisoformat(text)
        elif text and (len(text) < 16 or not datetime.fromisoformat(text)):
            raise ValueError
    except ValueError:
        raise InputError(f'scheme.at={text!r}: expected a time of day such as "08:00", or "2026-07-01T08:00"') from None
    return text


def _require_different(where: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where}={name!r} is there {names.count(name)} times: expected different ones")


def _require_apart(kind: str, hazards: Sequence[HazardSpec]) -> None:
    """Natural hazards and accidents stand in one scheme only where it says that it combines them."""
    strange = {"natural": ACCIDENT, "accident": NATURAL, "combined": ()}[kind]
    tables = {"natural": ACCIDENT_TABLES, "accident": NATURAL_TABLES, "combined": ()}[kind]
    for hazard in hazards:
        if hazard.kind in ("points", "vector") and hazard.source in tables:
            raise InputError(
                f"hazard '{hazard.id}': {hazard.kind} '{hazard.source}' does not belong to a scheme of kind '{kind}': "
                'natural hazards and accidents are kept apart; say kind = "combined" if they are meant to be rated '
                "together"
            )
        formula = hazard.kind == "formula"
        named = require_formula(hazard.source, where=f"hazard '{hazard.id}'.formula") if formula else (hazard.source,)
        for name in named if hazard.kind in ("module", "formula") else ():
            if name in strange:
                raise InputError(
                    f"hazard '{hazard.id}': '{name}' does not belong to a scheme of kind '{kind}': natural hazards and "
                    'accidents are kept apart; say kind = "combined" if they are meant to be rated together'
                )


def _row(k: int, row: Any, width: int) -> tuple[float, ...]:
    if not isinstance(row, list) or len(row) != width:
        raise InputError(f"weights.judgements[{k}]={row!r}: expected {width} numbers")
    return tuple(_ratio(k, value) for value in row)


def _ratio(k: int, value: Any) -> float:
    """A judgement: a number, or a fraction as text such as "1/3"."""
    try:
        if isinstance(value, str):
            top, _, bottom = value.partition("/")
            return float(top) / float(bottom or 1)
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        raise InputError(f'weights.judgements[{k}]: {value!r} is no number and no fraction such as "1/3"') from None


def _hazard(k: int, table: Any) -> HazardSpec:
    fields = Fields(f"hazard[{k}]", table)
    id_ = _identifier(f"hazard[{k}].id", fields.text("id"))
    fields.where = f"hazard '{id_}'"
    title = fields.text("title", id_)
    title_en = fields.text("title_en", title)
    kind, source = _source(fields, MODULES)
    options = fields.left
    allowed = {
        "module": (),
        "raster": ("low", "high", "absent"),
        "vector": ("field", "low", "high", "where", "buffer_m", "absent"),
        "points": ("radius_m", "bandwidth_m", "weight", "low", "high", "absent"),
        "formula": (),
    }[kind]
    for name, value in options.items():
        if name not in allowed:
            raise InputError(
                f"{fields.where}.{name} is not known for a {kind}; it takes {', '.join(allowed) or 'nothing'}"
            )
        if not isinstance(value, int | float | str) or isinstance(value, bool):
            raise InputError(f"{fields.where}.{name}={value!r}: expected a number or text")
    if kind == "points" and not options.keys() & {"radius_m", "bandwidth_m"}:
        raise InputError(f"{fields.where}: points need radius_m (impact radius) or bandwidth_m (kernel)")
    return HazardSpec(id_, Text(title, title_en), kind, source, dict(options))


def _source(fields: Fields, modules: Sequence[str]) -> tuple[SourceKind, str]:
    given = [kind for kind in ("module", "raster", "vector", "points", "formula") if kind in fields.left]
    if len(given) != 1:
        raise InputError(f"{fields.where}: expected exactly one of module, raster, vector, points, formula")
    kind = cast(SourceKind, given[0])
    allowed = {"module": modules, "vector": VECTOR_TABLES, "points": POINT_TABLES}
    source = fields.one_of(kind, allowed[kind]) if kind in allowed else fields.text(kind)
    if kind == "formula":
        require_formula(source, where=f"{fields.where}.formula")
    return kind, source


def _indicators(data: Mapping[str, Any], name: str) -> tuple[IndicatorSpec, ...]:
    found = []
    for k, table in enumerate(_list(data, name)):
        fields = Fields(f"{name}[{k}]", table)
        given = [kind for kind in ("indicator", "raster", "formula") if kind in fields.left]
        if len(given) != 1:
            raise InputError(f"{name}[{k}]: expected exactly one of indicator, raster, formula")
        kind = given[0]
        source = fields.one_of(kind, INDICATORS) if kind == "indicator" else fields.text(kind)
        if kind == "formula":
            require_formula(source, where=f"{name}[{k}].formula")
        label = _identifier(
            f"{name}[{k}].name", fields.text("name", source if kind != "formula" else f"{name}_{k + 1}")
        )
        span = fields.numbers("range")
        scale = fields.one_of("scale", ("min_max", "percentile", "fixed", "given"), "fixed" if span else "min_max")
        if (scale == "fixed") != (len(span) == 2 and span[0] < span[1]):
            raise InputError(f"{name}[{k}].range={list(span)}: a fixed scale needs two ascending numbers, others none")
        cost = fields.flag("cost", label == "response_time")
        found.append(
            IndicatorSpec(
                label,
                fields.number("weight", None, 0.0, 1.0),
                cast(Any, scale),
                cost,
                (span[0], span[1]) if span else None,
                cast(Any, "module" if kind == "indicator" else kind),
                source,
            )
        )
        fields.end()
    _require_different(name, [spec.name for spec in found])
    return tuple(found)


_FUNCTIONS = ("abs", "sqrt", "exp", "log", "minimum", "maximum", "clip", "where", "isfinite", "sin", "cos")
"""NumPy functions that a formula may call."""

_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Call,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.USub,
    ast.UAdd,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
)


def require_formula(text: str, *, where: str) -> tuple[str, ...]:
    """The names that a formula over layers uses; InputError where it is more than arithmetic.

    Names are codes of rasters, modules and indicators; `x` and `y` are the coordinates of the cell centres.
    """
    if len(text) > 2000:
        raise InputError(f"{where}: {len(text)} characters; expected at most 2000")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{where}={text!r}: not an arithmetic expression") from None
    names: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise InputError(f"{where}={text!r}: only + - * / **, comparisons and {', '.join(_FUNCTIONS)} are known")
        if isinstance(node, ast.Constant) and (isinstance(node.value, bool) or not isinstance(node.value, int | float)):
            raise InputError(f"{where}={text!r}: {node.value!r} is no number")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            if not isinstance(power, ast.Constant) or abs(float(cast(float, power.value))) > 100:
                raise InputError(f"{where}={text!r}: ** takes a number of at most 100")
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS):
            raise InputError(f"{where}={text!r}: the functions are {', '.join(_FUNCTIONS)}")
        if isinstance(node, ast.Call) and node.keywords:
            raise InputError(f"{where}={text!r}: functions take values only")
        if isinstance(node, ast.Name) and node.id not in _FUNCTIONS and node.id not in names:
            names.append(node.id)
    return tuple(names)


def formula_value(text: str, values: Mapping[str, Any]) -> Any:
    """The value of a checked formula on arrays (NumPy or Dask)."""
    import numpy as np

    require_formula(text, where="formula")
    scope = {name: getattr(np, name) for name in _FUNCTIONS}
    code = compile(ast.parse(text, mode="eval"), "formula", "eval")
    return eval(code, {"__builtins__": {}}, {**scope, **values})
