"""Supplies that move: orders and their accounts, counts, agreements, vehicles, devices; accounts of users, audit."""

from alembic import op

from data import migrations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, columns and rules; what the movements so far left in transit or reserved is carried over."""
    connection = op.get_bind()
    migrations.run(connection, migrations.frozen(f"v0003_{connection.dialect.name}.sql"))


def downgrade() -> None:
    """What was entered since would be lost."""
    raise NotImplementedError("going back would lose what was entered since; restore a backup instead")
