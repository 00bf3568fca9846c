"""A restored copy says what the original said, or is not there."""

import hashlib
import json
import shutil
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from data import audit, backup, ledger, orders, schema
from data.orders import NewLine, NewRequest
from data.store import Store
from geo.errors import Conflict, InputError, NotFound, Unavailable

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)


def busy(store: Store, steps: int = 3) -> None:
    """Orders, counts and audit rows."""
    for number in range(steps):
        with store.writing() as conn:
            request = NewRequest("u", "p", "c", (120.8, 32.0))
            found = orders.reserve(conn, request, [NewLine("D1", "D1/bag/old", 1)], actor="u", now_utc=NOW)
            audit.append(conn, actor="u", role="keeper", action=f"a{number}", subject=found["id"], now_utc=NOW)


@pytest.fixture
def district(stocked: Store) -> Store:
    """Stock, orders, audit rows, a raster file and a zoning run beside them."""
    busy(stocked)
    assert stocked.path is not None
    for suffix, name, body in (
        (".rasters", "dem-1.tif", b"heights" * 1000),
        (".zoning", "natural-1/record.json", b"{}"),
        (".zoning", "natural-1/zones.parquet", bytes(range(256)) * 40),
        (".zoning", "natural-1/.half.part", b"being written"),
        (".cache", "order.npy", b"derived"),
    ):
        path = stocked.path.with_suffix(suffix) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return stocked


@pytest.fixture
def archive(district: Store, tmp_path: Path) -> Path:
    return backup.make_backup(district, tmp_path / "b" / "district.zip", now_utc=NOW).path


def state(store: Store) -> dict[str, Any]:
    """Everything that must be the same."""
    with store.reading() as conn:
        tables = {name: store.frame(name, conn=conn) for name in sorted(schema.METADATA.tables)}
        return {
            "balances": ledger.balances(conn).values.tolist(),
            "ledger": audit.ledger_hash(conn),
            "audit": audit.verify(conn),
            "tables": {name: pd.util.hash_pandas_object(frame.astype(str)).tolist() for name, frame in tables.items()},
        }


def files_of(path: Path) -> dict[str, bytes]:
    found = {}
    for suffix in backup.FOLDERS.values():
        root = path.with_suffix(suffix)
        found |= {f"{suffix}/{one.relative_to(root)}": one.read_bytes() for one in root.rglob("*") if one.is_file()}
    return found


def test_a_restored_copy_is_the_same(district: Store, archive: Path, tmp_path: Path) -> None:
    assert district.path is not None
    said = backup.read_manifest(archive)
    target = tmp_path / "new" / "copy.gpkg"
    assert backup.restore(archive, target).to_json() == {**said.to_json(), "path": str(target)}
    with Store(target) as copy:
        assert state(copy) == state(district)
        assert (said.audit_rows, said.audit_hash) == state(copy)["audit"][:2] == (3, state(district)["audit"][1])
        assert said.counts["supply_order"] == 3
        with copy.reading() as conn:
            assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        busy(copy)  # it lives on
        assert state(copy) != state(district)
    wanted = {name: body for name, body in files_of(district.path).items() if not name.endswith(".part")}
    assert files_of(target) == wanted
    assert len(wanted) == 3
    assert sorted(path.name for path in target.parent.iterdir()) == ["copy.gpkg", "copy.rasters", "copy.zoning"]


def test_the_archive_is_for_its_owner_only_and_stands_alone(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert not [name for name in opened.namelist() if "cache" in name or name.endswith(".part")]


def test_a_backup_of_a_district_in_use_is_one_state_of_it(district: Store, tmp_path: Path) -> None:
    stop = threading.Event()
    written = [0]

    def write() -> None:
        while not stop.is_set():
            busy(district, 1)
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            while written[0] <= number:
                stop.wait(0.01)
            made = backup.make_backup(district, tmp_path / f"{number}.zip", now_utc=NOW)
            backup.restore(made.path, tmp_path / f"r{number}" / "d.gpkg")
            with Store(tmp_path / f"r{number}" / "d.gpkg") as copy, copy.reading() as conn:
                assert ledger.verify(conn) == []
                rows, last, fault = audit.verify(conn)
                assert (rows, last, fault) == (made.audit_rows, made.audit_hash, None)
                assert rows == len(copy.frame("supply_order"))  # no transaction is half in it
            with district.reading() as conn:  # the copy is a beginning of the original
                assert audit.hash_of(conn, made.audit_rows) == made.audit_hash
    finally:
        stop.set()
        writer.join()
    assert written[0] > 2


def test_nothing_is_overwritten(district: Store, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="exists already"):
        backup.make_backup(district, archive, now_utc=NOW)
    assert district.path is not None
    before = state(district)
    with pytest.raises(Conflict, match="exists already"):
        backup.restore(archive, district.path)
    for name in ("x.gpkg", "x.rasters", "x.zoning"):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).symlink_to("/nowhere")  # also what leads nowhere is there
        with pytest.raises(Conflict, match=name):
            backup.restore(archive, folder / "x.gpkg")
        assert [path.name for path in folder.iterdir()] == [name]
    assert state(district) == before


