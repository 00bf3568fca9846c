"""What every page under /whatif shares: how it is drawn, and how a form of it is taken."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from geo.errors import InputError
from layers import listing
from layers.district import District
from layers.permissions import may
from layers.whatif import answers
from layers.whatif.layers import LAYERS_OF_KIND
from web import board_forms as forms
from web import whatif_texts as words
from web.auth import actor_of_request, needs
from web.board_forms import Problem, Typed
from web.pages import language


def add_route(pages: Blueprint, rule: str, view: Callable[..., Any], action: str, method: str = "GET") -> None:
    """Put a page at an address below /whatif, with the action that it needs."""
    pages.add_url_rule(rule, view.__name__, needs(action)(partial(view)), methods=[method])


class WhatifPages:
    """Pages under /whatif over one district."""

    def __init__(self, district: District) -> None:
        self.district = district

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page; nobody keeps it."""
        district, actor = self.district, actor_of_request()
        text = render_template(
            f"whatif/{template}.html",
            actor=actor,
            now=district.now(),
            moment=lambda value, **how: listing.moment_text(value, district.timezone, **how),
            number=listing.number_text,
            maker=lambda made_by: words.maker(made_by, language()),
            can_run=may(actor, "whatif.run"),
            can_close=may(actor, "closure.change"),
            fresh_key=forms.fresh_key,
            done=request.args.get("done", ""),
            **{"typed": Typed(), "problem": None, **values},
        )
        response = Response(text, status=status, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        return response

    def attempt(self, work: Callable[[], str], again: Callable[[Problem, Typed], Response], form: str) -> BaseResponse:
        """Do what a form asks and go to the page that `work` names; else the page again with what was typed."""
        try:
            target = work()
        except forms.REFUSED as error:
            return again(forms.problem_of(error, form, self.district.timezone), Typed(request.form, form))
        return redirect(target, 303)

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The saved results, of one kind or of all, with what changed since in words."""
        return [
            {**record, "stale_words": words.store_tables(record["stale"], language())}
            for record in answers.result_list(self.district, kind)
        ]

    def team_names(self) -> dict[str, str]:
        """The teams of the district as it is, by id."""
        teams = self.district.view().frame("team")
        return dict(zip(teams["id"].astype(str), teams["name"], strict=True))

    def beside(self, kind: str, name: str) -> dict[str, Any]:
        """The other results of a kind, the newest, which the map shows, and the layers that show it."""
        listed = [record["name"] for record in answers.result_list(self.district, kind)]
        layers = ",".join(layer.id for layer in LAYERS_OF_KIND.get(kind, ()))
        return {"others": [other for other in listed if other != name], "newest": listed[0], "layers": layers}


def number_of_form(name: str, label: str, low: float, high: float) -> float | None:
    """A number of the form, bounds included; None for an empty field."""
    text = forms.text(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise InputError(_("%(label)s写 %(low)s 到 %(high)s 的数字。", label=label, low=_plain(low), high=_plain(high)))
    return value


def whole_of_form(name: str, label: str, low: int, high: int) -> int | None:
    """A whole number of the form, bounds included; None for an empty field."""
    value = number_of_form(name, label, low, high)
    if value is not None and value != int(value):
        raise InputError(_("%(label)s写整数。", label=label))
    return None if value is None else int(value)


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"
