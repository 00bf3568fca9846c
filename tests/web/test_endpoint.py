"""What a request carries is checked against its schema, and the refusal names field, value and remedy."""

from typing import Any

import pytest
from flask import Flask

from geo.errors import InputError
from web.endpoint import read_body

SCHEMA = {
    "type": "object",
    "required": ["name", "lines"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "level": {"enum": ["street", "city"]},
        "note": {"type": ["string", "null"]},
        "lines": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {
                "type": "object",
                "required": ["quantity"],
                "additionalProperties": False,
                "properties": {"quantity": {"type": "number", "exclusiveMinimum": 0, "maximum": 10}},
            },
        },
    },
}


def read(body: Any) -> dict[str, Any]:
    with Flask("t").test_request_context("/", method="POST", json=body):
        return read_body(SCHEMA)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, ["name", "null", "text"]),
        ({"name": ""}, ["name", "not empty"]),
        ({"name": "x" * 6}, ["name", "at most 5"]),
        ({"level": "moon"}, ["level", "moon", "street, city"]),
        ({"note": 5}, ["note=5", "text or nothing"]),
        ({"lines": []}, ["lines", "at least 1"]),
        ({"lines": [{"quantity": 1}] * 3}, ["lines", "at most 2"]),
        ({"lines": [{}]}, ["lines[0].quantity", "missing"]),
        ({"lines": [{"quantity": 1}, {"quantity": 0}]}, ["lines[1].quantity=0", "more than 0"]),
        ({"lines": [{"quantity": 10.5}]}, ["lines[0].quantity=10.5", "10 or less"]),
        ({"lines": [{"quantity": "1"}]}, ["lines[0].quantity", "a number"]),
        ({"lines": [{"quantity": 1, "x": 2}]}, ["lines[0].x", "not known", "quantity"]),
        ({"else": 1}, ["else", "not known", "name"]),
    ],
)
def test_the_refusal_says_where_and_what(change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        read({"name": "a", "lines": [{"quantity": 1}], **change})
    assert [word for word in words if word not in found.value.detail] == []


def test_bounds_are_included() -> None:
    body = {"name": "x" * 5, "note": None, "lines": [{"quantity": 10}, {"quantity": 0.001}]}
    assert read(body) == body
