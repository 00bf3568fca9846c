"""Computed answers: read a view of the district, call `geo`, return a frame or plain values.

The command line and the API answer with the same values; nothing is computed elsewhere.
"""

from layers.analyses.around import around, around_area, around_lines
from layers.analyses.balances import balances
from layers.analyses.boards import (
    availability_curve,
    board_lines,
    expiring,
    glance,
    kpis,
    low_stock,
    needs_draft,
    reserve_list,
    uncounted,
    upward,
)
from layers.analyses.devices import alarms, devices, refused_readings
from layers.analyses.drawn import (
    DRAWN_FUNCTIONS,
    response_time_layer,
    team_territories_layer,
    uncovered_places_layer,
)
from layers.analyses.moving import MOVING_FUNCTIONS, trace_way
from layers.analyses.places import require_place
from layers.analyses.reach import reach
from layers.analyses.registers import DERIVED, search, source_note, table_layer, unplaced
from layers.analyses.response import CoverageAnswer, coverage, coverage_lines
from layers.analyses.supplies import items, parse_needs, supply, supply_lines, supply_plans
from layers.analyses.travel import MAX_ROUTED_PAIRS, route, speed_table, times
from layers.analyses.whatif import WHATIF_FUNCTIONS
from layers.analyses.zoning import ZONING_FUNCTIONS

LAYER_FUNCTIONS = {**DRAWN_FUNCTIONS, **MOVING_FUNCTIONS, **WHATIF_FUNCTIONS, **ZONING_FUNCTIONS}
"""The functions that computed layers name."""

__all__ = [
    "DERIVED",
    "LAYER_FUNCTIONS",
    "MAX_ROUTED_PAIRS",
    "CoverageAnswer",
    "alarms",
    "around",
    "around_area",
    "around_lines",
    "availability_curve",
    "balances",
    "board_lines",
    "coverage",
    "coverage_lines",
    "devices",
    "expiring",
    "glance",
    "items",
    "kpis",
    "low_stock",
    "needs_draft",
    "parse_needs",
    "reach",
    "refused_readings",
    "require_place",
    "reserve_list",
    "response_time_layer",
    "route",
    "search",
    "source_note",
    "speed_table",
    "supply",
    "supply_lines",
    "supply_plans",
    "table_layer",
    "team_territories_layer",
    "times",
    "trace_way",
    "uncounted",
    "uncovered_places_layer",
    "unplaced",
    "upward",
]
