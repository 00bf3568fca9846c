"""The API of zoning runs: the list, a run in the background, how far it is, stopping it."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from layers.actions.gate import act
from layers.district import District
from layers.zoning import runs
from layers.zoning.scheme import Scheme
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.jobs import Job, Work


def zoning_runs(q: Question) -> Any:
    """The zoning runs that are kept, the newest first."""
    return [asdict(record) for record in runs.records(q.district)]


def _work(district: District, scheme: Scheme, made_by: str) -> Work:
    """A run that is published when it is done."""
    from layers.zoning.run import run_zoning

    def work(progress: Any, cancelled: Any) -> str:
        began = time.monotonic()
        found = run_zoning(district, scheme, progress=progress, cancelled=cancelled)
        seconds = time.monotonic() - began
        runs.publish(district, found, made_utc=datetime.now(UTC), made_by=made_by, seconds=seconds)
        return str(found.id)

    return work


def _shown(job: Job) -> dict[str, Any]:
    """A job in the words of zoning."""
    told = job.shown()
    del told["kind"]
    return {**told, "scheme": told.pop("name"), "run": told.pop("result")}


def zoning_start(q: Question, *, body: dict[str, Any]) -> Any:
    """Run a scheme in the background; the job says how far it is."""
    from layers.zoning.scheme import shipped_scheme

    scheme = shipped_scheme(body["scheme"])
    work = _work(q.district, scheme, q.actor.id)
    return act(
        q.district,
        q.actor,
        "zoning.run",
        lambda conn, now: _shown(q.jobs.start("zoning", "scheme", scheme.id, work)),
        route="run zoning",
        body=body,
        subject=body["scheme"],
    )


def zoning_job(q: Question, job: str) -> Any:
    """How far a zoning run is."""
    return _shown(q.jobs.one("zoning", job))


def zoning_cancel(q: Question, job: str) -> Any:
    """Stop a zoning run; nothing of it is kept."""
    return act(
        q.district,
        q.actor,
        "zoning.run",
        lambda conn, now: _shown(q.jobs.cancel("zoning", job)),
        route="stop zoning",
        subject=job,
    )


_JOB = {"job": "id of a job"}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/zoning/runs", "The zoning runs that are kept", zoning_runs, schema=s.array(s.ZONING_RUN), action="map.read"
    ),
    Endpoint(
        "/zoning/runs",
        "Run a zoning scheme in the background",
        zoning_start,
        schema=s.ZONING_JOB,
        status=202,
        method="POST",
        body=s.ZONING_ORDER,
        action="zoning.run",
    ),
    Endpoint("/zoning/jobs/{job}", "How far a zoning run is", zoning_job, (), s.ZONING_JOB, _JOB, action="map.read"),
    Endpoint(
        "/zoning/jobs/{job}",
        "Stop a zoning run",
        zoning_cancel,
        (),
        s.ZONING_JOB,
        _JOB,
        method="DELETE",
        action="zoning.run",
    ),
)
