"""What nobody has to press: reservations run out, arrivals follow the roads, old keys are forgotten."""

import logging
import threading
import time
from datetime import UTC

from data import idempotency
from geo.errors import OneMapError
from layers.actions import supplies
from layers.district import District

EVERY_S = 5.0
"""How often the server looks."""

_FORGET_EVERY_S = 3_600.0
_LOG = logging.getLogger("onemap.web")


def start(district: District, *, every_s: float = EVERY_S) -> threading.Event:
    """Look after the district in a thread of its own until the event that is returned is set."""
    stop = threading.Event()
    threading.Thread(target=_work, args=(district, stop, every_s), daemon=True, name="tending").start()
    return stop


def _work(district: District, stop: threading.Event, every_s: float) -> None:
    forgotten = time.monotonic()
    said = ""
    while not stop.wait(every_s):
        try:
            supplies.tend(district)
            if time.monotonic() - forgotten > _FORGET_EVERY_S:
                forgotten = time.monotonic()
                with district.store.writing() as conn:
                    idempotency.forget(conn, now_utc=district.now().astimezone(UTC))
            said = ""
        except OneMapError as error:
            # Said once, not every few seconds of a night with a full disk.
            if error.detail != said:
                said = error.detail
                _LOG.warning("tending: %s", error.detail)
        except Exception:
            _LOG.exception("tending failed")
            return
