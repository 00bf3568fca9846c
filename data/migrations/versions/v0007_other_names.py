"""What people call the items of the catalogue."""

from alembic import op

from data import migrations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column of other names."""
    connection = op.get_bind()
    migrations.run(connection, migrations.frozen(f"v0007_{connection.dialect.name}.sql"))


def downgrade() -> None:
    """What was entered since would be lost."""
    raise NotImplementedError("going back would lose what was entered since; restore a backup instead")
