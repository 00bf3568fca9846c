"""Zoning runs in the background: one at a time, with progress, remaining time and cancelling."""

import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from geo.errors import Cancelled, Conflict, NotFound, OneMapError
from layers.district import District

_LOG = logging.getLogger(__name__)
_KEPT = 50


@dataclass
class _Job:
    id: str
    scheme: str
    made_by: str
    phase: str = "waiting"
    share: float = 0.0
    state: str = "running"
    run: str = ""
    error: str = ""
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    stop: threading.Event = field(default_factory=threading.Event)

    def shown(self) -> dict[str, Any]:
        """The job as plain values."""
        took = self.seconds or time.monotonic() - self.started
        left = took * (1.0 - self.share) / self.share if self.state == "running" and self.share > 0.05 else None
        return {
            "job": self.id,
            "scheme": self.scheme,
            "state": self.state,
            "phase": self.phase,
            "share": round(self.share, 3),
            "seconds": round(took, 1),
            "remaining_s": None if left is None else round(left, 1),
            "run": self.run,
            "error": self.error,
        }


class Jobs:
    """The zoning runs that this server started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    def start(self, district: District, scheme: str, *, made_by: str) -> dict[str, Any]:
        """Begin to run a shipped scheme for somebody; Conflict while another runs."""
        from layers.zoning.scheme import shipped_scheme

        checked = shipped_scheme(scheme)
        with self._lock:
            running = next((job for job in self._jobs.values() if job.state == "running"), None)
            if running is not None:
                raise Conflict(f"scheme '{running.scheme}' is being run; wait for it or cancel it")
            job = _Job(secrets.token_hex(8), checked.id, made_by)
            self._jobs[job.id] = job
            for old in list(self._jobs)[:-_KEPT]:
                del self._jobs[old]
        threading.Thread(target=self._work, args=(district, scheme, job), daemon=True, name="zoning").start()
        return job.shown()

    def _work(self, district: District, scheme: str, job: _Job) -> None:
        from layers.zoning import runs
        from layers.zoning.run import run_zoning
        from layers.zoning.scheme import shipped_scheme

        def progress(phase: str, share: float) -> None:
            job.phase, job.share = phase, share

        try:
            found = run_zoning(district, shipped_scheme(scheme), progress=progress, cancelled=job.stop.is_set)
            runs.publish(
                district,
                found,
                made_utc=datetime.now(UTC),
                made_by=job.made_by,
                seconds=time.monotonic() - job.started,
            )
            job.run, state = found.id, "done"
        except Cancelled:
            state = "cancelled"
        except OneMapError as error:
            job.error, state = error.detail, "failed"
        except Exception:
            _LOG.exception("zoning run of %s", scheme)
            job.error, state = "the run failed; see the server's log", "failed"
        job.seconds = time.monotonic() - job.started
        job.state = state

    def _job(self, job: str) -> _Job:
        with self._lock:
            if job not in self._jobs:
                raise NotFound(f"there is no job '{job}'")
            return self._jobs[job]

    def state(self, job: str) -> dict[str, Any]:
        """How far a job is."""
        return self._job(job).shown()

    def cancel(self, job: str) -> dict[str, Any]:
        """Ask a job to stop; it does at its next step."""
        found = self._job(job)
        found.stop.set()
        return found.shown()
