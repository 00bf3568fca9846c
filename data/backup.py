"""One archive of everything that is not derived: the database and the folders of its rasters and zoning runs.

It is made while the server runs, and stands under its name only when it is whole. A manifest in it
says what must be in it, and what the audit and the ledger said; a restored copy says the same, or is not there.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import struct
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

import sqlalchemy as sa

from data import audit, ledger, schema
from data.store import Store, live_copy, named
from geo.errors import Conflict, InputError, NotFound, OneMapError, Unavailable

FORMAT = 1
"""The form of the archive; another one is not read."""

MANIFEST = "manifest.json"
DATABASE = "district.gpkg"
FOLDERS = {"rasters": ".rasters", "zoning": ".zoning", "whatif": ".whatif"}
"""The folders in the archive, and the suffix of each beside the database."""

LARGEST_RATIO = 200
"""An archive that unpacks to more than so many times its size is refused: no district compresses so well."""

_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError)
"""What reading a damaged archive raises."""

_MANIFEST_BYTES = 64 * 2**20
_CHUNK = 2**20
_ALWAYS = 64 * 2**20  # a small archive of an empty district may compress better than the ratio


@dataclass(frozen=True)
class Backup:
    """What an archive holds, by its manifest."""

    path: Path
    made_utc: str
    name: str
    revision: str
    files: int
    bytes: int
    counts: Mapping[str, int]
    audit_rows: int
    audit_hash: str
    ledger_hash: str

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**self.__dict__, "path": str(self.path), "counts": dict(self.counts)}


def make_backup(store: Store, target: Path, *, now_utc: datetime) -> Backup:
    """Write one archive of a district that may be in use meanwhile; an existing file is never touched.

    Conflict where the file is there, Unavailable for a database server or a full disk.
    """
    if store.path is None:
        raise Unavailable(
            "a database server is backed up with its own tool, pg_dump, and the folders are copied beside"
        )
    if target.exists():
        raise Conflict(f"{target} exists already; name another file or delete it first")
    part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as folder:
            copy = store.snapshot(Path(folder) / DATABASE)
            with Store(copy) as snapshot:
                said = _said_by(snapshot)
                rasters = set(snapshot.frame("raster", columns=["file"])["file"])
            with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                files = _write(archive, store.path, copy)
                manifest = {
                    "format": FORMAT,
                    "made_utc": schema.utc_text(now_utc),
                    "name": store.district.name,
                    "revision": schema.REVISION,
                    "files": files,
                    **said,
                }
                archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        gone = sorted(name for name in rasters if f"rasters/{name}" not in files)
        if gone:
            raise Unavailable(f"raster file {gone[0]} is missing; import that raster again, then make the backup")
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.chmod(0o600)  # it holds the hashes of passwords
        named(part, target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be made: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return _backup(target, manifest)


def _write(archive: zipfile.ZipFile, live: Path, copy: Path) -> dict[str, dict[str, Any]]:
    """Put every file in; its size and hash are those of the bytes that went in."""
    files = {DATABASE: _put(archive, DATABASE, copy)}
    for folder, suffix in FOLDERS.items():
        root = live.with_suffix(suffix)
        for path in sorted(root.rglob("*")):
            name = f"{folder}/{path.relative_to(root).as_posix()}"
            if path.is_symlink() or not path.is_file() or any(part.startswith(".") for part in path.parts[-1:]):
                continue  # links, and files that are just being written
            with suppress(FileNotFoundError):  # an old file that went meanwhile
                files[name] = _put(archive, name, path)
    return files


def _put(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
        while block := source.read(_CHUNK):
            digest.update(block)
            size += len(block)
            target.write(block)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _said_by(store: Store) -> dict[str, Any]:
    """What a copy is recognised by; InputError where the original is not sound."""
    with store.reading() as conn:
        rows, last, fault = audit.verify(conn)
        if fault is not None:
            raise InputError(f"the audit is not sound: {fault.problem}; see `onemap audit verify`")
        wrong = ledger.verify(conn)
        if wrong:
            raise InputError(f"the ledger is not sound: lot {wrong[0].lot_id}; see `onemap audit verify`")
        tables = ("lot", "movement", "supply_request", "supply_order", "order_event", "audit", "change")
        return {
            "audit": {"rows": rows, "hash": last},
            "ledger_hash": audit.ledger_hash(conn),
            "counts": {
                name: int(conn.scalar(sa.select(sa.func.count()).select_from(schema.table(name))) or 0)
                for name in tables
            },
        }


# -- reading


def read_manifest(path: Path) -> Backup:
    """What an archive says of itself; InputError where it is damaged or no backup."""
    with _opened(path) as archive:
        return _backup(path, _manifest(archive, path))


def restore(path: Path, target: Path) -> Backup:
    """Make a district from an archive where none is. Nothing is there until everything is checked.

    Conflict where a database or one of its folders is there already; InputError for an archive that is damaged,
    that holds what its manifest does not say, or whose content does not say what the manifest says.
    """
    places = [target, *(target.with_suffix(suffix) for suffix in FOLDERS.values())]
    there = next((place for place in places if os.path.lexists(place)), None)
    if there is not None:
        raise Conflict(f"{there} exists already; name another database or move it away first")
    made: list[Path] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=target.parent) as folder:
            with _opened(path) as archive:
                manifest = _manifest(archive, path)
                _require_members(archive, manifest, path)
                for name, declared in manifest["files"].items():
                    _take(archive, name, declared, Path(folder), path)
            copy = Path(folder) / DATABASE
            _require_same(copy, manifest, path)
            for name, suffix in FOLDERS.items():
                if (Path(folder) / name).is_dir():
                    made.append(target.with_suffix(suffix))
                    os.rename(Path(folder) / name, made[-1])
            named(copy, target)  # the database last: it is there only when all that belongs to it is
            made.clear()
    except OSError as error:
        raise Unavailable(f"{target} cannot be made: {error.strerror or error}") from error
    finally:
        for leftover in made:
            shutil.rmtree(leftover, ignore_errors=True)
    return _backup(target, manifest)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OneMapError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{path} is damaged or no backup; take another one") from error


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        info = archive.getinfo(MANIFEST)
        if info.file_size > _MANIFEST_BYTES:
            raise ValueError
        with archive.open(info) as file:
            found = json.loads(_bounded(file, info.file_size))
        if found["format"] != FORMAT:
            raise InputError(f"{path} is a backup of form {found['format']}; this version reads form {FORMAT}")
        files = found["files"]
        if DATABASE not in files or not all(
            isinstance(name, str) and type(one["bytes"]) is int and one["bytes"] >= 0 and isinstance(one["sha256"], str)
            for name, one in files.items()
        ):
            raise ValueError
        _backup(path, found)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: its manifest is missing or damaged; take another backup") from error
    return dict(found)


def _bounded(file: IO[bytes], size: int) -> bytes:
    found = file.read(size + 1)
    if len(found) != size:
        raise ValueError("not the declared size")
    return found


def _require_members(archive: zipfile.ZipFile, manifest: Mapping[str, Any], path: Path) -> None:
    """The archive holds what the manifest says, under harmless names, in a harmless size."""
    files = manifest["files"]
    infos = archive.infolist()
    seen: set[str] = set()
    for info in infos:
        if info.filename in seen:
            raise InputError(f"{path}: {info.filename!r} is in it twice; it is no backup of this software")
        seen.add(info.filename)
        if info.filename == MANIFEST:
            continue
        if info.filename not in files:
            raise InputError(f"{path}: its manifest does not name {info.filename!r}; it is no backup of this software")
        if info.file_size != files[info.filename]["bytes"]:
            raise InputError(f"{path}: {info.filename} is not of the size that the manifest says; it is damaged")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            raise InputError(f"{path}: {info.filename} is no plain file; it is no backup of this software")
    for name in files:
        _require_harmless(name, path)
        if name not in seen:
            raise InputError(f"{path}: {name} is missing; it is damaged")
    packed = path.stat().st_size
    total = sum(info.file_size for info in infos)
    if total > max(_ALWAYS, LARGEST_RATIO * packed) or sum(info.compress_size for info in infos) > packed:
        raise InputError(f"{path}: {packed} bytes would unpack to {total}; it is no backup of this software")


def _require_harmless(name: str, path: Path) -> None:
    """A file of a known folder, nowhere else."""
    parts = PurePosixPath(name).parts
    is_known = name == DATABASE or (len(parts) > 1 and parts[0] in FOLDERS)
    if not is_known or name != "/".join(parts) or ".." in parts or "\\" in name or ":" in name or "\0" in name:
        raise InputError(f"{path}: the name {name!r} leads elsewhere; it is no backup of this software")


def _take(archive: zipfile.ZipFile, name: str, declared: Mapping[str, Any], folder: Path, path: Path) -> None:
    target = folder.joinpath(*PurePosixPath(name).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), int(declared["bytes"])
    try:
        with archive.open(name) as source, target.open("xb") as into:
            while block := source.read(_CHUNK):
                left -= len(block)
                if left < 0:
                    break
                digest.update(block)
                into.write(block)
            into.flush()
            os.fsync(into.fileno())
    except OneMapError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{path}: {name} is damaged; take another backup") from error
    if left != 0 or digest.hexdigest() != declared["sha256"]:
        raise InputError(f"{path}: {name} is not what the manifest says; it is damaged")


def _require_same(copy: Path, manifest: Mapping[str, Any], path: Path) -> None:
    """The restored database says what the original said."""
    if str(manifest["revision"]) > schema.REVISION:
        raise Unavailable(
            f"{path} has schema {manifest['revision']}, this version knows up to {schema.REVISION}; take the newer one"
        )
    try:
        with closing(sqlite3.connect(copy)) as db:
            sound = db.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise InputError(f"{path}: its database is damaged; take another backup") from error
    if sound != "ok":
        raise InputError(f"{path}: its database is damaged ({sound}); take another backup")
    with Store(copy) as store:
        found = _said_by(store)
    for name in ("audit", "ledger_hash", "counts"):
        if found[name] != manifest[name]:
            raise InputError(f"{path}: {name} is not what the manifest says; it was altered")
    live_copy(copy)


def _backup(path: Path, manifest: Mapping[str, Any]) -> Backup:
    files = manifest["files"]
    return Backup(
        path,
        str(manifest["made_utc"]),
        str(manifest["name"]),
        str(manifest["revision"]),
        len(files),
        sum(int(one["bytes"]) for one in files.values()),
        {str(name): int(count) for name, count in manifest["counts"].items()},
        int(manifest["audit"]["rows"]),
        str(manifest["audit"]["hash"]),
        str(manifest["ledger_hash"]),
    )
