"""Checks of an installation and a database, for `onemap doctor`."""

import base64
import csv
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data import ledger
from data.store import Store
from geo.errors import OneMapError

PACKAGES = ("geo", "data", "layers", "web")


@dataclass(frozen=True)
class Check:
    """One thing looked at, whether it holds, and what was seen."""

    name: str
    ok: bool
    detail: str


def run(database: str) -> Iterator[Check]:
    """Every check, in order; a check that cannot be made is a failed one with the reason."""
    yield _packages_are_ours()
    yield _installed_files_unchanged()
    yield _engine()
    try:
        store = Store(database)
    except OneMapError as error:
        yield Check("database", False, error.detail)
        return
    with store, store.reading() as conn:
        yield Check("database", True, f"{store.url}, revision {store.revision(conn)}")
        wrong = ledger.verify(conn)
        yield Check("stock", not wrong, f"{len(wrong)} balances differ from their movements")


def _packages_are_ours() -> Check:
    """`web`, `geo` and `data` are names that other distributions use too."""
    homes = set()
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            return Check("packages", False, f"the package {name} is not found")
        homes.add(Path(spec.origin).parents[1])
    return Check("packages", len(homes) == 1, ", ".join(sorted(map(str, homes))))


def _installed_files_unchanged() -> Check:
    """Installed files against the hashes of the installation's RECORD."""
    try:
        distribution = importlib.metadata.distribution("district-onemap")
    except importlib.metadata.PackageNotFoundError:
        return Check("installation", False, "district-onemap is not installed in this environment")
    record = distribution.read_text("RECORD") or ""
    changed = []
    count = 0
    for name, digest, _ in csv.reader(record.splitlines()):
        if not digest.startswith("sha256="):
            continue
        count += 1
        path = Path(str(distribution.locate_file(name)))
        found = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()) if path.is_file() else b""
        if found.rstrip(b"=").decode() != digest.removeprefix("sha256="):
            changed.append(name)
    detail = f"{count} files as installed" if not changed else f"changed or missing: {', '.join(changed[:5])}"
    return Check("installation", not changed, detail)


def _engine() -> Check:
    there = importlib.util.find_spec("routingkit_cch") is not None
    return Check(
        "routing engine",
        True,
        "routingkit-cch" if there else "no wheel of routingkit-cch on this platform; SciPy stands in, slower",
    )
