"""How long those who dispatch wait for searches and plans, from the request to its answer.

A time is noted in memory and written by the thread that tends the district: no search waits for a writer. A
server that is killed loses the times of the last seconds, nothing else.
"""

import time
from collections import deque
from typing import NamedTuple

from flask import Flask, Response, g, request

from data import answer_times, schema
from data.answer_times import AnswerTime, What
from layers.district import District
from layers.permissions import may_somewhere
from web.auth import actor_of_request

MOST_WAITING = 10_000
"""Times that wait to be written; beyond that the oldest are dropped."""


class Timed(NamedTuple):
    """A route that is timed: as what, and the argument without which it is no search."""

    what: What
    argument: str = ""


TIMED: dict[str, Timed] = {
    "api.search": Timed("search"),
    "api.stock_glance": Timed("search"),
    "api.supply": Timed("plan"),
    "api.supply_plans": Timed("plan"),
    "board.board": Timed("search", "item"),
    "board.lots": Timed("search", "lot"),
    "board.needs_post": Timed("plan"),
    "board.again": Timed("plan"),
}
"""The routes by which supplies are searched and planned, of the API and of the pages."""


class Times:
    """The times that wait to be written."""

    def __init__(self) -> None:
        self._waiting: deque[AnswerTime] = deque(maxlen=MOST_WAITING)

    def note(self, found: AnswerTime) -> None:
        """Note a time."""
        self._waiting.append(found)

    def keep(self, district: District) -> int:
        """Write what waits; how many. Where that fails they wait on."""
        found = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if found:
            try:
                with district.store.writing() as conn:
                    answer_times.keep(conn, found)
            except BaseException:
                self._waiting.extendleft(reversed(found))
                raise
        return len(found)


def register(app: Flask, district: District) -> Times:
    """Time the routes of `TIMED` for whoever may reserve supplies; an answer that is a refusal does not count."""
    times = app.extensions["onemap_times"] = Times()

    @app.before_request
    def begin() -> None:
        g.began = (district.now(), time.monotonic())

    @app.after_request
    def end(response: Response) -> Response:
        timed = TIMED.get(request.endpoint or "")
        if timed is None or response.status_code >= 400 or "began" not in g:
            return response
        if timed.argument and not request.args.get(timed.argument, "").strip():
            return response
        actor = actor_of_request()
        if actor.device_id is None and may_somewhere(actor, "supply.reserve"):
            asked, began = g.began
            took_s = max(0.0, time.monotonic() - began)
            times.note(AnswerTime(timed.what, actor.id, schema.utc_text(asked), round(took_s, 6)))
        return response

    return times
