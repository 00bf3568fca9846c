"""What-if questions that take long: solved in the background, kept when done, followed and stopped by their job."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from layers.actions import whatif
from layers.actions.gate import act
from layers.district import District
from layers.permissions import Actor
from layers.whatif.saved import Result
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.jobs import Job, Jobs


class Posed(Protocol):
    """A question that is checked, and left to be solved."""

    @property
    def kind(self) -> str:
        """Of the result."""

    @property
    def name(self) -> str:
        """Under which the result is kept."""

    def solved(self, *, progress: Any, cancelled: Any) -> Result:
        """The answer."""


def start(jobs: Jobs, district: District, actor: Actor, posed: Posed, body: Mapping[str, Any], *, began: float) -> Job:
    """Solve a question in the background and keep it; Conflict where its name is taken or another one is running.

    `began` is when work on it began, on the monotonic clock.
    """
    replace = bool(body.get("replace"))
    whatif.begin(district, actor, posed.kind, posed.name, replace=replace)

    def work(progress: Any, cancelled: Any) -> str:
        found = posed.solved(progress=progress, cancelled=cancelled)
        done = whatif.keep(district, actor, found, seconds=time.monotonic() - began, replace=replace)
        return str(done["id"])

    return jobs.start("whatif", posed.kind, posed.name, work)


def cancel(jobs: Jobs, district: District, actor: Actor, job: str) -> Job:
    """Stop a question; nothing of it is kept."""
    stopped: list[Job] = []

    def stop(conn: Any, now: Any) -> dict[str, Any]:
        stopped.append(jobs.cancel("whatif", job))
        return stopped[0].shown()

    act(district, actor, "whatif.run", stop, route="stop what-if", subject=job)
    return stopped[0]


def whatif_job(q: Question, job: str) -> Any:
    """How far a question is."""
    return q.jobs.one("whatif", job).shown()


def whatif_cancel(q: Question, job: str) -> Any:
    """Stop a question."""
    return cancel(q.jobs, q.district, q.actor, job).shown()


_JOB = {"job": "id of a job"}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/whatif/jobs/{job}",
        "How far a what-if question is that is solved in the background",
        whatif_job,
        (),
        s.WHATIF_JOB,
        _JOB,
        action="whatif.read",
    ),
    Endpoint(
        "/whatif/jobs/{job}",
        "Stop a what-if question; nothing of it is kept",
        whatif_cancel,
        (),
        s.WHATIF_JOB,
        _JOB,
        method="DELETE",
        action="whatif.run",
    ),
)
