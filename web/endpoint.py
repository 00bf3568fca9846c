"""One address of the API: what it takes, who may ask it, and how it is answered."""

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import fastjsonschema
from flask import Response, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from data import idempotency
from data.checking import has_control
from data.settings import Settings
from geo.errors import InputError
from layers.district import District
from layers.layer import Role, plain
from layers.permissions import Actor
from layers.whatif import saved
from layers.zoning import runs
from web import lane
from web import parameters as p
from web.auth import actor_of_request, needs
from web.jobs import Jobs
from web.kept import Answer, Kept, respond
from web.parameters import Param

PREFIX = "/api/v1"
STREAM = "text/event-stream"
"""The media type of an answer that does not end; its handler makes the response itself."""


@dataclass(frozen=True)
class Question:
    """Who asks what of which district."""

    district: District
    settings: Settings
    actor: Actor
    jobs: Jobs
    key: str | None = None  # the Idempotency-Key of a change

    @property
    def role(self) -> Role:
        """The role of whoever asks."""
        return self.actor.role


@dataclass(frozen=True)
class Endpoint:
    """One address of the API.

    `kept` answers depend on the revision and the moment only, to the minute, or on what `version` says, and are kept
    as bytes.
    A handler returns a value for JSON, or an `Answer` with bytes. `body` is the JSON schema of what
    a POST carries; its handler gets it as `body`. `action` is what has to be permitted (`layers.permissions`).
    `status` is that of a success; a change that `needs_key` is refused without its Idempotency-Key.
    """

    path: str
    summary: str
    handler: Callable[..., Any]
    params: tuple[Param, ...] = ()
    schema: Mapping[str, Any] = dataclass_field(default_factory=dict)
    path_params: Mapping[str, str] = dataclass_field(default_factory=dict)
    media_types: tuple[str, ...] = ("application/json",)
    kept: bool = False
    version: Callable[..., Hashable] | None = None
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    status: int = 200
    needs_key: bool = False
    action: str = dataclass_field(kw_only=True)


def to_json(value: Any) -> bytes:
    """The bytes of a JSON answer; the command line prints the same value."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=plain, allow_nan=False)
    return text.encode()


def view_of(
    endpoint: Endpoint, district: District, settings: Settings, kept: Kept, jobs: Jobs
) -> Callable[..., Response]:
    """The Flask view of one endpoint."""

    def view(**path_values: str) -> Response:
        token = idempotency.require_key(request.headers.get("Idempotency-Key")) if endpoint.needs_key else None
        asked = Question(district, settings, actor_of_request(), jobs, token)
        values = read_checked(endpoint, district)
        if STREAM in endpoint.media_types:
            streamed: Response = endpoint.handler(asked, **values)
            return streamed
        if endpoint.body is not None:
            values["body"] = read_body(endpoint.body)

        def make() -> Answer:
            found = endpoint.handler(asked, **path_values, **values)
            return (
                found
                if isinstance(found, Answer)
                else Answer(to_json(found), "application/json", status=endpoint.status)
            )

        if endpoint.method != "GET":
            lane.leave(current_app)
            # A change does not wait for what the map computes from the change before it.
            answer = make()
            response = Response(answer.body, content_type=answer.media_type, status=answer.status)
            response.headers.update(answer.headers)
            response.headers["Cache-Control"] = "no-store"
            revision = district.store.revision()
        elif not endpoint.kept:
            revision = district.refresh()
            response = respond(make())
            response.headers["Cache-Control"] = "no-store"
        else:
            revision = district.refresh()
            if endpoint.version is None:
                # An answer about "now" is good for the minute it was made in, and for one revision only.
                minute = None if values.get("at") else district.now().strftime("%Y%m%d%H%M")
                version: Hashable = revision, runs.stamp(district), saved.stamp(district), minute
            else:
                version = endpoint.version(asked, **path_values, **values)
            key = (request.path, request.host, asked.role, version, repr(sorted(values.items())))
            response = respond(kept.answer(key, make))
        response.headers["X-Revision"] = str(revision)
        return response

    return needs(endpoint.action)(view)


def read_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object that a request carries; InputError names what is wrong.

    The content type must be JSON: a form of a foreign page cannot send that without being asked first.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"Content-Type={request.mimetype or 'none'}: expected application/json")
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        raise InputError("the body is nested too deeply; expected a JSON object of a few levels") from None
    if not isinstance(body, dict):
        raise InputError("the body is no JSON object")
    require_schema(body, schema)
    return body


def require_schema(value: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """InputError that names the field, the value and what was expected, unless a JSON object fits its schema."""
    try:
        _validator(schema)(value)
    except fastjsonschema.JsonSchemaValueException as error:
        raise InputError(_sentence(error)) from None
    _require_plain(value)


def _require_plain(value: Any, where: str = "") -> None:
    """No text of a body that was found good has control characters."""
    if isinstance(value, str):
        if has_control(value):
            raise InputError(f"{where}={value[:40]!r}: expected text without control characters")
    elif isinstance(value, dict):
        for name, part in value.items():
            _require_plain(part, f"{where}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _require_plain(part, f"{where}[{number}]")


_NOUNS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}


_FORMATS = {"date-time": "a time such as 2026-07-01T08:00+08:00", "date": "a date such as 2026-07-01"}


def _sentence(error: fastjsonschema.JsonSchemaValueException) -> str:
    """What is wrong with a body: the field, the value, what was expected."""
    where = "".join(f"[{part}]" if str(part).isdigit() else f".{part}" for part in error.path[1:]).lstrip(".")
    wanted, value = error.rule_definition, error.value
    if error.rule == "additionalProperties":
        unknown = sorted(set(value) - set(error.definition["properties"]))[0]
        within = f"{where}." if where else ""
        return f"{within}{unknown} is not known; expected {', '.join(error.definition['properties'])}"
    if error.rule == "required":
        missing = next(name for name in wanted if name not in value)
        return f"{where + '.' if where else ''}{missing}: is missing"
    shown = json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    several = [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, list) else []
    expected = {
        "type": " or ".join(_NOUNS.get(name, "") for name in several),
        "enum": f"one of {', '.join(map(str, several))}",
        "minLength": "text that is not empty",
        "maxLength": f"at most {wanted} characters",
        "minItems": f"at least {wanted} entries",
        "maxItems": f"at most {wanted} entries",
        "minimum": f"{wanted} or more",
        "maximum": f"{wanted} or less",
        "exclusiveMinimum": f"more than {wanted}",
        "format": _FORMATS.get(str(wanted), ""),
    }.get(str(error.rule))
    return f"{where}={shown}: expected {expected or error.message.removeprefix(str(error.name)).strip()}"


_VALIDATORS: dict[int, tuple[Mapping[str, Any], Callable[[Any], Any]]] = {}
"""By the identity of the schema, which is kept beside it, so that no other one comes to have it."""


def _validator(schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The check of one schema, compiled once."""
    found = _VALIDATORS.get(id(schema))
    if found is None:
        check = fastjsonschema.compile({"additionalProperties": False, **schema}, use_default=False)
        found = _VALIDATORS[id(schema)] = schema, check
    return found[1]


def read_checked(endpoint: Endpoint, district: District) -> dict[str, Any]:
    """The parameters of the request as keyword values."""
    return p.read_query(endpoint.params, request.args, district, f"{PREFIX}{endpoint.path}")
