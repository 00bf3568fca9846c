"""Hazards, capacity, rasters, parameters and corrections of the zoning; ages and product of villages."""

from alembic import op

from data import migrations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns; what is there stays as it is."""
    connection = op.get_bind()
    migrations.run(connection, migrations.frozen(f"v0002_{connection.dialect.name}.sql"))


def downgrade() -> None:
    """What was entered since would be lost."""
    raise NotImplementedError("going back would lose what was entered since; restore a backup instead")
