"""What nobody has to press: reservations run out, arrivals follow the roads, times are kept, old rows forgotten."""

import logging
import threading
import time
from datetime import UTC

from data import keeping
from data.keeping import Bounds
from geo.errors import OneMapError
from layers.actions import supplies
from layers.district import District
from web.timing import Times

EVERY_S = 5.0
"""How often the server looks."""

_FORGET_EVERY_S = 3_600.0
_LOG = logging.getLogger("onemap.web")


def start(district: District, times: Times, bounds: Bounds, *, every_s: float = EVERY_S) -> threading.Event:
    """Look after the district in a thread of its own until the event that is returned is set."""
    stop = threading.Event()
    work = threading.Thread(target=_work, args=(district, times, bounds, stop, every_s), daemon=True, name="tending")
    work.start()
    return stop


def _work(district: District, times: Times, bounds: Bounds, stop: threading.Event, every_s: float) -> None:
    forgotten = -_FORGET_EVERY_S
    said = ""
    while not stop.wait(every_s):
        try:
            supplies.tend(district)
            times.keep(district)
            if time.monotonic() - forgotten > _FORGET_EVERY_S:
                forgotten = time.monotonic()
                keeping.forget(district.store, bounds, now_utc=district.now().astimezone(UTC))
            said = ""
        except OneMapError as error:
            # Said once, not every few seconds of a night with a full disk.
            if error.detail != said:
                said = error.detail
                _LOG.warning("tending: %s", error.detail)
        except Exception:
            _LOG.exception("tending failed")
            return
