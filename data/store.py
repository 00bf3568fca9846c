"""The store: one database, by default one SQLite file that is a valid GeoPackage.

The live file is never opened with GDAL in this process: GDAL carries an SQLite of its own, and two
of them in one process drop each other's locks. GDAL reads a `Store.snapshot`, or in another process.
"""

import hashlib
import json
import math
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, overload
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from data import geometry, migrations, schema
from data.geometry import EncodedGeometry
from data.writer import Writer, busy, driver_of, whole
from geo.crs import STORED_EPSG, metric_crs
from geo.errors import Conflict, CrsError, InputError, NotFound, OneMapError, Unavailable
from geo.supply import thousandths

EXTENT_MARGIN_M = 10_000.0
"""How far the district's extent reaches beyond its boundary."""

SAME_SHARE = 1e-14
"""Numbers and places that differ by at most this share are the same: a spreadsheet carries 16 digits."""

BUSY_TIMEOUT_S = 10.0
"""How long a writer waits for another one before it gives up."""

_CHUNK = 500
_WRITER_CACHE = -65536  # KiB, a whole road network in one transaction
_READER_CACHE = -4096
_MOST_ASKING = 8
_NOT_CONTENT = ("fid", "id", "geom", "source", "source_datum", "updated_utc")
_M_PER_DEG = 110_574.0  # shortest degree of latitude, so that the margin is never short

T = TypeVar("T")


@dataclass(frozen=True)
class District:
    """What this database is about."""

    name: str
    epsg: int
    timezone: str
    demo: bool
    created_utc: str
    drill_of_utc: str | None = None  # when this copy for a drill was taken

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of duty hours, expiry and hour factors."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class Change:
    """One entry of the change log."""

    seq: int
    table: str
    id: str
    operation: Literal["insert", "update", "delete"]
    utc: str


