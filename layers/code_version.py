"""Which code computed a result."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def code_version() -> str:
    """The version, and the hash of the source that computes: all that lies below the edge."""
    root = Path(__file__).resolve().parents[1]
    paths = [path for name in ("geo", "data", "layers") for path in (root / name).rglob("*.py")]
    paths += (root / "layers" / "zoning").glob("*.j2")
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return f"{version('district-onemap')}+{digest.hexdigest()[:12]}"
