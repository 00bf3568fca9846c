"""The OpenAPI document says what the routes are."""

import re

from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from web.endpoint import PREFIX
from web.openapi import document


def test_document_is_valid() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_document_and_routes_are_the_same_set(app: Flask) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).removeprefix(PREFIX), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(path, name.upper()) for path, methods in document()["paths"].items() for name in methods}
    assert served == told
    assert {method for _, method in told} == {"GET", "POST", "DELETE"}


def test_every_operation_has_a_name_of_its_own_and_says_its_errors() -> None:
    operations = [operation for path in document()["paths"].values() for operation in path.values()]
    assert len({o["operationId"] for o in operations}) == len(operations)
    for operation in operations:
        assert {"422", "500"} <= set(operation["responses"])
        assert set(operation["responses"]) & {"200", "201", "202"}
        assert all(param["description"] for param in operation["parameters"])
