"""JSON schemas of the API's answers, as the OpenAPI document shows them and the tests check them."""

from typing import Any

from data.kinds import DEVICE_TYPES

Schema = dict[str, Any]


def array(of: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": of}


def _object(required: dict[str, Schema], **optional: Schema) -> Schema:
    """An object with fields that are always there, and further ones."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _or_null(kind: str) -> Schema:
    return {"type": [kind, "null"]}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
MAYBE_TEXT, MAYBE_NUMBER = _or_null("string"), _or_null("number")
PLACE: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
MAYBE_PLACE: Schema = {"type": ["array", "null"], "items": NUMBER}
_ASKED: dict[str, Schema] = {"at": {"type": "string", "format": "date-time"}, "revision": WHOLE}

PROBLEM = _object(
    {
        "type": TEXT,
        "title": TEXT,
        "status": WHOLE,
        "detail": TEXT,
        "instance": TEXT,
        "code": TEXT,
    },
    rows=array({"type": "object"}),
    said={**TEXT, "description": "the detail in the language of the request, where it is known in it"},
)

STATUS = _object(
    {
        "name": TEXT,
        "demo": FLAG,
        "epsg": WHOLE,
        "timezone": TEXT,
        "revision": WHOLE,
        "now": TEXT,
        "bounds": MAYBE_PLACE,
        "role": TEXT,
        "account": TEXT,
        "version": TEXT,
        "limit_s": NUMBER,
    }
)

LAYER = _object(
    {
        "id": TEXT,
        "title": TEXT,
        "group": TEXT,
        "geometry": {"type": "string", "enum": ["point", "line", "polygon"]},
        "count": WHOLE,
        "counted": {**MAYBE_TEXT, "description": "what the count holds, where that is not plain"},
        "source": TEXT,
        "updated_utc": MAYBE_TEXT,
        "age_s": MAYBE_NUMBER,
        "stale": FLAG,
        "stale_since_utc": MAYBE_TEXT,
        "visible": FLAG,
        "tiles": {
            "type": ["integer", "null"],
            "description": "the highest zoom of its own tiles, of which it is drawn; null where GeoJSON does",
        },
        "fields": array(_object({"name": TEXT, "label": TEXT, "type": TEXT, "unit": TEXT})),
        "legend": array(_object({"label": TEXT, "color": TEXT, "shape": TEXT})),
    }
)

FEATURES = _object(
    {
        "type": {"const": "FeatureCollection"},
        "features": array({"type": "object"}),
        "onemap": _object({"layer": TEXT, "count": WHOLE, "truncated": FLAG, "revision": WHOLE}),
    }
)

STYLE = _object({"version": {"const": 8}, "sources": {"type": "object"}, "layers": array({"type": "object"})})

FOUND = _object({"layer": TEXT, "id": TEXT, "name": TEXT, "place": MAYBE_PLACE})

ORIGIN: dict[str, Schema] = {"source": MAYBE_TEXT, "updated_utc": MAYBE_TEXT, "age_s": MAYBE_NUMBER}
"""Where a row comes from and how old it is."""

_NEAREST = _object(
    {
        "id": TEXT,
        "name": MAYBE_TEXT,
        "place": PLACE,
        "travel_s": NUMBER,
        "last_leg_s": NUMBER,
        "total_s": NUMBER,
        **ORIGIN,
    },
    places=WHOLE,
    out=TEXT,
)

REACH = _object(
    {
        **_ASKED,
        "place": PLACE,
        "datum": TEXT,
        "metric": _object({"epsg": WHOLE, "x_m": NUMBER, "y_m": NUMBER}),
        "village": MAYBE_TEXT,
        "street": MAYBE_TEXT,
        "road": _or_null("object"),
        "limit_s": NUMBER,
        "covered": FLAG,
        "reason": MAYBE_TEXT,
        "teams": array(
            _object(
                {
                    "team_id": TEXT,
                    "handling_s": NUMBER,
                    "turnout_s": NUMBER,
                    "travel_s": NUMBER,
                    "last_leg_s": NUMBER,
                    "total_s": NUMBER,
                    **ORIGIN,
                }
            )
        ),
        "hospital": {"anyOf": [_NEAREST, {"type": "null"}]},
        "shelter": {"anyOf": [_NEAREST, {"type": "null"}]},
        "shelters_out": array(_NEAREST),
    }
)

ROUTE = _object(
    {
        **_ASKED,
        "weight": TEXT,
        "time_s": MAYBE_NUMBER,
        "distance_m": MAYBE_NUMBER,
        "from_last_leg_m": MAYBE_NUMBER,
        "from_last_leg_s": MAYBE_NUMBER,
        "to_last_leg_m": MAYBE_NUMBER,
        "to_last_leg_s": MAYBE_NUMBER,
        "reason": MAYBE_TEXT,
        "geometry": _or_null("object"),
    }
)

_MATRIX = array(array(MAYBE_NUMBER))
TIMES = _object(
    {
        **_ASKED,
        "weight": TEXT,
        "time_s": _MATRIX,
        "distance_m": _MATRIX,
        "from_last_leg_m": array(MAYBE_NUMBER),
        "from_last_leg_s": array(MAYBE_NUMBER),
        "to_last_leg_m": array(MAYBE_NUMBER),
        "to_last_leg_s": array(MAYBE_NUMBER),
    }
)

COVERAGE = _object(
    {
        "limit_s": NUMBER,
        "revision": WHOLE,
        "totals": _object(
            {
                "places": WHOLE,
                "persons": NUMBER,
                "covered_places": WHOLE,
                "covered_persons": NUMBER,
                "covered_share": MAYBE_NUMBER,
            }
        ),
        "by_street": array({"type": "object"}),
        "places": array(
            _object(
                {
                    "id": TEXT,
                    "name": MAYBE_TEXT,
                    "persons": MAYBE_NUMBER,
                    "covered": FLAG,
                    "team_id": MAYBE_TEXT,
                    "handling_s": MAYBE_NUMBER,
                    "turnout_s": MAYBE_NUMBER,
                    "travel_s": MAYBE_NUMBER,
                    "last_leg_s": MAYBE_NUMBER,
                    "total_s": MAYBE_NUMBER,
                    "backup_teams": WHOLE,
                    "reason": MAYBE_TEXT,
                }
            )
        ),
    }
)

SUPPLY = _object(
    {
        **_ASKED,
        "to": PLACE,
        "within_s": MAYBE_NUMBER,
        "way": TEXT,
        "ready_s": MAYBE_NUMBER,
        "lost_s": MAYBE_NUMBER,
        "depots": WHOLE,
        "ranked_down": array(_object({"depot_id": TEXT, "later_s": NUMBER, "detail": TEXT})),
        "lines": array(
            _object(
                {
                    "item": TEXT,
                    "requested": NUMBER,
                    "allocated": NUMBER,
                    "short": NUMBER,
                    "ready_s": MAYBE_NUMBER,
                    "from": array(
                        _object(
                            {
                                "depot_id": TEXT,
                                "item": TEXT,
                                "instead_of": MAYBE_TEXT,
                                "lot": TEXT,
                                "quantity": NUMBER,
                                "covers": NUMBER,
                                "arrival_s": NUMBER,
                                "distance_m": MAYBE_NUMBER,
                            }
                        )
                    ),
                    "next_best": _or_null("object"),
                }
            )
        ),
        "refused": array(_object({"depot_id": TEXT, "item": TEXT, "reason": TEXT, "detail": TEXT})),
    }
)

SUPPLY_PLANS = _object({**_ASKED, "to": PLACE, "plans": array(SUPPLY)})

_BOUND: dict[str, Schema] = {"radius_m": NUMBER, "minutes": NUMBER}

AROUND = _object(
    {
        **_ASKED,
        "place": PLACE,
        "village": MAYBE_TEXT,
        "street": MAYBE_TEXT,
        "kinds": array(TEXT),
        "summary": _object(
            {
                "persons": _object(
                    {
                        "resident": WHOLE,
                        "day": _or_null("integer"),
                        "day_unknown": WHOLE,
                        "villages": array(_object({"id": TEXT, "share": NUMBER, "basis": TEXT, "resident": WHOLE})),
                    }
                ),
                "roads": _object({"length_m": NUMBER, "by_class": array(_object({"class": TEXT, "length_m": NUMBER}))}),
            }
        ),
        "sources": {"type": "object", "additionalProperties": _object({"rows": WHOLE, **ORIGIN})},
        "count": WHOLE,
        "facilities": array(
            _object(
                {
                    "kind": TEXT,
                    "id": TEXT,
                    "name": MAYBE_TEXT,
                    "place": PLACE,
                    "distance_m": NUMBER,
                    "total_s": MAYBE_NUMBER,
                    "attributes": {"type": "object"},
                    **ORIGIN,
                }
            )
        ),
    },
    **_BOUND,
)

AROUND_AREA = _object({**_ASKED, "place": PLACE, "geometry": _or_null("object")}, **_BOUND)

ITEM = _object({"id": TEXT, "name": TEXT, "unit": TEXT, "on_hand": NUMBER, "other_names": array(TEXT)})

SPEEDS = _object({"classes": array({"type": "object"}), "notes": array(TEXT)})

ZONING_RUN = {
    "type": "object",
    "properties": {
        "run": {"type": "string"},
        "scheme": {"type": "string"},
        "title": {"type": "string"},
        "made_utc": {"type": "string", "format": "date-time"},
        "made_by": {"type": "string"},
        "seconds": {"type": "number"},
        "units": {"type": "integer"},
        "parameter_version": {"type": "string"},
    },
}

ZONING_ORDER = {
    "type": "object",
    "properties": {"scheme": {"type": "string", "minLength": 1, "description": "natural or accident"}},
    "required": ["scheme"],
}

ZONING_JOB = {
    "type": "object",
    "properties": {
        "job": {"type": "string"},
        "scheme": {"type": "string"},
        "state": {"type": "string", "enum": ["running", "done", "failed", "cancelled"]},
        "phase": {"type": "string"},
        "share": {"type": "number"},
        "seconds": {"type": "number"},
        "remaining_s": {"type": ["number", "null"]},
        "run": {"type": "string"},
        "error": {"type": "string"},
    },
}

# The entries are not checked here: a bad one is kept aside, it does not refuse the batch.
READINGS: Schema = {
    "type": "object",
    "properties": {
        "device": {"type": "string", "description": "the device; a token for a device needs none"},
        "readings": {
            "type": "array",
            "description": (
                "1 to 1,000 objects with measured_utc (ISO 8601 with a time zone) and either lon and lat (WGS 84) "
                "or value; quantity ("
                + ", ".join(choice.code for choice in DEVICE_TYPES)
                + ") may be left out. A bad entry is kept aside and named in the answer"
            ),
        },
    },
}
READINGS_TAKEN = _object(
    {
        "device": TEXT,
        "taken": WHOLE,
        "known": WHOLE,
        "refused": array(_object({"index": WHOLE, "reason": TEXT}, said=TEXT)),
    },
    position={"type": ["object", "null"]},
    check={"type": ["object", "null"]},
)
DEVICE = _object(
    {
        "id": TEXT,
        "name": TEXT,
        "type": TEXT,
        "vehicle_id": MAYBE_TEXT,
        "depot_id": MAYBE_TEXT,
        "item_id": MAYBE_TEXT,
        "alarm_below": MAYBE_NUMBER,
        "alarm_above": MAYBE_NUMBER,
        "measured_utc": MAYBE_TEXT,
        "recorded_utc": MAYBE_TEXT,
        "value": MAYBE_NUMBER,
        "lon": MAYBE_NUMBER,
        "lat": MAYBE_NUMBER,
        "age_s": MAYBE_NUMBER,
    }
)
ALARM = _object(
    {"kind": TEXT, "since_utc": TEXT, "id": TEXT, "name": TEXT, "type": TEXT, "measured_utc": TEXT, "value": NUMBER},
    depot_id=MAYBE_TEXT,
    vehicle_id=MAYBE_TEXT,
    item_id=MAYBE_TEXT,
    counted=NUMBER,
    ledger=NUMBER,
    difference=NUMBER,
)

_ROWS: dict[str, Schema] = {"count": WHOLE, "truncated": FLAG, "rows": array({"type": "object"})}
WHATIF_RECORD = _object(
    {
        "id": TEXT,
        "kind": TEXT,
        "name": TEXT,
        "made_utc": TEXT,
        "made_by": TEXT,
        "seconds": NUMBER,
        "parameters": {"type": "object"},
        "summary": {"type": "object"},
        "stale": array(TEXT),
    },
    tables={"type": "object", "additionalProperties": WHOLE},
    **_ROWS,
)
WHATIF_DIFFERENCE = _object(
    {
        "kind": TEXT,
        "old": {"type": "object"},
        "new": {"type": "object"},
        "asked_otherwise": array(TEXT),
        "summary": {"type": "object"},
        "table": TEXT,
        "keys": array(TEXT),
        **_ROWS,
    }
)
WHATIF_SAVED = _object({"id": TEXT, "kind": TEXT, "name": TEXT, "seconds": NUMBER, "summary": {"type": "object"}})
WHATIF_JOB = _object(
    {
        "job": TEXT,
        "kind": TEXT,
        "name": TEXT,
        "state": {"type": "string", "enum": ["running", "done", "failed", "cancelled"]},
        "phase": TEXT,
        "share": NUMBER,
        "seconds": NUMBER,
        "remaining_s": {"type": ["number", "null"]},
        "result": TEXT,
        "error": TEXT,
    }
)
CLOSURE_MADE = _object(
    {
        "id": TEXT,
        "reason": TEXT,
        "from_utc": TEXT,
        "to_utc": MAYBE_TEXT,
        "factor": NUMBER,
        "raster": MAYBE_TEXT,
        "closed_m": NUMBER,
        "slowed_m": NUMBER,
    },
    unknown_m=NUMBER,
    bridges_spared=WHOLE,
)
SINCE = _object(
    {
        **_ASKED,
        "since": TEXT,
        "count": WHOLE,
        "truncated": FLAG,
        "rows": array(
            _object(
                {
                    "part": TEXT,
                    "group": TEXT,
                    "id": TEXT,
                    "recorded_utc": TEXT,
                    "title": TEXT,
                    "detail": TEXT,
                    "tone": TEXT,
                    "place": MAYBE_PLACE,
                    "page": MAYBE_TEXT,
                }
            )
        ),
    }
)
WALL = _object(
    {
        **_ASKED,
        "figures": array(
            _object(
                {
                    "id": TEXT,
                    "title": TEXT,
                    "unit": TEXT,
                    "source": TEXT,
                    "layers": array(TEXT),
                    "tone": {"type": "string", "enum": ["bad", "warn", ""]},
                    "value": WHOLE,
                    "said": TEXT,
                    "updated_utc": MAYBE_TEXT,
                    "count": WHOLE,
                    "rows": array(
                        _object(
                            {
                                "id": TEXT,
                                "title": TEXT,
                                "detail": TEXT,
                                "amount": TEXT,
                                "since_utc": MAYBE_TEXT,
                                "geometry": _or_null("object"),
                            }
                        )
                    ),
                }
            )
        ),
        "withheld": array(TEXT),
    }
)
CLOSURE_DIFFERENCE = _object(
    {
        **_ASKED,
        "closure": _object({"id": TEXT, "reason": MAYBE_TEXT, "factor": NUMBER, "in_force": FLAG}),
        "difference": _object(
            {
                "limit_s": NUMBER,
                "totals": _object({"lost_places": WHOLE, "lost_persons": WHOLE, "slower_places": WHOLE}),
                "places": array(
                    _object(
                        {
                            "id": TEXT,
                            "name": MAYBE_TEXT,
                            "persons": WHOLE,
                            "change": TEXT,
                            "total_old_s": MAYBE_NUMBER,
                            "total_new_s": MAYBE_NUMBER,
                            "change_s": MAYBE_NUMBER,
                        }
                    )
                ),
            }
        ),
    }
)
CLOSURE_ENDED = _object({"id": TEXT, "to_utc": TEXT})
