"""Closures drawn from a raster of water depth."""

from alembic import op

from data import migrations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there stays as it is."""
    connection = op.get_bind()
    migrations.run(connection, migrations.frozen(f"v0004_{connection.dialect.name}.sql"))


def downgrade() -> None:
    """What was entered since would be lost."""
    raise NotImplementedError("going back would lose what was entered since; restore a backup instead")
