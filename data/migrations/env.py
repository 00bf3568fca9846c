"""Alembic's entry: runs on the connection it is handed, in the transaction that is already open."""

from alembic import context

connection = context.config.attributes["connection"]
if connection is None:
    raise RuntimeError("migrations run from data.migrations.upgrade(connection) only")
context.configure(connection=connection)
context.run_migrations()
