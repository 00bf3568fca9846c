"""The first schema: a frozen copy of what `data.schema.ddl` rendered."""

from alembic import op

from data import migrations

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, trigger and GeoPackage row."""
    connection = op.get_bind()
    migrations.run(connection, migrations.frozen(f"v0001_{connection.dialect.name}.sql"))


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise NotImplementedError("the first schema has no predecessor; restore a backup instead")
