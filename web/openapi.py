"""The OpenAPI 3.1 document, built from the one table of endpoints."""

from importlib.metadata import version
from typing import Any

from web import schemas
from web.api import ENDPOINTS
from web.endpoint import PREFIX, Endpoint
from web.parameters import Param

_PROBLEM = {
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _param(param: Param) -> dict[str, Any]:
    schema: dict[str, Any] = dict(param.schema)
    if param.many:
        schema = {"type": "array", "items": schema, "minItems": 1}
    elif param.default is not None:
        schema["default"] = param.default
    found: dict[str, Any] = {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.summary,
        "schema": schema,
    }
    if param.many:
        found |= {"style": "form", "explode": True}
    elif param.example:
        found["example"] = param.example
    return found


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    ok: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.media_types == ("application/json",):
        ok["content"] = {"application/json": {"schema": endpoint.schema}}
    else:
        ok["content"] = {
            media_type: {"schema": endpoint.schema} if "json" in media_type else {}
            for media_type in endpoint.media_types
        }
    answers: dict[str, Any] = {
        "200": ok,
        "401": {"$ref": "#/components/responses/Unauthenticated"},
        "403": {"$ref": "#/components/responses/Forbidden"},
        "422": {"$ref": "#/components/responses/NotAccepted"},
        "500": {"$ref": "#/components/responses/Internal"},
        "503": {"$ref": "#/components/responses/Unavailable"},
    }
    if endpoint.kept:
        answers["304"] = {"description": "Not changed since the ETag in If-None-Match"}
    if endpoint.path_params:
        answers["404"] = {"$ref": "#/components/responses/NotFound"}
    if endpoint.path_params or endpoint.path in ("/times", "/readings"):
        answers["413"] = {"$ref": "#/components/responses/TooLarge"}
    answers[str(endpoint.status)] = answers.pop("200")
    if endpoint.method == "POST":
        answers["415"] = {"$ref": "#/components/responses/NotJson"}
        answers["409"] = {"$ref": "#/components/responses/Conflict"}
    found: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "description": f"Action: `{endpoint.action}`",
        "parameters": [
            {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in endpoint.path_params.items()
        ]
        + [_param(param) for param in endpoint.params],
        "responses": dict(sorted(answers.items())),
    }
    if endpoint.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": dict(endpoint.body)}}}
    return found


def _paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        found.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return found


def document() -> dict[str, Any]:
    """The whole document as a plain value."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "District one map",
            "version": version("district-onemap"),
            "summary": "Layers, reach, coverage, travel times and supplies of one district",
            "description": (
                "Every answer names the revision of the data it was computed from (X-Revision, and "
                "`revision` in the body of computed answers). Coordinates are longitude, latitude, WGS 84. "
                "Units stand in the names: `_s` seconds, `_m` metres. Bounds are included. "
                "Errors are RFC 9457 problem details."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX}],
        "security": [{"session": []}, {"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": {"Problem": schemas.PROBLEM},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "onemap", "description": "see docs/security.md"},
                "token": {"type": "http", "scheme": "bearer", "description": "a token of a device"},
            },
            "responses": {
                "Unauthenticated": {"description": "Nobody is logged in, or the token opens nothing", **_PROBLEM},
                "Forbidden": {"description": "Whoever asks may not do this", **_PROBLEM},
                "NotFound": {"description": "There is no such layer or format", **_PROBLEM},
                "Conflict": {"description": "Another run is under way", **_PROBLEM},
                "NotJson": {"description": "The body is not of the type application/json", **_PROBLEM},
                "TooLarge": {"description": "More than is served at once", **_PROBLEM},
                "NotAccepted": {
                    "description": "A parameter is unknown, missing or not acceptable",
                    **_PROBLEM,
                },
                "Internal": {
                    "description": "Something nobody foresaw; the instance is its number",
                    **_PROBLEM,
                },
                "Unavailable": {"description": "A needed part is not there just now", **_PROBLEM},
            },
        },
    }