def test_a_raster_without_its_file_is_said(district: Store, tmp_path: Path) -> None:
    with district.writing() as conn:
        row = {"id": "dem", "code": "dem", "title": "t", "quantity": "elevation", "vertical_datum": "other"}
        row |= {"epsg": 4549, "rows": 1, "cols": 1, "left": 0, "top": 0, "dx": 1, "dy": 1, "sha256": "x"}
        conn.execute(sa.insert(schema.table("raster")), {**row, "file": "gone.tif"})
    with pytest.raises(Unavailable, match=r"gone\.tif is missing"):
        backup.make_backup(district, tmp_path / "x.zip", now_utc=NOW)
    assert not (tmp_path / "x.zip").exists()
    assert not list(tmp_path.glob(".*"))


def test_an_altered_audit_is_not_backed_up_in_silence(district: Store, tmp_path: Path) -> None:
    assert district.path is not None
    db = sqlite3.connect(district.path)
    db.execute("DROP TRIGGER audit_no_update")
    db.execute("UPDATE audit SET actor = 'x' WHERE seq = 2")
    db.commit()
    db.close()
    with pytest.raises(InputError, match="row 2"):
        backup.make_backup(district, tmp_path / "x.zip", now_utc=NOW)


# -- archives that are refused


def rewritten(archive: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None], *, honest: bool) -> Path:
    """The archive with other content; with `honest` off the manifest's hashes are made to fit."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    change(files, manifest)
    if not honest:
        manifest["files"] = {
            name: {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()
        }
    other = archive.with_name("other.zip")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in files.items():
            made.writestr(name, body)
        made.writestr("manifest.json", json.dumps(manifest))
    return other


def require_refused(path: Path, tmp_path: Path, said: str, error: type[Exception] = InputError) -> None:
    target = tmp_path / "refused" / "d.gpkg"
    with pytest.raises(error, match=said):
        backup.restore(path, target)
    assert not target.parent.exists() or not list(target.parent.iterdir())
    outside = [one.name for one in tmp_path.rglob("*") if "evil" in one.name]
    assert outside == []


def add(name: str, body: bytes = b"x") -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    return lambda files, manifest: files.__setitem__(name, body)


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/evil",
        "rasters/../../evil",
        "rasters/..",
        "..\\evil",
        "rasters\\evil",
        "C:evil",
        "rasters//evil",
        "./rasters/evil",
        "evil",
        "other/evil",
        "rasters",
        "district.gpkg/evil",
        "cache/evil",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    require_refused(rewritten(archive, add(name), honest=False), tmp_path, "leads elsewhere|no plain file")


def test_a_file_that_the_manifest_does_not_name_is_refused(archive: Path, tmp_path: Path) -> None:
    require_refused(rewritten(archive, add("rasters/evil"), honest=True), tmp_path, "does not name 'rasters/evil'")


def test_a_link_in_the_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    body = b"/etc/passwd"
    manifest["files"]["rasters/evil"] = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    other = archive.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
        link = zipfile.ZipInfo("rasters/evil")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, body)
        made.writestr("manifest.json", json.dumps(manifest))
    require_refused(other, tmp_path, "no plain file")


def test_what_unpacks_to_far_too_much_is_refused(archive: Path, tmp_path: Path) -> None:
    bomb = rewritten(archive, add("rasters/evil.tif", bytes(400 * 2**20)), honest=False)
    assert bomb.stat().st_size < 2 * 2**20
    require_refused(bomb, tmp_path, "would unpack to")


def test_a_name_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    other = archive.with_name("other.zip")
    shutil.copyfile(archive, other)
    with zipfile.ZipFile(other, "a") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr("district.gpkg", b"x")
    require_refused(other, tmp_path, "is in it twice")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(archive: Path, tmp_path: Path, share: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    require_refused(archive, tmp_path, "damaged or no backup")


@pytest.mark.parametrize("at", range(0, 100, 7))
def test_a_damaged_archive_is_refused_or_the_damage_is_harmless(archive: Path, tmp_path: Path, at: int) -> None:
    whole = bytearray(archive.read_bytes())
    place = len(whole) * at // 100 + 11
    whole[place] ^= 0xFF
    archive.write_bytes(whole)
    target = tmp_path / "refused" / "d.gpkg"
    try:
        backup.restore(archive, target)
    except InputError as error:
        assert "damaged" in error.detail or "no backup" in error.detail  # noqa: PT017
        assert not list(target.parent.iterdir())
    else:  # a byte that nobody reads, such as a time in a local header
        with Store(target) as store, store.reading() as conn:
            assert ledger.verify(conn) == []


def corrupt(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    body = bytearray(files["district.gpkg"])
    for place in range(5000, len(body), 4096):
        body[place] ^= 0xFF
    files["district.gpkg"] = bytes(body)


@pytest.mark.parametrize(
    ("change", "honest", "said"),
    [
        (lambda files, manifest: files.pop("district.gpkg"), True, "is missing"),
        (lambda files, manifest: files.pop("district.gpkg"), False, "manifest is missing or damaged"),
        (lambda files, manifest: files.pop("rasters/dem-1.tif"), True, "rasters/dem-1.tif is missing"),
        (add("rasters/dem-1.tif", b"lowland" * 1000), True, "is not what the manifest says"),
        (add("rasters/dem-1.tif", b"low"), True, "not of the size"),
        (corrupt, True, "is not what the manifest says"),
        (corrupt, False, "damaged"),
        (lambda files, manifest: manifest.update(format=2), True, "form 2; this version reads form 1"),
        (lambda files, manifest: manifest.pop("audit"), True, "manifest is missing or damaged"),
        (lambda files, manifest: manifest.update(files=[]), True, "manifest is missing or damaged"),
        (lambda files, manifest: manifest["files"]["district.gpkg"].update(bytes=-1), True, "missing or damaged"),
        (lambda files, manifest: manifest["audit"].update(rows=2), True, "audit is not what the manifest says"),
        (lambda files, manifest: manifest["audit"].update(hash="0"), True, "audit is not what the manifest says"),
        (lambda files, manifest: manifest.update(ledger_hash="0"), True, "ledger_hash is not what"),
        (lambda files, manifest: manifest["counts"].update(lot=0), True, "counts is not what the manifest says"),
    ],
)
def test_content_that_is_not_what_the_manifest_says_is_refused(
    archive: Path,
    tmp_path: Path,
    change: Callable[[dict[str, bytes], dict[str, Any]], None],
    honest: bool,
    said: str,
) -> None:
    require_refused(rewritten(archive, change, honest=honest), tmp_path, said)


def test_an_altered_ledger_in_an_archive_that_fits_its_manifest_is_found(
    archive: Path, district: Store, tmp_path: Path
) -> None:
    def alter(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
        path = tmp_path / "altered.gpkg"
        path.write_bytes(files["district.gpkg"])
        db = sqlite3.connect(path)
        db.execute("DROP TRIGGER movement_no_update")
        db.execute("UPDATE movement SET quantity_e3 = quantity_e3 + 1 WHERE seq = 1")
        db.commit()
        db.close()
        files["district.gpkg"] = path.read_bytes()

    require_refused(rewritten(archive, alter, honest=False), tmp_path, "the audit is not sound: row 1")


def test_the_schema_of_a_newer_version_is_refused(archive: Path, tmp_path: Path) -> None:
    newer = rewritten(archive, lambda files, manifest: manifest.update(revision="9999"), honest=True)
    require_refused(newer, tmp_path, "this version knows up to", Unavailable)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        backup.restore(tmp_path / "none.zip", tmp_path / "refused" / "d.gpkg")
    path = tmp_path / "text.zip"
    path.write_text("no archive")
    require_refused(path, tmp_path, "damaged or no backup")
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("hello", "x")
    require_refused(path, tmp_path, "manifest is missing")
