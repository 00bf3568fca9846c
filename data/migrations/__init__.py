"""The database's own history: Alembic migrations, run from code by `Store.create` and `Store`."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

FOLDER = Path(__file__).resolve().parent

_LOCK = threading.Lock()  # Alembic keeps its context in module globals


def config(connection: Connection | None = None) -> Any:
    """Alembic's configuration for this folder, without a file of its own."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest revision inside the transaction that `connection` is in."""
    from alembic import command

    with _LOCK:
        command.upgrade(config(connection), "head")


def frozen(name: str) -> list[str]:
    """The statements of a frozen ``.sql`` file beside the migrations; blank lines part them."""
    text = (FOLDER / "versions" / name).read_text(encoding="utf-8")
    return [statement for statement in text.strip().split("\n\n") if statement]


def run(connection: Connection, statements: list[str]) -> None:
    """Execute statements as they are, with no placeholder read into them."""
    doubles = connection.dialect.paramstyle in ("format", "pyformat")
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%") if doubles else statement)
