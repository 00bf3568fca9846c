"""The user's guide at /help: Markdown by task in both languages, and which section belongs to what a user sees."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request, send_from_directory
from flask.wrappers import Response as BaseResponse
from markdown_it import MarkdownIt
from markdown_it.token import Token

from geo.errors import NotFound
from layers.layer import Lang
from web.auth import PUBLIC, needs
from web.pages import language

FOLDER = Path(__file__).parent / "guide"
PAGES = ("start", "staff", "dispatch", "field", "planning", "zoning", "whatif", "accounts")
"""Every page of the guide, in the order of its list of contents; the first one opens at /help/."""

PANELS = {
    "layers": "start#layers",
    "workbench": "planning#workbench",
    "reach": "staff#reach",
    "around": "staff#around",
    "closures": "staff#closures",
    "since": "staff#since",
    "supply": "dispatch#supply",
    "orders": "dispatch#orders",
    "coverage": "staff#coverage",
    "zoning": "zoning#panel",
}
"""The section of every panel of the map page."""

RULES = {
    "/field": "field",
    "/login": "accounts#login",
    "/password": "accounts#password",
    "/supplies": "dispatch#board",
    "/supplies/lists": "dispatch#board",
    "/supplies/depots": "dispatch#depots",
    "/supplies/depots/<depot_id>/count": "dispatch#count",
    "/supplies/depots/<depot_id>/in": "dispatch#goods-in",
    "/supplies/lots": "dispatch#lots",
    "/supplies/balances": "dispatch#balances",
    "/supplies/needs": "dispatch#needs",
    "/supplies/requests": "dispatch#requests",
    "/supplies/orders": "dispatch#order",
    "/supplies/handover": "dispatch#handover",
    "/supplies/sheets": "dispatch#sheets",
    "/supplies/kpis": "dispatch#kpis",
    "/admin": "accounts#accounts",
    "/admin/tokens": "accounts#tokens",
    "/admin/audit": "accounts#audit",
    "/whatif": "whatif#results",
    "/whatif/difference": "whatif#difference",
    "/whatif/coverage": "whatif#coverage",
    "/whatif/siting": "whatif#siting",
    "/whatif/stocking": "whatif#stocking",
    "/whatif/evacuation": "whatif#evacuation",
    "/whatif/shelters": "whatif#shelters",
    "/whatif/closures": "whatif#closures",
    "/whatif/jobs": "whatif#jobs",
}
"""The section of every other page, by its rule; a rule below another one has the section of the nearest above."""

_ANCHOR = re.compile(r"\s*\{#([a-z-]+)\}$")


@dataclass(frozen=True)
class GuidePage:
    """A page of the guide as it is served; `sections` are (anchor, title)."""

    title: str
    sections: tuple[tuple[str, str], ...]
    html: str


def section_of(rule: str) -> str:
    """The section of the guide for a page, as PAGE#ANCHOR below /help/.

    Raises
    ------
    NotFound
        where `RULES` names no section for it
    """
    for known in sorted(RULES, key=len, reverse=True):
        if rule == known or rule.startswith(f"{known}/"):
            return RULES[known]
    raise NotFound(f"the guide has no section for {rule}")


def _anchored(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Give headings the anchors that they name at their end, as in "Title {#anchor}"; all of them with their titles."""
    found = []
    for heading, inline in pairwise(tokens):
        if heading.type != "heading_open":
            continue
        children = inline.children or []
        named = _ANCHOR.search(children[-1].content) if children else None
        if named:
            heading.attrSet("id", named.group(1))
            children[-1].content = children[-1].content[: named.start()]
        found.append((named.group(1) if named else "", "".join(child.content for child in children)))
    return found


def _served(address: str) -> str:
    """The address under which what a file names beside itself is served."""
    if address.startswith("../images/"):
        return f"/help/images/{address.removeprefix('../images/')}"
    return re.sub(r"^([a-z]+)\.md", r"/help/\1", address)


@lru_cache(maxsize=2 * len(PAGES))
def guide_page(name: str, lang: Lang) -> GuidePage:
    """One page of the guide. Raw HTML in it is text.

    Raises
    ------
    NotFound
        where there is no such page
    """
    if name not in PAGES:
        raise NotFound(f"the guide has no page {name!r}; it has {', '.join(PAGES)}")
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse((FOLDER / lang / f"{name}.md").read_text(encoding="utf-8"))
    (_, title), *sections = _anchored(tokens)
    for token in (child for one in tokens for child in one.children or []):
        for attribute in ("src", "href"):
            if attribute in token.attrs:
                token.attrSet(attribute, _served(str(token.attrs[attribute])))
    return GuidePage(title, tuple(sections), reader.renderer.render(tokens, reader.options, {}))


def register(app: Flask) -> None:
    """Add the guide to the app, and to its templates where the guide has what they show."""

    @app.context_processor
    def sections() -> dict[str, Any]:
        return {"panel_sections": PANELS, "section_of": section_of}

    @app.get("/help/")
    @app.get("/help/<name>")
    @needs(PUBLIC)
    def guide(name: str = PAGES[0]) -> Response:
        lang = language()
        page = guide_page(name, lang)
        pages = {each: guide_page(each, lang) for each in PAGES}
        text = render_template("guide.html", pages=pages, here=name, page=page)
        response = Response(text, mimetype="text/html")
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        response.make_conditional(request)
        return response

    @app.get("/help/images/<name>")
    @needs(PUBLIC)
    def guide_image(name: str) -> BaseResponse:
        return send_from_directory(FOLDER / "images", name, max_age=None)
