"""Views of the map that are kept under a name."""

from alembic import op

from data import migrations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of named views."""
    connection = op.get_bind()
    migrations.run(connection, migrations.frozen(f"v0006_{connection.dialect.name}.sql"))


def downgrade() -> None:
    """What was kept since would be lost."""
    raise NotImplementedError("going back would lose what was kept since; restore a backup instead")
