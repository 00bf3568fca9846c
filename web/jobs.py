"""What takes long runs in the background: one at a time of each sort, with progress, remaining time and cancelling."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from geo.errors import Cancelled, Conflict, NotFound, OneMapError

_LOG = logging.getLogger(__name__)
_KEPT = 50

Sort = Literal["zoning", "whatif"]
Work = Callable[[Callable[[str, float], None], Callable[[], bool]], str]
"""(progress, cancelled) -> what it made; `progress` takes the phase and the share that is done."""


@dataclass
class Job:
    """One piece of work: `kind` and `name` are what is made, `result` is its id when it is there."""

    id: str
    sort: Sort
    kind: str
    name: str
    phase: str = "waiting"
    share: float = 0.0
    state: str = "running"
    result: str = ""
    error: str = ""
    refusal: OneMapError | None = None
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def shown(self) -> dict[str, Any]:
        """The job as plain values."""
        took = self.seconds or time.monotonic() - self.started
        left = took * (1.0 - self.share) / self.share if self.state == "running" and self.share > 0.05 else None
        return {
            "job": self.id,
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "phase": self.phase,
            "share": round(self.share, 3),
            "seconds": round(took, 1),
            "remaining_s": None if left is None else round(left, 1),
            "result": self.result,
            "error": self.error,
        }


class Jobs:
    """What this server started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(self, sort: Sort, kind: str, name: str, work: Work) -> Job:
        """Begin a piece of work; Conflict while another of its sort runs."""
        with self._lock:
            running = next((j for j in self._jobs.values() if j.sort == sort and j.state == "running"), None)
            if running is not None:
                raise Conflict(f"{running.kind} '{running.name}' is being run; wait for it or cancel it")
            job = Job(secrets.token_hex(8), sort, kind, name)
            self._jobs[job.id] = job
            for old in list(self._jobs)[:-_KEPT]:
                del self._jobs[old]
        threading.Thread(target=self._run, args=(job, work), daemon=True, name=sort).start()
        return job

    def _run(self, job: Job, work: Work) -> None:
        def progress(phase: str, share: float) -> None:
            job.phase, job.share = phase, share

        try:
            job.result, state = work(progress, job.stop.is_set), "done"
            job.share = 1.0
        except Cancelled:
            state = "cancelled"
        except OneMapError as error:
            job.error, job.refusal, state = error.detail, error, "failed"
        except Exception:
            _LOG.exception("%s of %s", job.kind, job.name)
            job.error, state = "the run failed; see the server's log", "failed"
        job.seconds = time.monotonic() - job.started
        job.state = state
        job.ended.set()

    def one(self, sort: Sort, job: str) -> Job:
        """A job of a sort by its id; NotFound where there is none."""
        with self._lock:
            found = self._jobs.get(job)
        if found is None or found.sort != sort:
            raise NotFound(f"there is no job '{job}'")
        return found

    def cancel(self, sort: Sort, job: str) -> Job:
        """Ask a job to stop; it does at its next step."""
        found = self.one(sort, job)
        found.stop.set()
        return found
