"""One change after the other is read and checked: threads that do so at once only take the interpreter from each other.

With fifty at once a change costs twice the processor that it costs alone. What is asked for, and what takes long
(the change itself, whatever it computes), never waits here; nor does a change for longer than `LONGEST_S`.
"""

from flask import Flask, g, request

from data.turn import Turn

LONGEST_S = 0.1
"""After that a change goes on beside the one that is in the lane: whoever is there may wait for something itself."""


def register(app: Flask) -> None:
    """Let changes that carry JSON come one after the other until `leave`, or until they are refused."""
    lane = app.extensions["onemap_lane"] = Turn()

    @app.before_request
    def enter() -> None:
        if request.method != "GET" and request.is_json:
            request.get_data()  # a client that sends slowly keeps nobody waiting
            g.in_lane = lane.take(LONGEST_S)

    @app.teardown_request
    def left(error: BaseException | None) -> None:
        leave(app)


def leave(app: Flask) -> None:
    """Let the next one in."""
    if g.pop("in_lane", False):
        lane: Turn = app.extensions["onemap_lane"]
        lane.give()
