"""What is kept how long: floors of logs, times of answers, known browsers; and more in the hash of the audit."""

from alembic import op

from data import migrations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns; logs that were kept for ever may be pruned up to their floor."""
    connection = op.get_bind()
    migrations.run(connection, migrations.frozen(f"v0005_{connection.dialect.name}.sql"))


def downgrade() -> None:
    """What was entered since would be lost."""
    raise NotImplementedError("going back would lose what was entered since; restore a backup instead")