@dataclass(frozen=True)
class Counts:
    """What a write did, in rows."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.deleted + other.deleted,
        )


Where = sa.ColumnElement[bool] | Mapping[str, Any]


class Store:
    """One district's database; safe to share between threads, and made anew in a forked process."""

    def __init__(self, url: str | os.PathLike[str], *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._place = _place(url)
        self._busy_timeout_s = busy_timeout_s
        path = self._place.path
        try:
            is_there = path is None or path.is_file()
        except OSError as error:
            raise Unavailable(f"{path} cannot be opened: {error.strerror or error}") from error
        if not is_there:
            raise NotFound(f"there is no database at {path}; make one with `onemap init --db {path}`")
        self._open()
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(
        cls,
        url: str | os.PathLike[str],
        *,
        name: str,
        epsg: int,
        timezone: str = "Asia/Shanghai",
        demo: bool = False,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> "Store":
        """Make an empty district; an existing file or database is never touched."""
        metric_crs(epsg)
        if not name.strip():
            raise InputError("name is empty; give the district's name")
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InputError(f"timezone={timezone!r}: no such time zone; name one such as Asia/Shanghai") from error
        place = _place(url)
        if place.path is None:
            store = cls.__new__(cls)
            store._place, store._busy_timeout_s = place, busy_timeout_s
            store._open()
            try:
                with store.writing() as conn:
                    if sa.inspect(conn).has_table("district"):
                        raise Conflict(f"{place.shown} holds a district already; name another database")
                    _fill(conn, name=name.strip(), epsg=epsg, timezone=timezone, demo=demo)
            finally:
                store.close()
            return cls(url, busy_timeout_s=busy_timeout_s)
        path = place.path
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            if path.exists():
                raise Conflict(f"{path} exists already; name another file or delete it first")
            path.parent.mkdir(parents=True, exist_ok=True)
            _create_file(part, name=name.strip(), epsg=epsg, timezone=timezone, demo=demo)
            named(part, path)
        except OSError as error:
            raise Unavailable(f"{path} cannot be made: {error.strerror or error}") from error
        finally:
            for suffix in ("", "-wal", "-shm", "-journal"):
                with suppress(OSError):
                    part.with_name(part.name + suffix).unlink()
        return cls(url, busy_timeout_s=busy_timeout_s)

    # -- connections

    def _open(self) -> None:
        self._pid = os.getpid()
        self._readers = self._place.engine(self._busy_timeout_s)
        self._asking: deque[sqlite3.Connection] = deque()  # connections of `ask` that nobody uses
        self._writer = Writer(self._place.engine(self._busy_timeout_s, writes=True))
        self._dialect: str = self._readers.dialect.name

    def _check(self) -> None:
        try:
            with self.reading() as conn:
                tables = set(sa.inspect(conn).get_table_names())
                if not {"district", "alembic_version"} <= tables:
                    raise InputError(f"{self._place.shown} is no district; make one with `onemap init`")
                found = conn.scalar(sa.text("SELECT version_num FROM alembic_version"))
        except InputError:
            raise
        if found != schema.REVISION:
            self._upgrade(str(found))
        with self.reading() as conn:
            row = conn.execute(sa.select(schema.table("district"))).mappings().one()
        self.district = District(
            row["name"], int(row["epsg"]), row["timezone"], bool(row["demo"]), row["created_utc"], row["drill_of_utc"]
        )

    def _upgrade(self, found: str) -> None:
        from alembic.script import ScriptDirectory

        known = {step.revision for step in ScriptDirectory.from_config(migrations.config()).walk_revisions()}
        if found not in known:
            raise Unavailable(
                f"{self._place.shown} has schema {found}, this version knows up to {schema.REVISION}; "
                "start the newer version"
            )
        with self.writing() as conn:
            migrations.upgrade(conn)

    def close(self) -> None:
        """Close every pooled connection; the last one out folds the write-ahead log into the file."""
        self._readers.dispose()
        while self._asking:
            self._asking.pop().close()
        self._writer.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Path or URL, without a password."""
        return self._place.shown

    @property
    def path(self) -> Path | None:
        """The file; None where the database is a server."""
        return self._place.path

    def _after_fork(self) -> None:
        if os.getpid() != self._pid:  # a connection must not cross a fork, nor a lock somebody else held
            self._readers.dispose(close=False)
            self._writer.close(forget=True)
            self._open()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database, however long it reads."""
        self._after_fork()
        with translated(self._place.shown, self._busy_timeout_s), self._readers.connect() as conn:
            if self._dialect == "postgresql":
                conn = conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with conn.begin():
                yield conn

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """The rows of one statement with ? for each parameter, which sees one state by itself: no transaction."""
        if self._dialect != "sqlite":
            with self.reading() as conn:
                return read_rows(conn, sql, parameters)
        self._after_fork()
        with translated(self._place.shown, self._busy_timeout_s):
            try:
                asking = self._asking.pop()
            except IndexError:
                asking = self._place.connect(self._busy_timeout_s)
            try:
                return asking.execute(sql, tuple(parameters)).fetchall()
            finally:
                if len(self._asking) < _MOST_ASKING:
                    self._asking.append(asking)
                else:
                    asking.close()

    @contextmanager
    def writing(self, *, brief: bool = False) -> Iterator[Connection]:
        """A connection that may write: all is committed at the end, or nothing on an exception.

        Who is `brief`, done within milliseconds, may share its commit with others that wait (`data.writer`).
        """
        self._after_fork()
        with (
            translated(self._place.shown, self._busy_timeout_s),
            self._writer.turn(self._busy_timeout_s, brief=brief) as conn,
        ):
            if self._dialect == "postgresql":
                conn.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(self._busy_timeout_s * 1000)}ms'")
                conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({schema.APPLICATION_ID})")
            yield conn

    @contextmanager
    def _using(self, conn: Connection | None) -> Iterator[Connection]:
        if conn is not None:
            yield conn
        else:
            with self.reading() as own:
                yield own

    # -- reading

    @overload
    def frame(
        self,
        table: Literal["street", "boundary", "water", "village", "cell", "road", "closure"],
        *,
        conn: Connection | None = None,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> gpd.GeoDataFrame: ...

    @overload
    def frame(
        self,
        table: str,
        *,
        conn: Connection | None = None,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Any: ...

    def frame(
        self,
        table: str,
        *,
        conn: Connection | None = None,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Any:
        """A table as a frame in the order of its rows: GeoDataFrame (EPSG:4326) where it has geometry.

        Text is object with None; a whole number is int64, or float64 with NaN where the schema
        allows none; a boolean is True, False or None; quantities are whole thousandths
        (``*_e3``); dates and times are ISO text. `where` is a condition on
        ``schema.table(...).c`` or a mapping of column to value (or list of values).
        """
        source = schema.table(table)
        spatial = "geom" in source.columns
        if columns is None:
            names = [column.name for column in source.columns if column.name not in ("fid", "geom")]
        else:
            names = [name for name in columns if name not in ("geom", "geometry")]
            unknown = [name for name in names if name not in source.columns]
            if unknown:
                raise NotFound(f"{table} has no column {', '.join(unknown)}")
        selected: list[Any] = [source.c[name] for name in names]
        if spatial:
            selected.append(sa.type_coerce(source.c.geom, EncodedGeometry()).label("geom"))
        key = source.c.fid if "fid" in source.columns else source.c.seq
        statement = sa.select(*selected, key.label("_key")).order_by(key)
        condition = _condition(source, where)
        if condition is not None:
            statement = statement.where(condition)
        with self._using(conn) as used:
            rows = used.execute(statement).fetchall()
        values: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * (len(selected) + 1)
        data = {name: _series(source.c[name], value) for name, value in zip(names, values, strict=False)}
        index = pd.RangeIndex(len(rows))
        if not spatial:
            return pd.DataFrame(data, index=index)
        shapes = geometry.decode(values[len(names)])
        return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(shapes, index=index, crs=STORED_EPSG), index=index)

    def revision(self, conn: Connection | None = None) -> int:
        """The highest seq of the change log; 0 in an empty district."""
        text = "SELECT max(seq) FROM change"
        found = self.ask(text) if conn is None else read_rows(conn, text)
        return int(found[0][0] or 0)

    def changes(self, since: int, conn: Connection | None = None) -> list[Change]:
        """What was changed after revision `since`, oldest first."""
        change = schema.table("change")
        statement = (
            sa.select(change.c.seq, change.c.table, change.c.id, change.c.operation, change.c.utc)
            .where(change.c.seq > since)
            .order_by(change.c.seq)
        )
        with self._using(conn) as used:
            return [Change(*row) for row in used.execute(statement)]

    def touched(self, since: int, conn: Connection | None = None) -> dict[str, int]:
        """The tables changed after revision `since`, each with the seq of its newest change."""
        change = schema.table("change")
        newest = sa.func.max(change.c.seq)
        statement = sa.select(change.c.table, newest).where(change.c.seq > since).group_by(change.c.table)
        with self._using(conn) as used:
            return {str(table): int(seq) for table, seq in used.execute(statement)}

    def changed_ids(self, table: str, since: int, conn: Connection | None = None) -> set[str] | None:
        """The external ids of the rows of `table` changed after revision `since`; None where that is forgotten."""
        change, floor = schema.table("change"), schema.table("log_floor")
        statement = sa.select(change.c.id).where(change.c.seq > since, change.c.table == table).distinct()
        with self._using(conn) as used:
            if since + 1 < int(used.scalar(sa.select(floor.c.from_seq).where(floor.c.log == "change")) or 0):
                return None
            return {str(found) for found in used.scalars(statement)}

    def cache_folder(self) -> Path:
        """Where derived files stand: beside the database file, or under var/ for a server."""
        path = self.path
        return path.with_suffix(".cache") if path is not None else Path("var") / "cache"

    def raster_folder(self) -> Path:
        """Where the files of the rasters stand: beside the database file, or under var/ for a server.

        They are data, not a cache: a copy of the district takes this folder along.
        """
        path = self.path
        return path.with_suffix(".rasters") if path is not None else Path("var") / "rasters"

    def counts(self, conn: Connection | None = None) -> dict[str, int]:
        """Rows of every table that a user knows, in one statement."""
        names = [name for name in sorted(schema.METADATA.tables) if name not in schema.INTERNAL]
        statement = sa.select(
            *(
                sa.select(sa.func.count()).select_from(schema.table(name)).scalar_subquery().label(name)
                for name in names
            )
        )
        with self._using(conn) as used:
            return dict(used.execute(statement).mappings().one())

    def extent(self, conn: Connection | None = None) -> tuple[float, float, float, float] | None:
        """Where this district's places lie, in degrees: boundary, else roads and villages, plus 10 km."""
        with self._using(conn) as used:
            found = self._bounds(used, "boundary")
            if found is None:
                boxes = [box for name in ("road", "village") if (box := self._bounds(used, name))]
                if not boxes:
                    return None
                array = np.array(boxes)
                low, high = array[:, :2].min(axis=0), array[:, 2:].max(axis=0)
                found = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        min_x, min_y, max_x, max_y = found
        by = EXTENT_MARGIN_M / _M_PER_DEG
        farthest = min(max(abs(min_y - by), abs(max_y + by)), 89.0)
        bx = EXTENT_MARGIN_M / (_M_PER_DEG * float(np.cos(np.radians(farthest))))
        return min_x - bx, min_y - by, max_x + bx, max_y + by

    def _bounds(self, conn: Connection, name: str) -> tuple[float, float, float, float] | None:
        column = schema.table(name).c.geom
        if self._dialect == "postgresql":
            row = conn.execute(
                sa.text(
                    "SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b) "
                    f"FROM (SELECT ST_Extent(geom) AS b FROM {name}) AS boxes"
                )
            ).one()
            return None if row[0] is None else (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
        raw = sa.type_coerce(column, EncodedGeometry())
        heads = [row[0] for row in conn.execute(sa.select(sa.func.substr(raw, 1, 40)).where(column.is_not(None)))]
        if not heads:
            return None
        if all(head[:2] == b"GP" and head[3] & 0b1_1111 == 0b0_0011 for head in heads):
            return geometry.bounds(heads)
        whole = [row[0] for row in conn.execute(sa.select(raw).where(column.is_not(None)))]
        box = shapely.total_bounds(geometry.decode(whole))
        return None if np.isnan(box).any() else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))

    # -- writing

    def upsert(
        self,
        conn: Connection,
        table: str,
        frame: pd.DataFrame,
        *,
        source: str,
        source_datum: str,
        now_utc: datetime | str,
    ) -> Counts:
        """Insert new rows and update changed ones by external id; equal rows are not touched.

        Columns that the frame lacks keep their value. Rows of kinds without an id get one from
        their content. Stock goes through `data.ledger`.
        """
        return self._write(conn, table, frame, source, source_datum, now_utc, replace=False)

    def replace(
        self,
        conn: Connection,
        table: str,
        frame: pd.DataFrame,
        *,
        source: str,
        source_datum: str,
        now_utc: datetime | str,
    ) -> Counts:
        """Make the frame the whole content of the table, touching only what differs."""
        return self._write(conn, table, frame, source, source_datum, now_utc, replace=True)

    def _write(
        self,
        conn: Connection,
        table: str,
        frame: pd.DataFrame,
        source: str,
        source_datum: str,
        now_utc: datetime | str,
        *,
        replace: bool,
    ) -> Counts:
        target = schema.table(table)
        if table in ("lot", "change", "movement", "district", "import_run"):
            raise InputError(f"{table} is not written as a frame; stock is written through data.ledger")
        ids, values = _rows(table, frame, self._dialect)
        stamp = {"source": source, "source_datum": source_datum, "updated_utc": schema.utc_text(now_utc)}
        again = {**stamp, "updated_utc": schema.as_given(stamp["updated_utc"])}
        names = list(values)
        columns = [values[name] for name in names]
        new = dict(zip(ids, zip(*columns, strict=True), strict=True)) if names else dict.fromkeys(ids, ())
        with translated(self._place.shown, self._busy_timeout_s), whole(conn):
            if "street" in names and table != "street":
                _make_streets(conn, values["street"], stamp)
            old = _existing(conn, target, names, ids, whole=replace)
            inserted = [identity for identity in new if identity not in old]
            kept = [identity for identity in new if identity in old]
            at = names.index("geom") if "geom" in names else -1
            updated = [identity for identity in kept if not _is_same(new[identity], old[identity], at)]
            gone = [identity for identity in old if identity not in new] if replace else []
            if gone:
                conn.execute(
                    sa.delete(target).where(target.c.id == sa.bindparam("_id")),
                    [{"_id": identity} for identity in gone],
                )
            if inserted:
                tail = tuple(stamp.values())
                insert_many(conn, target, ["id", *names, *stamp], [(i, *new[i], *tail) for i in inserted])
            if updated:
                conn.execute(
                    sa.update(target)
                    .where(target.c.id == sa.bindparam("_id"))
                    .values({name: sa.bindparam(name) for name in (*names, *stamp)}),
                    [{"_id": i, **dict(zip(names, new[i], strict=True)), **again} for i in updated],
                )
            if table == "village" and (inserted or updated or gone):
                self._derive_streets(conn, stamp["updated_utc"])
        return Counts(len(inserted), len(updated), len(kept) - len(updated), len(gone))

    def _derive_streets(self, conn: Connection, updated_utc: str) -> None:
        """A street's area is the union of its villages' areas."""
        street = schema.table("street")
        villages = self.frame("village", conn=conn, columns=["street"])
        areas = villages[shapely.get_dimensions(villages.geometry.array) == 2]
        unions: dict[str, Any] = {
            str(name): shapely.union_all(shapely.make_valid(np.asarray(group.geometry.array)))
            for name, group in areas.groupby("street")
        }
        known = conn.execute(sa.select(street.c.name, sa.type_coerce(street.c.geom, EncodedGeometry()))).fetchall()
        wanted = geometry.encode([unions.get(name) for name, _ in known], self._dialect)
        changed = [
            {"_name": name, "geom": blob, "updated_utc": schema.as_given(updated_utc)}
            for (name, stored), blob in zip(known, wanted, strict=True)
            if geometry.wkb(stored) != geometry.wkb(blob)
        ]
        if changed:
            conn.execute(
                sa.update(street)
                .where(street.c.name == sa.bindparam("_name"))
                .values(geom=sa.bindparam("geom"), updated_utc=sa.bindparam("updated_utc")),
                changed,
            )

    # -- imports

    def record_import(
        self,
        conn: Connection,
        *,
        kind: str,
        counts: Counts,
        rows: int,
        source: str,
        source_datum: str,
        now_utc: datetime | str,
        file: str | None = None,
        sha256: str | None = None,
        unplaced: int = 0,
        notices: Sequence[object] = (),
    ) -> str:
        """Note that a file came in, in the transaction that wrote it; the run's id."""
        run = schema.table("import_run")
        number = int(conn.scalar(sa.select(sa.func.max(run.c.fid))) or 0) + 1
        identity = f"run-{number:06d}"
        conn.execute(
            sa.insert(run),
            {
                "id": identity,
                "kind": kind,
                "file": file,
                "sha256": sha256,
                "rows": rows,
                "inserted": counts.inserted,
                "updated": counts.updated,
                "unchanged": counts.unchanged,
                "deleted": counts.deleted,
                "unplaced": unplaced,
                "notices": json.dumps(list(notices), ensure_ascii=False, default=str),
                "source": source,
                "source_datum": source_datum,
                "updated_utc": schema.utc_text(now_utc),
            },
        )
        return identity

    def import_runs(self, conn: Connection | None = None) -> pd.DataFrame:
        """Every import that wrote, oldest first."""
        found: pd.DataFrame = self.frame("import_run", conn=conn)
        return found

    # -- copies

    def require_not_live(self, path: str | os.PathLike[str]) -> None:
        """Refuse `path` where it is this database: GDAL must not open it in this process."""
        if self._place.path is None:
            return
        with suppress(OSError):
            if os.path.samefile(path, self._place.path):
                raise InputError(
                    f"{os.fspath(path)} is this district's own database; read a copy of it (`Store.snapshot`)"
                )

    def snapshot(self, path: str | os.PathLike[str]) -> Path:
        """A consistent copy as one plain GeoPackage file, for export, backup and GDAL."""
        if self._place.path is None:
            raise Unavailable("a database server is copied with its own tool, pg_dump")
        self._after_fork()
        target = Path(path)
        if target.exists():
            raise Conflict(f"{target} exists already; name another file or delete it first")
        part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            with translated(self._place.shown, self._busy_timeout_s):
                source = _connect(self._place.path, self._busy_timeout_s)
                try:
                    source.execute("VACUUM INTO ?", (str(part),))
                finally:
                    source.close()
                copy = _connect(part, self._busy_timeout_s)
                try:
                    copy.execute("PRAGMA journal_mode = DELETE")
                finally:
                    copy.close()
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            named(part, target)
        except OSError as error:
            raise Unavailable(f"{target} cannot be made: {error.strerror or error}") from error
        finally:
            for suffix in ("", "-journal"):
                with suppress(OSError):
                    part.with_name(part.name + suffix).unlink()
        return target


# -- where the database is


@dataclass(frozen=True)
class _Place:
    path: Path | None
    url: sa.URL | None

    @property
    def shown(self) -> str:
        if self.url is not None:
            return self.url.render_as_string(hide_password=True)
        return str(self.path)

    def engine(self, busy_timeout_s: float, *, writes: bool = False) -> Engine:
        """Connections that read, or the one that writes: its cache and its statements stay warm."""
        # Of those that read, the one used last goes first: its cache is warm.
        size = {"pool_size": 1, "max_overflow": 0} if writes else {"pool_size": 8, "max_overflow": 56}
        pool: dict[str, Any] = {**size, "pool_timeout": busy_timeout_s, "pool_use_lifo": True}
        if self.path is None:
            assert self.url is not None
            try:
                return sa.create_engine(self.url, **pool)
            except (ImportError, NoSuchModuleError) as error:
                raise Unavailable(f"there is no driver for {self.shown}; install one, such as psycopg") from error
        engine = sa.create_engine(
            "sqlite://", creator=partial(self.connect, busy_timeout_s, writes=writes), poolclass=sa.QueuePool, **pool
        )
        event.listen(engine, "begin", _begin_writing if writes else _begin_reading)
        return engine

    def connect(self, busy_timeout_s: float, *, writes: bool = False) -> sqlite3.Connection:
        """A connection to the file, set once: a pragma that changes makes SQLite prepare every statement anew."""
        assert self.path is not None
        found = _connect(self.path, busy_timeout_s)
        found.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        # What a part may have to undo (`whole`) is else kept in a file, which costs as much as the part.
        found.execute(f"PRAGMA temp_store = {'MEMORY' if writes else 'DEFAULT'}")
        found.execute(f"PRAGMA cache_size = {_WRITER_CACHE if writes else _READER_CACHE}")
        return found


def _place(url: str | os.PathLike[str]) -> _Place:
    text = os.fspath(url)
    if not text.strip():
        raise InputError("the database's name is empty; give the path of a file or a database URL")
    if "://" not in text:
        return _Place(Path(text).absolute(), None)
    try:
        made = sa.make_url(text)
    except ArgumentError as error:
        raise InputError("the database URL cannot be read; expected postgresql+psycopg://user@host/name") from error
    if made.get_backend_name() == "sqlite":
        if not made.database or made.database == ":memory:":
            raise InputError("a database in memory is not shared; give the path of a file")
        return _Place(Path(made.database).absolute(), None)
    if made.get_backend_name() != "postgresql":
        raise InputError(f"database {made.get_backend_name()!r}: expected a file, sqlite or postgresql")
    return _Place(None, made)


def _connect(path: Path, busy_timeout_s: float, *, mode: str = "rw") -> sqlite3.Connection:
    found = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=busy_timeout_s,
        isolation_level=None,  # BEGIN is ours
        check_same_thread=False,
    )
    found.execute("PRAGMA foreign_keys = ON")
    found.execute("PRAGMA synchronous = FULL")
    found.execute("PRAGMA journal_size_limit = 67108864")
    return found


def _begin_writing(conn: Connection) -> None:
    read_rows(conn, "BEGIN IMMEDIATE")


def _begin_reading(conn: Connection) -> None:
    read_rows(conn, "BEGIN")
    read_rows(conn, "SELECT 1 FROM sqlite_master LIMIT 1")  # the snapshot is taken here, not later


def _create_file(path: Path, *, name: str, epsg: int, timezone: str, demo: bool) -> None:
    place = _Place(path, None)
    with translated(place.shown):
        first = _connect(path, BUSY_TIMEOUT_S, mode="rwc")
        try:
            first.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            first.execute(f"PRAGMA user_version = {schema.USER_VERSION}")
            first.execute("PRAGMA journal_mode = WAL")
        finally:
            first.close()
        engine = place.engine(BUSY_TIMEOUT_S, writes=True)
        try:
            with engine.connect() as conn, conn.begin():
                _fill(conn, name=name, epsg=epsg, timezone=timezone, demo=demo)
        finally:
            engine.dispose()
        last = _connect(path, BUSY_TIMEOUT_S)
        try:  # until then GDAL reads "bad application_id"
            last.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            last.close()


def _fill(conn: Connection, *, name: str, epsg: int, timezone: str, demo: bool) -> None:
    migrations.upgrade(conn)
    conn.execute(
        sa.insert(schema.table("district")),
        {
            "fid": 1,
            "id": "district",
            "name": name,
            "epsg": epsg,
            "timezone": timezone,
            "demo": int(demo),
            "created_utc": schema.utc_text(datetime.now(UTC)),
        },
    )
    if conn.dialect.name == "sqlite":
        crs = metric_crs(epsg)
        conn.exec_driver_sql(
            "INSERT OR IGNORE INTO gpkg_spatial_ref_sys"
            " (srs_name, srs_id, organization, organization_coordsys_id, definition)"
            " VALUES (?, ?, 'EPSG', ?, ?)",
            (crs.name, epsg, epsg, crs.to_wkt("WKT1_GDAL")),
        )


def live_copy(path: Path) -> None:
    """Make a snapshot fit to be served: with a write-ahead log, so that readers and the writer do not wait."""
    found = _connect(path, BUSY_TIMEOUT_S)
    try:
        found.execute("PRAGMA journal_mode = WAL")
        found.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        found.close()


def named(part: Path, path: Path) -> None:
    """Give a finished file its name; whoever comes second is refused."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise Conflict(f"{path} exists already; name another file or delete it first") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise Conflict(f"{path} exists already; name another file or delete it first") from None
        os.rename(part, path)
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


# -- errors


@contextmanager
def translated(shown: str = "the database", busy_timeout_s: float = BUSY_TIMEOUT_S) -> Iterator[None]:
    """Driver errors as the errors of this software; `shown` names the database."""
    try:
        yield
    except OneMapError:
        raise
    except PoolTimeout as error:
        raise Unavailable("too many requests use the database at once; try again") from error
    except DBAPIError as error:
        raise _error(error.orig, shown, busy_timeout_s) from error
    except sqlite3.Error as error:
        raise _error(error, shown, busy_timeout_s) from error


def _error(error: BaseException | None, shown: str, busy_timeout_s: float) -> OneMapError:
    text = str(error)
    state = getattr(error, "sqlstate", None)
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if isinstance(error, sqlite3.IntegrityError) or (state or "").startswith("23"):
        return _constraint(text)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or state in ("55P03", "40001", "40P01"):
        return busy(busy_timeout_s)
    if code == sqlite3.SQLITE_FULL or state == "53100":
        return Unavailable(f"the disk of {shown} is full, nothing was written; make room and try again")
    if code == sqlite3.SQLITE_READONLY or state == "25006":
        return Unavailable(f"{shown} cannot be written; check its permissions and those of its folder")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return Unavailable(f"{shown} cannot be opened; check its permissions and those of its folder")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Unavailable(f"{shown} is damaged or is no database; restore a backup")
    if code == sqlite3.SQLITE_IOERR:
        return Unavailable(f"reading or writing {shown} failed; check the disk and its free space")
    if state is None and not isinstance(error, sqlite3.Error):
        return Unavailable(f"the server of {shown} does not answer; check that it runs")
    return Unavailable(f"{shown} refused the statement ({type(error).__name__})")


def _constraint(text: str) -> OneMapError:
    first = text.splitlines()[0] if text else "a constraint"
    negative = ("ck_lot_reserved_and_hold", "ck_holding_quantity_e3", *(f"ck_lot_{name}" for name in schema.BALANCES))
    if any(name in text for name in negative):
        return Conflict(
            "stock would become negative, or more be reserved and on hold than is on hand; read the lot again"
        )
    if "append-only" in text:
        return Conflict("changes and movements are never altered or deleted; record a reversing movement")
    if "FOREIGN KEY" in text or "foreign key" in text:
        return Conflict(
            "the row refers to a record that is not there, or others refer to it; import, or delete, those first"
        )
    if "UNIQUE" in text or "unique" in text:
        return Conflict(f"a row of that key is there already ({first}); use another id")
    return InputError(f"a value is outside what the schema allows ({first}); mend the value")


# -- frames to rows and back


def _condition(source: sa.Table, where: Where | None) -> sa.ColumnElement[bool] | None:
    if where is None or isinstance(where, sa.ColumnElement):
        return where
    parts = []
    for name, value in where.items():
        if name not in source.columns:
            raise NotFound(f"{source.name} has no column {name}")
        column = source.c[name]
        if isinstance(value, list | tuple | set | frozenset):
            parts.append(column.in_(list(value)))
        else:
            parts.append(column.is_(None) if value is None else column == value)
    return sa.and_(sa.true(), *parts)


def _is_boolean(column: sa.Column[Any]) -> bool:
    kind = schema.kind_of(column.table.name)
    if kind is None:
        return bool(column.table.name == "district" and column.name == "demo")
    return any(found.name == column.name and found.type == "boolean" for found in kind.columns)


def _series(column: sa.Column[Any], values: Sequence[Any]) -> Any:
    affinity = column.type._type_affinity
    if _is_boolean(column):
        return pd.Series([None if v is None else bool(v) for v in values], dtype=object)
    if affinity is not None and issubclass(affinity, sa.Integer) and not column.nullable:
        return np.array(values, dtype=np.int64)
    if affinity is not None and issubclass(affinity, sa.Integer | sa.Numeric | sa.Float):
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    return pd.Series(list(values), dtype=object)


def _rows(table: str, frame: pd.DataFrame, dialect: str) -> tuple[list[str], dict[str, list[Any]]]:
    """External ids, and the columns that the frame brings, as the driver takes them."""
    kind = schema.kind_of(table)
    target = schema.table(table)
    by_stored = {schema.stored_name(column): column for column in kind.columns} if kind else {}
    values: dict[str, list[Any]] = {}
    for column in target.columns:
        name = column.name
        if name in ("fid", "id", "geom", "source", "source_datum", "updated_utc"):
            continue
        declared = by_stored.get(name)
        if declared is not None and declared.type == "quantity" and declared.name in frame.columns:
            values[name] = _quantities(table, declared, frame[declared.name])
            continue
        if name not in frame.columns:
            continue
        type_ = "text" if declared is None else "integer" if declared.type == "quantity" else declared.type
        cells = _cells(type_, name, frame[name])
        if declared is not None and declared.default is not None and declared.type != "quantity":
            default = int(declared.default) if isinstance(declared.default, bool) else declared.default
            cells = [default if cell is None else cell for cell in cells]
        elif not column.nullable and None in cells:
            raise InputError(f"{table}.{name}: row {cells.index(None) + 1} is empty; a value is required")
        values[name] = cells
    if "geom" in target.columns:
        shapes = _shapes(table, frame)
        if shapes is not None:
            encoded = geometry.encode(shapes, dialect)
            if not target.c.geom.nullable and None in encoded:
                raise InputError(f"{table}: row {encoded.index(None) + 1} has no geometry; one is required")
            values["geom"] = encoded
    ids = _ids(table, frame, values)
    seen: set[str] = set()
    for row, identity in enumerate(ids, start=1):
        if identity in seen:
            raise InputError(f"{table}: id {identity!r} occurs twice, again in row {row}; ids are unique")
        seen.add(identity)
    return ids, values


def _quantities(table: str, column: Any, given: "pd.Series[Any]") -> list[int]:
    """Quantities in units as whole thousandths; an empty one is the default."""
    found = []
    for row, value in enumerate(given.tolist(), start=1):
        value = cell("text", column.name, value)
        value = column.default if value is None else value
        if value is None:
            raise InputError(f"{table}.{column.name}: row {row} is empty; a value is required")
        found.append(thousandths(value, name=f"{table}.{column.name}"))
    return found


def _shapes(table: str, frame: pd.DataFrame) -> Any:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return None
    crs = frame.crs
    if crs is None:
        raise CrsError(f"{table}: the frame has no CRS; set it, then convert to EPSG:{STORED_EPSG}")
    if crs.to_epsg() != STORED_EPSG and not crs.equals("OGC:CRS84", ignore_axis_order=True):
        raise CrsError(f"{table}: the frame is in {crs.name}; convert it to EPSG:{STORED_EPSG} first")
    shapes = np.array(frame.geometry.array, dtype=object)
    shapes[shapely.is_empty(shapes)] = None
    bad = np.flatnonzero(~np.isfinite(shapely.bounds(shapes)).all(axis=1) & ~shapely.is_missing(shapes))
    if len(bad):
        raise InputError(f"{table}: row {bad[0] + 1} has a coordinate that is no finite number")
    kind = schema.kind_of(table)
    allowed = kind.geometry if kind is not None and kind.geometry else ("Polygon", "MultiPolygon")
    codes = [shapely.GeometryType[name.upper()].value for name in allowed]
    bad = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), [*codes, -1]))
    if len(bad):
        raise InputError(f"{table}: row {bad[0] + 1} is a {shapes[bad[0]].geom_type}; expected {' or '.join(allowed)}")
    return shapes


def _ids(table: str, frame: pd.DataFrame, values: dict[str, list[Any]]) -> list[str]:
    kind = schema.kind_of(table)
    if "id" in frame.columns:
        ids = _cells("text", "id", frame["id"])
        if None in ids:
            raise InputError(f"{table}.id: row {ids.index(None) + 1} is empty; every row needs its id")
        return ids
    if kind is not None and kind.key not in ((), ("id",)):
        missing = [name for name in kind.key if name not in values]
        if missing:
            raise InputError(f"{table}: column {', '.join(missing)} is missing; it is part of the key")
        return [schema.id_of(parts) for parts in zip(*(values[name] for name in kind.key), strict=True)]
    if kind is None or kind.key:
        raise InputError(f"{table}: column id is missing; every row needs its external id")
    return _content_ids(table, len(frame), values)


def _content_ids(table: str, rows: int, values: dict[str, list[Any]]) -> list[str]:
    """Ids that follow from the content: the same file gives the same ids, twins are numbered."""
    names = [name for name in schema.table(table).columns.keys() if name not in _NOT_CONTENT]  # noqa: SIM118
    nothing = [None] * rows
    met: dict[str, int] = {}
    ids = []
    cells = zip(*(values.get(name, nothing) for name in names), strict=True)
    for known, shape in zip(cells, values.get("geom", nothing), strict=True):
        digest = hashlib.blake2b(repr(known).encode(), digest_size=10)
        body = geometry.wkb(shape)
        digest.update(body.encode() if isinstance(body, str) else body or b"")
        key = digest.hexdigest()
        met[key] = met.get(key, 0) + 1
        ids.append(key if met[key] == 1 else f"{key}-{met[key]}")
    return ids


def _cells(kind: str, name: str, column: "pd.Series[Any]") -> list[Any]:
    """A whole column as stored, the common cases without a call for each cell."""
    values = column.tolist()
    missing = column.isna().to_numpy(dtype=bool)
    if missing.all():
        return [None] * len(values)
    if kind == "boolean" and column.dtype == np.bool_:
        return [int(value) for value in values]
    if kind == "integer" and isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        return values
    if kind in ("text", "choice", "choices", "duty"):
        return [
            value if type(value) is str and value and not value.isspace() else cell(kind, name, value)
            for value in values
        ]
    return [None if gone else cell(kind, name, value) for value, gone in zip(values, missing, strict=True)]


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def cell(kind: str, name: str, value: Any) -> Any:
    """One value as stored; None for every way of saying nothing."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        parts = sorted(value) if isinstance(value, set | frozenset) else value
        value = ";".join(str(part) for part in parts)
    if _is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    try:
        if kind == "integer":
            number = float(value)
            if not number.is_integer():
                raise ValueError
            return int(value) if isinstance(value, int | str) else int(number)
        if kind == "number":
            number = float(value)
            if not np.isfinite(number):
                raise ValueError
            return number
        if kind == "boolean":
            if value not in (0, 1):
                raise ValueError
            return int(value)
        if kind == "date":
            if isinstance(value, date):
                return value.isoformat()[:10]
            return date.fromisoformat(str(value).strip()).isoformat()
    except (TypeError, ValueError, OverflowError):
        noun = {"integer": "a whole number", "number": "a finite number", "boolean": "true or false"}
        raise InputError(f"{name}={value!r}: expected {noun.get(kind, 'a date such as 2026-07-01')}") from None
    if kind == "datetime":
        return schema.utc_text(value)
    return value if isinstance(value, str) else str(value)


_INSERTS: dict[tuple[str, str, tuple[str, ...]], tuple[str, list[int]] | None] = {}
"""The text of every insert met so far, and the places of its values; None where the driver takes names."""


def insert_many(conn: Connection, target: sa.Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert encoded rows; where the driver takes positions, without a dictionary for each row."""
    key = (conn.dialect.name, target.name, tuple(names))
    if key not in _INSERTS:
        compiled = sa.insert(target).compile(conn, column_keys=list(names))
        order = [list(names).index(name) for name in compiled.positiontup or ()]
        _INSERTS[key] = (str(compiled), order) if compiled.positional else None
    known = _INSERTS[key]
    if known is None:
        conn.execute(sa.insert(target), [dict(zip(names, row, strict=True)) for row in rows])
        return
    text, order = known
    if order != list(range(len(names))):
        rows = [tuple(row[i] for i in order) for row in rows]
    driver = driver_of(conn)
    if driver is None:
        conn.exec_driver_sql(text, list(rows))
    elif len(rows) == 1:
        driver.execute(text, rows[0])
    else:
        driver.executemany(text, rows)


def insert_rows(conn: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; a geometry is encoded already."""
    if rows:
        names = tuple(rows[0])
        insert_many(conn, schema.table(table), names, [tuple(row[name] for name in names) for row in rows])


def read_rows(conn: Connection, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
    """The rows of a statement written by hand, with ? for each parameter: for what is asked many times a second."""
    driver = driver_of(conn)
    if driver is None:
        return conn.exec_driver_sql(sql.replace("?", "%s"), tuple(parameters)).fetchall()
    return driver.execute(sql, tuple(parameters)).fetchall()


def marks(values: Sequence[Any]) -> str:
    """As many ? as there are values, for IN (...)."""
    return ", ".join("?" * len(values))


def chunks(values: Sequence[T]) -> Iterator[list[T]]:
    """The values in lists that are short enough for one IN (...)."""
    return (list(values[i : i + _CHUNK]) for i in range(0, len(values), _CHUNK))


def _existing(
    conn: Connection, target: sa.Table, names: Sequence[str], ids: Sequence[str], *, whole: bool
) -> dict[str, tuple[Any, ...]]:
    columns = [sa.type_coerce(target.c.geom, EncodedGeometry()) if name == "geom" else target.c[name] for name in names]
    statement = sa.select(target.c.id, *columns)
    if whole or len(ids) > 20 * _CHUNK:
        rows = conn.execute(statement).fetchall()
    else:
        rows = [row for chunk in chunks(ids) for row in conn.execute(statement.where(target.c.id.in_(chunk)))]
    return {row[0]: tuple(row[1:]) for row in rows}


def _is_same(new: tuple[Any, ...], old: tuple[Any, ...], geom_at: int) -> bool:
    """Whether a row is as it was, but for digits of its numbers that a spreadsheet does not carry."""
    if new == old:
        return True
    return all(
        one == other or (_is_same_shape(one, other) if at == geom_at else _is_same_number(one, other))
        for at, (one, other) in enumerate(zip(new, old, strict=True))
    )


def _is_same_number(one: Any, other: Any) -> bool:
    return isinstance(one, float) and isinstance(other, float | int) and math.isclose(one, other, rel_tol=SAME_SHARE)


def _is_same_shape(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    if geometry.wkb(one) == geometry.wkb(other):
        return True
    first, second = geometry.decode([one, other])
    if {first.geom_type, second.geom_type} != {"Point"} or first.is_empty or second.is_empty:
        return False
    return math.isclose(first.x, second.x, rel_tol=SAME_SHARE) and math.isclose(first.y, second.y, rel_tol=SAME_SHARE)


def _make_streets(conn: Connection, names: Sequence[str | None], stamp: Mapping[str, str]) -> None:
    street = schema.table("street")
    known = set(conn.scalars(sa.select(street.c.name)))
    missing = [name for name in dict.fromkeys(names) if name is not None and name not in known]
    if missing:
        conn.execute(sa.insert(street), [{"id": name, "name": name, **stamp} for name in missing])
